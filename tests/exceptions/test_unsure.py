"""Names that may not be there, or not be what they were when the tree was read."""

from __future__ import annotations

import pytest

from tests.exceptions.support import assert_held, rows

PROGRAMS = """
=== a name that is bound in one branch
import other


def main():
    try:
        other.foo()
    except Exception:
        return 0
--- other.py
import sys

if not sys.argv:

    def foo():
        raise KeyError(1)
=> AttributeError

=== a name that a loop may not bind
import other


def main():
    try:
        return other.foo
    except Exception:
        return 0
--- other.py
for foo in []:
    pass
=> AttributeError

=== a method that is bound in one branch
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
=> AttributeError

=== a method of the base behind it
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
=> ValueError

=== a method that is deleted
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
=> ValueError; the call to `self.step` at line 15 is unknown

=== a constructor that is bound in one branch
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
=> ValueError

=== a function that is deleted
import other


def main():
    try:
        other.foo()
    except Exception:
        return 0
--- other.py
def foo():
    raise KeyError(1)


del foo
=> AttributeError

=== a comprehension in a class body
class A:
    n = 1
    try:
        y = [[1, 2][n] for _ in [1]]
    except Exception:
        r = repr(e)
=> NameError; `n` is taken to be an index of a built-in type (line 5)

=== what a base keeps in its instances
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
=> ValueError; the call to `self.step` at line 17 is unknown

=== a function with the name of a module
import pkg
import pkg.sub


def main():
    try:
        pkg.sub()
    except Exception:
        return 0
--- pkg/__init__.py
def sub():
    raise KeyError(1)
--- pkg/sub.py
=> TypeError; the call to `pkg.sub` at line 8 is unknown (`sub`, which is a module of the package too)

=== a list that a comprehension changes
def main():
    try:
        return [(x.append("s"), [1, 2][x[1]]) for x in [[1]]]
    except Exception:
        return 0
=> TypeError; `x[]` is taken to be an index of a built-in type (line 4)

=== a group of nothing
def main():
    try:
        raise ExceptionGroup("x", [])
    except Exception:
        return 0
=> ValueError

=== a built-in name set in a module
def main():
    try:
        return ord("ab")
    except Exception:
        return 0
--- m.py
import subject


def bad(x):
    raise OSError(1)


subject.ord = bad
=> OSError; `ord`, which the tree replaces, is taken to raise what the library's own does

=== a class method of a class that is derived from
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
=> ValueError; a class method of `A` is taken to be called on that very class

=== an instance method of computed bases
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
=> ValueError; `self.step` is taken not to be overridden in a class made by bases that cannot be read (line 8)

=== a handler of no exception
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
=> TypeError; in `f`, called at line 4: `t` is taken to be an exception (line 12)
"""


@pytest.mark.parametrize(("files", "answer"), rows(PROGRAMS))
def test_it_is_in_the_set_or_the_set_is_not_proved(files: dict[str, str], answer: str) -> None:
    assert_held(files, answer)
