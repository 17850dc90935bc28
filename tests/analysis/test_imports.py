"""When each import runs."""

from __future__ import annotations

import textwrap

import pytest

from analysis.collectors.imports import Import, Imports
from analysis.reading import analyse
from analysis.source import Source


def imports(code: str) -> list[Import]:
    facts = analyse(Source.from_bytes(textwrap.dedent(code).encode(), "x.py"), (Imports,))
    assert facts.fault is None, facts.fault
    return facts.records(Imports)


@pytest.mark.parametrize(
    ("code", "module", "level", "names", "is_from"),
    [
        ("import a", "", 0, (("a", None),), False),
        ("import a.b as c, d", "", 0, (("a.b", "c"), ("d", None)), False),
        ("from a import b as c, d", "a", 0, (("b", "c"), ("d", None)), True),
        ("from . import a", "", 1, (("a", None),), True),
        ("from ...a.b import (c,\n d,)", "a.b", 3, (("c", None), ("d", None)), True),
        ("from a import *", "a", 0, (("*", None),), True),
    ],
)
def test_what(code: str, module: str, level: int, names: tuple[tuple[str, str | None], ...], is_from: bool) -> None:
    (found,) = imports(code)
    assert (found.module, found.level, found.names, found.is_from) == (module, level, names, is_from)
    assert (found.when, found.scope) == ("import", "<module>")


def test_where() -> None:
    first, second = imports("x = 'é'; import a\nfrom b import (c,\n    d)\n")
    assert (first.span.line, first.span.col, first.span.end_line, first.span.end_col) == (1, 10, 1, 18)
    assert (second.span.line, second.span.col, second.span.end_line, second.span.end_col) == (2, 0, 3, 6)


@pytest.mark.parametrize(
    ("when", "scope", "code"),
    [
        ("conditional", "<module>", "if x:\n import a"),
        ("conditional", "<module>", "if x:\n pass\nelse:\n import a"),
        ("conditional", "<module>", "if x:\n pass\nelif y:\n import a"),
        ("conditional", "<module>", "try:\n import a\nexcept ImportError:\n pass"),
        ("conditional", "<module>", "try:\n x\nexcept ImportError:\n import a"),
        ("conditional", "<module>", "try:\n x\nexcept* ImportError:\n import a"),
        ("conditional", "<module>", "try:\n x\nfinally:\n import a"),
        ("conditional", "<module>", "with x:\n import a"),
        ("conditional", "<module>", "for x in y:\n import a"),
        ("conditional", "<module>", "while x:\n pass\nelse:\n import a"),
        ("conditional", "<module>", "match x:\n case 1:\n  import a"),
        ("class", "C", "class C:\n import a"),
        ("class", "C", "class C:\n if x:\n  import a"),
        ("class", "C", "if x:\n class C:\n  import a"),
        ("class", "C.D", "class C:\n class D:\n  import a"),
        ("deferred", "f", "def f():\n import a"),
        ("deferred", "f", "async def f():\n if x:\n  import a"),
        ("deferred", "C.f", "class C:\n def f(self):\n  import a"),
        ("deferred", "f.C", "def f():\n class C:\n  import a"),
        ("deferred", "f.g", "def f():\n def g():\n  import a"),
        ("deferred", "<module>", "if __name__ == '__main__':\n import a"),
        ("deferred", "<module>", "if '__main__' == __name__:\n try:\n  import a\n finally:\n  pass"),
        ("conditional", "<module>", "if __name__ == '__main__':\n pass\nelse:\n import a"),
        ("conditional", "<module>", "if __name__ != '__main__':\n import a"),
        ("typing", "<module>", "if TYPE_CHECKING:\n import a"),
        ("typing", "<module>", "if typing.TYPE_CHECKING:\n import a"),
        ("typing", "<module>", "if t.TYPE_CHECKING:\n import a"),
        ("typing", "<module>", "if te.TYPE_CHECKING:\n import a"),
        ("typing", "<module>", "if TC:\n import a"),
        ("typing", "<module>", "if TYPE_CHECKING and x:\n import a"),
        ("conditional", "<module>", "if TYPE_CHECKING or x:\n import a"),
        ("conditional", "<module>", "if TYPE_CHECKING:\n pass\nelse:\n import a"),
        ("conditional", "<module>", "if not TYPE_CHECKING:\n import a"),
        ("typing", "<module>", "if not TYPE_CHECKING:\n pass\nelse:\n import a"),
        ("typing", "<module>", "if not (not TYPE_CHECKING):\n import a"),
        ("typing", "<module>", "if TYPE_CHECKING:\n try:\n  import a\n except ImportError:\n  pass"),
        ("typing", "<module>", "if x:\n if TYPE_CHECKING:\n  import a"),
        ("typing", "<module>", "if x:\n pass\nelif TYPE_CHECKING:\n import a"),
        ("conditional", "<module>", "if TYPE_CHECKING:\n pass\nelif x:\n import a"),
        ("typing", "C", "class C:\n if TYPE_CHECKING:\n  import a"),
        ("typing", "f", "def f():\n if TYPE_CHECKING:\n  import a"),
        ("typing", "<module>", "if False:\n import a"),
        ("typing", "<module>", "if 0:\n import a"),
        ("conditional", "<module>", "if True:\n import a"),
        ("conditional", "<module>", "if other.TYPE_CHECKING:\n import a"),
        ("conditional", "<module>", "if t.OTHER:\n import a"),
    ],
)
def test_when(when: str, scope: str, code: str) -> None:
    head = (
        "import typing, typing as t, typing_extensions as te\nfrom typing import TYPE_CHECKING, TYPE_CHECKING as TC\n"
    )
    found = imports(head + code)[2:]
    assert [(one.when, one.scope) for one in found] == [(when, scope)]


def test_another_module_lends_its_name_to_no_flag() -> None:
    found = imports("from settings import TYPE_CHECKING as TC\nif TC:\n import a\n")
    assert found[1].when == "conditional"
    assert imports("if t.TYPE_CHECKING:\n import a\n")[0].when == "conditional"


def test_no_import_no_record() -> None:
    assert imports("x = 'import a'\n# import b\nf = lambda: __import__('c')\n") == []


def test_a_cookie_that_hides_the_keyword() -> None:
    code = "# coding: utf-7\n+AGkAbQBwAG8AcgB0- a\n"
    facts = analyse(Source.from_bytes(code.encode(), "x.py"), (Imports,))
    assert [one.names for one in facts.records(Imports)] == [(("a", None),)]
