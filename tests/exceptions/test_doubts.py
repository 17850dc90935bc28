"""Programs in which a set once was called proved, and an error escaped it: each must be open or assumed."""

from __future__ import annotations

import pytest

from tests.exceptions.support import of_tree, rows, said

PROGRAMS = """
=== a method that the tables lack
def f():
    data = b"abc"
    try:
        return data.index(b"z")
    except Exception:
        return 0
=> the call to `data.index` at line 5 is unknown

=== a descriptor that is read
class lazy:
    def __init__(self, make):
        self.make = make

    def __get__(self, instance, owner):
        return self.make(instance)


class A:
    @lazy
    def x(self):
        raise ValueError

    def f(self):
        try:
            y = self.x
            raise KeyError(y)
        except Exception:
            return 0
=> `self.x` is taken to be no descriptor (line 17)

=== a descriptor that is written
class Positive:
    def __set__(self, instance, value):
        raise ValueError


class A:
    x = Positive()

    def f(self):
        try:
            self.x = 5
        except Exception:
            return 0
=> `self.x` is taken to be no descriptor (line 12)

=== an operator that changes the type
def f(items):
    half = len([1, 2])
    half /= 2
    try:
        return [1, 2][half]
    except Exception:
        return 0
=> `half` is taken to be an index of a built-in type (line 6)

=== another error under the same name
def f():
    try:
        try:
            raise ValueError
        except ValueError as e:
            e = KeyError("k")
            raise e
    except Exception:
        return 0
=> what the `raise` raises again at line 8 is unknown

=== a field that is made with another value
from dataclasses import dataclass


@dataclass
class A:
    n: int = 0

    def f(self):
        try:
            return [1][self.n]
        except Exception:
            return 0
=> `self.n` is taken to be what its class makes it (line 11)

=== a stream that is replaced
import sys


class Writer:
    def write(self, text):
        raise LookupError(1)


sys.stdout = Writer()


def main():
    try:
        print("x")
    except Exception:
        return 0
=> `sys.stdout`, which the tree replaces, is taken to be a file

=== a comparison that gives no truth
def f(a, b):
    same = a == b
    try:
        if same:
            raise KeyError(1)
    except Exception:
        return 0
=> the truth of `same` is taken to be well defined (line 5)
"""


@pytest.mark.parametrize(("files", "doubt"), rows(PROGRAMS))
def test_it_is_not_called_proved(files: dict[str, str], doubt: str) -> None:
    found = of_tree(files)
    assert not found.proved, found
    assert said(found) == doubt
