"""The standard library as material: nothing trips the reading of effects, and it costs little more than parsing."""

from __future__ import annotations

import ast
import gc
import sysconfig
import time
from pathlib import Path, PurePosixPath

import pytest

from analysis.collectors.effects import Effects
from analysis.effects.records import Module
from analysis.exceptions import solve, summary
from analysis.source import Source
from analysis.walk import collect

LIBRARY = Path(sysconfig.get_path("stdlib"))
FILES = sorted([*LIBRARY.glob("*.py"), *(LIBRARY / "asyncio").glob("*.py"), *(LIBRARY / "concurrent").rglob("*.py")])


def test_the_standard_library() -> None:
    records: dict[str, Module] = {}
    parsing = reading = 0.0
    gc.disable()
    try:
        for file in FILES:
            data = file.read_bytes()
            start = time.process_time()
            tree = ast.parse(data)
            parsing += time.process_time() - start
            name = PurePosixPath(file.relative_to(LIBRARY))
            source = Source.from_bytes(data, name)
            start = time.process_time()
            records[str(name)] = collect(source, tree, [Effects])[Effects.topic][0]
            reading += time.process_time() - start
    finally:
        gc.enable()
    raises = solve(records)
    asked = sum(isinstance(node, ast.Try) for file in FILES for node in ast.walk(ast.parse(file.read_bytes())))
    assert len(raises) == asked
    assert all(each.types == () for _, each in raises if each.open)
    assert next(iter(summary(raises))).startswith(f"{asked:,} try bodies: ")
    assert reading < 3 * parsing, f"{reading:.2f} s to read, {parsing:.2f} s to parse"


ODD = """
try:
    pass
except* ValueError:
    pass
;;
async def f():
    try:
        async for x in y: pass
        async with a as b: pass
        return [z async for z in q]
    except Exception: pass
;;
def f(x):
    try:
        match x:
            case {'a': [b, *c], **d} if b: return c
            case A(e=1) | None: pass
    except Exception: pass
;;
class C:
    class D:
        def f(self):
            outer = 1
            def g():
                nonlocal outer
                try:
                    outer += (y := 1)
                except Exception: pass
;;
try:
    from . import a
    from .. import b
    import b.c as d
except Exception: pass
;;
def f():
    try:
        global g
        g = 1
        del g
    except Exception: pass
;;
try:
    x = y = z[0], *w = f()
except Exception: pass
;;
try:
    lambda *a, b=1, **c: (yield)
except Exception: pass
;;
class A(B, metaclass=C):
    x: int
    def __getattr__(self, n): raise AttributeError(n)
    def f(self):
        try:
            self.x.y.z.w.v.u.t.s()
        except Exception: pass
"""


@pytest.mark.parametrize("text", ODD.split(";;\n"))
def test_odd_shapes_are_answered(text: str) -> None:
    source = Source.from_bytes(text.encode(), PurePosixPath("odd.py"))
    tree = source.parse()
    assert tree is not None
    raises = solve({"odd.py": collect(source, tree, [Effects])[Effects.topic][0]})
    assert len(raises) == 1


def test_a_deep_and_a_long_body_are_answered() -> None:
    deep = "def f(a):\n    try:\n        x = " + "-" * 90 + "a\n    except Exception: pass\n"
    terms = "def f():\n    try:\n        x = " + " + ".join(["1"] * 3000) + "\n    except Exception: pass\n"
    calls = "".join(f"def f{n}(): f{n + 1}()\n" for n in range(3000)) + "def f3000(): raise KeyError\n"
    calls += "def g():\n    try:\n        f0()\n    except Exception: pass\n"
    for text, expected in ((deep, [{"TypeError"}]), (terms, []), (calls, [{"KeyError"}])):
        source = Source.from_bytes(text.encode(), PurePosixPath("deep.py"))
        tree = source.parse()
        if source.fault is not None and source.fault.kind == "too-deep":
            continue  # 3.12 does not parse it
        assert tree is not None
        raises = solve({"deep.py": collect(source, tree, [Effects])[Effects.topic][0]})
        assert [set(each.types) for _, each in raises if each.open is None] == expected
