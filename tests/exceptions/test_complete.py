"""Programs in which one error once was missing from the set."""

from __future__ import annotations

import pytest

from tests.exceptions.support import only, types

EXPECTED = {
    "a class method outside a class": "TypeError",
    "a list in a tuple as a key": "TypeError",
    "a cause that is no exception": "TypeError",
    "StopIteration in a generator": "RuntimeError",
    "StopIteration in a coroutine": "RuntimeError",
    "StopIteration in a generator expression": "RuntimeError",
    "a positional parameter given by name": "TypeError",
    "a setter of a base": "ValueError",
    "an abstract class": "TypeError",
    "an abstract class by its metaclass": "TypeError",
    "a constructor that gives a value": "TypeError",
    "a constructor that is a generator": "TypeError",
    "a field that may not be mutable": "ValueError",
    "the `__getattr__` of a package": "KeyError",
    "a module that imports this one": "AttributeError",
    "the later of two stars": "ValueError",
    "what `__all__` leaves out": "AttributeError",
    "what a star does not bring": "AttributeError",
    "a submodule that nobody has imported": "AttributeError",
}

PROGRAMS = {
    "a class method outside a class": {
        "subject": """
@classmethod
def f(cls):
    raise KeyError(1)


def main():
    try:
        f()
    except Exception:
        return 0
""",
    },
    "a list in a tuple as a key": {
        "subject": """
def main():
    t = ([1], 2)
    try:
        return {t: 1}
    except Exception:
        return 0
""",
    },
    "a cause that is no exception": {
        "subject": """
def main():
    try:
        raise KeyError(1) from 5
    except Exception:
        return 0
""",
    },
    "StopIteration in a generator": {
        "subject": """
def g():
    yield 1
    raise StopIteration


def main():
    try:
        for x in g():
            pass
    except Exception:
        return 0
""",
    },
    "StopIteration in a coroutine": {
        "subject": """
import asyncio


async def g():
    raise StopIteration(2)


async def main():
    try:
        await g()
    except Exception:
        return 0
""",
    },
    "StopIteration in a generator expression": {
        "subject": """
def nx():
    raise StopIteration


def main():
    try:
        return list(nx() for _ in [1])
    except Exception:
        return 0
""",
    },
    "a positional parameter given by name": {
        "subject": """
def f(a, /):
    raise KeyError(1)


def main():
    try:
        f(a=2)
    except Exception:
        return 0
""",
    },
    "a setter of a base": {
        "subject": """
class B:
    @property
    def x(self):
        return 1

    @x.setter
    def x(self, v):
        raise ValueError(1)


class D(B):
    def f(self):
        try:
            self.x = 3
            raise KeyError(1)
        except Exception:
            return 0
""",
    },
    "an abstract class": {
        "subject": """
import abc


class A(abc.ABC):
    @abc.abstractmethod
    def f(self): ...


def main():
    try:
        A()
        raise KeyError(1)
    except Exception:
        return 0
""",
    },
    "an abstract class by its metaclass": {
        "subject": """
import abc


class A(metaclass=abc.ABCMeta):
    @abc.abstractmethod
    def f(self): ...


def main():
    try:
        A()
        raise KeyError(1)
    except Exception:
        return 0
""",
    },
    "a constructor that gives a value": {
        "subject": """
class A:
    def __init__(self):
        return 1


def main():
    try:
        A()
        raise KeyError(1)
    except Exception:
        return 0
""",
    },
    "a constructor that is a generator": {
        "subject": """
class A:
    def __init__(self):
        yield 1


def main():
    try:
        A()
        raise KeyError(1)
    except Exception:
        return 0
""",
    },
    "a field that may not be mutable": {
        "subject": """
import dataclasses


def main():
    try:

        @dataclasses.dataclass
        class A:
            x: list = []
    except Exception:
        return 0
""",
    },
    "the `__getattr__` of a package": {
        "subject": """
def main():
    try:
        from pkg import sub
    except Exception:
        return 0
""",
        "pkg__init": """
def __getattr__(n):
    raise KeyError(n)
""",
    },
    "a module that imports this one": {
        "subject": """
import a1


def main():
    try:
        a1.foo()
    except Exception:
        return 0


r = main()
""",
        "m": """
import a1
""",
        "a1": """
import subject

r = subject.r


def foo():
    raise KeyError(1)
""",
    },
    "the later of two stars": {
        "subject": """
import hub


def main():
    try:
        hub.foo()
    except Exception:
        return 0
""",
        "hub": """
from m1 import *
from m2 import *
""",
        "m1": """
def foo():
    raise KeyError(1)
""",
        "m2": """
def foo():
    raise ValueError(1)
""",
    },
    "what `__all__` leaves out": {
        "subject": """
import hub


def main():
    try:
        hub.foo()
    except Exception:
        return 0
""",
        "hub": """
from m1 import *
""",
        "m1": """
__all__ = ["bar"]


def foo():
    raise KeyError(1)


def bar():
    pass
""",
    },
    "what a star does not bring": {
        "subject": """
import hub


def main():
    try:
        hub._foo()
    except Exception:
        return 0
""",
        "hub": """
from m1 import *
""",
        "m1": """
def _foo():
    raise KeyError(1)
""",
    },
    "a submodule that nobody has imported": {
        "subject": """
import pkg


def main():
    try:
        pkg.sub.foo()
    except Exception:
        return 0
""",
        "pkg__init": "",
        "pkg__sub": """
def foo():
    raise KeyError(1)
""",
    },
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_it_is_in_the_set(what: str) -> None:
    files = dict(PROGRAMS[what])
    found = only(files.pop("subject"), **files)
    assert not found.proved or EXPECTED[what] in types(found), found


PLAIN = """
import json
import threading

LIMIT = 3
lock = threading.Lock()


class Broken(Exception):
    pass


def helper(text):
    if LIMIT > 5:
        raise Broken(text)
    return json.loads("1")


class Base:
    def step(self):
        raise KeyError(1)


class Derived(Base):
    def run(self):
        try:
            with lock:
                helper("abc")
            self.step()
            return [1, 2][LIMIT]
        except Exception:
            return 0
"""


def test_a_tree_without_tricks_stays_proved() -> None:
    found = only(PLAIN, reads="def f(self, args):\n    print(vars(args)['x'], self.__dict__.items(), type(self))\n")
    assert found.proved, found
