"""Which ports have two owners, and which connections reach nobody: both sides of a port, over a whole tree."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec

from analysis import ports
from analysis.collectors.port_literals import PortLiteral, PortLiteralCollector
from analysis.collectors.port_lookups import PortLookup, PortLookupCollector
from analysis.collectors.port_records import Use
from analysis.collectors.ports import PortCollector
from analysis.facts import Span
from analysis.ports import Row

if TYPE_CHECKING:
    from analysis.project import Project

Machines = Mapping[str, Sequence[str]]
_BASE = re.compile(r"\b\d{4,5}\b")
_REACH = 1000
"""So far above its base a sum of which one part is not known may go."""
_SYSTEM = 1024
"""Ports below it are the same everywhere."""
_SERVICES = frozenset(
    {1433, 1521, 1883, 2181, 2375, 2379, 3000, 3306, 3478, 4222, 4317, 4318, 5044, 5432, 5601, 5672, 5984, 6333, 6334}
    | {6379, 6443, 6650, 6831, 7474, 7687, 8086, 8123, 8125, 8200, 8222, 8300, 8500, 8529, 8883, 8983, 9000, 9042}
    | {9090, 9091, 9092, 9093, 9200, 9300, 9411, 11211, 11434, 14268, 15672, 16686, 19530, 26257, 26379, 27017, 50070}
)
"""Where databases, brokers, monitors and model servers listen that are installed, not written."""
_SERVED_BY_OTHERS = frozenset({"redis", "rediss", "postgres", "postgresql", "nats", "mongodb", "amqp", "amqps", "mqtt"})
_NEAR = re.compile(r"localhost|\b127\.|\b0\.0\.0\.0|::1\b|\b192\.168\.|\b10\.\d|\b172\.(?:1[6-9]|2\d|3[01])\.")
_PUBLIC = re.compile(r"(?i)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}|(?!(?:0|10|127|192|172|169)\.)\d+\.\d+\.\d+\.\d+")
_PROBE = re.compile(
    r"(?i)(?:check|is|find|get|free|avail|probe|test|scan|unused).*ports?|port.*(?:free|avail|use|open)"
)
_DIGITS = re.compile(rb"[1-9]\d{3,}")
_NUMBER = re.compile(r"(?<![\w.])\d{4,5}(?![\w.])")

_TABLES: WeakKeyDictionary[Project, tuple[Machines | None, list[Row]]] = WeakKeyDictionary()
"""The table of the project that was asked about last, for who asks both questions."""


class Place(msgspec.Struct, frozen=True):
    """A call that binds or connects: ``rows`` of one owner, its ``span``, ``column`` in characters and ``scope``."""

    rows: tuple[Row, ...]
    span: Span
    column: int
    scope: str
    text: str


class Dispute(msgspec.Struct, frozen=True):
    """A port that several owners bind on one machine, with the places of each owner."""

    machine: str
    port: int
    owners: tuple[tuple[str, tuple[Place, ...]], ...]


def bindings(
    project: Project, machines: Machines | None = None, left_out: Callable[[str], bool] | None = None
) -> list[Row]:
    """The rows of sockets that are bound to stay, on ports whose number is one and known.

    The project answers ``PortCollector``. What is bound in files that are ``left_out`` does not count.
    """
    places = _Places(project)
    return [
        row
        for row in _table(project, machines)
        if row.side == "bind"
        and row.certainty in ("exact", "default")
        and not (left_out is not None and (left_out(row.path) or left_out(row.home)))
        and not _is_probe(row, places.use(row))
    ]


def disputes(
    project: Project, machines: Machines | None = None, left_out: Callable[[str], bool] | None = None
) -> Iterator[Dispute]:
    """The conflicts that are certain: those of ``bindings``, which takes the same arguments."""
    places = _Places(project)
    bound = bindings(project, machines, left_out)
    for one in ports.conflicts(bound):
        owners = list(_without_mains(one.owners))
        if len(owners) > 1:
            made = ((owner, tuple(places.of([row]) for row in rows)) for owner, rows in owners)
            yield Dispute(one.machine, one.port, tuple(made))


def probes(project: Project) -> Callable[[Row], bool]:
    """Tells of a row of the project's sockets whether it only sees if a port is free, or if anybody answers.

    The project answers ``PortCollector``.
    """
    places = _Places(project)
    return lambda row: _is_probe(row, places.use(row))


def unanswered(project: Project, machines: Machines | None = None, elsewhere: Iterable[int] = ()) -> Iterator[Place]:
    """The connections that nobody can answer, as far as anybody can tell.

    The project answers ``PortCollector``, ``PortLiteralCollector`` and ``PortLookupCollector``. ``elsewhere`` are ports
    that something outside of the tree serves.
    """
    rows = _table(project, machines)
    bound = [row for row in rows if row.side == "bind"]
    provided = {row.port for row in rows if row.side != "connect"} | set(elsewhere) | _SERVICES
    kinds = {_kind(row) for row in bound}
    calls: defaultdict[tuple[str, int, int, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.side == "connect":
            calls[row.path, row.line, row.column, row.owner].append(row)
    silent = [
        found
        for found in calls.values()
        if all(row.port is not None and row.port >= _SYSTEM and row.port not in provided for row in found)
        and _kind(found[0]) in kinds
        and not any(map(_is_foreign, found))
    ]
    doubts = _Doubts(project, machines, bound, silent)
    places = _Places(project)
    for found in silent:
        if not any(map(doubts.about, found)):
            yield places.of(found)


def _table(project: Project, machines: Machines | None) -> list[Row]:
    known = _TABLES.get(project)
    if known is None or known[0] != machines:
        _TABLES.clear()
        known = _TABLES[project] = machines, ports.sockets(project, machines)
    return known[1]


class _Places:
    """The uses that the rows of a table were made from."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._uses: dict[str, dict[tuple[int, int, str, str], Use]] = {}

    def use(self, row: Row) -> Use:
        known = self._uses.get(row.path)
        if known is None:
            records = self._project.files[row.path].records(PortCollector)
            known = {(use.span.line, use.span.col, use.side, use.text): use for one in records for use in one.uses}
            self._uses[row.path] = known
        # Two calls of one chain begin at the same place.
        return known[row.line, row.column - 1, row.side, row.evidence]

    def of(self, rows: Sequence[Row]) -> Place:
        use = self.use(rows[0])
        return Place(tuple(rows), use.span, use.column, use.scope, use.text)


def _is_probe(row: Row, use: Use) -> bool:
    return row.by == "socket" and _PROBE.search(use.scope.rpartition(".")[2]) is not None


def _without_mains(owners: Iterable[tuple[str, tuple[Row, ...]]]) -> Iterator[tuple[str, tuple[Row, ...]]]:
    """The owners but those scripts whose file holds another owner: its main part starts what stands beside it."""
    every = list(owners)
    classes = {row.path for owner, rows in every for row in rows if not _is_script(owner, row)}
    for owner, rows in every:
        kept = tuple(row for row in rows if not _is_script(owner, row) or row.path not in classes)
        if kept:
            yield owner, kept


def _is_script(owner: str, row: Row) -> bool:
    return owner == row.path.rpartition("/")[2].removesuffix(".py")


def _kind(row: Row) -> str:
    """What a connection can be answered by: ZeroMQ by nothing else."""
    return "zmq" if row.by == "zmq" else ""


def _is_foreign(row: Row) -> bool:
    """Whether what answers a connection is not of this tree, or need not be."""
    if row.by in _SERVED_BY_OTHERS or row.transport in _SERVED_BY_OTHERS:
        return True
    if row.by == "zmq":
        return _PUBLIC.fullmatch(row.host) is not None and not _NEAR.search(row.host)
    return not _NEAR.search(row.host)


class _Doubts:
    """Why somebody may bind a number that no row binds."""

    def __init__(
        self, project: Project, machines: Machines | None, bound: Sequence[Row], silent: Iterable[Sequence[Row]]
    ) -> None:
        self._project = project
        self._open: defaultdict[str, set[str]] = defaultdict(set)
        self._sums: defaultdict[str, set[int]] = defaultdict(set)
        self._tokens: dict[str, set[int]] = {}
        for row in bound:
            if row.port is None:
                self._open[_kind(row)].add(row.path)
                if " + " in row.expression:
                    self._sums[_kind(row)].update(map(int, _BASE.findall(row.expression)))
        self._unread = bool(project.discovery.unreadable) or any(
            facts.fault is not None and facts.fault.kind == "unreadable" for facts in project.files.values()
        )
        self._connected: defaultdict[int, set[str]] = defaultdict(set)
        for found in silent:
            for row in found:
                for number in _numbers(row):
                    self._connected[number].add(row.path)
        self._written: defaultdict[int, set[str]] = defaultdict(set)
        for path, facts in project.files.items():
            literals: Sequence[PortLiteral] = facts.records(PortLiteralCollector)
            for one in literals:
                self._written[one.port].add(path)
        self._look_ups(machines)

    def _look_ups(self, machines: Machines | None) -> None:
        """A name that is looked up stands for its number: to give a port a name changes nothing for who binds it."""
        registry = ports.registry_of(self._project)
        if registry is None:
            return
        known = machines if machines is not None else ports.machines_of(self._project)
        for path, facts in self._project.files.items():
            asked: Sequence[PortLookup] = facts.records(PortLookupCollector)
            for one in asked:
                for entry in ports.entries_of(registry, one.name, one.machine, path, known):
                    self._written[entry.port].add(path)

    @cached_property
    def _unparsed(self) -> set[int]:
        """The numbers in the files that do not parse."""
        broken = (_bytes(self._project, path) for path, facts in self._project.files.items() if facts.fault is not None)
        return {int(one) for data in broken for one in _DIGITS.findall(data) if len(one) <= len("65535")}

    def about(self, row: Row) -> bool:
        """Whether the port of ``row``, or a number that it is worked out from, may be bound unseen."""
        return any(self._about(number, _kind(row)) for number in _numbers(row))

    def _about(self, number: int, kind: str) -> bool:
        if self._unread or number in self._unparsed:
            return True
        if any(0 <= number - base < _REACH for base in self._sums[kind]):
            return True
        binders = self._open.get(kind, set())
        written, connected = self._written[number], self._connected[number]
        return bool(binders) and bool(
            written - connected or written & binders or any(number in self._numbers_in(path) for path in binders)
        )

    def _numbers_in(self, path: str) -> set[int]:
        """The numbers in a file that binds one which is known at run time only: a list that it goes through."""
        if path not in self._tokens:
            digits = _DIGITS.findall(_bytes(self._project, path))
            self._tokens[path] = {int(one) for one in digits if len(one) <= len("65535")}
        return self._tokens[path]


def _numbers(row: Row) -> set[int]:
    found = {int(one) for one in _NUMBER.findall(row.expression)}
    return found | ({row.port} if row.port is not None else set())


def _bytes(project: Project, path: str) -> bytes:
    try:
        return project.path(path).read_bytes()
    except OSError:
        return b""
