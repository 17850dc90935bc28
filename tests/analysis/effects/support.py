"""Read one expression whose names are of given types, and hold that against what Python makes of real values."""

from __future__ import annotations

import ast
import builtins
import copy
import warnings
from collections.abc import Collection, Iterator
from itertools import product
from typing import Any, NamedTuple

from analysis.effects.kinds import Kind, base, held, is_thing, join, parts, split
from analysis.effects.names import File
from analysis.effects.region import Effects, Opened
from analysis.effects.statements import Statements
from config.knowledge import knowledge

VALUES: dict[str, list[Any]] = {
    "bool": [True, False],
    "size": [0, 1, -2, 63],
    "int": [0, -1, 3, 10**5000],
    "float": [0.0, 1.5, -2.0, float("inf"), float("nan")],
    "complex": [0j, 1j],
    "str": ["", "ab", "%d", "%(k)s", "%c", "k", "12"],
    "bytes": [b"", b"ab", b"%d"],
    "None": [None],
    "list[size]": [[], [1, 2]],
    "list[str]": [["b", "a"]],
    "tuple[size,str]": [(1, "a")],
    "tuple[list[size],]": [([1],)],
    "dict[str]": [{}, {"k": "v"}],
    "dict[size]": [{"k": 1}],
    "set[size]": [set(), {1, 2}],
}
"""Types, and values that show what may happen to them."""


def spelled(value: object) -> str:
    """An id for a parameter that is the same in every process: sets have no order of their own."""
    return ",".join(sorted(value)) if isinstance(value, (set, frozenset)) else str(value)


class Read(NamedTuple):
    """What is read of an expression: its type, what it may raise, what is assumed or left open."""

    kind: Kind
    raises: frozenset[str]
    assumed: str | None
    open: str | None


def read(text: str, **kinds: Kind) -> Read:
    """What is read of an expression, of ``x[y] = z`` or of ``del x[y]``; ``kinds``: the types of the names in it."""
    names = Statements(File(knowledge(), ast.parse(""), b"", walrus=True, yields=None))
    names.effects = Effects()
    names.local = [kinds]
    kind: Kind = None
    try:
        match ast.parse(text).body[0]:
            case ast.Expr(value):
                kind = names.value(value)
            case ast.Delete([ast.Subscript() as place]):
                names.store(place, deletes=True)
            case ast.Assign([ast.Subscript() as place]):
                names.store(place)
    except Opened:
        pass
    noted = names.effects
    assumed = noted.assumed.text if noted.assumed is not None else None
    return Read(
        kind, frozenset(name for name, _ in noted.raises), assumed, noted.open.text if noted.open is not None else None
    )


def surprises(text: str, *, vague: bool = True) -> list[str]:
    """What comes of running ``text`` with values for its names ``a`` and ``b``, and was not read off it.

    ``vague``: it is also read with types that say less than is true, a union or nothing.
    """
    names = sorted({node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)} & {"a", "b"})
    found: list[str] = []
    for kinds in product(VALUES, repeat=len(names)):
        ended = [_run(text, names, values) for values in product(*(VALUES[kind] for kind in kinds))]
        less = [[kind, join(kind, "float"), join(kind, "set[str]"), None] if vague else [kind] for kind in kinds]
        for told in product(*less):
            seen = read(text, **dict(zip(names, told, strict=True)))
            if seen.open is None:
                found.extend(f"{text} with {told} {each}" for each in _missed(seen, ended))
    return found


def _missed(seen: Read, ended: list[tuple[Exception | None, Any]]) -> Iterator[str]:
    for error, result in ended:
        if error is None and not fits(result, seen.kind):
            yield f"gives a {type(result).__name__} that is no {seen.kind}"
        if error is not None and not any(isinstance(error, getattr(builtins, name)) for name in seen.raises):
            yield f"raises {type(error).__name__}"


def _run(text: str, names: list[str], values: tuple[Any, ...]) -> tuple[Exception | None, Any]:
    given = dict(zip(names, copy.deepcopy(values), strict=True))
    with warnings.catch_warnings(action="ignore"):
        try:
            if isinstance(ast.parse(text).body[0], ast.Expr):
                return None, eval(text, given)
            exec(text, given)
            return None, None
        except Exception as error:
            return error, None


def fits(value: Any, kind: Kind) -> bool:
    """Whether a value is of a type as the tables write it."""
    return kind is None or is_thing(kind) or any(_fits(value, part) for part in parts(kind))


def _fits(value: Any, part: str) -> bool:
    name, inner = base(part), held(part)
    if name == "size":
        return isinstance(value, int) and -(2**63) <= value < 2**64
    if name in ("iterator", "view"):
        return isinstance(value, Iterator if name == "iterator" else Collection)
    expected: type[Any] = type(None) if name == "None" else getattr(builtins, name)
    if not isinstance(value, expected):
        return False
    if inner is None:
        return True
    if name == "tuple":
        members = [None if one == "?" else one for one in split(inner) if one]
        return len(value) == len(members) and all(map(fits, value, members))
    return all(fits(each, inner) for each in (value.values() if name == "dict" else value))
