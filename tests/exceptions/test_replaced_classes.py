"""Trees that replace methods, classes, what is made of them, or whole modules behind the back of the source."""

from __future__ import annotations

import pytest

from tests.exceptions.support import of_tree, rows, said

PROGRAMS = """
=== a method through its class
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
=> `run`, an attribute that subject.py sets, is taken to be what its own file makes it (line 17)

=== a constructor through its class
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
=> attributes are taken to be what their files make them, though subject.py sets some by name (line 16)

=== an operator through its class
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
=> the call to `a` at line 25 is unknown (`.__call__`, which is also assigned elsewhere)

=== an instance for its own file
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
--- m.py
import subject, other
--- other.py
import subject

subject.x = subject.B()
=> `x` is taken to be what its module makes it, though other.py sets an attribute of that name

=== an exception
import errs


def main():
    try:
        errs.f()
    except Exception:
        return 0
--- m.py
import errs


class Other(Exception):
    pass


errs.MyErr = Other
import subject
--- errs.py
class MyErr(Exception):
    pass


def f():
    raise MyErr(1)
=> in `errs.f`, called at line 7: `MyErr`, an attribute that m.py sets, is taken to be what its own file makes it

=== the class of an object
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
=> attributes are taken to be what their files make them, though subject.py sets some by name (line 16)

=== the class of self
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
=> attributes are taken to be what their files make them, though subject.py sets some by name (line 9)

=== the bases of a class
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
=> attributes are taken to be what their files make them, though subject.py sets some by name (line 10)

=== a class made by type()
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
=> `self.step` is taken not to be overridden in a class made by calls in subject.py (line 8)

=== a module that runs again
import errs, importlib
from errs import MyErr

importlib.reload(errs)


def main():
    try:
        errs.g()
    except Exception:
        return 0
--- errs.py
class MyErr(Exception):
    pass


def g():
    raise MyErr(1)
=> `errs` is taken to be what its module makes it, though subject.py sets attributes by name

=== a module that is imported again
import errs, sys
from errs import MyErr

del sys.modules["errs"]
import errs


def main():
    try:
        errs.g()
    except Exception:
        return 0
--- errs.py
class MyErr(Exception):
    pass


def g():
    raise MyErr(1)
=> `errs` is taken to be what its module makes it, though subject.py sets attributes by name

=== a module behind a patched dictionary
import sys
from unittest.mock import patch


class Fake:
    def foo(self):
        raise ValueError(1)


patch.dict(sys.modules, {"mod": Fake()}).start()
import mod


def main():
    try:
        mod.foo()
    except Exception:
        return 0
--- mod.py
def foo():
    raise KeyError(1)
=> `mod` is taken to be what its module makes it, though subject.py sets attributes by name

=== a module under a computed name
import sys


class Fake:
    def foo(self):
        raise ValueError(1)


names = ["mod"]
sys.modules[names[0]] = Fake()
import mod


def main():
    try:
        mod.foo()
    except Exception:
        return 0
--- mod.py
def foo():
    raise KeyError(1)
=> `mod` is taken to be what its module makes it, though subject.py sets attributes by name

=== a module through another name for the modules
import sys


class Fake:
    def foo(self):
        raise ValueError(1)


known = sys.modules  # all of them
known["mod"] = Fake()
import mod


def main():
    try:
        mod.foo()
    except Exception:
        return 0
--- mod.py
def foo():
    raise KeyError(1)
=> `mod` is taken to be what its module makes it, though subject.py sets attributes by name
"""


@pytest.mark.parametrize(("files", "doubt"), rows(PROGRAMS))
def test_it_is_not_called_proved(files: dict[str, str], doubt: str) -> None:
    found = of_tree(files)
    assert not found.proved, found
    assert said(found) == doubt
