"""Names that may not be there, or not be what they were when the tree was read."""

from __future__ import annotations

import pytest

from tests.exceptions.support import only, types

EXPECTED = {
    "a name that is bound in one branch": "AttributeError",
    "a name that a loop may not bind": "AttributeError",
    "a method that is bound in one branch": "AttributeError",
    "a method of the base behind it": "ValueError",
    "a method that is deleted": "ValueError",
    "a constructor that is bound in one branch": "ValueError",
    "a function that is deleted": "AttributeError",
    "a comprehension in a class body": "NameError",
    "what a base keeps in its instances": "ValueError",
    "a function with the name of a module": "TypeError",
    "a list that a comprehension changes": "TypeError",
    "a group of nothing": "ValueError",
    "a built-in name set in a module": "OSError",
    "a class method of a class that is derived from": "ValueError",
    "an instance method of computed bases": "ValueError",
    "a handler of no exception": "TypeError",
}

PROGRAMS = {
    "a name that is bound in one branch": {
        "subject": """
import other


def main():
    try:
        other.foo()
    except Exception:
        return 0
""",
        "other": """
import sys

if not sys.argv:

    def foo():
        raise KeyError(1)
""",
    },
    "a name that a loop may not bind": {
        "subject": """
import other


def main():
    try:
        return other.foo
    except Exception:
        return 0
""",
        "other": """
for foo in []:
    pass
""",
    },
    "a method that is bound in one branch": {
        "subject": """
import sys


class A:
    if not sys.argv:

        def step(self):
            raise KeyError(1)

    def f(self):
        try:
            self.step()
        except Exception:
            return 0
""",
    },
    "a method of the base behind it": {
        "subject": """
import sys


class B:
    def step(self):
        raise ValueError(1)


class A(B):
    if not sys.argv:

        def step(self):
            raise KeyError(1)

    def f(self):
        try:
            self.step()
        except Exception:
            return 0
""",
    },
    "a method that is deleted": {
        "subject": """
class B:
    def step(self):
        raise ValueError(1)


class A(B):
    def step(self):
        raise KeyError(1)

    del step

    def f(self):
        try:
            self.step()
        except Exception:
            return 0
""",
    },
    "a constructor that is bound in one branch": {
        "subject": """
import sys


class B:
    def __init__(self):
        raise ValueError(1)


class A(B):
    if not sys.argv:

        def __init__(self):
            raise KeyError(1)


def main():
    try:
        A()
    except Exception:
        return 0
""",
    },
    "a function that is deleted": {
        "subject": """
import other


def main():
    try:
        other.foo()
    except Exception:
        return 0
""",
        "other": """
def foo():
    raise KeyError(1)


del foo
""",
    },
    "a comprehension in a class body": {
        "subject": """
class A:
    n = 1
    try:
        y = [[1, 2][n] for _ in [1]]
    except Exception:
        r = repr(e)
""",
    },
    "what a base keeps in its instances": {
        "subject": """
def bad():
    raise ValueError(1)


class Base:
    def __init__(self):
        self.step = bad


class A(Base):
    def step(self):
        raise KeyError(1)

    def f(self):
        try:
            self.step()
        except Exception:
            return 0
""",
    },
    "a function with the name of a module": {
        "subject": """
import pkg
import pkg.sub


def main():
    try:
        pkg.sub()
    except Exception:
        return 0
""",
        "pkg__init": """
def sub():
    raise KeyError(1)
""",
        "pkg__sub": "",
    },
    "a list that a comprehension changes": {
        "subject": """
def main():
    try:
        return [(x.append("s"), [1, 2][x[1]]) for x in [[1]]]
    except Exception:
        return 0
""",
    },
    "a group of nothing": {
        "subject": """
def main():
    try:
        raise ExceptionGroup("x", [])
    except Exception:
        return 0
""",
    },
    "a built-in name set in a module": {
        "subject": """
def main():
    try:
        return ord("ab")
    except Exception:
        return 0
""",
        "m": """
import subject


def bad(x):
    raise OSError(1)


subject.ord = bad
""",
    },
    "a class method of a class that is derived from": {
        "subject": """
class A:
    def step(self):
        raise KeyError(1)

    @classmethod
    def make(cls):
        try:
            cls().step()
        except Exception:
            return 0


class B(A):
    def step(self):
        raise ValueError(1)
""",
    },
    "an instance method of computed bases": {
        "subject": """
class B:
    def step(self):
        raise KeyError(1)

    def f(self):
        try:
            self.step()
        except Exception:
            return 0


def mk(base):
    class S(base):
        def step(self):
            raise ValueError(2)

    return S
""",
    },
    "a handler of no exception": {
        "subject": """
def main():
    try:
        f("x")
    except Exception:
        return 0


def f(t):
    try:
        raise KeyError(1)
    except (ValueError, t):
        pass
""",
    },
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_it_is_in_the_set_or_the_set_is_not_proved(what: str) -> None:
    files = dict(PROGRAMS[what])
    found = only(files.pop("subject"), **files)
    assert not found.proved or EXPECTED[what] in types(found), found
