"""Whatever is done to a tree between runs, what the index answers is what reading anew would."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from analysis.collectors.compiles import Compiles
from analysis.collectors.imports import Imports
from analysis.index import Index
from analysis.project import Project, load
from analysis.walk import Collector

NAMES = st.sampled_from(["a.py", "b.py", "c.py", "sub/d.py"])
# All of one length, so that neither size nor time tells them apart.
CONTENTS = st.sampled_from(
    [f"import {letter}\n".encode() for letter in "abc"]
    + [b"import (\n", b"return 1\n", b"x = '\xff'\n", b"# @generated"]
)
QUESTIONS: st.SearchStrategy[tuple[type[Collector], ...]] = st.sampled_from([(), (Imports,), (Compiles, Imports)])


def answers(project: Project, collectors: tuple[type[Collector], ...]) -> object:
    return project.ledger, {
        name: (one.digest, one.fault, [one.records(kind) for kind in collectors]) for name, one in project.files.items()
    }


class Edits(RuleBasedStateMachine):
    """A tree that is edited, and asked in between."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        (self.root / "sub").mkdir()
        self.saved: list[bytes] = []

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    @rule(name=NAMES, data=CONTENTS)
    def write(self, name: str, data: bytes) -> None:
        (self.root / name).write_bytes(data)

    @rule(name=NAMES, data=CONTENTS)
    def write_with_the_same_time(self, name: str, data: bytes) -> None:
        path = self.root / name
        path.write_bytes(data)
        os.utime(path, ns=(1_000_000_000, 1_000_000_000))

    @rule(name=NAMES, data=CONTENTS)
    def replace(self, name: str, data: bytes) -> None:
        (self.root / "new.tmp").write_bytes(data)
        (self.root / "new.tmp").replace(self.root / name)

    @rule(one=NAMES, other=NAMES)
    def rename(self, one: str, other: str) -> None:
        if (self.root / one).exists():
            (self.root / one).replace(self.root / other)

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    @precondition(lambda self: (self.root / ".unsnarl_cache/index.sqlite").exists())
    @rule()
    def save_the_index(self) -> None:
        self.saved.append((self.root / ".unsnarl_cache/index.sqlite").read_bytes())

    @precondition(lambda self: bool(self.saved))
    @rule()
    def put_back_an_older_index(self) -> None:
        (self.root / ".unsnarl_cache/index.sqlite").write_bytes(self.saved[-1])

    @rule(collectors=QUESTIONS, day=st.integers(0, 40), name=st.none() | NAMES)
    def ask(self, collectors: tuple[type[Collector], ...], day: int, name: str | None) -> None:
        path = self.root if name is None or not (self.root / name).exists() else self.root / name
        kept = load([path], root=self.root, collectors=collectors, jobs=1)
        anew = load([path], root=self.root, collectors=collectors, jobs=1, cache=False)
        assert answers(kept, collectors) == answers(anew, collectors)
        Index(self.root).write({}, {}, used=[b"a.py"], day=day)

    @invariant()
    def nothing_but_the_index_is_made(self) -> None:
        assert {path.name for path in self.root.iterdir()} <= {"a.py", "b.py", "c.py", "sub", ".unsnarl_cache"}


TestEdits = Edits.TestCase
TestEdits.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
