"""The version of this distribution."""

from __future__ import annotations


def version() -> str:
    """The installed version; ``0`` when run from a tree that was never installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("unsnarl")
    except PackageNotFoundError:
        return "0"
