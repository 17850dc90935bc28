"""Keeps a tree under repair from standing in for our packages: it may have its own ``config`` or ``runtime``.

Imports nothing but what the interpreter has loaded at its start.
"""
# pathlib is imported after the path is safe, not before:
# ruff: noqa: PTH100, PTH120, PTH208

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

OURS = ("analysis", "codemods", "config", "linters", "runtime", "unsnarl")
HOME = os.path.realpath(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def safe_path(path: list[str]) -> list[str]:
    """``path`` such that our names are found in our own home.

    Entries that hold a module of one of our names are dropped. Where packages are installed they are kept, since
    others need them, and our home is put before them.
    """
    kept: list[str] = []
    home = False
    for entry in path:
        folder = os.path.realpath(entry or os.curdir)
        if folder == HOME:
            home = True
        elif not home and _shadows(folder):
            if not _installed(folder):
                continue
            kept.append(HOME)
            home = True
        kept.append(entry)
    return kept


def _shadows(folder: str) -> bool:
    try:
        names = {name.partition(".")[0] for name in os.listdir(folder)}
    except OSError:
        return False
    return not names.isdisjoint(OURS)


def _installed(folder: str) -> bool:
    return any(folder.startswith(os.path.realpath(one) + os.sep) for one in (sys.prefix, sys.base_prefix))


def isolate() -> None:
    """Drop the shadowing entries from ``sys.path`` for good: for a process that is ours."""
    sys.path[:] = safe_path(sys.path)


@contextmanager
def isolated() -> Iterator[None]:
    """Drop them while our modules are imported, and put back what was there: for a process that is another's.

    Modules of our names that were imported from elsewhere are set aside for that time.
    """
    path = list(sys.path)
    names = [name for name in sys.modules if name.partition(".")[0] in OURS and not _is_ours(name)]
    aside = {name: sys.modules.pop(name) for name in names}
    sys.path[:] = safe_path(path)
    try:
        yield
    finally:
        sys.path[:] = path
        sys.modules.update(aside)


def _is_ours(name: str) -> bool:
    file = getattr(sys.modules[name], "__file__", None)
    return file is not None and os.path.realpath(file).startswith(HOME + os.sep)
