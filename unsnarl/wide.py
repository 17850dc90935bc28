"""What the rules that look across files say of the files that flake8 is about to check.

flake8 shows a plugin one file at a time, in processes of its own. So the trees are looked at once, when the options are
read and before flake8 starts its processes: those that it forks have the answer, others find it in the index.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from linters.rule import Rule, TreeRule
from unsnarl.files import whole
from unsnarl.session import Session, Surveyed

if TYPE_CHECKING:
    import argparse


class Wide(NamedTuple):
    """A tree that was looked at: its root, the rules that did, and what they found."""

    root: Path
    rules: Sequence[Rule]
    surveyed: Surveyed

    @property
    def prefix(self) -> str:
        """What the absolute names of its files begin with."""
        root = str(self.root)
        return root if root.endswith(os.sep) else root + os.sep


def survey(options: argparse.Namespace, codes: Sequence[str]) -> list[Wide]:
    """What the rules ``codes`` find in the trees of the files that flake8 was given. Raises Trouble.

    A tree that nothing marks the beginning of is looked at where it was given as a whole.
    """
    found = []
    for session in _sessions(options):
        wide = [one for one in session.rules(codes) if isinstance(one, TreeRule)]
        if wide and (session.anchored or session.covered):
            found.append(Wide(session.root, wide, _look(session, wide, options)))
    # The tree that is nearest to a file comes first.
    return sorted(found, key=lambda one: (-len(one.prefix), one.prefix))


def _look(session: Session, wide: Sequence[TreeRule], options: argparse.Namespace) -> Surveyed:
    name = _buffer(options)
    source = None
    if name is not None:
        from flake8.utils import stdin_get_value

        source = name, stdin_get_value().encode("utf-8", "surrogatepass")
    return session.look(wide, source=source, jobs=_jobs(options))


def _sessions(options: argparse.Namespace) -> Iterable[Session]:
    """One for each tree that a file or folder of the command line lies in."""
    config = options.unsnarl_config or None
    buffer = _buffer(options)
    groups: dict[Path, list[str]] = {}
    folders: dict[Path, Path] = {}
    for name in [buffer] if buffer is not None else options.filenames or ["."]:
        place = whole(name)
        folder = place if place.is_dir() else place.parent
        if folder not in folders:
            folders[folder] = Session((name,), config).root
        groups.setdefault(folders[folder], []).append(name)
    return [Session(names, config) for names in groups.values()]


def _buffer(options: argparse.Namespace) -> str | None:
    """What the source on stdin goes by; None where there is none."""
    return (options.stdin_display_name or "stdin") if "-" in (options.filenames or ()) else None


def _jobs(options: argparse.Namespace) -> int | None:
    # flake8's own processes may not start any.
    if multiprocessing.current_process().daemon:
        return 1
    return None if options.jobs.is_auto else max(1, options.jobs.n_jobs)
