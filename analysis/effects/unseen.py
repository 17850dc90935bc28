"""Files of a tree that were not read: nothing is known of them but the words they hold."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.source import read_regular

if TYPE_CHECKING:
    from analysis.project import Project

_MOST = 4000
"""With more files than that left out, every name is taken to be in one of them."""
_INSTALLED = ("environment", "version control", "cache", "link")


class Unseen:
    """What the files of ``project`` that have no facts speak of: those that do not parse, and those left out.

    A class that one of them derives from a class of the tree changes what ``self.method()`` means there. What is
    installed in an environment below the root is taken not to.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._texts: list[tuple[str, bytes]] | None = None
        self._told: dict[str, str | None] = {}
        self._too_many = False

    def speaks_of(self, name: str) -> str | None:
        """The first file that holds the word ``name``; None when none does."""
        if name not in self._told:
            self._told[name] = self._look(name)
        return self._told[name]

    def _look(self, name: str) -> str | None:
        if self._texts is None:
            self._texts = list(self._read())
        if self._too_many:
            return "one of the files that were left out"
        word = name.encode()
        pattern = re.compile(rb"%b(?!\w)(?<!\w%b)" % (re.escape(word), re.escape(word)))
        return next((path for path, text in self._texts if word in text and pattern.search(text)), None)

    def _read(self) -> Iterator[tuple[str, bytes]]:
        for number, path in enumerate(self._paths()):
            if number >= _MOST:
                self._too_many = True
                return
            try:
                yield path, read_regular(os.fspath(self._project.root / path))[0]
            except (OSError, MemoryError):
                continue

    def _paths(self) -> Iterator[str]:
        project = self._project
        # Without the patterns of the settings: what they exclude is among the files then.
        whole = project.below_root(ignored=True)
        for name in whole.files:
            facts = project.files.get(name)
            if (facts is None or facts.fault is not None) and name not in project.generated:
                yield name
        for name, reason in whole.excluded.items():
            if any(word in reason for word in _INSTALLED):
                continue
            if not name.endswith("/"):
                if name.endswith((".py", ".pyw")):
                    yield name
                continue
            for folder, _, names in os.walk(project.root / name):
                inside = Path(folder).relative_to(project.root).as_posix()
                yield from (f"{inside}/{one}" for one in sorted(names) if one.endswith((".py", ".pyw")))
