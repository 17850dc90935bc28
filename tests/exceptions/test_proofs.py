"""What is read up to the first assumption proves what is proved by reading to the end, and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from analysis.collectors.effects import Effects, Proofs
from analysis.collectors.handlers import catches_all, caught_types
from analysis.exceptions import Raises, solve
from analysis.source import Source
from analysis.walk import collect
from tests.exceptions.support import rows
from tests.exceptions.test_doubts import PROGRAMS
from tests.exceptions.test_sets import PROVED, body

ROOT = Path(__file__).parents[2]


def sets(texts: dict[str, str], kind: type[Effects]) -> Raises:
    records = {}
    for path, text in texts.items():
        source = Source.from_bytes(text.encode(), path)
        tree = source.parse()
        assert tree is not None, source.fault
        records[path] = collect(source, tree, [kind])[kind.topic][0]
    return solve(records)


def compared(texts: dict[str, str]) -> int:
    """Hold the two readings against each other; how many sets both call proved."""
    whole, strict = sets(texts, Effects), dict(sets(texts, Proofs))
    broad = {
        (path, node.lineno, node.col_offset)
        for path, text in texts.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Try, ast.TryStar))
        and any(catches_all(caught_types(one.type)) for one in node.handlers)
    }
    assert strict.keys() == broad
    proved = 0
    for place, full in whole:
        if place not in strict:
            continue
        found = strict[place]
        if full.proved:
            assert found.proved, (place, found)
        if found.proved:
            assert full.open is None
            assert found.types == full.types
            proved += 1
    return proved


@pytest.mark.parametrize("lines", [lines for lines, _ in PROVED])
def test_a_proof_stays_one(lines: str) -> None:
    assert compared({"subject.py": body(lines)}) == 1


@pytest.mark.parametrize(("files", "doubt"), rows(PROGRAMS))
def test_a_doubt_stays_one(files: dict[str, str], doubt: str) -> None:
    assert compared(files) == 0


def test_a_tree() -> None:
    folders = ("analysis", "codemods", "config", "linters", "runtime", "unsnarl", "tools", "examples")
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    texts = {file.relative_to(ROOT).as_posix(): file.read_text("utf-8") for file in files}
    compared({path: text for path, text in texts.items() if Source.from_bytes(text.encode(), path).parse() is not None})
