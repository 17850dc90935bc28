"""Attributes, handlers and managers that are not what they look like."""

from __future__ import annotations

import pytest

from tests.exceptions.support import of_tree, rows, said

PROGRAMS = """
=== a class and a function of one name
import sys

if not sys.argv:

    class f:
        pass
else:

    def f():
        raise ValueError(1)


def main():
    try:
        f()
        raise KeyError(1)
    except Exception:
        return 0
=> the call to `f` at line 16 is unknown (how `f` is made)

=== __set_name__
class D:
    def __set_name__(self, o, n):
        raise ValueError(1)


def main():
    try:

        class C:
            x = D()

        raise KeyError(1)
    except Exception:
        return 0
=> `x` is taken to have no `__set_name__` (line 10)

=== __getattribute__
class A:
    def __getattribute__(self, n):
        if n == "step":
            raise ValueError(n)
        return object.__getattribute__(self, n)

    def step(self):
        raise KeyError(1)

    def f(self):
        try:
            self.step()
        except Exception:
            return 0
=> `self.step` is taken to be a plain attribute (line 13)

=== a descriptor that is read
class Pos:
    def __get__(self, o, t):
        raise ValueError("neg")


class A:
    x = Pos()

    def f(self):
        try:
            y = self.x
            raise KeyError(1)
        except Exception:
            return 0
=> `self.x` is taken to be no descriptor (line 12)

=== a descriptor that is read from outside
class Pos:
    def __get__(self, o, t):
        raise ValueError(1)


class A:
    x = Pos()


def main():
    a = A()
    try:
        a.x
        raise KeyError(1)
    except Exception:
        return 0
=> `a.x` is taken to be no descriptor (line 14)

=== a descriptor of a base that is written
class Pos:
    def __set__(self, o, v):
        raise ValueError(1)


class A:
    x = Pos()


class D(A):
    def __init__(self):
        pass

    def f(self):
        try:
            self.x = 3
            raise KeyError(1)
        except Exception:
            return 0
=> `self.x` is taken to be no descriptor (line 17)

=== a descriptor that is deleted
class Pos:
    def __delete__(self, o):
        raise ValueError(1)


class A:
    x = Pos()

    def f(self):
        try:
            del self.x
            raise KeyError(1)
        except Exception:
            return 0
=> `self.x` is taken to be a plain attribute (line 12)

=== a property made by a call
class B:
    def _x(self):
        raise ValueError(1)

    x = property(_x)

    def f(self):
        try:
            self.x
            raise KeyError(1)
        except Exception:
            return 0
=> `self.x` is taken to be no descriptor (line 10)

=== a cached property made by a call
import functools


class B:
    def _x(self):
        raise ValueError(1)

    x = functools.cached_property(_x)

    def f(self):
        try:
            self.x
            raise KeyError(1)
        except Exception:
            return 0


b = B()
functools.cached_property.__set_name__
=> `self.x` is taken to be no descriptor (line 13)

=== a handler for what is no exception
def main():
    try:
        f()
    except Exception:
        return 0


TYPES = 5


def f():
    try:
        raise KeyError(1)
    except TYPES:
        pass
=> in `f`, called at line 4: `TYPES` is taken to be an exception (line 15)

=== contextlib.suppress of what is no exception
import contextlib


def main():
    try:
        with contextlib.suppress(5):
            raise KeyError(1)
    except Exception:
        return 0
=> `5` is taken to be an exception (line 7)

=== the truth of what __exit__ gives
class B:
    def __bool__(self):
        raise LookupError(1)


class C:
    def __enter__(self):
        return self

    def __exit__(self, *a):
        return B()


def main():
    try:
        with C():
            raise KeyError(1)
    except Exception:
        return 0
=> the truth of what `C.__exit__` gives is taken to be well defined (line 17)

=== super() in a static method
class A:
    def f(self):
        raise KeyError(1)


class B(A):
    @staticmethod
    def g():
        try:
            super().f()
        except Exception:
            return 0
=> what `super()` finds at line 11 is unknown

=== a constant of another type
N = 1


def main():
    try:
        return [1, 2][N]
    except Exception:
        return 0


N /= 1
=> `N` is taken to be an index of a built-in type (line 7)

=== a type handed to json
import json


class O:
    def __init__(self, d):
        pass

    def __getitem__(self, k):
        raise ValueError(k)


def main():
    d = json.loads('{"a": 1}', object_hook=O)
    try:
        return d["a"]
    except Exception:
        return 0
=> `d[]` is taken to be a container of a built-in type (line 16)
"""


@pytest.mark.parametrize(("files", "doubt"), rows(PROGRAMS))
def test_it_is_not_called_proved(files: dict[str, str], doubt: str) -> None:
    found = of_tree(files)
    assert not found.proved, found
    assert said(found) == doubt
