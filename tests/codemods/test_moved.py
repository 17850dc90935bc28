"""Where findings stand once the changes of a run are written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.source import Source
from codemods.compose import apply
from codemods.moved import Moved, moved
from codemods.outcome import Answer, Outcome
from tests.cli.support import unsnarl, write

OLD = b"import a\n\nx = 1; y = 2\nz = 3\n"


@pytest.mark.parametrize(
    ("edits", "place", "expected"),
    [
        ([], (3, 8), (3, 8)),
        ([(9, 9, b"import b\nimport c\n")], (3, 8), (5, 8)),
        ([(9, 9, b"import b\n")], (1, 1), (1, 1)),
        ([(0, 0, b"import b\n")], (1, 1), (2, 1)),
        ([(10, 10, b"    ")], (3, 8), (3, 12)),
        # What was replaced begins where that which took its place does.
        ([(10, 15, b"longer = 1")], (3, 3), (3, 1)),
        ([(10, 15, b"longer = 1")], (3, 8), (3, 13)),
        ([(10, 17, b"")], (3, 8), (3, 1)),
        ([(0, 9, b""), (23, 23, b"# end\n")], (3, 8), (2, 8)),
        ([(9, 10, b""), (17, 22, b"y\n= 2")], (4, 1), (4, 1)),
        # A place that is in no file stays.
        ([(0, 0, b"import b\n")], (0, 0), (0, 0)),
        ([(0, 0, b"import b\n")], (70, 1), (70, 1)),
    ],
)
def test_a_place(edits: list[tuple[int, int, bytes]], place: tuple[int, int], expected: tuple[int, int]) -> None:
    assert Moved(Source.from_bytes(OLD, "old"), edits).place(*place) == expected


@pytest.mark.parametrize("head", ["", "\ufeff", "# coding: latin-1\n", "# coding: utf-8\n"])
def test_columns_are_characters_in_every_encoding(head: str) -> None:
    encoding = "latin-1" if "latin" in head else "utf-8"
    text = f"{head}x = 'äöü'; y = 2\n"
    line = text.count("\n")
    column = text.splitlines()[-1].lstrip("\ufeff").index("y") + 1
    at = text.encode(encoding).index(b"x")
    data = text.encode(encoding)
    old = Source.from_bytes(data, "old")
    assert Moved(old, [(at, at, "é = 1\n".encode(encoding))]).place(line, column) == (line + 1, column)
    assert Moved(old, [(len(data), len(data), b"z = 1\n")]).place(line, column) == (line, column)


LINES = st.lists(st.sampled_from(["a = 1", "", "  ", "bb; cc", "ö = 'ü'", "\tx"]), min_size=1, max_size=8)


@given(LINES, st.data())
def test_what_is_kept_is_found_again(lines: list[str], draw: st.DataObject) -> None:
    old = "".join(f"{one}\n" for one in lines).encode()
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(lines)), max_size=4, unique=True)))
    starts = [len("".join(f"{one}\n" for one in lines[:at]).encode()) for at in cuts]
    edits = [(start, start, f"new{at}\n".encode()) for at, start in enumerate(starts)]
    new = apply(old, edits).decode().splitlines()
    mover = Moved(Source.from_bytes(old, "old"), edits)
    for number, text in enumerate(lines, 1):
        for column in range(1, len(text) + 1):
            line, found = mover.place(number, column)
            assert (new[line - 1], found) == (text, column)


def test_details_move_with_what_they_speak_of() -> None:
    answers = (Answer("declined", "E900", 4, 1, "f", "r", "at line 3, as b.py:3 and c.py:3 say; 3 lines, (a.py:4)"),)
    edited = Outcome("a.py", answers, ((9, 9, b"import b\n"),), b"old", b"new")
    other = Outcome("b.py", (), ((0, 0, b"\n\n"),), b"old", b"new")
    (one, *_) = moved([edited, other, Outcome("c.py", answers)], lambda _: OLD)
    assert one.answers[0].detail == "at line 4, as b.py:5 and c.py:3 say; 3 lines, (a.py:5)"
    assert (one.answers[0].line, one.answers[0].column) == (5, 1)
    # Where the text was at hand its own lines are done already, and no file is read for them.
    mover = Moved(Source.from_bytes(OLD, "a.py"), edited.edits, apply(OLD, edited.edits))
    plain = msgspec.structs.replace(answers[0], detail="at line 3")
    known = msgspec.structs.replace(edited, answers=(plain,), later=(mover.answer(plain),))
    assert moved([known], lambda _: pytest.fail("it was read")) == moved(
        [msgspec.structs.replace(known, later=())], lambda _: OLD
    )
    known = msgspec.structs.replace(edited, later=tuple(map(mover.answer, answers)))
    assert moved([known, other, Outcome("c.py", answers)], lambda _: OLD)[0] == one
    # What is made has no old text, and what cannot be read stays as it was.
    assert moved([Outcome("d.py", answers, ((0, 0, b"x"),))], lambda _: OLD)[0].answers == answers
    assert moved([edited], lambda _: None)[0].answers == answers


TREE: dict[str, str | bytes] = {
    "two.py": "class A:\n    def go(self):\n        self.s.bind('tcp://*:5600')\n\n\nclass B:\n    def go(self):\n"
    "        self.s.bind('tcp://*:5600')\n        self.s.bind('tcp://*:5601')\n",
}


def places(done: subprocess.CompletedProcess[str]) -> list[tuple[int, int]]:
    return [(one["line"], one["column"]) for one in json.loads(done.stdout)["declined"]]


def test_a_run_that_wrote_tells_the_places_in_the_files_as_they_are(tmp_path: Path) -> None:
    write(tmp_path, TREE)
    old = [(3, 21), (8, 21)]
    for dry in ("--check", "--diff"):
        assert places(unsnarl("fix", "get_port", dry, "--format=json", ".", cwd=tmp_path)) == old
    before = unsnarl("fix", "get_port", "--check", ".", cwd=tmp_path).stdout
    assert "two.py:3:21: E910 declined" in before
    done = unsnarl("fix", "get_port", "--allow-dirty", ".", cwd=tmp_path)
    # Two lines of imports went in above.
    left = subprocess.run(
        [sys.executable, "-m", "flake8", "--isolated", "--select=E910", "two.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    told = [line.split(": ")[0] for line in done.stdout.splitlines() if "declined" in line]
    assert told == [line.split(": ")[0] for line in left.splitlines()]
    assert told and told[0] != "two.py:3:21"
    # The owner that the reason names is at its new place, too.
    (first, _) = (line for line in done.stdout.splitlines() if "declined" in line)
    assert f"(two.py:{told[1].split(':')[1]})" in first


def test_json_of_a_run_that_wrote(tmp_path: Path) -> None:
    write(tmp_path, TREE)
    done = unsnarl("fix", "get_port", "--allow-dirty", "--format=json", ".", cwd=tmp_path)
    document: dict[str, Any] = json.loads(done.stdout)
    assert (document["version"], document["written"]) == (2, True)
    source = (tmp_path / "two.py").read_text().splitlines()
    for line, column in places(done):
        assert source[line - 1][column - 1 :].startswith("'tcp://*:5600'")
