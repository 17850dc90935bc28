"""Programs in which a set once was called proved, and an error escaped it: each must be open or assumed."""

from __future__ import annotations

import pytest

from tests.exceptions.support import only

DOUBTS = {
    "a method that the tables lack": """
def f():
    data = b"abc"
    try:
        return data.index(b"z")
    except Exception:
        return 0
""",
    "a descriptor that is read": """
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
""",
    "a descriptor that is written": """
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
""",
    "an operator that changes the type": """
def f(items):
    half = len([1, 2])
    half /= 2
    try:
        return [1, 2][half]
    except Exception:
        return 0
""",
    "another error under the same name": """
def f():
    try:
        try:
            raise ValueError
        except ValueError as e:
            e = KeyError("k")
            raise e
    except Exception:
        return 0
""",
    "a field that is made with another value": """
from dataclasses import dataclass


@dataclass
class A:
    n: int = 0

    def f(self):
        try:
            return [1][self.n]
        except Exception:
            return 0
""",
    "a stream that is replaced": """
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
""",
    "a comparison that gives no truth": """
def f(a, b):
    same = a == b
    try:
        if same:
            raise KeyError(1)
    except Exception:
        return 0
""",
}


@pytest.mark.parametrize("name", DOUBTS)
def test_it_is_not_called_proved(name: str) -> None:
    found = only(DOUBTS[name])
    assert not found.proved, found
