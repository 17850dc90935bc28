"""What a program really hands over is among what reading its source says it may."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import product
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.source import Source
from analysis.values.terms import Choice, Const, Env, Join, Parameter, Sum, Term
from analysis.walk import collect
from tests.analysis.values.support import Asking

NAMES = ("a", "b", "c")
VARIABLES = ("A_PORT", "B_PORT")


@st.composite
def numbers(draw: st.DrawFn, names: tuple[str, ...], depth: int = 0) -> str:
    """An expression for a number, of the names that are bound."""
    kinds = ["literal", "env", "envor"]
    if names:
        kinds += ["name"] * 3
    if depth < 2:
        kinds += ["sum", "difference", "choice", "dict", "list", "call", "int"]
    inner = numbers(names, depth + 1)
    match draw(st.sampled_from(kinds)):
        case "literal":
            return str(draw(st.integers(1, 9999)))
        case "env":
            return f'int(os.getenv("{draw(st.sampled_from(VARIABLES))}", {draw(st.integers(1, 9999))}))'
        case "envor":
            return f'int(os.environ.get("{draw(st.sampled_from(VARIABLES))}") or {draw(st.integers(1, 9999))})'
        case "name":
            return draw(st.sampled_from(names))
        case "sum":
            return f"({draw(inner)} + {draw(inner)})"
        case "difference":
            return f"({draw(inner)} - {draw(st.integers(1, 99))})"
        case "choice":
            return f"({draw(inner)} if flag() else {draw(inner)})"
        case "dict":
            return f'{{"x": {draw(inner)}, "y": {draw(inner)}}}["{draw(st.sampled_from("xy"))}"]'
        case "list":
            return f"[{draw(inner)}, {draw(inner)}][{draw(st.integers(0, 1))}]"
        case "call":
            return f"twice({draw(inner)})"
    return f"int(str({draw(inner)}))"


@st.composite
def blocks(draw: st.DrawFn, names: tuple[str, ...], depth: int, indent: str) -> tuple[list[str], tuple[str, ...]]:
    """Statements, and the names that are bound when they have run."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["assign", "assign", "add", "unpack", "if", "for", "while", "try", "with", "show"]))
        name = draw(st.sampled_from(NAMES))
        if kind == "assign" or (kind in ("if", "for", "while", "try", "with") and depth > 1):
            lines.append(f"{indent}{name} = {draw(numbers(names))}")
            names = tuple(dict.fromkeys((*names, name)))
        elif kind == "add" and name in names:
            lines.append(f"{indent}{name} += {draw(numbers(names))}")
        elif kind == "unpack":
            lines.append(f"{indent}{name}, _ = {draw(numbers(names))}, {draw(numbers(names))}")
            names = tuple(dict.fromkeys((*names, name)))
        elif kind == "if":
            first, left = draw(blocks(names, depth + 1, indent + "    "))
            second, right = draw(blocks(names, depth + 1, indent + "    "))
            lines += [f"{indent}if flag():", *first, f"{indent}else:", *second]
            names = tuple(one for one in left if one in right)
        elif kind in ("for", "while"):
            inner, _ = draw(blocks(names, depth + 1, indent + "    "))
            head = (
                f"for {name} in ({draw(numbers(names))}, {draw(numbers(names))})" if kind == "for" else "while flag()"
            )
            if kind == "for":
                names = tuple(dict.fromkeys((*names, name)))
            lines += [f"{indent}{head}:", *inner]
        elif kind == "try":
            inner, _ = draw(blocks(names, depth + 1, indent + "    "))
            lines += [f"{indent}try:", *inner, f"{indent}    fail()", f"{indent}except OSError:", f"{indent}    pass"]
        elif kind == "with":
            inner, names = draw(blocks(names, depth + 1, indent + "    "))
            lines += [f"{indent}with entered():", *inner]
        elif names:
            lines.append(f'{indent}at(f"tcp://*:{{{draw(st.sampled_from(names))}}}")')
    return lines or [f"{indent}pass"], names


@st.composite
def programs(draw: st.DrawFn) -> str:
    top, names = draw(blocks((), 0, ""))
    name = draw(st.sampled_from(names)) if names else "1"
    inner, bound = draw(blocks(names, 0, "        "))
    last = draw(st.sampled_from(bound)) if bound else "1"
    lines = [
        "import os",
        "def twice(n):",
        "    return n + n",
        *top,
        "class Agent:",
        f"    def __init__(self, port={name}):",
        "        self.port = port",
        "        self.health = self.port + 1",
        f"    def run(self, {', '.join(f'{one}={one}' for one in names)}):",
        *inner,
        f'        at(f"tcp://*:{{self.health}}:{{{last}}}")',
        "Agent().run()",
    ]
    return "\n".join(lines) + "\n"


def possible(term: Term, environment: dict[str, str]) -> Iterator[str]:
    """The texts that a term may come to; ``?`` for one that says that it does not know."""
    match term:
        case Const(value):
            yield str(value)
        case Env(name, default):
            if environment.get(name):
                yield environment[name]
            elif default is not None:
                yield from possible(default, environment)
        case Choice(options):
            for one in options:
                yield from possible(one, environment)
        case Parameter(_, _, default) if default is not None:
            yield from possible(default, environment)
        case Join(parts):
            for each in product(*(tuple(possible(one, environment)) for one in parts)):
                yield "?" if "?" in each else "".join(each)
        case Sum(parts):
            for each in product(*(tuple(possible(one, environment)) for one in parts)):
                yield "?" if "?" in each else str(sum(map(int, each)))
        case _:
            yield "?"


@settings(deadline=None)
@given(
    programs(),
    st.dictionaries(st.sampled_from(VARIABLES), st.integers(1, 9999).map(str)),
    st.lists(st.booleans(), min_size=1, max_size=12),
)
def test_what_is_handed_over_is_among_what_is_told(
    program: str, environment: dict[str, str], flags: list[bool]
) -> None:
    source = Source.from_bytes(program.encode(), "sample.py")
    tree = source.parse()
    assert tree is not None, program
    terms = collect(source, tree, (Asking,))["asking"]
    lines = [
        one.lineno
        for one in ast.walk(tree)
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "at"
    ]
    told = dict(zip(sorted(lines), terms, strict=True))
    for line, given_ in run(program, environment, flags):
        texts = set(possible(told[line], environment))
        assert given_ in texts or "?" in texts, (line, given_, texts, program)


def run(program: str, environment: dict[str, str], flags: list[bool]) -> list[tuple[int, str]]:
    """The line and the argument of each call of ``at``."""
    found: list[tuple[int, str]] = []
    waiting = iter(flags)

    def fail() -> None:
        if next(waiting, False):
            raise OSError

    names: dict[str, Any] = {
        "at": lambda text: found.append((sys._getframe(1).f_lineno, text)),
        "flag": lambda: next(waiting, False),
        "fail": fail,
        "entered": nullcontext,
    }
    with patch.dict(os.environ, environment):
        for name in set(VARIABLES) - set(environment):
            os.environ.pop(name, None)
        exec(compile(program, "sample.py", "exec"), names)
    return found
