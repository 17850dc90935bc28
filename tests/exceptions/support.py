"""Ask for the sets of source text, without a tree on disk."""

from __future__ import annotations

import ast
import builtins
import importlib
import re
from textwrap import dedent
from typing import Any

import pytest

from analysis.collectors.effects import Effects
from analysis.effects.records import Module
from analysis.exceptions import Raises, RaiseSet, solve
from analysis.source import Source
from analysis.walk import collect


def record(text: str, path: str = "subject.py") -> Module:
    """The effects of one file."""
    source = Source.from_bytes(dedent(text).encode(), path)
    tree = source.parse()
    assert tree is not None, source.fault
    found: Module = collect(source, tree, [Effects])[Effects.topic][0]
    return found


def answers(**files: str) -> Raises:
    """The sets of a tree given as ``name=text``; ``__`` in a name stands for a slash."""
    texts = {f"{name.replace('__', '/')}.py".replace("/init.py", "/__init__.py"): text for name, text in files.items()}
    return solve({path: record(text, path) for path, text in sorted(texts.items())})


def only(text: str, **others: str) -> RaiseSet:
    """The set of the first ``try`` of ``text``."""
    line, col = _first(text)
    return answers(subject=text, **others).of("subject.py", line, col)


def of_tree(files: dict[str, str]) -> RaiseSet:
    """The set of the first ``try`` of ``subject.py`` in a tree given by paths."""
    line, col = _first(files["subject.py"])
    return solve({path: record(text, path) for path, text in sorted(files.items())}).of("subject.py", line, col)


def _first(text: str) -> tuple[int, int]:
    for node in ast.walk(ast.parse(dedent(text))):
        if isinstance(node, ast.Try | ast.TryStar):
            return node.lineno, node.col_offset
    raise AssertionError("no `try` in the text")


def rows(table: str) -> list[Any]:
    """The rows of a table of programs; each is a tree, by paths, and what is said of the first ``try`` in it::

        === what the program is about
        import other
        ...
        --- other.py
        ...
        => what is said

    What stands before the first ``---`` is ``subject.py``. The lines of a file are counted from its heading.
    """
    found: dict[str, Any] = {}
    for row in re.split(r"^=== ", table, flags=re.MULTILINE)[1:]:
        program, arrow, answer = row.partition("\n=> ")
        title, _, text = program.partition("\n")
        assert arrow and title not in found, title
        parts = ["subject.py", *re.split(r"^--- (.+)$\n?", text, flags=re.MULTILINE)]
        texts = zip(parts[::2], parts[1::2], strict=True)
        files = {path: f"\n{text.rstrip()}\n" if text.strip() else "" for path, text in texts}
        found[title] = pytest.param(files, answer.strip(), id=title)
    return list(found.values())


def assert_held(files: dict[str, str], answer: str) -> None:
    """``answer`` is an error that the program ends with; if the set is not proved, ``; `` and the doubt follow it."""
    error, _, doubt = answer.partition("; ")
    found = of_tree(files)
    assert not found.proved or error in types(found), found
    assert said(found) == doubt, found


def said(found: RaiseSet) -> str:
    """What is told about a set that is not proved."""
    return found.open or found.assumed or ""


def types(found: RaiseSet) -> set[str]:
    """The types of a set that must not be open."""
    assert found.open is None, found.open
    return set(found.types)


def real(name: str) -> Any:
    """The class that a public name means."""
    if "." not in name:
        return getattr(builtins, name)
    head, _, tail = name.rpartition(".")
    while True:
        try:
            found: Any = importlib.import_module(head)
            break
        except ModuleNotFoundError:
            head, _, more = head.rpartition(".")
            tail = f"{more}.{tail}"
            if not head:
                raise
    for part in tail.split("."):
        found = getattr(found, part)
    return found
