"""Where every port comes from and who uses it: ``table(project)`` has a row for each socket that is bound or connected.

The value is followed from the socket backwards, through names, attributes, parameters, imports, text and arithmetic
(:mod:`analysis.values`). What the environment, the command line or a configuration decides at run time is shown with
the default that stands in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Literal

import msgspec

from analysis.collectors.port_records import Ports, Side, Use
from analysis.collectors.ports import PortCollector
from analysis.modules import Modules
from analysis.values.across import Across, Definition
from analysis.values.terms import (
    Choice,
    Const,
    Env,
    Join,
    Key,
    Option,
    Parameter,
    Sum,
    Term,
    Unknown,
    below,
    join,
    replaced,
    written,
)

if TYPE_CHECKING:
    from analysis.project import Project

Certainty = Literal["exact", "default", "choice", "expression", "unknown"]
_MARK = "\ue000"
_ADDRESS = re.compile(
    rf"\s*(?:([a-z][a-z0-9+.]*)://)?(?:[^/@]*@)?(\[[^\]]*\]|[^/:]*)(?::([0-9{_MARK}]+))?(?:[/?].*)?\Z", re.DOTALL
)
_PLAIN_TEXT = frozenset({"inproc", "ipc", "file", "unix", "sqlite", "data"})
_DEFAULTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "redis": 6379, "nats": 4222, "amqp": 5672, "mqtt": 1883,
             "postgres": 5432, "postgresql": 5432, "mongodb": 27017}  # fmt: skip
_MACHINE = re.compile(
    r"((?:[a-z0-9]+_)*?(?:pc|host|node|machine|server|gpu|edge|worker)_?[0-9]*)(?:_code|_src|_agents|_services)?\Z"
)
_ROLE = re.compile(r"(?i)[_.]?(?:sock(?:et)?|port|endpoint|address|addr|url|client|server|connection|conn)s?\Z")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One use of a port.

    ``path``, ``line``, ``column``: where, the last two from 1. ``port``: its number; None where it is only known as the
    ``expression``. ``certainty``: ``exact``, the source says so; ``default``, so unless the environment, an option, a
    configuration or a caller says otherwise; ``choice``, one of several; ``expression``, no number is known;
    ``unknown``, nothing is. ``machine`` is a name from the settings or a guess, ``owner`` the agent's class or the
    script, ``purpose`` what the socket is called for, ``side`` bind or connect, ``by`` the library, ``socket`` the
    ZeroMQ type, ``transport`` and ``host`` parts of the address, ``evidence`` the argument as it is written. ``home``
    is the file of the owner: another than ``path`` where a base class binds for those derived from it.
    """

    path: str
    line: int
    column: int
    machine: str
    owner: str
    purpose: str
    side: Side
    by: str
    socket: str
    transport: str
    host: str
    port: int | None
    expression: str
    certainty: Certainty
    evidence: str
    home: str = ""


def table(project: Project, machines: Mapping[str, Sequence[str]] | None = None) -> list[Row]:
    """The rows of a project that was asked for :class:`~analysis.collectors.ports.PortCollector`, by place.

    ``machines``: the folders of each machine, by its name; without them they are guessed (``guessed``).
    """
    records = {path: found[0] for path, facts in project.files.items() if (found := facts.records(PortCollector))}
    return list(rows(records, project.files, machines if machines is not None else guessed(project.files)))


def rows(
    records: Mapping[str, Ports], paths: Mapping[str, object], machines: Mapping[str, Sequence[str]]
) -> Iterator[Row]:
    """The rows of all ``records``, by path; ``paths`` are all files of the tree."""
    across = Across(records, Modules(paths, {path: one.paths for path, one in records.items()}))
    for path, record in records.items():
        for use in record.uses:
            yield from _Found(across, path, use, machines).rows()


class _Found:
    """One use on its way to its rows."""

    def __init__(self, across: Across, path: str, use: Use, machines: Mapping[str, Sequence[str]]) -> None:
        self.across = across
        self.path = path
        self.use = use
        self.machines = machines
        self._known: dict[tuple[Term, bool], Term] = {}

    def rows(self) -> Iterator[Row]:
        """One row for each port that the use may have, one with an expression where no number is known."""
        seen: set[tuple[str, int | None, str]] = set()
        for owner, home, bound in self._owners():
            for transport, host, port in self._parts(bound):
                for row in self._made(owner, home, transport, host, port):
                    # Where no number is known, nothing tells one derived class from the next.
                    key = ("", None, row.expression) if row.port is None else (row.owner, row.port, "")
                    if key not in seen:
                        seen.add(key)
                        yield row

    def _owners(self) -> Iterator[tuple[str, str, dict[str, Term] | None]]:
        """Who the use belongs to: the class, or each class derived from it that hands its own values up.

        With each its file, on whose machine it runs, and what it hands up; None when that plays no part.
        """
        use = self.use
        if use.owner:
            function = f"{use.owner}.__init__"
            asked = [one for one in (use.address, use.host, use.port) if one is not None]
            names = {
                one.name
                for term in asked
                for one in below(term)
                if isinstance(one, Parameter) and one.function == function
            }
            calls = self.across.calls.get(Definition(self.path, function), []) if names else []
            calls = [one for one in calls if one.owner and one.owner != use.owner]
            for call in calls:
                yield (
                    call.owner,
                    call.path,
                    {name: self.across.resolve(term, call.path) for name, term in call.values.items() if name in names},
                )
            if calls:
                return
        yield use.owner or self._module(), self.path, None

    def _module(self) -> str:
        return self.path.rpartition("/")[2].removesuffix(".py")

    def _parts(self, bound: dict[str, Term] | None) -> Iterator[tuple[str, Term | None, Term]]:
        use = self.use
        if use.address is None:
            host = self._resolved(use.host, bound) if use.host is not None else None
            assert use.port is not None
            yield "", host, self._resolved(use.port, bound)
            return
        address = self._resolved(use.address, bound)
        for one in _each(address):
            parts = split(one)
            if use.port is not None:
                yield (parts[0] if parts else "tcp"), (parts[1] if parts else None), use.port
            elif parts is None:
                yield "", None, one
            elif parts[0] not in _PLAIN_TEXT:
                yield parts

    def _resolved(self, term: Term, bound: dict[str, Term] | None) -> Term:
        initial = Definition(self.path, f"{self.use.owner}.__init__")
        key = term, bound is not None
        if key not in self._known:
            self.across.owner = Definition(self.path, self.use.owner) if self.use.owner else None
            self.across.kept = initial if bound is not None else None
            try:
                self._known[key] = self.across.resolve(term, self.path)
            finally:
                self.across.owner = self.across.kept = None
        found = self._known[key]
        if not bound:
            return found

        def given(one: Term) -> Term | None:
            if isinstance(one, Parameter) and one.function == initial.name and one.name in bound:
                return bound[one.name]
            return None

        return replaced(found, given)

    def _made(self, owner: str, home: str, transport: str, host: Term | None, port: Term) -> Iterator[Row]:
        found, certainty = numbers(port)
        use = self.use
        machine = machine_of(home, self.machines)
        for number in found or (None,):
            yield Row(
                path=self.path,
                line=use.span.line,
                column=use.span.col + 1,
                machine=machine,
                owner=owner,
                purpose=_purpose(use),
                side=use.side,
                # Nothing else writes the address of a socket so.
                by="zmq" if use.by == "socket" and transport == "tcp" else use.by,
                socket=use.socket.strip("?"),
                transport=transport or ("tcp" if use.by in ("zmq", "socket") else use.by),
                host=written(host) if host is not None else "",
                port=number,
                expression=written(port),
                certainty=certainty,
                evidence=use.text,
                home=home,
            )


def split(address: Term) -> tuple[str, Term, Term] | None:
    """Transport, host and port of an address; None when it does not look like one that has a port."""
    if isinstance(address, Const):
        address = Join((address,))
    if isinstance(address, (Env, Option, Key, Parameter)) and address.default is not None:
        found = split(address.default)
        return found and (found[0], found[1], msgspec.structs.replace(address, default=found[2]))
    if not isinstance(address, Join):
        return None
    holes = [one for one in address.parts if not isinstance(one, Const)]
    text = "".join(str(one.value) if isinstance(one, Const) else _MARK for one in address.parts)
    match = _ADDRESS.match(text)
    if match is None:
        return None
    transport, host, port = match[1] or "", match[2], match[3]
    if transport in _PLAIN_TEXT:
        return transport, Const(host), Const("")
    before = text[: match.start(3) if port else len(text)].count(_MARK)
    if not port:
        known = _DEFAULTS.get(transport)
        if known is None:
            return None
        return transport, _filled(host, holes), Const(known)
    first = text[: match.start(2)].count(_MARK)
    where = _filled(host, holes[first:])
    number = _filled(port, holes[before:])
    return transport, where, number


def _filled(text: str, holes: Sequence[Term]) -> Term:
    parts: list[Term] = []
    at = 0
    for piece in re.split(f"({_MARK})", text):
        if piece == _MARK:
            parts.append(holes[at])
            at += 1
        elif piece:
            parts.append(Const(piece))
    return parts[0] if len(parts) == 1 else join(parts)


def _each(term: Term) -> tuple[Term, ...]:
    """The alternatives of an address; where they are inside a longer text, that text with each of them."""
    if isinstance(term, Choice):
        return tuple(one for option in term.options for one in _each(option))
    if isinstance(term, (Env, Option, Key, Parameter)) and isinstance(term.default, Choice):
        return tuple(msgspec.structs.replace(term, default=one) for one in _each(term.default))
    if isinstance(term, Join) and any(isinstance(one, Choice) for one in term.parts[:1]):
        first = term.parts[0]
        assert isinstance(first, Choice)
        return tuple(join((option, *term.parts[1:])) for option in first.options)
    return (term,)


def numbers(term: Term) -> tuple[list[int], Certainty]:
    """The port numbers that a term may come to, and how certain they are."""
    found = _numbers(term)
    if found is None:
        return [], "unknown" if isinstance(term, Unknown) else "expression"
    every, sure = found
    ports = list(dict.fromkeys(one for one in every if 0 <= one <= 65535))
    if not ports:
        return [], "expression"
    return ports, "choice" if len(ports) > 1 else sure


def _numbers(term: Term) -> tuple[list[int], Certainty] | None:
    match term:
        case Const(value):
            if isinstance(value, int):
                return [value], "exact"
            return ([int(value)], "exact") if value.strip().isdecimal() else None
        case Env(_, default) | Option(_, default) | Key(_, default) | Parameter(_, _, default):
            inner = _numbers(default) if default is not None else None
            return (inner[0], "default") if inner is not None else None
        case Choice(options):
            known = [one for option in options if (one := _numbers(option)) is not None]
            if not known:
                return None
            every = list(dict.fromkeys(number for one, _ in known for number in one))
            sure: Certainty = (
                "exact" if len(known) == len(options) and all(one[1] == "exact" for one in known) else "default"
            )
            return every, sure
        case Sum(parts):
            terms = [_numbers(one) for one in parts]
            if any(one is None for one in terms):
                return None
            whole = [one for one in terms if one is not None]
            sums = list(dict.fromkeys(map(sum, product(*(one for one, _ in whole)))))
            return sums, "exact" if all(one[1] == "exact" for one in whole) else "default"
        case Join(parts) if len(parts) == 1:
            return _numbers(parts[0])
    return None


def _purpose(use: Use) -> str:
    name = use.receiver.rpartition(".")[2]
    role = _ROLE.sub("", name).strip("_")
    return role if use.by in ("zmq", "socket") else use.by


def machine_of(path: str, machines: Mapping[str, Sequence[str]]) -> str:
    """The machine whose folders hold the file at ``path``, the deepest of several; empty when none does."""
    best, length = "", -1
    for name, folders in machines.items():
        for folder in folders:
            inside = folder.strip("/")
            if (not inside or path == inside or path.startswith(f"{inside}/")) and len(inside) > length:
                best, length = name, len(inside)
    return best


def guessed(paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The machines of a tree whose settings name none: its top folders that are called after one (``main_pc_code``).

    What lies outside of them has no machine: it may run on any.
    """
    tops = {path.partition("/")[0] for path in paths if "/" in path}
    found = {top: match for top in tops if (match := _MACHINE.match(top)) is not None}
    return {match[1]: (top,) for top, match in sorted(found.items())}


class Conflict(msgspec.Struct, frozen=True):
    """A port that several owners bind on one machine, with the rows of each owner."""

    machine: str
    port: int
    owners: tuple[tuple[str, tuple[Row, ...]], ...]


def conflicts(found: Iterable[Row], most: int = 1) -> list[Conflict]:
    """The ports that more than ``most`` owners bind on one machine, by machine and number.

    An owner is known by its name: copies of an agent are that agent. Port 0, which the system fills in, is no port.
    """
    binders: dict[tuple[str, int], dict[str, list[Row]]] = {}
    for row in found:
        if row.side == "bind" and row.port:
            binders.setdefault((row.machine, row.port), {}).setdefault(row.owner, []).append(row)
    return [
        Conflict(machine, port, tuple((owner, tuple(owners[owner])) for owner in sorted(owners)))
        for (machine, port), owners in sorted(binders.items())
        if len(owners) > most
    ]
