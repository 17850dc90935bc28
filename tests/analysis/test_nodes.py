"""The nodes below a node are those that ``ast`` finds, operators and contexts left out."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest

from analysis.nodes import below, children

LEFT_OUT = (ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop)
STDLIB = Path(sysconfig.get_paths()["stdlib"])
FILES = ["argparse.py", "ast.py", "asyncio/tasks.py", "dataclasses.py", "typing.py", "test/test_patma.py"]
RARE = """
async def f(a, /, b=1, *c: int, d, e=2, **g) -> None:
    async with a as b, c: pass
    async for x in y: await z
    else: pass
    return {**a, 1: 2, "k": lambda q, *, r=1: q}, [i async for i in b if i], x[1:2, ::3], not (yield)
match a:
    case {"k": [1, *rest], **more} if rest: pass
    case A(b, c=d) | None as e: pass
try: pass
except* A as b: del b
@d
class A(B, metaclass=C):
    x: int = (y := 1)
    global z
f"{a!r:>{b}}" if a else -b
"""


def expected(tree: ast.AST) -> set[ast.AST]:
    return {node for node in ast.walk(tree) if not isinstance(node, LEFT_OUT)}


@pytest.mark.parametrize("name", [name for name in FILES if (STDLIB / name).exists()])
def test_all_nodes_of_a_file_are_found(name: str) -> None:
    tree = ast.parse((STDLIB / name).read_bytes())
    found = below(tree)
    assert len(found) == len(set(found))
    assert set(found) == expected(tree)


def test_every_kind_of_node_is_found() -> None:
    tree = ast.parse(RARE)
    assert set(below(tree)) == expected(tree)
    for node in ast.walk(tree):
        if not isinstance(node, LEFT_OUT):
            inner = {each for each in ast.iter_child_nodes(node) if not isinstance(each, LEFT_OUT)}
            assert set(children(node)) == inner


def test_several_roots_are_all_gone_below() -> None:
    tree = ast.parse("a(b)\nc")
    assert {node.id for node in below(*tree.body) if isinstance(node, ast.Name)} == {"a", "b", "c"}
