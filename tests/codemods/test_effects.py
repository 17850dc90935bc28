"""What the statements of a module do: two that do not clash come to the same in either order."""

from __future__ import annotations

import ast
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codemods.cutting.effects import Effect, Effects

HEAD = """
import collections
import os
import re
import tempfile
from dataclasses import dataclass, field
from functools import lru_cache
from os import environ, getenv as find
from pathlib import Path


def double(value):
    return value * 2


def count(known=[]):
    known.append(1)
    return len(known)


def change():
    os.environ["UNSNARL"] = "changed"


def look():
    return os.environ.get("UNSNARL")


class Plain:
    def __init__(self, value):
        self.value = double(value)

    def __eq__(self, other):
        return self.value == other.value


class Changing:
    def __init__(self):
        change()


class Below(Changing):
    pass


@dataclass
class Made:
    names: list = field(default_factory=list)


KNOWN = []


def register(one):
    KNOWN.append(one.__name__)
    return len(KNOWN)
"""

NONE = (
    "A = re.compile('[a-z]').pattern",
    "B = double(3)",
    "C = Plain(3)",
    "D = Made()",
    "E = ' '.join(['a', 'b'])",
    "F = collections.OrderedDict(a=1)",
    "G = lambda: change()",
    "H = Path('a') / 'b'",
    "def i():\n    change()",
    "@lru_cache\ndef j():\n    change()\nj = 5",
)
READS = (
    "K = os.environ.get('UNSNARL')",
    "L = find('UNSNARL')",
    "M = environ['HOME'] if 'UNSNARL' in environ else look()",
    "N = look()",
    "class O:\n    known = os.getcwd()",
    "def p(known=os.getenv('UNSNARL')):\n    return known",
    "Q = [os.environ.get(name) for name in ('UNSNARL',)]",
    "if look():\n    R = 5\nelse:\n    R = 6",
)
ACTS = (
    "S = change()",
    "T = Changing() and 5",
    "U = Below() and 5",
    "V = count()",
    "W = os.chdir(tempfile.gettempdir())",
    "@register\nclass X:\n    pass",
    "class Y:\n    known = change()",
    "try:\n    Z = change()\nexcept OSError:\n    Z = None",
    "AA = os.environ.setdefault('UNSNARL', 'default')",
    "AB = register(Plain)",
)
ALL = {**dict.fromkeys(NONE, Effect.NONE), **dict.fromkeys(READS, Effect.READS), **dict.fromkeys(ACTS, Effect.ACTS)}
NAMES = {
    "collections": "collections",
    "os": "os",
    "re": "re",
    "tempfile": "tempfile",
    "dataclass": "dataclasses.dataclass",
    "field": "dataclasses.field",
    "lru_cache": "functools.lru_cache",
    "environ": "os.environ",
    "find": "os.getenv",
    "Path": "pathlib.Path",
}


def effects() -> Effects:
    body = ast.parse(HEAD).body
    defined = {one.name: one for one in body if isinstance(one, (ast.FunctionDef, ast.ClassDef))}
    return Effects(NAMES, defined, lambda module: module.startswith("app"))


@pytest.mark.parametrize("text", ALL, ids=lambda text: text.split("\n")[0])
def test_how_far_a_statement_reaches(text: str) -> None:
    assert max(map(effects().of, ast.parse(text).body)) is ALL[text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("A = app.LEVEL", Effect.READS), ("A = app.level()", Effect.ACTS), ("A = os.sep", Effect.NONE)],
)
def test_what_a_module_of_the_tree_has_may_change(text: str, expected: Effect) -> None:
    assert (
        Effects({"app": "app", "os": "os"}, {}, lambda module: module == "app").of(ast.parse(text).body[0]) is expected
    )


@contextmanager
def _unchanged() -> Iterator[None]:
    folder, before = Path.cwd(), dict(os.environ)
    try:
        yield
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)


def _outcome(*texts: str) -> dict[str, object]:
    with _unchanged():
        space: dict[str, object] = {"__name__": __name__}
        exec(compile(HEAD, "effects", "exec", dont_inherit=True), space)
        before = set(space)
        for text in texts:
            exec(text, space)
        new = {name: one for name, one in space.items() if name not in before and not callable(one)}
        plain = {name: vars(one) if type(one).__module__ == __name__ else one for name, one in new.items()}
        known = {name: getattr(one, "known", None) for name, one in space.items() if isinstance(one, type)}
        return {**plain, **known, "environment": dict(os.environ), "folder": Path.cwd(), "KNOWN": space["KNOWN"]}


def test_two_that_do_not_clash_come_to_the_same_in_either_order() -> None:
    clashing = 0
    for first, second in itertools.combinations(ALL, 2):
        if ALL[first].clashes(ALL[second]):
            clashing += 1
        else:
            assert _outcome(first, second) == _outcome(second, first), (first, second)
    assert clashing == len(ACTS) * len(READS) + len(ACTS) * (len(ACTS) - 1) // 2
