"""What looks like a port and is none: bounds of ranges, patterns to search texts with, and examples in a schema."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from analysis.port_names import is_range
from analysis.values.syntax import dotted

_PATTERNS = frozenset({"compile", "search", "match", "fullmatch", "findall", "finditer", "sub", "subn", "split"})
_SCHEMAS = frozenset({"json_schema_extra", "schema_extra"})
_EXAMPLES = frozenset({*_SCHEMAS, "example", "examples", "openapi_examples"})
_ESCAPE = re.compile(r"\\[.dDwWsSbB/]|\(\?[:=!<P]")
"""What no address has and most patterns have."""
_WILD = re.compile(r"[\\()|^]|\.[*+]")
"""The same in a host, where it is sure."""
_CODE = re.compile(r"\b(?:bind|connect)\(")
"""Source that is looked for in a file, or told of."""
HIGHEST = 65535
_ENDS = frozenset({HIGHEST, HIGHEST + 1, 60999, 61000})
"""Where the ports end, and those that Linux gives to whoever asks for any."""


def is_pattern(text: str, host: str) -> bool:
    """Whether an address of ``host`` in ``text`` is one that is searched for: a pattern, or a line of source.

    Text of several lines is a page or a program, and what has such signs in it stands elsewhere.
    """
    return (
        _WILD.search(host) is not None
        or _CODE.search(text) is not None
        or ("\n" not in text and _ESCAPE.search(text) is not None)
    )


def is_bounds(node: ast.List | ast.Tuple) -> bool:
    """Whether two numbers are the first and last of a range: ``(32768, 65535)``, ``(5600, 5699)``.

    ``(5600, 6600)`` may as well be two ports of one agent.
    """
    if len(node.elts) != 2:
        return False
    first, last = (one.value if isinstance(one, ast.Constant) else None for one in node.elts)
    if type(first) is not int or type(last) is not int or first >= last:
        return False
    return last in _ENDS or (first % 10 == 0 and last % 10 == 9)


def by_name(name: str) -> bool:
    """Whether what is assigned to ``name`` holds no ports."""
    return name in _SCHEMAS or is_range(name)


def by_key(name: str) -> bool:
    """Whether what a key or a keyword is given holds no ports."""
    return name in _EXAMPLES or is_range(name)


def of_call(node: ast.Call) -> Iterator[ast.expr]:
    """The arguments of a call that hold no ports."""
    for each in node.keywords:
        if each.arg is not None and by_key(each.arg):
            yield each.value
    called = dotted(node.func) or ""
    module, _, last = called.rpartition(".")
    if module in ("re", "regex") and last in _PATTERNS:
        yield from node.args[:1]
        yield from (each.value for each in node.keywords if each.arg == "pattern")
