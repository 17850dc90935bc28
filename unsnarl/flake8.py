"""flake8's entry point: a thin door, so that ``python -m flake8`` in a tree with its own ``config`` finds ours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

from unsnarl.isolation import isolated

with isolated():
    from linters.plugin import Checker
    from linters.rule import Selection, TreeRule, kinds

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from linters.rule import Finding, Rule
    from unsnarl.wide import Wide


class Plugin(Checker):
    """The checker of ``linters.plugin``, with what the rules that look across files say where they are selected."""

    _trees: ClassVar[Sequence[Wide]] = ()

    @classmethod
    def parse_options(cls, options: argparse.Namespace) -> None:
        """Read the settings, and the trees where that is asked for. Raises flake8's ExecutionError."""
        with isolated():
            super().parse_options(options)
            codes = _named(options)
            cls._trees = _survey(options, codes) if codes else ()

    def wide(self) -> tuple[Sequence[Rule], Sequence[Finding] | None]:
        """The rules that have looked at the tree of this file, and what they found in it; None where none did."""
        path = os.path.abspath(self._filename)  # noqa: PTH100 - links stay what they are called
        for tree in self._trees:
            if path.startswith(tree.prefix):
                return tree.rules, tree.surveyed.of(path[len(tree.prefix) :].replace(os.sep, "/"))
        return (), None


def _named(options: argparse.Namespace) -> list[str]:
    """The rules that look across files, where flake8 was told to select them by themselves or by their tens.

    ``E9`` is what flake8 calls the whole plugin, and selects by default: it does not ask for more than one file.
    """
    select = [*(options.select or ()), *(options.extend_select or ())]
    ignore = [*(options.ignore or ()), *(options.extend_ignore or ())]
    chosen = Selection(tuple(one for one in select if len(one) > len("E9")), tuple(ignore))
    wide = [code for code, kind in kinds().items() if issubclass(kind, TreeRule)]
    return [code for code in wide if chosen.select and chosen.takes(code)]


def _survey(options: argparse.Namespace, codes: Sequence[str]) -> Sequence[Wide]:
    # Only now: flake8 does without what a whole tree takes.
    from unsnarl.trouble import Trouble
    from unsnarl.wide import survey

    try:
        return survey(options, codes)
    except Trouble as error:
        from flake8.exceptions import ExecutionError

        raise ExecutionError(error.message) from None
