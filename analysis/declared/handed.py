"""What the configurations that run a script hand to its sockets.

An entry with ``script_path: agents/tts.py`` and ``port: 7200`` says what that script is to bind. The script asks for
it by name: ``config["port"]``, ``os.getenv("AGENT_PORT")``, ``--port``, a parameter. Where the name is that of a key of
the entry, the value is put in its place.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Literal, NamedTuple

from msgspec import structs

from analysis.declared.records import Declared
from analysis.declared.scripts import Scripts
from analysis.ports import Ask, Row, machine_of
from analysis.values.addresses import numbers
from analysis.values.terms import (
    Choice,
    Env,
    Join,
    Key,
    Option,
    Parameter,
    Sum,
    Term,
    Unknown,
    below,
    choice,
    join,
    total,
    written,
)
from analysis.words import plural

Way = Literal["key", "variable", "option"]
Names = tuple[str, ...]

_ENVIRONMENTS = frozenset({"environment", "env", "env_vars", "envvars"})
_INNER = frozenset({"config", "configuration", "settings", "params", "parameters", "options", "spec"})
"""Tables of an entry that code is handed as a whole."""
_CONFIGURATION = frozenset(
    {"config", "configuration", "cfg", "conf", "settings", "options", "opts", "params", "parameters", "args", "kwargs"}
)
_ANY = frozenset(
    {"self", "cls", "app", "agent", "service", "server", "my", "own", "startup", "runtime", "main", "loaded", "default"}
)
"""Words that do not tell of which service a configuration is."""
_OF_AGENT = re.compile(r"(?:AGENT|SERVICE|APP|SERVER)_(?=.)")
_ASKING = (Env, Option, Key, Parameter)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class Value(NamedTuple):
    """A port of an entry. ``names`` lead to it from the entry, ``path`` from the top of the file."""

    way: Way
    names: Names
    path: Names
    term: Term
    line: int


class Entry(NamedTuple):
    """What one entry of the configuration ``path`` hands to the script that it runs."""

    path: str
    name: str
    machine: str
    values: list[Value]


class Answer(NamedTuple):
    """The term of a port with what an entry says in it, the same part of it as the source has it, and who says it."""

    given: Term
    own: Term
    said: tuple[tuple[str, Value], ...]


def entries(
    declared: Mapping[str, Sequence[Declared]],
    scripts: Scripts,
    machines: Mapping[str, Sequence[str]],
    named: Callable[[str], Sequence[str]],
) -> dict[str, list[Entry]]:
    """The entries that run each script of the tree, by its path; each by the path of its file and by place.

    ``named``: what configuration files each script names. Of several that run a script it is those that count.
    """
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for path, records in sorted(declared.items()):
        open_ones: dict[tuple[str, str], Entry] = {}
        for one in records:
            script = scripts.find(one.script, path) if one.script and one.keys else None
            value = _value(one) if script is not None else None
            if script is None or value is None:
                continue
            entry = open_ones.get((script, one.owner))
            # The same name again: another entry.
            if entry is None or any(each[:2] == value[:2] for each in entry.values):
                machine = machine_of(script, machines) or machine_of(path, machines)
                entry = open_ones[script, one.owner] = Entry(path, one.owner, machine, [])
                found[script].append(entry)
            entry.values.append(value)
    return {script: _read_by(its, named(script)) for script, its in found.items()}


def _read_by(every: list[Entry], named: Sequence[str]) -> list[Entry]:
    return [one for one in every if one.path.rpartition("/")[2] in named] or every


def _value(one: Declared) -> Value | None:
    """What code may ask for; None for what has no name, or is one of several (``ports: [5556, 5557]``)."""
    keys = one.keys
    if len(one.ports) != 1:
        return None
    way: Way = "key"
    names: Names = tuple(map(_plain, keys))
    if keys[0].startswith("-"):
        way = "option"
    elif any(key.lower() in _ENVIRONMENTS for key in keys[:-1]):
        # Variables are told apart by their case.
        way, names = "variable", keys[-1:]
    elif one.evidence.endswith("]"):
        return None
    elif len(keys) > 1 and keys[0].lower() in _INNER:
        names = names[1:]
    return Value(way, names, tuple(map(_plain, one.evidence.split("."))), one.ports[0], one.line)


def rows(asks: Iterable[Ask], known: Mapping[str, list[Entry]], used: Iterable[Row]) -> Iterator[Row]:
    """A row for each socket of ``asks`` and each port that an entry hands it. ``used`` are the rows of the source."""
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for row in used:
        if row.side == "bind":
            owners[row.home or row.path].add(row.owner)
    for ask in asks:
        row = ask.row
        names = dict.fromkeys(one for one in below(ask.port) if isinstance(one, _ASKING))
        seen: dict[tuple[str, int | None, str], list[tuple[Row, str]]] = {}
        # Of several that say the same the nearest is named.
        for entry in sorted(known.get(row.home, ()), key=lambda one: _distance(one.path, row.home)) if names else ():
            owner = row.owner if _is_agent(row, entry, owners[row.home]) else None
            values: dict[Term, Value] = {
                one: value for one in names if (value := _asked(one, entry, owner, ask)) is not None
            }
            answer = _answer(ask.port, values) if values else None
            for made, own in _made(row, entry, answer) if answer is not None else ():
                key = made.machine, made.port, "" if made.port is not None else made.expression
                seen.setdefault(key, []).append((made, own))
        for found in seen.values():
            more = f", and {plural(len(found) - 1, 'other')}" if len(found) > 1 else ""
            made, own = found[0]
            yield structs.replace(made, given=f"{made.given}{more}{own}")


def _distance(path: str, other: str) -> int:
    """How many folders lead from one file up to a common one and down to the other."""
    one, two = path.split("/"), other.split("/")
    same = next((at for at, (first, second) in enumerate(zip(one, two, strict=False)) if first != second), 0)
    return len(one) + len(two) - 2 * same


def _made(row: Row, entry: Entry, answer: Answer) -> Iterator[tuple[Row, str]]:
    """The rows of an answer, each with what is to be said of the number in the source."""
    found, _ = numbers(answer.given)
    if not found and _is_open(answer):
        return
    own, _ = numbers(answer.own)
    names: dict[int, dict[str, None]] = {}
    for what, value in answer.said:
        names.setdefault(value.line, {})[what] = None
    given = ", ".join(f"{' and '.join(its)} in {entry.path}:{line}" for line, its in names.items())
    differs = f"; {' or '.join(map(str, own))} in the source" if not set(own) <= set(found) else ""
    expression = written(answer.given)
    made = structs.replace(row, machine=entry.machine, expression=expression, certainty="configured", given=given)
    for number in found or (None,):
        yield structs.replace(made, port=number), differs


def _is_agent(row: Row, entry: Entry, owners: set[str]) -> bool:
    """Whether the owner of a socket is what an entry starts: the only one in the script, or called like it."""
    return len(owners) == 1 or _stem(row.owner) in (_stem(entry.name), _stem(row.home.rpartition("/")[2][:-3]))


def _stem(name: str) -> str:
    return re.sub(r"(?<=.)(?:agent|service)\Z", "", _plain(name))


@cache
def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _answer(term: Term, values: Mapping[Term, Value]) -> Answer | None:
    """``term`` with ``values`` in the place of what asks for them; None where nothing does.

    Of several ways to a value those alone are kept that ask.
    """
    value = values.get(term) if isinstance(term, _ASKING) else None
    if value is not None:
        return Answer(value.term, term, ((_what(term), value),))
    match term:
        case Env() | Option() | Key() | Parameter():
            inner = _answer(term.default, values) if term.default is not None else None
            return inner and inner._replace(given=structs.replace(term, default=inner.given))
        case Choice(options):
            found = [one for each in options if (one := _answer(each, values)) is not None]
            if not found:
                return None
            # What is tried when the port is taken, `port + 1`, is worked out from it.
            found = [one for one in found if not _is_open(one)] or found
            return _together(found, choice(one.given for one in found), choice(one.own for one in found))
        case Sum(parts) | Join(parts):
            answers = [_answer(each, values) for each in parts]
            if not any(answers):
                return None
            put = total if isinstance(term, Sum) else join
            given = put(one.given if one is not None else each for one, each in zip(answers, parts, strict=True))
            own = put(one.own if one is not None else each for one, each in zip(answers, parts, strict=True))
            return _together([one for one in answers if one is not None], given, own)
    return None


def _together(found: Sequence[Answer], given: Term, own: Term) -> Answer:
    return Answer(given, own, tuple(dict.fromkeys(one for each in found for one in each.said)))


def _is_open(answer: Answer) -> bool:
    return any(isinstance(one, Unknown) for one in below(answer.given))


def _what(term: Term) -> str:
    return written(structs.replace(term, default=None) if isinstance(term, _ASKING) else term)


def _asked(term: Term, entry: Entry, owner: str | None, ask: Ask) -> Value | None:
    """The value of ``entry`` that ``term`` asks for. ``owner`` is the class that the entry starts, if this is its."""
    match term:
        case Env(name):
            exact = _first(entry, "variable", (name,))
            # What starts an agent tells it its own port so.
            own = _OF_AGENT.sub("", name, count=1) if name != "AGENT" else name
            return exact or _first(entry, "key", (_plain(name),)) or _first(entry, "key", (_plain(own),))
        case Option(name):
            return _first(entry, "option", (_plain(name),)) or _first(entry, "key", (_plain(name),))
        case Parameter(function, name) if owner is not None and ask.handed and ask.row.path == ask.row.home:
            return _first(entry, "key", (_plain(name),)) if function == f"{owner}.__init__" else None
        case Key(path) if owner is not None and path not in ask.other:
            names = _names_in(path, entry.name, owner)
            if not names:
                return None
            whole = (one for one in entry.values if one.way == "key" and one.path[-len(names) :] == names)
            return _first(entry, "key", names) or next((one for one in whole if len(one.names) < len(names)), None)
    return None


def _first(entry: Entry, way: Way, names: Names) -> Value | None:
    return next((one for one in entry.values if one.way == way and one.names == names), None)


@cache
def _names_in(text: str, entry: str, owner: str) -> Names:
    """The names by which the code ``text`` asks a configuration for a value, plain; none where it asks something else.

    ``self.config.get("ports", {})["main"]`` asks for ``ports`` and ``main``; ``redis_config["port"]`` is another's.
    """
    try:
        node: ast.expr = ast.parse(text, mode="eval").body
    except SyntaxError:
        return ()
    names: list[str] = []
    while True:
        match node:
            case ast.Subscript(value=base, slice=ast.Constant(value=str(name))):
                names.append(name)
                node = base
            case ast.Call(func=ast.Attribute(value=base, attr="get"), args=[ast.Constant(value=str(name)), *_]):
                names.append(name)
                node = base
            case _:
                break
    dotted: list[str] = []
    while isinstance(node, ast.Attribute):
        dotted.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ()
    dotted.append(node.id)
    if not names:
        names, dotted = dotted[:1], dotted[1:]
    words = [word.lower() for one in dotted[:1] for word in _WORD.findall(one)]
    around = [word.lower() for one in dotted[1:] for word in _WORD.findall(one)]
    known = _ANY | {word.lower() for one in (entry, owner) for word in _WORD.findall(one)}
    if not words or words[-1] not in _CONFIGURATION or not known.issuperset({*words[:-1], *around} - _CONFIGURATION):
        return ()
    return tuple(_plain(part) for name in reversed(names) for part in name.split("."))
