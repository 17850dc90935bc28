"""Classes that are not what they look like: what rests on them must not be called proved."""

from __future__ import annotations

import pytest

from tests.exceptions.support import of_tree, rows, said

PROGRAMS = """
=== a class defined twice
import sys

if sys.argv:

    class E(ValueError):
        pass
else:

    class E(KeyError):
        pass


def f():
    try:
        raise E(1)
    except KeyError:
        return 0


def main():
    try:
        f()
        raise OSError
    except Exception:
        return 0
=> what `E` raises

=== a class defined twice, the first kept
class E(ValueError):
    pass


def f():
    try:
        raise E(1)
    except KeyError:
        return 0


X = E


class E(KeyError):
    pass


def g():
    try:
        raise X(1)
    except KeyError:
        return 0


def main():
    try:
        g()
        raise OSError
    except Exception:
        return 0
=> what `E` raises

=== a class defined twice in a try
try:
    import nonexistent

    class E(KeyError):
        pass
except ImportError:

    class E(ValueError):
        pass


def g():
    raise E(1)


def main():
    try:
        try:
            g()
        except ValueError:
            raise E(2)
    except Exception:
        return 0
=> the call to `import nonexistent` at line 3 is unknown (`nonexistent` is not in this tree)

=== a nested class defined twice
import sys


class A:
    if sys.argv:

        class E(ValueError):
            pass
    else:

        class E(KeyError):
            pass


def f():
    try:
        raise A.E(1)
    except KeyError:
        return 0


def main():
    try:
        f()
        raise OSError
    except Exception:
        return 0
=> what `A.E` raises

=== a local class defined twice
def mk(a):
    if a:

        class E(ValueError):
            pass
    else:

        class E(KeyError):
            pass

    try:
        raise E(1)
    except KeyError:
        return 0


def main():
    try:
        mk(1)
        raise OSError
    except Exception:
        return 0
=> what `mk.E` raises

=== a metaclass with __getattr__
class M(type):
    def __getattr__(cls, n):
        raise ValueError(1)


class B(metaclass=M):
    pass


def main():
    try:
        B.foo
        raise KeyError(1)
    except Exception:
        return 0
=> `B.foo` is taken to be a plain attribute (line 13)

=== a metaclass with __call__
class M(type):
    def __call__(cls, *a):
        raise ValueError(1)


class B(metaclass=M):
    pass


def main():
    try:
        B()
        raise KeyError(1)
    except Exception:
        return 0
=> the call to `B` at line 13 is unknown (how `B` is made)

=== a metaclass with a property
class M(type):
    @property
    def foo(cls):
        raise ValueError(1)


class B(metaclass=M):
    foo = 1


def main():
    try:
        B.foo
        raise KeyError(1)
    except Exception:
        return 0
=> `B.foo` is taken to be a plain attribute (line 14)

=== a metaclass with __getitem__
class M(type):
    def __getitem__(cls, k):
        raise ValueError(1)


class B(metaclass=M):
    pass


def main():
    try:
        B["x"]
        raise KeyError(1)
    except Exception:
        return 0
=> `B[]` is taken to be a container of a built-in type (line 13)

=== a metaclass that adds a method
class M(type):
    def __init__(cls, n, b, d):
        super().__init__(n, b, d)
        cls.step = lambda self: 1 / 0


class A(metaclass=M):
    def step(self):
        raise KeyError(1)

    def f(self):
        try:
            self.step()
        except Exception:
            return 0
=> `self.step` is taken to be a plain attribute (line 14)

=== a decorator that adds a method
def patch(c):
    def bad(self):
        raise ValueError(1)

    c.step = bad
    return c


@patch
class A:
    def step(self):
        raise KeyError(1)

    def f(self):
        try:
            self.step()
        except Exception:
            return 0
=> the call to `self.step` at line 17 is unknown (`.step`, which is also assigned elsewhere)

=== a method decorated afterwards
def deco(f):
    def g(self):
        raise ValueError(1)

    return g


class A:
    def step(self):
        raise KeyError(1)

    step = deco(step)

    def f(self):
        try:
            self.step()
        except Exception:
            return 0
=> the call to `self.step` at line 17 is unknown

=== __new__ that makes another class
class B:
    def step(self):
        raise KeyError(1)


class C(B):
    def __new__(cls):
        return D()


class D:
    def step(self):
        raise ValueError(1)


def main():
    try:
        C().step()
    except Exception:
        return 0
=> the call to `C().step` at line 19 is unknown (what the `__new__` of `C` makes)

=== __new__ of a base
class B:
    def __new__(cls):
        return D()


class C(B):
    def __init__(self):
        raise KeyError(1)

    def step(self):
        raise KeyError(1)


class D:
    def step(self):
        raise ValueError(1)


c = C()


def main():
    try:
        c.step()
    except Exception:
        return 0
=> the call to `c.step` at line 25 is unknown (what the `__new__` of `C` makes)

=== __new__ before with
class C:
    def __new__(cls):
        return D()

    def __enter__(self):
        raise KeyError(1)

    def __exit__(self, *a):
        pass


class D:
    def __enter__(self):
        raise ValueError(1)

    def __exit__(self, *a):
        pass


def main():
    try:
        with C():
            pass
    except Exception:
        return 0
=> the call to `with C()` at line 23 is unknown (what the `__new__` of `C` makes)

=== an override in a class of computed bases
class B:
    def step(self):
        raise KeyError(1)

    def f(self):
        try:
            self.step()
        except Exception:
            return 0


def pick():
    return B


class S(pick()):
    def step(self):
        raise ValueError(2)
=> `self.step` is taken not to be overridden in a class made by bases that cannot be read (line 8)

=== a class method of a derived class
class A:
    @classmethod
    def make(cls):
        try:
            cls.step()
        except Exception:
            return 0

    @staticmethod
    def step():
        raise KeyError(1)


class B(A):
    @staticmethod
    def step():
        raise ValueError(1)
=> a class method of `A` is taken to be called on that very class

=== a class method that makes a derived class
class A:
    def __init__(self):
        raise KeyError(1)

    @classmethod
    def make(cls):
        try:
            cls()
        except Exception:
            return 0


class B(A):
    def __init__(self):
        raise ValueError(1)
=> a class method of `A` is taken to be called on that very class

=== __init_subclass__
class A:
    def __init_subclass__(cls):
        try:
            cls.step()
        except Exception:
            print(repr(e))

    @staticmethod
    def step():
        raise KeyError(1)


class B(A):
    @staticmethod
    def step():
        raise ValueError(1)
=> a class method of `A` is taken to be called on that very class
"""


@pytest.mark.parametrize(("files", "doubt"), rows(PROGRAMS))
def test_it_is_not_called_proved(files: dict[str, str], doubt: str) -> None:
    found = of_tree(files)
    assert not found.proved, found
    assert said(found) == doubt
