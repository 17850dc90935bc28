"""The walk hands out every statement once, in source order, with its scopes and parents."""

from __future__ import annotations

import ast

from analysis.facts import Span
from analysis.reading import analyse
from analysis.source import Source
from analysis.walk import Collector, Walk

ALL = tuple(kind for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.stmt))

CODE = """
import a
class A(b):
    x = 1
    def f(self):
        async def g():
            async with a as b: pass
            async for c in d: pass
            else: e
        return g
    if x:
        pass
    elif y: z
try:
    raise
except (A, B) as e:
    with e: pass
except C:
    class D:
        def h(self): yield
else:
    while x: break
    else: pass
finally:
    for x in y: continue
try: pass
except* E: pass
match a:
    case 1: del b
    case [c, *d]:
        assert c
"""


class Statements(Collector):
    """Topic ``statements``: where each statement and handler stands."""

    topic = "statements"
    version = 1
    record = Span
    nodes = (*ALL, ast.ExceptHandler)

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        assert walk.qualname == "<module>"
        self.seen: list[tuple[ast.AST, str, list[ast.AST]]] = []

    def visit(self, walk: Walk, node: ast.AST) -> None:
        self.seen.append((node, walk.qualname, list(walk.parents)))

    def finish(self, walk: Walk) -> None:
        assert walk.qualname == "<module>"
        assert walk.parents == []
        global last
        last = self.seen


last: list[tuple[ast.AST, str, list[ast.AST]]] = []


def test_each_statement_once_and_in_order() -> None:
    source = Source.from_bytes(CODE.encode(), "x.py")
    assert analyse(source, (Statements,)).fault is None
    seen = [node for node, _, _ in last]
    tree = ast.parse(CODE)
    there = [node for node in ast.walk(tree) if isinstance(node, (ast.stmt, ast.ExceptHandler))]

    def place(node: ast.AST) -> tuple[int, int, str]:
        return node.lineno, node.col_offset, type(node).__name__  # type: ignore[attr-defined]

    assert sorted(map(place, seen)) == sorted(map(place, there))
    assert [place(node)[:2] for node in seen] == sorted(place(node)[:2] for node in seen)


def test_scopes_and_parents() -> None:
    source = Source.from_bytes(CODE.encode(), "x.py")
    assert analyse(source, (Statements,)).fault is None
    names = {type(node).__name__ + f":{node.lineno}": name for node, name, _ in last}  # type: ignore[attr-defined]
    assert names["Import:2"] == "<module>"
    assert names["ClassDef:3"] == "<module>"
    assert names["Assign:4"] == "A"
    assert names["AsyncWith:7"] == "A.f.g"
    assert names["Return:10"] == "A.f"
    assert names["Pass:12"] == "A"
    assert names["Expr:20"] == "D.h"
    for node, _, parents in last:
        for outer, inner in zip(parents, [*parents, node][1:], strict=True):
            assert inner in list(ast.iter_child_nodes(outer))


def test_needles_skip_files_that_cannot_have_a_record() -> None:
    class Needy(Statements):
        needles = (b"import", b"class")

    for code, expected in (("x = 1\n", 0), ("import x\n", 1), ("class A: pass\n", 2)):
        assert analyse(Source.from_bytes(code.encode(), "x.py"), (Needy,)).fault is None
        assert len(last) == expected


def test_a_defect_of_a_collector_is_reported_with_its_place() -> None:
    class Broken(Statements):
        def visit(self, walk: Walk, node: ast.AST) -> None:
            raise KeyError("gone")

    facts = analyse(Source.from_bytes(b"x = 1\n", "x.py"), (Broken,))
    assert facts.fault is not None
    assert facts.fault.kind == "crashed"
    assert facts.fault.message.startswith("KeyError: 'gone' in test_walk.py:")
