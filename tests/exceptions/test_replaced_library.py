"""Trees that replace the library's functions, or what is built in, behind the back of the source."""

from __future__ import annotations

import pytest

from tests.exceptions.support import of_tree, rows, said

PROGRAMS = """
=== an exception's name in the file that is rewritten
def main():
    x = "z"
    try:
        return x.index("q")
    except Exception:
        return 0
--- m.py
import subject

subject.ValueError = KeyError
=> `ValueError`, which the tree replaces, is taken to raise what the library's own does

=== a library function under another name
import json


def bad(*a):
    raise OSError(1)


j = json
j.loads = bad


def main():
    try:
        json.loads("x")
    except Exception:
        return 0
=> `json.loads`, which the tree replaces, is taken to raise what the library's own does

=== a library function by setattr
import json


def bad(*a):
    raise OSError(1)


setattr(json, "loads", bad)


def main():
    try:
        json.loads("x")
    except Exception:
        return 0
=> `json.loads`, which the tree replaces, is taken to raise what the library's own does

=== a library function in sys.modules
import json, sys


def bad(*a):
    raise OSError(1)


sys.modules["json"].loads = bad


def main():
    try:
        json.loads("x")
    except Exception:
        return 0
=> `json.loads`, which the tree replaces, is taken to raise what the library's own does

=== an imported library in another file
import json


def main():
    try:
        json.loads("x")
    except Exception:
        return 0
--- m.py
import subject


class F:
    def loads(self, x):
        raise OSError(1)


subject.json = F()
=> `json`, which the tree replaces, is taken to raise what the library's own does

=== a method of a library class
import logging, pathlib


def bad(self):
    raise LookupError(1)


pathlib.Path.exists = bad


def main():
    p = pathlib.Path("x")
    try:
        return p.exists()
    except Exception:
        return 0
=> what is built in is taken to be so, though subject.py replaces some of it

=== a method of a library object
import threading

lock = threading.Event()


def bad():
    raise LookupError(1)


lock.set = bad


def main():
    try:
        lock.set()
        raise KeyError(1)
    except Exception:
        return 0
=> `.set` is taken to be the library's own, though subject.py sets such an attribute

=== a built-in function
import builtins


def bad(x):
    raise ValueError(1)


builtins.ord = bad


def f():
    try:
        return ord("ab")
    except Exception:
        return 0
=> what is built in is taken to be so, though subject.py replaces some of it

=== a built-in function by setattr
import builtins


def bad(x):
    raise OSError(1)


setattr(builtins, "ord", bad)


def main():
    try:
        return ord("ab")
    except Exception:
        return 0
=> what is built in is taken to be so, though subject.py replaces some of it

=== a built-in function through __builtins__
def bad(x):
    raise OSError(1)


__builtins__.ord = bad


def main():
    try:
        return ord("ab")
    except Exception:
        return 0
=> what is built in is taken to be so, though subject.py replaces some of it

=== a built-in function under another name
import builtins as b


def bad(x):
    raise OSError(1)


b.ord = bad


def main():
    try:
        return ord("ab")
    except Exception:
        return 0
=> what is built in is taken to be so, though subject.py replaces some of it
"""


@pytest.mark.parametrize(("files", "doubt"), rows(PROGRAMS))
def test_it_is_not_called_proved(files: dict[str, str], doubt: str) -> None:
    found = of_tree(files)
    assert not found.proved, found
    assert said(found) == doubt
