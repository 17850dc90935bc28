"""The imports of a file that does not parse, read off its lines.

What breaks a file breaks it in one place, and its imports mostly stand elsewhere: each is parsed by itself. When it
runs is told by the lines above it that are indented less. Text inside a string that looks like an import is taken for
one, so whoever asks must hold these for uncertain.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from analysis.facts import Span

_START = re.compile(rb"^([ \t]*)(?:from[ \t]+[.\w]|import[ \t]+\w)", re.MULTILINE)
_DEFERS = re.compile(rb"(?:async[ \t]+)?def\b|if[ \t]+__name__[ \t]*==")
_CLASS = re.compile(rb"class\b")
_TYPING = re.compile(rb"if[ \t]+(?:\w+\.)?TYPE_CHECKING\b")
_MOST = 120
"""Beyond so many lines a bracket that is not closed is what is broken."""


def salvaged_imports(data: bytes) -> Iterator[tuple[Any, ...]]:
    """The fields of an :class:`analysis.collectors.imports.Import` for each import that a line of ``data`` begins."""
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    depths: list[int] = []
    taken = 0
    for number, line in enumerate(lines):
        start = _START.match(line)
        if number < taken or start is None:
            continue
        node, taken = _statement(lines, number)
        if node is None:
            continue
        indent = len(start[1])
        is_from = isinstance(node, ast.ImportFrom)
        end_col = (node.end_col_offset or 0) + (indent if node.lineno == node.end_lineno else 0)
        span = Span(number + 1, indent, number + (node.end_lineno or 1), end_col)
        module, level = (node.module or "", node.level) if isinstance(node, ast.ImportFrom) else ("", 0)
        names = tuple((one.name, one.asname) for one in node.names)
        if indent and not depths:
            depths = list(map(_depth, lines))
        when, scope = _when(lines, depths, number, indent)
        yield span, module, level, names, is_from, when, scope, indent + 1


def _statement(lines: list[bytes], first: int) -> tuple[ast.Import | ast.ImportFrom | None, int]:
    """The import that begins in line ``first``, and the number of the line behind it."""
    text = lines[first].lstrip(b" \t")
    last = first + 1
    while (text.count(b"(") > text.count(b")") or text.endswith(b"\\")) and last < min(first + _MOST, len(lines)):
        if _START.match(lines[last]):
            break
        text += b"\n" + lines[last]
        last += 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (node,) = ast.parse(text).body[:1]
    except (SyntaxError, ValueError):
        return None, first + 1
    return (node, last) if isinstance(node, (ast.Import, ast.ImportFrom)) else (None, first + 1)


def _depth(line: bytes) -> int:
    """How far a line is indented; beyond all others where it says nothing of what it stands in."""
    inner = line.lstrip(b" \t")
    return len(line) - len(inner) if inner and inner[0] not in b"#)]}" else sys.maxsize


def _when(lines: list[bytes], depths: list[int], number: int, indent: int) -> tuple[str, str]:
    """When an import at ``indent`` runs, and ``<module>`` or the innermost definition around it."""
    when, scope = "import", "<module>"
    while indent and number:
        number -= 1
        if depths[number] >= indent:
            continue
        indent = depths[number]
        inner = lines[number].lstrip(b" \t")
        if _TYPING.match(inner):
            return "typing", scope
        name = re.match(rb"(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", inner)
        if name is not None and scope == "<module>":
            scope = name[1].decode("ascii", "replace")
        if _DEFERS.match(inner):
            when = "deferred"
        elif _CLASS.match(inner):
            when = "class" if when != "deferred" else when
        elif when == "import":
            when = "conditional"
    return when, scope
