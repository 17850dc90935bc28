"""Programs in which one error once was missing from the set."""

from __future__ import annotations

import pytest

from tests.exceptions.support import assert_held, only, rows

PROGRAMS = """
=== a class method outside a class
@classmethod
def f(cls):
    raise KeyError(1)


def main():
    try:
        f()
    except Exception:
        return 0
=> TypeError

=== a list in a tuple as a key
def main():
    t = ([1], 2)
    try:
        return {t: 1}
    except Exception:
        return 0
=> TypeError; `t` is taken to be a key of a built-in type (line 5)

=== a cause that is no exception
def main():
    try:
        raise KeyError(1) from 5
    except Exception:
        return 0
=> TypeError; `5` is taken to be an exception (line 4)

=== StopIteration in a generator
def g():
    yield 1
    raise StopIteration


def main():
    try:
        for x in g():
            pass
    except Exception:
        return 0
=> RuntimeError

=== StopIteration in a coroutine
import asyncio


async def g():
    raise StopIteration(2)


async def main():
    try:
        await g()
    except Exception:
        return 0
=> RuntimeError

=== StopIteration in a generator expression
def nx():
    raise StopIteration


def main():
    try:
        return list(nx() for _ in [1])
    except Exception:
        return 0
=> RuntimeError

=== a positional parameter given by name
def f(a, /):
    raise KeyError(1)


def main():
    try:
        f(a=2)
    except Exception:
        return 0
=> TypeError

=== a setter of a base
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
=> ValueError

=== an abstract class
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
=> TypeError

=== an abstract class by its metaclass
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
=> TypeError

=== a constructor that gives a value
class A:
    def __init__(self):
        return 1


def main():
    try:
        A()
        raise KeyError(1)
    except Exception:
        return 0
=> TypeError

=== a constructor that is a generator
class A:
    def __init__(self):
        yield 1


def main():
    try:
        A()
        raise KeyError(1)
    except Exception:
        return 0
=> TypeError

=== a field that may not be mutable
import dataclasses


def main():
    try:

        @dataclasses.dataclass
        class A:
            x: list = []
    except Exception:
        return 0
=> ValueError

=== the `__getattr__` of a package
def main():
    try:
        from pkg import sub
    except Exception:
        return 0
--- pkg/__init__.py
def __getattr__(n):
    raise KeyError(n)
=> KeyError

=== a module that imports this one
import a1


def main():
    try:
        a1.foo()
    except Exception:
        return 0


r = main()
--- m.py
import a1
--- a1.py
import subject

r = subject.r


def foo():
    raise KeyError(1)
=> AttributeError

=== the later of two stars
import hub


def main():
    try:
        hub.foo()
    except Exception:
        return 0
--- hub.py
from m1 import *
from m2 import *
--- m1.py
def foo():
    raise KeyError(1)
--- m2.py
def foo():
    raise ValueError(1)
=> ValueError

=== what `__all__` leaves out
import hub


def main():
    try:
        hub.foo()
    except Exception:
        return 0
--- hub.py
from m1 import *
--- m1.py
__all__ = ["bar"]


def foo():
    raise KeyError(1)


def bar():
    pass
=> AttributeError

=== what a star does not bring
import hub


def main():
    try:
        hub._foo()
    except Exception:
        return 0
--- hub.py
from m1 import *
--- m1.py
def _foo():
    raise KeyError(1)
=> AttributeError

=== a submodule that nobody has imported
import pkg


def main():
    try:
        pkg.sub.foo()
    except Exception:
        return 0
--- pkg/__init__.py
--- pkg/sub.py
def foo():
    raise KeyError(1)
=> AttributeError

=== the member behind a slice of a tuple
def main():
    try:
        return (1, "a")[1:][1]
    except Exception:
        return 0
=> IndexError

=== a tuple that is repeated
def main():
    try:
        x, y = (1, "a") * 2
    except Exception:
        return 0
=> ValueError

=== a tuple with another behind it
def main():
    try:
        x, y = (1, "a") + (2, "b")
    except Exception:
        return 0
=> ValueError

=== what stands behind the comma of a single member
def main():
    try:
        return (5,)[1]
    except Exception:
        return 0
=> IndexError

=== the sum of a number and a complex one
def main():
    x = 1 + (1j if len("a") else 2.0)
    try:
        return x < 3
    except Exception:
        return 0
=> TypeError

=== a list or a set, the other way round
def main():
    try:
        return reversed([1] if len("") else {1})
    except Exception:
        return 0
=> TypeError

=== an order that is no truth value, but a large number
def main():
    try:
        return sorted([1], reverse=1099511627776)
    except Exception:
        return 0
=> OverflowError

=== a set of all members of a list
def main():
    try:
        return {*[[1]]}
    except Exception:
        return 0
=> TypeError

=== a set of all members of a tuple
def main():
    try:
        return {*([1], 2)}
    except Exception:
        return 0
=> TypeError
"""


@pytest.mark.parametrize(("files", "answer"), rows(PROGRAMS))
def test_it_is_in_the_set(files: dict[str, str], answer: str) -> None:
    assert_held(files, answer)


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
