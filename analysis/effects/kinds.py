"""Types as the tables and the records write them.

``str``, ``zmq.Socket``: an instance. ``a|b``: one of several. ``list[str]``, ``dict[json]``, ``tuple[str,int]``: a
container and what it holds (the values, for a dict; each member, for a tuple, ``?`` where one is unknown). ``view``:
what a dict's ``items()`` and the like give; ``iterator``: what is made while it is used up. ``json``: whatever JSON can
say. ``size``: an ``int`` of machine size, which always prints. ``=json.loads``: the named thing itself (a module,
function or class) instead of an instance of it. ``0::Foo``: a symbol of the project, see
:mod:`analysis.effects.records`. None: unknown.
"""

from __future__ import annotations

import builtins
import functools

Kind = str | None

JSON = ("bool", "dict[json]", "float", "int", "list[json]", "None", "str")
SCALARS = frozenset({"str", "bytes", "int", "size", "float", "bool", "None", "complex", "ellipsis"})
NUMBERS = frozenset({"int", "size", "float", "bool"})
WHOLE = frozenset({"int", "size", "bool"})
_MUTABLE = frozenset({"list", "dict", "set", "collections.deque", "view"})
_HOLDERS = _MUTABLE | {"tuple", "frozenset", "iterator"}
_OPAQUE = frozenset({"BaseException", "object"})


@functools.cache
def parts(kind: str) -> tuple[str, ...]:
    """The members of a union, ``json`` spelt out."""
    if "|" not in kind:
        return JSON if kind == "json" else (kind,)
    found: list[str] = []
    depth = start = 0
    for at, letter in enumerate(f"{kind}|"):
        if letter == "[":
            depth += 1
        elif letter == "]":
            depth -= 1
        elif letter == "|" and depth == 0:
            one = kind[start:at]
            found.extend(JSON if one == "json" else (one,))
            start = at + 1
    return tuple(dict.fromkeys(found))


@functools.cache
def base(part: str) -> str:
    """``list`` of ``list[str]``."""
    return part.partition("[")[0]


@functools.cache
def held(part: str) -> Kind:
    """``str`` of ``list[str]``; None when it is not known what it holds."""
    _, bracket, rest = part.partition("[")
    return rest[:-1] if bracket else None


@functools.cache
def is_thing(kind: str) -> bool:
    """Whether it is a named thing or a symbol rather than an instance of a known type."""
    return kind[:1] == "=" or ":" in kind


def is_symbol(kind: str) -> bool:
    """Whether it is a symbol of the project."""
    return ":" in kind


def join(first: Kind, second: Kind) -> Kind:
    """What is one or the other."""
    if first is None or second is None:
        return None
    if first == second:
        return first
    if is_thing(first) or is_thing(second):
        return None
    both = tuple(sorted({*parts(first), *parts(second)}))
    if set(JSON) == set(both):
        return "json"
    if len(both) > 16:
        return None
    return "|".join(both)


@functools.cache
def is_plain(kind: str) -> bool:
    """Whether it and everything it holds is of a known type, so that no code of the project's runs through it."""
    for part in parts(kind):
        name = base(part)
        if is_symbol(part) or name in _OPAQUE:
            return False
        if name in _HOLDERS:
            inner = held(part)
            if inner == "json":
                continue
            if inner is None or not all(one != "?" and is_plain(one) for one in split(inner)):
                return False
    return True


def split(inner: str) -> list[str]:
    """``str,list[int]`` in two."""
    found: list[str] = []
    depth = start = 0
    for at, letter in enumerate(f"{inner},"):
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            found.append(inner[start:at])
            start = at + 1
    return found


@functools.cache
def hashes(kind: str) -> bool:
    """Whether a value of a known type may be used as a key without error; a tuple only if all its members may."""
    for part in parts(kind):
        name = base(part)
        if name in ("tuple", "frozenset"):
            inner = held(part)
            if name == "tuple" and (inner is None or not all(hashes(one) for one in split(inner) if one)):
                return False
        elif name not in SCALARS:
            return False
    return True


@functools.cache
def prints_whole(part: str) -> bool:
    """Whether printing it prints an ``int`` of any size, which fails beyond ``sys.get_int_max_str_digits()``."""
    inner = held(part)
    if inner == "json":
        return True
    if inner is not None:
        return any(prints_whole(each) for one in split(inner) for each in parts(one))
    return base(part) in ("int", "json", *_HOLDERS)


@functools.cache
def settled(kind: str) -> Kind:
    """What is left of a type when others may have put something else into the container meanwhile."""
    if is_thing(kind):
        return kind
    # A tuple stays what it is, but what it holds does not.
    kept = tuple(base(part) if base(part) in (*_MUTABLE, "tuple") else part for part in parts(kind))
    if "iterator" in {base(part) for part in kept}:
        return None  # what it has yet to do happens wherever it is used up
    return "|".join(sorted(set(kept)))


def without(kind: Kind, part: str) -> Kind:
    """``kind`` less one member, for what a test has ruled out."""
    if kind is None or is_thing(kind):
        return kind
    left = [each for each in parts(kind) if each != part]
    return "|".join(left) if left else kind


def lacks(kind: str, name: str) -> bool:
    """Whether the built-in type ``kind`` surely has no attribute ``name``; in doubt it has."""
    if kind in ("view", "iterator"):
        return name in ("__getitem__", "__setitem__", "__delitem__", "__call__")
    real = type(None) if kind == "None" else int if kind == "size" else getattr(builtins, kind, None)
    # What is known as an exception or an object may be one of a derived type.
    return (
        isinstance(real, type)
        and not issubclass(real, BaseException)
        and real is not object
        and not hasattr(real, name)
    )
