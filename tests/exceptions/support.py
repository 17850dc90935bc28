"""Ask for the sets of source text, without a tree on disk."""

from __future__ import annotations

import ast
import builtins
import importlib
from pathlib import PurePosixPath
from textwrap import dedent
from typing import Any

from analysis.collectors.effects import Effects
from analysis.effects.records import Module
from analysis.exceptions import Raises, RaiseSet, solve
from analysis.source import Source
from analysis.walk import collect


def record(text: str, path: str = "subject.py") -> Module:
    """The effects of one file."""
    source = Source.from_bytes(dedent(text).encode(), PurePosixPath(path))
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
    for node in ast.walk(ast.parse(dedent(text))):
        if isinstance(node, ast.Try | ast.TryStar):
            return answers(subject=text, **others).of("subject.py", node.lineno, node.col_offset)
    raise AssertionError("no `try` in the text")


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
