"""flake8's entry point: a thin door, so that ``python -m flake8`` in a tree with its own ``config`` finds ours."""

from __future__ import annotations

from unsnarl.isolation import isolated

with isolated():
    from linters.plugin import Checker


class Plugin(Checker):
    """The checker of ``linters.plugin``, under the name that the installed entry point has."""
