"""What a file offers to those that import it."""

from __future__ import annotations

import pytest

from analysis.collectors.namespace import Namespace, Offer
from analysis.reading import analyse
from analysis.source import Source


def offer(text: str) -> Offer:
    facts = analyse(Source.from_bytes(text.encode(), "p/a.py"), (Namespace,))
    assert facts.fault is None, facts.fault
    (one,) = facts.records(Namespace)
    assert isinstance(one, Offer)
    return one


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("import a\nfrom b import c\n", ()),
        ("x = y = 1\n(z, [*u]), v.w = f()\n", ("x", "y", "z", "u")),
        ("x: int\ny: int = 1\n", ("y",)),
        ("def f():\n    x = 1\nclass C:\n    y = 2\nasync def g(): ...\n", ("f", "C", "g")),
        ("if a:\n    x = 1\nelse:\n    y = 1\n", ("x", "y")),
        ("try:\n    x = 1\nexcept E:\n    y = 1\nfinally:\n    z = 1\n", ("x", "y", "z")),
        ("for x in y:\n    z = 1\nwith a as b, c:\n    pass\n", ("x", "b", "z")),
        ("match a:\n    case 1:\n        x = 1\n", ("x",)),
    ],
)
def test_what_the_module_level_binds_itself(text: str, bound: tuple[str, ...]) -> None:
    assert set(offer(text).bound) == set(bound)


@pytest.mark.parametrize(
    ("text", "exported"),
    [
        ("x = 1\n", None),
        ("__all__ = ['a', 'b']\n", ("a", "b")),
        ("__all__: list[str] = ('a',)\n", ("a",)),
        ("__all__ = ['a']\n__all__ += ['b']\n__all__.append('c')\n__all__.extend(('d',))\n", ("a", "b", "c", "d")),
        ("__all__ = ['a']\n__all__ = ['b']\n", ("b",)),
        ("__all__ = ['a'] + other.__all__\n", None),
        ("__all__ = ['a']\n__all__ += names\n", None),
    ],
)
def test_what_is_exported(text: str, exported: tuple[str, ...] | None) -> None:
    assert offer(text).exported == exported


def test_folders_loads_and_whether_it_is_a_script() -> None:
    one = offer("import sys\nsys.path.insert(0, __file__ + '/..')\nx = 1\n")
    assert (one.loads, one.script) == ((), False)
    path = "import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), '..'))\n"
    assert offer(path).folders == ("..",)
    assert offer("if __name__ == '__main__':\n    run()\n").script
    text = "import importlib\nimportlib.import_module('a.b')\ndef f():\n    __import__('c')\n"
    text += "importlib.import_module('.d', name)\n"
    assert [(one.line, one.module, one.level, one.when) for one in offer(text).loads] == [
        (2, "a.b", 0, "import"),
        (4, "c", 0, "deferred"),
    ]
