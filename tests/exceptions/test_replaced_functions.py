"""Trees that replace functions, or constants, of a module behind the back of the source."""

from __future__ import annotations

import pytest

from tests.exceptions.support import of_tree, rows, said

PROGRAMS = """
=== setattr
import mod


def bad():
    raise ValueError("x")


setattr(mod, "foo", bad)


def main():
    try:
        return mod.foo()
    except Exception:
        return 0
--- mod.py
def foo():
    raise KeyError("x")
=> the call to `mod.foo` at line 14 is unknown (`foo`, which is replaced from another module)

=== another name for the module
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
--- mod.py
def foo():
    raise KeyError("x")
=> the call to `mod.foo` at line 15 is unknown (`foo`, which is replaced from another module)

=== a module out of sys.modules
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
--- mod.py
def foo():
    raise KeyError("x")
=> the call to `mod.foo` at line 15 is unknown (`foo`, which is replaced from another module)

=== a module handed to a function
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
--- pkg/__init__.py
--- pkg/mod.py
def foo():
    raise KeyError(1)
=> `foo`, an attribute that subject.py sets, is taken to be what its own file makes it (line 18)

=== a module of a package
import pkg.mod


def bad():
    raise ValueError(1)


pkg.mod.foo = bad


def main():
    try:
        pkg.mod.foo()
    except Exception:
        return 0
--- pkg/__init__.py
--- pkg/mod.py
def foo():
    raise KeyError(1)
=> the call to `pkg.mod.foo` at line 14 is unknown (`foo`, which is replaced from another module)

=== globals()
import mod


def main():
    try:
        return mod.foo()
    except Exception:
        return 0
--- mod.py
def foo():
    raise KeyError("x")


def bad():
    raise ValueError("x")


globals()["foo"] = bad
=> the names of mod.py are taken to be what they look like, though it may bind them otherwise (line 7)

=== globals() gives what is not there
import mod


def main():
    try:
        return mod.foo()
    except Exception:
        return 0
--- mod.py
def bad():
    raise ValueError("x")


globals()["foo"] = bad
=> the names of mod.py are taken to be what they look like, though it may bind them otherwise (line 7)

=== globals().update
import mod


def main():
    try:
        mod.foo()
    except Exception:
        return 0
--- mod.py
def foo():
    raise KeyError(1)


def bad():
    1 / 0


globals().update(foo=bad)
=> the names of mod.py are taken to be what they look like, though it may bind them otherwise (line 7)

=== exec
import mod


def main():
    try:
        mod.foo()
    except Exception:
        return 0
--- mod.py
def foo():
    raise KeyError(1)


exec("def foo(): 1 / 0")
=> the names of mod.py are taken to be what they look like, though it may bind them otherwise (line 7)

=== vars()
import mod


def bad():
    raise ValueError(1)


vars(mod)["foo"] = bad


def main():
    try:
        mod.foo()
    except Exception:
        return 0
--- mod.py
def foo():
    raise KeyError(1)
=> `mod` is taken to be what its module makes it, though subject.py sets attributes by name

=== __dict__
import mod


def bad():
    raise ValueError(1)


mod.__dict__["foo"] = bad


def main():
    try:
        mod.foo()
    except Exception:
        return 0
--- mod.py
def foo():
    raise KeyError(1)
=> `mod` is taken to be what its module makes it, though subject.py sets attributes by name

=== __dict__ under another name
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
--- mod.py
def foo():
    raise KeyError(1)
=> `mod` is taken to be what its module makes it, though subject.py sets attributes by name

=== setattr with a computed name
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
--- mod.py
def foo():
    raise KeyError(1)
=> `mod` is taken to be what its module makes it, though subject.py sets attributes by name

=== setattr under another name
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
--- mod.py
def foo():
    raise KeyError(1)
=> `mod` is taken to be what its module makes it, though subject.py sets attributes by name

=== an entry of sys.modules
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
--- mod.py
def foo():
    raise KeyError(1)
=> `mod` is taken to be what its module makes it, though subject.py sets attributes by name

=== a function for its own file
def helper():
    raise KeyError(1)


def f():
    try:
        helper()
    except Exception:
        return 0
--- m.py
import subject
import b
--- b.py
import subject


def bad():
    raise ValueError(1)


subject.helper = bad
=> `helper`, an attribute that b.py sets, is taken to be what its own file makes it (line 8)

=== a constant for its own file
N = 0


def f():
    try:
        return [1][N]
    except Exception:
        return 0
--- m.py
import subject
import b
--- b.py
import subject

subject.N = "s"
=> `N` is taken to be what its module makes it, though b.py sets an attribute of that name

=== what a result was taken from
def f():
    return 1


def main():
    x = f()
    try:
        return [1, 2][x]
    except Exception:
        return 0
--- m.py
import subject

subject.f = lambda: "s"
=> `f` is taken to be what its module makes it, though m.py sets an attribute of that name

=== the code of a function
def f():
    raise KeyError(1)


f.__code__ = (lambda: 1 / 0).__code__


def main():
    try:
        f()
    except Exception:
        return 0
=> attributes are taken to be what their files make them, though subject.py sets some by name (line 11)

=== the names of a function
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
=> attributes are taken to be what their files make them, though subject.py sets some by name (line 15)
"""


@pytest.mark.parametrize(("files", "doubt"), rows(PROGRAMS))
def test_it_is_not_called_proved(files: dict[str, str], doubt: str) -> None:
    found = of_tree(files)
    assert not found.proved, found
    assert said(found) == doubt
