"""Trees that replace classes, constants, libraries or what is built in behind the back of the source."""

from __future__ import annotations

import pytest

from tests.exceptions.support import only

REPLACED = {
    "an instance for its own file": {
        "subject": """
class A:
    def step(self):
        raise KeyError(1)


class B(A):
    def step(self):
        raise ValueError(1)


x = A()


def main():
    try:
        x.step()
    except Exception:
        return 0
""",
        "m": """
import subject, other
""",
        "other": """
import subject

subject.x = subject.B()
""",
    },
    "what a result was taken from": {
        "subject": """
def f():
    return 1


def main():
    x = f()
    try:
        return [1, 2][x]
    except Exception:
        return 0
""",
        "m": """
import subject

subject.f = lambda: "s"
""",
    },
    "an exception": {
        "subject": """
import errs


def main():
    try:
        errs.f()
    except Exception:
        return 0
""",
        "m": """
import errs


class Other(Exception):
    pass


errs.MyErr = Other
import subject
""",
        "errs": """
class MyErr(Exception):
    pass


def f():
    raise MyErr(1)
""",
    },
    "the code of a function": {
        "subject": """
def f():
    raise KeyError(1)


f.__code__ = (lambda: 1 / 0).__code__


def main():
    try:
        f()
    except Exception:
        return 0
""",
    },
    "the names of a function": {
        "subject": """
def foo():
    raise KeyError(1)


def bad():
    raise ValueError(1)


foo.__globals__["foo"] = bad


def main():
    try:
        foo()
    except Exception:
        return 0
""",
    },
    "the class of an object": {
        "subject": """
class A:
    def step(self):
        raise KeyError(1)


class B(A):
    def step(self):
        raise ValueError(1)


def main():
    a = A()
    a.__class__ = B
    try:
        a.step()
    except Exception:
        return 0
""",
    },
    "the class of self": {
        "subject": """
class A:
    def step(self):
        raise KeyError(1)

    def f(self):
        self.__class__ = B
        try:
            self.step()
        except Exception:
            return 0


class B:
    def step(self):
        raise ValueError(1)
""",
    },
    "the bases of a class": {
        "subject": """
class A:
    def step(self):
        raise KeyError(1)


class C(A):
    def f(self):
        try:
            self.step()
        except Exception:
            return 0


class B:
    def step(self):
        raise ValueError(1)


C.__bases__ = (B,)
""",
    },
    "a class made by type()": {
        "subject": """
class B:
    def step(self):
        raise KeyError(1)

    def run(self):
        try:
            self.step()
        except Exception:
            return 0


def bad(self):
    raise ValueError(2)


S = type("S", (B,), {"step": bad})
""",
    },
    "a module that runs again": {
        "subject": """
import errs, importlib
from errs import MyErr

importlib.reload(errs)


def main():
    try:
        errs.g()
    except Exception:
        return 0
""",
        "errs": """
class MyErr(Exception):
    pass


def g():
    raise MyErr(1)
""",
    },
    "a module that is imported again": {
        "subject": """
import errs, sys
from errs import MyErr

del sys.modules["errs"]
import errs


def main():
    try:
        errs.g()
    except Exception:
        return 0
""",
        "errs": """
class MyErr(Exception):
    pass


def g():
    raise MyErr(1)
""",
    },
    "an exception's name in the file that is rewritten": {
        "subject": """
def main():
    x = "z"
    try:
        return x.index("q")
    except Exception:
        return 0
""",
        "m": """
import subject

subject.ValueError = KeyError
""",
    },
    "a library function under another name": {
        "subject": """
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
""",
    },
    "a library function by setattr": {
        "subject": """
import json


def bad(*a):
    raise OSError(1)


setattr(json, "loads", bad)


def main():
    try:
        json.loads("x")
    except Exception:
        return 0
""",
    },
    "a library function in sys.modules": {
        "subject": """
import json, sys


def bad(*a):
    raise OSError(1)


sys.modules["json"].loads = bad


def main():
    try:
        json.loads("x")
    except Exception:
        return 0
""",
    },
    "an imported library in another file": {
        "subject": """
import json


def main():
    try:
        json.loads("x")
    except Exception:
        return 0
""",
        "m": """
import subject


class F:
    def loads(self, x):
        raise OSError(1)


subject.json = F()
""",
    },
    "a method of a library class": {
        "subject": """
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
""",
    },
    "a method of a library object": {
        "subject": """
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
""",
    },
    "a built-in function": {
        "subject": """
import builtins


def bad(x):
    raise ValueError(1)


builtins.ord = bad


def f():
    try:
        return ord("ab")
    except Exception:
        return 0
""",
    },
    "a built-in function by setattr": {
        "subject": """
import builtins


def bad(x):
    raise OSError(1)


setattr(builtins, "ord", bad)


def main():
    try:
        return ord("ab")
    except Exception:
        return 0
""",
    },
    "a built-in function through __builtins__": {
        "subject": """
def bad(x):
    raise OSError(1)


__builtins__.ord = bad


def main():
    try:
        return ord("ab")
    except Exception:
        return 0
""",
    },
    "a built-in function under another name": {
        "subject": """
import builtins as b


def bad(x):
    raise OSError(1)


b.ord = bad


def main():
    try:
        return ord("ab")
    except Exception:
        return 0
""",
    },
}


@pytest.mark.parametrize("how", REPLACED)
def test_it_is_not_called_proved(how: str) -> None:
    files = dict(REPLACED[how])
    found = only(files.pop("subject"), **files)
    assert not found.proved, found
