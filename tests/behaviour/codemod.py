"""The rewrite under test, as a function on the bytes of one program."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from analysis.project import load as load_project
from analysis.source import Source
from codemods.codemod import load as load_codemod
from codemods.engine import Engine
from config.settings import Settings
from tests.behaviour import stage


@dataclass(frozen=True)
class Result:
    """The new bytes, how many handlers were rewritten, and the reasons of those that were not."""

    data: bytes
    rewritten: int
    declined: Counter[str]


class Tree:
    """A project of two files: a program, and the module that it imports."""

    def __init__(self, *, unsafe: bool) -> None:
        # Removed when this object is, at the latest when the process ends.
        self._folder = tempfile.TemporaryDirectory(prefix="unsnarl-behaviour-")
        self.root = Path(self._folder.name)
        imported = self.root / Path(*stage.__name__.split(".")).with_suffix(".py")
        imported.parent.mkdir(parents=True)
        shutil.copy(stage.__file__, imported)
        self.settings = Settings()
        self.options = {"policy": "preserve", "unsafe": unsafe}
        self.codemod = load_codemod("safe_executor")
        self.engine = Engine(self.codemod, self.settings, self.options)

    def rewrite(self, data: bytes) -> Result:
        """What the codemod makes of ``data`` as one file of the project."""
        path = self.root / "program.py"
        path.write_bytes(data)
        project = load_project([self.root], root=self.root, collectors=self.engine.collectors, jobs=1, cache=False)
        prepared = self.codemod.prepare(project, self.settings, self.options)
        answers, new, _ = self.engine.run(
            Source.from_bytes(data, path), project.files["program.py"], prepared.get("program.py")
        )
        verdicts = Counter(answer.verdict for answer in answers)
        declined = Counter(answer.reason for answer in answers if answer.verdict == "declined")
        return Result(new, verdicts["rewritten"] + verdicts["narrowed"], declined)


@cache
def tree(unsafe: bool) -> Tree:
    """The one tree of this process."""
    return Tree(unsafe=unsafe)


def rewrite(data: bytes, *, unsafe: bool = False) -> Result:
    """Rewrite one program with ``--policy preserve``."""
    return tree(unsafe).rewrite(data)
