"""How imports that are written look: within the length of a line, in groups, in order."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from codemods.cutting.workspace import Workspace

USUAL = 88
"""The length of a line where the tree does not say one: what black and ruff take."""
_SETTINGS = (("tool", "ruff", "line-length"), ("tool", "black", "line-length"), ("tool", "isort", "line_length"))
DIRECTIVE = re.compile(r"#\s*(?:noqa|type:|pylint:|isort:|pragma|nosec|fmt:|ruff:|mypy:|pyright:)", re.IGNORECASE)
"""Comments for tools. What they are about is the line or the file that they stand in."""
Kind = int
FUTURE, STANDARD, OTHER, OWN, RELATIVE = range(5)


def longest(workspace: Workspace) -> int:
    """The length that lines of the tree have at most: what its ``pyproject.toml`` says to ruff, black or isort, in this
    order, else ``USUAL``.
    """
    with suppress(OSError, ValueError):
        document = tomllib.loads(workspace.project.path("pyproject.toml").read_text("utf-8"))
        for keys in _SETTINGS:
            found: Any = document
            for key in keys:
                found = found.get(key) if isinstance(found, dict) else None
            if isinstance(found, int) and found > 1:
                return found
    return USUAL


def wrapped(text: str, most: int, indent: str = "", comment: str = "") -> str:
    """The import statement ``text``, which is on one line, with ``indent`` before and ``comment`` behind it; in
    brackets, with each name on a line of its own, where that is more than ``most`` characters.
    """
    line = f"{indent}{text}"
    told = f"{line}{comment}"
    head, found, names = text.partition(" import ")
    if not found or names == "*" or len((line if DIRECTIVE.match(comment.strip()) else told).expandtabs(4)) <= most:
        return told
    inner = f"{indent}\t" if indent.endswith("\t") else f"{indent}    "
    listed = "".join(f"{inner}{one},\n" for one in names.split(", "))
    return f"{indent}{head} import ({comment}\n{listed}{indent})"


class Line(NamedTuple):
    """An import to be written: the ``module`` with its dots, the names with their aliases, empty for ``import
    module``; ``above`` and ``behind`` are comments that go with it, the one behind with two blanks before it.
    """

    module: str
    names: tuple[str, ...] = ()
    alias: str = ""
    above: tuple[str, ...] = ()
    behind: str = ""

    @property
    def text(self) -> str:
        """The statement, on one line."""
        if not self.names:
            return f"import {self.module}{f' as {self.alias}' if self.alias else ''}"
        return f"from {self.module} import {', '.join(self.names)}"


def lines(node: ast.Import | ast.ImportFrom, aliases: Iterable[ast.alias]) -> list[Line]:
    """``aliases`` of a statement as imports to be written, as few as are usual: a name with an alias stands alone."""
    if isinstance(node, ast.Import):
        return [Line(one.name, (), one.asname or "") for one in aliases]
    module = f"{'.' * node.level}{node.module or ''}"
    plain = tuple(one.name for one in aliases if one.asname is None)
    alone = [Line(module, (f"{one.name} as {one.asname}",)) for one in aliases if one.asname is not None]
    return [*([Line(module, plain)] if plain else []), *alone]


def grouped(
    given: Iterable[Line], is_own: Callable[[str], bool], most: int, *, indent: str = "", single: bool = False
) -> str:
    """The imports in groups with a blank line between, each in the order that isort and ruff give them.

    ``is_own`` says of the name of a module whether it is the tree's; ``single``: each name has a line of its own.
    """
    table: dict[Kind, list[Line]] = {}
    for one in _merged(given, single=single):
        table.setdefault(kind(one.module, is_own), []).append(one)
    return "\n".join(_group(sorted(table[each], key=order), most, indent) for each in sorted(table))


def _group(given: Iterable[Line], most: int, indent: str) -> str:
    text = ""
    for one in given:
        # A comment begins anew.
        gap = "\n" if one.above and text else ""
        above = "".join(f"{indent}{comment}\n" for comment in one.above)
        text += f"{gap}{above}{wrapped(one.text, most, indent, one.behind)}\n"
    return text


def kind(module: str, is_own: Callable[[str], bool]) -> Kind:
    """The group that the imports of a module stand in."""
    top = module.partition(".")[0]
    if not top:
        return RELATIVE
    if top == "__future__":
        return FUTURE
    return STANDARD if top in sys.stdlib_module_names else OWN if is_own(module) else OTHER


def order(one: Line) -> tuple[bool, int, str, list[tuple[int, str]], str]:
    """What imports of one group are sorted by: plain ones first, of relative ones those from furthest away."""
    dots = len(one.module) - len(one.module.lstrip("."))
    return bool(one.names), -dots, one.module.lower(), [by_kind(each) for each in one.names], one.alias


def by_kind(name: str) -> tuple[int, str]:
    """What names of one import are sorted by: constants, then classes, then all others."""
    plain = name.partition(" ")[0]
    return (0 if plain.isupper() and len(plain) > 1 else 1 if plain[:1].isupper() else 2), name


ORDERS: Mapping[str, Callable[[str], tuple[int, str]]] = {
    "kind": by_kind,
    "letters": lambda name: (0, name.lower()),
    "codes": lambda name: (0, name),
}
"""The orders in which people keep names."""


def _merged(given: Iterable[Line], *, single: bool) -> list[Line]:
    """Imports of one module made one, but for those with comments of their own."""
    found: dict[str, set[str]] = {}
    alone: dict[Line, None] = {}
    for one in given:
        if one.names and not one.above and not one.behind and " as " not in one.names[0]:
            found.setdefault(one.module, set()).update(one.names)
        else:
            alone[one] = None
    made = [
        Line(module, part)
        for module, names in found.items()
        for part in ([(one,) for one in sorted(names)] if single else [tuple(sorted(names, key=by_kind))])
    ]
    return [*made, *alone]


def is_single(body: Sequence[ast.stmt]) -> bool:
    """Whether statements import each name on a line of its own, and several of one module."""
    plain = [one for one in body if isinstance(one, ast.ImportFrom)]
    modules = [(one.level, one.module) for one in plain]
    return all(len(one.names) == 1 for one in plain) and len(set(modules)) < len(modules)
