"""The schema of the registry."""

from __future__ import annotations

from types import ModuleType

from .._schema import schema as _schema


def schema() -> ModuleType:
    """The module ``config.registry``."""
    return _schema("registry", __package__)
