"""Trees that replace functions of a module behind the back of the source."""

from __future__ import annotations

import pytest

from tests.exceptions.support import only

REPLACED = {
    "setattr": {
        "subject": """
import mod


def bad():
    raise ValueError("x")


setattr(mod, "foo", bad)


def main():
    try:
        return mod.foo()
    except Exception:
        return 0
""",
        "mod": """
def foo():
    raise KeyError("x")
""",
    },
    "another name for the module": {
        "subject": """
import mod


def bad():
    raise ValueError("x")


m = mod
m.foo = bad


def main():
    try:
        return mod.foo()
    except Exception:
        return 0
""",
        "mod": """
def foo():
    raise KeyError("x")
""",
    },
    "a module out of sys.modules": {
        "subject": """
import sys
import mod


def bad():
    raise ValueError("x")


sys.modules["mod"].foo = bad


def main():
    try:
        return mod.foo()
    except Exception:
        return 0
""",
        "mod": """
def foo():
    raise KeyError("x")
""",
    },
    "a module handed to a function": {
        "subject": """
import pkg.mod as q


def bad():
    raise ValueError(1)


def patch(m):
    m.foo = bad


patch(q)


def main():
    try:
        q.foo()
    except Exception:
        return 0
""",
        "pkg__init": "",
        "pkg__mod": """
def foo():
    raise KeyError(1)
""",
    },
    "a module of a package": {
        "subject": """
import pkg.mod


def bad():
    raise ValueError(1)


pkg.mod.foo = bad


def main():
    try:
        pkg.mod.foo()
    except Exception:
        return 0
""",
        "pkg__init": "",
        "pkg__mod": """
def foo():
    raise KeyError(1)
""",
    },
    "globals()": {
        "subject": """
import mod


def main():
    try:
        return mod.foo()
    except Exception:
        return 0
""",
        "mod": """
def foo():
    raise KeyError("x")


def bad():
    raise ValueError("x")


globals()["foo"] = bad
""",
    },
    "globals() gives what is not there": {
        "subject": """
import mod


def main():
    try:
        return mod.foo()
    except Exception:
        return 0
""",
        "mod": """
def bad():
    raise ValueError("x")


globals()["foo"] = bad
""",
    },
    "globals().update": {
        "subject": """
import mod


def main():
    try:
        mod.foo()
    except Exception:
        return 0
""",
        "mod": """
def foo():
    raise KeyError(1)


def bad():
    1 / 0


globals().update(foo=bad)
""",
    },
    "exec": {
        "subject": """
import mod


def main():
    try:
        mod.foo()
    except Exception:
        return 0
""",
        "mod": """
def foo():
    raise KeyError(1)


exec("def foo(): 1 / 0")
""",
    },
    "vars()": {
        "subject": """
import mod


def bad():
    raise ValueError(1)


vars(mod)["foo"] = bad


def main():
    try:
        mod.foo()
    except Exception:
        return 0
""",
        "mod": """
def foo():
    raise KeyError(1)
""",
    },
    "__dict__": {
        "subject": """
import mod


def bad():
    raise ValueError(1)


mod.__dict__["foo"] = bad


def main():
    try:
        mod.foo()
    except Exception:
        return 0
""",
        "mod": """
def foo():
    raise KeyError(1)
""",
    },
    "__dict__ under another name": {
        "subject": """
import mod


def bad():
    raise ValueError(1)


d = mod.__dict__
d["foo"] = bad


def main():
    try:
        mod.foo()
    except Exception:
        return 0
""",
        "mod": """
def foo():
    raise KeyError(1)
""",
    },
    "setattr with a computed name": {
        "subject": """
import mod


def bad():
    raise ValueError(1)


for n in ["foo"]:
    setattr(mod, n, bad)


def main():
    try:
        mod.foo()
    except Exception:
        return 0
""",
        "mod": """
def foo():
    raise KeyError(1)
""",
    },
    "setattr under another name": {
        "subject": """
import mod


def bad():
    raise ValueError(1)


s = setattr
s(mod, "foo", bad)


def main():
    try:
        mod.foo()
    except Exception:
        return 0
""",
        "mod": """
def foo():
    raise KeyError(1)
""",
    },
    "an entry of sys.modules": {
        "subject": """
import sys, types

m = types.ModuleType("mod")


def bad():
    raise ValueError(1)


m.foo = bad
sys.modules["mod"] = m
import mod


def main():
    try:
        mod.foo()
    except Exception:
        return 0
""",
        "mod": """
def foo():
    raise KeyError(1)
""",
    },
    "a method through its class": {
        "subject": """
class C:
    @staticmethod
    def run():
        raise KeyError(1)


def bad():
    raise ValueError("x")


C.run = bad


def main():
    try:
        C.run()
    except Exception:
        return 0
""",
    },
    "a constructor through its class": {
        "subject": """
class C:
    def __init__(self):
        raise KeyError(1)


def bad(self):
    raise ValueError("x")


C.__init__ = bad


def main():
    try:
        C()
    except Exception:
        return 0
""",
    },
    "an operator through its class": {
        "subject": """
class A:
    def __call__(self):
        raise KeyError(1)

    def __enter__(self):
        return self

    def __exit__(self, *a):
        return False


a = A()


def bad(self):
    raise ValueError(1)


A.__call__ = bad


def main():
    try:
        a()
    except Exception:
        return 0
""",
    },
    "a function for its own file": {
        "subject": """
def helper():
    raise KeyError(1)


def f():
    try:
        helper()
    except Exception:
        return 0
""",
        "m": """
import subject
import b
""",
        "b": """
import subject


def bad():
    raise ValueError(1)


subject.helper = bad
""",
    },
    "a constant for its own file": {
        "subject": """
N = 0


def f():
    try:
        return [1][N]
    except Exception:
        return 0
""",
        "m": """
import subject
import b
""",
        "b": """
import subject

subject.N = "s"
""",
    },
}


@pytest.mark.parametrize("how", REPLACED)
def test_it_is_not_called_proved(how: str) -> None:
    files = dict(REPLACED[how])
    found = only(files.pop("subject"), **files)
    assert not found.proved, found
