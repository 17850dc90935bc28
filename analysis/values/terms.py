"""Terms: what the value of an expression is made of when it is not known, or not yet.

A file's own names are followed when it is read. What other files decide stays a *symbol*, ``level:module:path`` as in
:mod:`analysis.effects.records`, until all files are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import is_

import msgspec
from msgspec import structs


class Const(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="c"):
    """A literal."""

    value: int | str


class Join(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="j"):
    """Text put together from ``parts``."""

    parts: tuple[Term, ...]


class Sum(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="s"):
    """Numbers added up."""

    parts: tuple[Term, ...]


class Env(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="e"):
    """The environment variable ``name``, ``default`` where it is not set (None: nothing is given in its place)."""

    name: str
    default: Term | None = None


class Option(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="o"):
    """The option ``name`` of the command line, with its default."""

    name: str
    default: Term | None = None


class Key(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="k"):
    """The key ``path`` of a mapping that is only known when the program runs: a loaded configuration."""

    path: str
    default: Term | None = None


class Parameter(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="p"):
    """The parameter ``name`` of ``function``, a qualified name in this file: what callers pass, else ``default``."""

    function: str
    name: str
    default: Term | None = None


class Field(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="f"):
    """The attribute ``name`` of instances of ``owner``, a class of this file that does not set it itself."""

    owner: str
    name: str


class Symbol(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="y"):
    """Something that another file defines: ``0:settings:PORTS.api`` after ``import settings``."""

    text: str


class Call(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="a"):
    """What ``target``, a function of another file, gives back for ``values``, by position (its number) or keyword."""

    target: str
    values: tuple[tuple[int | str, Term], ...]


class Choice(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="h"):
    """One of several values: which, the flow of the program decides."""

    options: tuple[Term, ...]


class Unknown(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="u"):
    """An expression that is not followed, as it is written."""

    text: str


Term = Const | Join | Sum | Env | Option | Key | Parameter | Field | Symbol | Call | Choice | Unknown
_MANY = frozenset({Join, Sum, Choice})
_ONE = frozenset({Env, Option, Key, Parameter})
_LEAVES = frozenset({Const, Field, Symbol, Unknown})
_MOST = 12
"""Beyond so many alternatives a value says nothing."""
_BAR = " | "
_SIZE = 48
"""Beyond so many parts, too: nobody would read it, and parts of parts of alternatives grow without end."""
_PARTS = "a value of many parts"


def looked_up(term: Term) -> tuple[str, str] | None:
    """The name, and the machine or nothing, of a look-up in the port registry: ``get_port("NAME", machine="m")``."""
    if not isinstance(term, Call) or term.target.rpartition(":")[2].rpartition(".")[2] != "get_port":
        return None
    given = {key: value.value for key, value in term.values if isinstance(value, Const)}
    name, machine = given.get(0, given.get("name")), given.get(1, given.get("machine", ""))
    return (name, str(machine)) if isinstance(name, str) and len(given) == len(term.values) else None


def choice(options: Iterable[Term]) -> Term:
    """The alternatives as one term: flat, each once, in order."""
    flat: dict[Term, None] = {}
    for one in options:
        for each in one.options if isinstance(one, Choice) else (one,):
            flat[each] = None
    if len(flat) == 1:
        return next(iter(flat))
    if not 0 < len(flat) <= _MOST:
        return Unknown("too many alternatives")
    whole = _bounded(Choice(tuple(flat)))
    return whole if isinstance(whole, Choice) else _without_largest(tuple(flat))


def _without_largest(options: tuple[Term, ...]) -> Term:
    """The alternatives with the largest of them left open until nothing is too large: the others are known."""
    sizes = [sum(1 for _ in below(one)) for one in options]
    left = list(options)
    for at in sorted(range(len(options)), key=lambda at: -sizes[at]):
        left[at] = Unknown(_PARTS)
        sizes[at] = 1
        if sum(sizes) <= _SIZE:
            break
    return choice(left)


def join(parts: Iterable[Term]) -> Term:
    """Text put together: neighbouring literals are merged."""
    found: list[Term] = []
    for part in parts:
        for each in part.parts if isinstance(part, Join) else (part,):
            last = found[-1] if found else None
            if isinstance(each, Const) and isinstance(last, Const):
                found[-1] = Const(f"{last.value}{each.value}")
            elif isinstance(each, Const):
                found.append(Const(str(each.value)))
            else:
                found.append(each)
    if not found:
        return Const("")
    return found[0] if len(found) == 1 and isinstance(found[0], Const) else _bounded(Join(tuple(found)))


def total(parts: Iterable[Term]) -> Term:
    """Numbers added up: literals are summed, and stand last."""
    number = 0
    rest: list[Term] = []
    for part in parts:
        for each in part.parts if isinstance(part, Sum) else (part,):
            if isinstance(each, Const) and isinstance(each.value, int):
                number += each.value
            else:
                rest.append(each)
    if not rest:
        return Const(number)
    if not number:
        return rest[0] if len(rest) == 1 else _bounded(Sum(tuple(rest)))
    return _bounded(Sum((*rest, Const(number))))


def _bounded(term: Term) -> Term:
    every: list[Term] = [term]
    for one in every:
        if one.__class__ not in _LEAVES:
            every += _inside(one)
        if len(every) > _SIZE + 1:
            return Unknown(_PARTS)
    return term


def below(term: Term) -> Iterator[Term]:
    """``term`` and all terms inside it, each before what is inside it."""
    todo: list[Term] = [term]
    while todo:
        one = todo.pop()
        yield one
        todo.extend(reversed(_inside(one)))


def _inside(term: Term) -> Sequence[Term]:
    # By the class: a pattern would ask for each in turn, and this is half of what the table of ports costs.
    kind = term.__class__
    if kind in _MANY:
        return term.parts if kind is not Choice else term.options  # type: ignore[union-attr]
    if kind in _ONE:
        default = term.default  # type: ignore[union-attr]
        return (default,) if default is not None else ()
    return [value for _, value in term.values] if kind is Call else ()  # type: ignore[union-attr]


def replaced(term: Term, change: Callable[[Term], Term | None]) -> Term:
    """``term`` with what ``change`` gives in the place of each term that it gives something for, outermost first.

    A literal stays what it is.
    """
    kind = term.__class__
    if kind is Const:
        return term
    new = change(term)
    if new is not None or kind in _LEAVES:
        return term if new is None else new
    # What nothing is replaced in is given back as it is: most terms are, and putting them together again costs.
    inside = _inside(term)
    found = [replaced(each, change) for each in inside]
    if all(map(is_, found, inside)):
        return term
    if kind in _ONE:
        return structs.replace(term, default=found[0])
    if isinstance(term, Call):
        return Call(term.target, tuple((key, one) for (key, _), one in zip(term.values, found, strict=True)))
    return join(found) if kind is Join else total(found) if kind is Sum else choice(found)


def written(term: Term) -> str:
    """The term for people: ``5556``, ``tcp://*:{$PORT or 5556}``, ``{self.port} + 1``."""
    # The two of which there are most, by their class: a pattern asks for each in turn.
    if term.__class__ is Const:
        return str(term.value)
    if term.__class__ is Unknown:
        return term.text
    match term:
        case Join(parts):
            return "".join(str(each.value) if isinstance(each, Const) else f"{{{written(each)}}}" for each in parts)
        case Sum(parts):
            return " + ".join(map(written, parts))
        case Env(name, default):
            return f"${name}" + _otherwise(default)
        case Option(name, default):
            return name + _otherwise(default)
        case Key(path, default):
            return path + _otherwise(default)
        case Parameter(function, name, default):
            return f"{function}({name})" + _otherwise(default)
        case Field(owner, name):
            return f"{owner}.{name}"
        case Symbol(text):
            return ".".join(filter(None, text.split(":", 2)[1:]))
        case Call(target, values):
            return f"{written(Symbol(target))}({', '.join(written(value) for _, value in values)})"
        case Choice(options):
            # Two ways to one value may be written alike, and one of them may be several values.
            return " | ".join(dict.fromkeys(piece for one in options for piece in _between_bars(written(one))))
    raise AssertionError(term)


def _between_bars(text: str) -> Iterable[str]:
    """The parts of ``text`` between bars that stand in no brackets."""
    return _split(text) if _BAR in text else (text,)


def _split(text: str) -> Iterator[str]:
    depth = 0
    begun = ""
    for piece in text.split(_BAR):
        depth += sum(map(piece.count, "([{")) - sum(map(piece.count, ")]}"))
        begun += piece
        if depth:
            begun += _BAR
        else:
            yield begun
            begun = ""
    if depth:
        yield begun.removesuffix(_BAR)


def _otherwise(default: Term | None) -> str:
    return "" if default is None else f" or {written(default)}"
