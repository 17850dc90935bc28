"""Whole generated programs: what stands at module level, in classes and in functions of every kind."""

from __future__ import annotations

from dataclasses import dataclass

from tests.behaviour.attempts import attempt
from tests.behaviour.pick import Pick, chance, one_of, weighted
from tests.behaviour.program import Kind, Place, Writer, indent

HEAD = """\
import asyncio
import builtins
import contextlib
import dataclasses
import enum
import logging
import sys
import traceback
from tests.behaviour.stage import (
    Control, Custom, Held, Swallow, active, again, boom, count, mark, names, pause, ticker, traced, within
)

{logger}
kept = []
e = 'the global'


def chosen():
    mark('chosen')
    return ValueError, KeyError


def report():
    mark('report', traceback.format_exc())


"""

UNITS = {
    "function": 10, "coroutine": 4, "generator": 4, "async generator": 2, "method": 4, "class body": 2, "dataclass": 1,
    "enum": 1, "module level": 3, "context manager": 1, "nonlocal": 1, "recursive": 1, "local logger": 1,
    "shadowed": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Program:
    """A program's bytes, and how often each shape was written."""

    data: bytes
    shapes: dict[str, int]

    @property
    def text(self) -> str:
        return self.data.decode()


def program(pick: Pick) -> Program:
    """One program. It ends with ``entries``: what to call, in this order."""
    writer = Writer(pick)
    logger = one_of(pick, ["logger = logging.getLogger(__name__)", "log = logger = logging.getLogger('program.x')"])
    lines = HEAD.format(logger=logger).split("\n")
    entries: list[str] = []
    for _ in range(1 + pick.below(2)):
        writer.budget = 14
        kind = weighted(pick, UNITS)
        writer.shapes[f"unit {kind}"] += 1
        new, calls = unit(writer, kind)
        lines += [*new, ""]
        entries += calls
    lines += [f"entries = [{', '.join(entries)}]", ""]
    text = "\n".join(lines)
    if chance(pick, 10):
        text = text.replace("    ", one_of(pick, ["\t", "  ", "        "]))
    if chance(pick, 8):
        text = text.replace("\n", "\r\n")
    return Program(text.encode(), dict(writer.shapes))


def unit(writer: Writer, kind: str) -> tuple[list[str], list[str]]:
    """The lines of one definition, and the expressions that the driver calls."""
    pick, name = writer.pick, writer.name("f")
    match kind:
        case "coroutine":
            return function(writer, name, "async", "async def"), [name]
        case "generator":
            return function(writer, name, "gen", "def", start="yield 0"), [name]
        case "async generator":
            return function(writer, name, "agen", "async def", start="yield 0"), [name]
        case "method":
            return method(writer, name), [f"C{name}().m", f"C{name}.s"]
        case "class body" | "dataclass" | "enum":
            return class_body(writer, name, kind), []
        case "module level":
            return attempt(writer, Place("module")), []
        case "context manager":
            lines = ["@contextlib.contextmanager", *function(writer, f"m{name}", "gen", "def", start="yield 0")]
            site = writer.site()
            uses = [
                f"def {name}(a=0):",
                f"    with m{name}() as value:",
                f"        mark('inside', value, boom({site}))",
            ]
            return [*lines, "", *uses], [name]
        case "nonlocal":
            word = one_of(pick, ["nonlocal e", "nonlocal e, attempt", "global e"])
            inner = attempt(writer, Place("sync", depth=1))
            outer = ["e = attempt = 'outer'", "def inner():", f"    {word}", *indent(inner), "mark('made', inner())"]
            return [f"def {name}(a=0):", *indent([*outer, "mark('outer', e)", "return e"])], [name]
        case "recursive":
            body = attempt(writer, Place("sync", depth=1, names=("a",), call=f"{name}(a + 1)"))
            head = [f"def {name}(a=0):", "    if a > 2:", "        return a", f"    r = boom({writer.site()}, a)"]
            return [*head, *indent(body), "    return r"], [name]
        case "local logger":
            lines = [f"def {name}(a, logger=None):", "    log2 = logging.getLogger('program.local')"]
            return [*lines, *indent(attempt(writer, Place("sync", depth=1, names=("a", "log2"))))], [name]
        case "shadowed":
            taken = one_of(pick, ["SafeExecutor", "attempt", "attempt1", "logging", "Exception_"])
            lines = [f"def {name}({taken}=1, *args, e=None, **rest):", f"    mark('given', {taken}, args, e, rest)"]
            return [*lines, *indent(attempt(writer, Place("sync", depth=1, names=(taken,))))], [name]
    return function(writer, name, "sync", "def"), [name]


def function(writer: Writer, name: str, kind: Kind, head: str, start: str = "") -> list[str]:
    """A function whose body has a ``try`` in it."""
    pick = writer.pick
    parameters = one_of(pick, ["a=0", "a=0, *args, **kwargs", "a=0, /, *, b=2"])
    place = Place(kind, depth=0, names=("a",), call=None)
    lines = [start] if start else []
    if chance(pick, 15):
        lines.insert(0, "'''What it does.'''")
    if chance(pick, 5):
        lines.append("global e")
    if chance(pick, 35):
        lines += writer.suite(place)
    if chance(pick, 30):
        loop = Place(kind, depth=1, loop=True, names=("a", "n"))
        lines += ["for n in range(3):", *indent(attempt(writer, loop))]
    else:
        lines += attempt(writer, place)
    if chance(pick, 35):
        lines += writer.suite(place)
    if pick.below(2):
        lines.append("mark('end')" if kind == "agen" else "return 'end'")
    decorator = ["@traced"] if chance(pick, 10) else []
    return [*decorator, f"{head} {name}({parameters}):", *indent(lines)]


def method(writer: Writer, name: str) -> list[str]:
    """A class with a logger of its own, a method and a static one."""
    body = attempt(writer, Place("sync", depth=1, names=("self",)))
    static = attempt(writer, Place("sync", depth=2))
    return [
        f"class C{name}:",
        "    def __init__(self):",
        "        self.logger = logging.getLogger('program.instance')",
        "        self.value = 1",
        "    def m(self, a=0):",
        *indent(indent(body)),
        "        return self.value",
        "    @staticmethod",
        "    def s(a=0):",
        *indent(indent(static)),
    ]


def class_body(writer: Writer, name: str, kind: str) -> list[str]:
    """A class whose body itself can fail."""
    tried = attempt(writer, Place("class", depth=2))
    match kind:
        case "dataclass":
            return [
                "@dataclasses.dataclass",
                f"class C{name}:",
                "    first: int = 1",
                *indent(tried),
                "    last: int = 2",
            ]
        case "enum":
            return [f"class C{name}(enum.Enum):", "    FIRST = 1", *indent(tried), "    LAST = 2"]
    return [f"class C{name}:", "    first = 1", *indent(tried), "    last = 2"]
