"""Which names a ``recoverable=`` may hold: only those that mean the type there."""

from __future__ import annotations

import symtable
import sysconfig
from pathlib import Path, PurePosixPath
from textwrap import dedent

import pytest

from analysis.collectors.imports import Imports
from analysis.source import Source
from analysis.walk import collect
from codemods.edits import Need
from codemods.recoverable import Bindings, Spelling


def written(text: str, qualified: str) -> str | Need | None:
    """How ``qualified`` is written at the end of ``text``, in a function that is all of it."""
    data = dedent(text).encode()
    source = Source.from_bytes(data, PurePosixPath("subject.py"))
    tree = source.parse()
    assert tree is not None, source.fault
    imports = collect(source, tree, [Imports])["imports"]
    return Spelling(imports, data).written(qualified, data.count(b"\n") + 1, data[data.find(b"def ") :])


@pytest.mark.parametrize(
    "text",
    [
        "def f(x, ValueError): pass",
        "def f(*ValueError): pass",
        "def f():\n    ValueError, y = KeyError, 2",
        "def f():\n    (a, [b, *ValueError]) = 1, [2, 3]",
        "def f():\n    for y, ValueError in []: pass",
        "def f():\n    with a as ValueError: pass",
        "def f():\n    try: pass\n    except KeyError as ValueError: pass",
        "def f():\n    from errors import ValueError",
        "def f():\n    import errors as ValueError",
        "def f():\n    if (ValueError := 1): pass",
        "def f():\n    del ValueError",
        "def f():\n    global ValueError\n    ValueError = 1",
        "def f():\n    match a:\n        case ValueError: pass",
        "def f():\n    def ValueError(): pass",
        "def f():\n    return [ValueError for ValueError in ()]",
        "def f():\n    return lambda ValueError: 1",
        "class A:\n    ValueError = 1",
        "from errors import *",
        "from errors import ValueError",
        "globals()['ValueError'] = KeyError",
        "exec('ValueError = KeyError')",
    ],
)
def test_a_name_that_is_bound_is_no_built_in(text: str) -> None:
    assert written(text, "ValueError") is None
    assert written("def f(): return ValueError.x", "ValueError") == "ValueError"


@pytest.mark.parametrize(
    "text",
    [
        "MyErr = type('MyErr', (Exception,), {})",
        "MyErr, x = KeyError, 1",
        "for MyErr in (): pass",
        "del MyErr",
        "def f(MyErr): pass",
        "def f():\n    global MyErr\n    MyErr = KeyError",
        "def f():\n    import other as MyErr",
        "from other import *",
    ],
)
def test_an_imported_name_that_is_bound_again_is_not_used(text: str) -> None:
    assert written(f"from errs import MyErr\n{text}\n", "errs.MyErr") is None
    assert written("from errs import MyErr\n", "errs.MyErr") == "MyErr"


@pytest.mark.parametrize(
    ("text", "qualified", "found"),
    [
        ("import errs\n", "errs.MyErr", "errs.MyErr"),
        ("import errs as e\n", "errs.MyErr", "e.MyErr"),
        ("from errs import Outer\n", "errs.Outer", "Outer"),
        ("import pkg\n", "pkg.errs.MyErr", None),
        ("import pkg.errs\n", "pkg.errs.MyErr", "pkg.errs.MyErr"),
        ("from errs import g\n", "errs.g.<locals>.MyErr", None),
        ("from errs import g\n", "errs.MyErr", None),
        ("from json import loads\n", "json.JSONDecodeError", Need("json", "JSONDecodeError")),
        ("import json\n", "json.JSONDecodeError", "json.JSONDecodeError"),
        ("# -*- coding: latin-1 -*-\nimport json\n", "json.JSONDecodeError", "json.JSONDecodeError"),
    ],
)
def test_how_it_is_written(text: str, qualified: str, found: str | Need | None) -> None:
    assert written(text, qualified) == found


@pytest.mark.parametrize(
    "text",
    [
        "def \\\n    name(): pass",
        "class  name(): pass",
        "async def  name(x): pass",
        "try: pass\nexcept X as  name: pass",
        "try: pass\nexcept (name := X): pass",
        "try: pass\nexcept X as name: pass",
        "import a; name = 1",
        "from a import (b,\n    c); name = 1",
        "def f(name): pass",
        "lambda name: 1",
        "[name for name in x]",
        "with a as (b, name): pass",
        "match x:\n    case {'k': name}: pass",
        "if (name := 1): pass",
        "raise X(name := 1)",
        "name: int = 1",
        "x = name = 1",
    ],
)
def test_no_way_of_binding_a_name_is_missed(text: str) -> None:
    assert Bindings(f"{text}\n".encode()).assigned("name")


@pytest.mark.parametrize(
    "text",
    [
        "name.x = 1",
        "name(1)",
        "raise name",
        "raise name from y",
        "import name",
        "import a as name",
        "from name import x",
        "try: pass\nexcept (A, name): pass",
        "print(name)",
        "x = 'name = 1'",
    ],
)
def test_a_name_that_is_read_is_not_taken_for_bound(text: str) -> None:
    assert not Bindings(f"{text}\n".encode()).assigned("name")


def test_the_bytes_never_say_less_than_the_compiler() -> None:
    for file in sorted(Path(sysconfig.get_path("stdlib")).glob("[a-d]*.py")):
        data = file.read_bytes()
        tables = [symtable.symtable(data.decode(), str(file), "exec")]
        for table in tables:
            tables += table.get_children()
        bound = {one.get_name() for table in tables for one in table.get_symbols() if one.is_assigned()}
        seen = Bindings(data)
        # A private name of a class goes by another name there.
        assert [name for name in sorted(bound) if name in data.decode() and not seen.assigned(name)] == []
