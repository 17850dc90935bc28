"""Where every port comes from and who uses it: ``table(project)`` has a row for each socket that is bound or connected.

The value is followed from the socket backwards, through names, attributes, parameters, imports, text and arithmetic
(:mod:`analysis.values`). What the environment, the command line or a configuration decides at run time is shown with
the default that stands in its place.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from analysis.collectors.port_records import Ports, Side, Use
from analysis.collectors.ports import PortCollector
from analysis.modules import Modules
from analysis.testfiles import is_test
from analysis.values.across import Across, Definition
from analysis.values.addresses import PLAIN_TEXT, Certainty, alternatives, numbers, split
from analysis.values.terms import Const, Key, Parameter, Term, below, choice, replaced, written
from config.registry import Port, Registry, find, load

if TYPE_CHECKING:
    from analysis.declared.scripts import Scripts
    from analysis.project import Project

_MACHINE = re.compile(
    r"((?:[a-z0-9]+_)*?(?:pc|host|node|machine|server|gpu|edge|worker)_?[0-9]*)(?:_code|_src|_agents|_services)?\Z"
)
_ROLE = re.compile(r"(?i)[_.]?(?:sock(?:et)?|port|endpoint|address|addr|url|client|server|connection|conn)s?\Z")


_NOTHING = Ports((), (), (), (), (), (), (), ())

DeclaredSide = Literal["declare", "publish"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One use of a port, or one declaration of it in a configuration file.

    ``path``, ``line``, ``column``: where, the last two from 1. ``port``: its number; None where it is only known as the
    ``expression``. ``certainty``: ``exact``, the source says so; ``default``, so unless the environment, an option, a
    configuration or a caller says otherwise; ``configured``, a configuration that runs the script gives that number
    (or ``expression``) under the name that the source asks for; ``choice``, one of several; ``expression``, no number
    is known; ``unknown``, nothing is. ``machine`` is a name from the settings or a guess, ``owner`` the agent's class
    or the script, ``purpose`` what the socket is called for, ``side`` bind or connect, ``by`` the library, ``socket``
    the ZeroMQ type, ``transport`` and ``host`` parts of the address, ``evidence`` the argument as it is written.
    ``home`` is the file of the owner: another than ``path`` where a base class binds for those derived from it, and
    what a configuration has run. ``given``, of what is configured: what the source asks for, where the configuration
    says it, and what the source has in its place where that differs.

    Of a declaration ``side`` is ``publish`` where a container's port is taken on the machine itself, else ``declare``;
    ``owner`` is the entry, or whoever binds in the script that the entry runs; ``by`` is the kind of file, ``purpose``
    comes from the keys, ``line`` and ``column`` are those of the value, and ``evidence`` is the path of its key.
    """

    path: str
    line: int
    column: int
    machine: str
    owner: str
    purpose: str
    side: Side | DeclaredSide
    by: str
    socket: str
    transport: str
    host: str
    port: int | None
    expression: str
    certainty: Certainty
    evidence: str
    home: str = ""
    given: str = ""


def table(
    project: Project, machines: Mapping[str, Sequence[str]] | None = None, *, configured: bool = True
) -> list[Row]:
    """The rows of a project that was asked for :class:`~analysis.collectors.ports.PortCollector`.

    First those of its sockets, then what configurations hand to these, unless not ``configured``, then those of its
    configuration files, each by place. ``machines``: the folders of each machine, by its name; without them they are
    guessed (``guessed``).
    """
    from analysis.declared.rows import rows as declared
    from analysis.declared.scripts import Scripts

    known = machines if machines is not None else machines_of(project)
    records = project.declarations.records
    where = known if machines is not None else deployed(records, known)
    scripts = Scripts(project.files)
    used, given = _handed(project, _records(project), known, where, scripts, configured=configured)
    return [*used, *given, *declared(records, used, scripts, where)]


def _handed(
    project: Project,
    facts: Mapping[str, Ports],
    machines: Mapping[str, Sequence[str]],
    where: Mapping[str, Sequence[str]],
    scripts: Scripts,
    *,
    configured: bool,
) -> tuple[list[Row], list[Row]]:
    """The rows of sockets, and what configurations, which lie on the machines of ``where``, hand to these."""
    from analysis.declared.handed import entries
    from analysis.declared.handed import rows as handed

    records = project.declarations.records
    run = entries(records, scripts, where, lambda path: _named(facts, path)) if configured else {}
    asks: list[Ask] = []
    used = list(rows(facts, project.files, machines, registry_of(project), run, asks))
    return used, list(handed(asks, run, used))


def registry_of(project: Project) -> Registry | None:
    """The port registry of a tree; None where it has none. Raises RegistryError for one that cannot be used."""
    file = find(project.root)
    return load(file) if file is not None else None


def machines_of(project: Project) -> Mapping[str, Sequence[str]]:
    """The machines of a tree whose settings name none: those of its port registry, else ``guessed`` ones."""
    registry = registry_of(project)
    if registry is not None and registry.ports:
        return {one.name: one.paths for one in registry.machines if one.paths}
    return guessed(project.files)


def sockets(
    project: Project,
    machines: Mapping[str, Sequence[str]] | None = None,
    more: Mapping[str, Sequence[Use]] | None = None,
    *,
    configured: bool = False,
) -> list[Row]:
    """As ``table``, without the rows of the configuration files, which are not looked for unless ``configured``.

    ``more`` are uses that another collector noted down, by the path of their file.
    """
    records = _records(project)
    for path, uses in (more or {}).items():
        record = records.get(path, _NOTHING)
        records[path] = msgspec.structs.replace(record, uses=(*record.uses, *uses))
    known = machines if machines is not None else machines_of(project)
    if not configured:
        return list(rows(records, project.files, known, registry_of(project)))
    from analysis.declared.scripts import Scripts

    where = known if machines is not None else deployed(project.declarations.records, known)
    used, given = _handed(project, records, known, where, Scripts(project.files), configured=True)
    return [*used, *given]


def _named(records: Mapping[str, Ports], path: str) -> Sequence[str]:
    return records[path].configurations if path in records else ()


def _records(project: Project) -> dict[str, Ports]:
    return {path: found[0] for path, facts in project.files.items() if (found := facts.records(PortCollector))}


def entries_of(
    registry: Registry, name: str, machine: str, path: str, machines: Mapping[str, Sequence[str]]
) -> tuple[Port, ...]:
    """What a look-up of ``name`` in the file at ``path`` may mean: of ``machine``, else of the file's, else of any."""
    entries = registry.entries(name)
    wanted = machine or machine_of(path, machines)
    return tuple(one for one in entries if one.machine == wanted) or (() if machine else tuple(entries))


def rows(
    records: Mapping[str, Ports],
    paths: Mapping[str, object],
    machines: Mapping[str, Sequence[str]],
    registry: Registry | None = None,
    run: Container[str] = (),
    asks: list[Ask] | None = None,
) -> Iterator[Row]:
    """The rows of all ``records``, by path; ``paths`` are all files of the tree, whose look-ups ask ``registry``.

    What is bound on behalf of the files ``run`` is put into ``asks`` with the term of its port.
    """
    asks = [] if asks is None else asks

    def registered(name: str, machine: str, path: str) -> Term | None:
        entries = entries_of(registry, name, machine, path, machines) if registry is not None else ()
        return choice(Const(one.port) for one in entries) if entries else None

    across = Across(records, Modules(paths, {path: one.paths for path, one in records.items()}), registered)
    machine = cache(lambda path: machine_of(path, machines))
    for path, record in records.items():
        for use in record.uses:
            found = _Found(across, path, use, machine, run)
            yield from found.rows()
            asks += found.asks


class Ask(NamedTuple):
    """A row of a socket that is bound, and the term of its port.

    ``handed``: whether the parameters of its owner may come from a loader, as the file starts nothing itself. ``other``
    are the keys that a base class asks of what nobody handed to it.
    """

    row: Row
    port: Term
    handed: bool
    other: frozenset[str]


class _Found:
    """One use on its way to its rows."""

    def __init__(self, across: Across, path: str, use: Use, machine: Callable[[str], str], run: Container[str]) -> None:
        self.across = across
        self.path = path
        self.use = use
        self.machine = machine
        self.run = run
        self.asks: list[Ask] = []
        self._known: dict[tuple[Term, bool], Term] = {}

    def rows(self) -> Iterator[Row]:
        """One row for each port that the use may have, one with an expression where no number is known."""
        seen: set[tuple[str, int | None, str]] = set()
        for owner, home, bound in self._owners():
            parts = list(self._parts(bound))
            several = len({port for _, _, port in parts}) > 1
            for transport, host, port in parts:
                for row in self._made(owner, home, transport, host, port, several):
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
            # What a test derives from a class is no service: the class has a row of its own then, too.
            if any(not call.test for call in calls) or (calls and is_test(self.path)):
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
        for one in alternatives(address):
            parts = split(one)
            if use.port is not None:
                yield (parts[0] if parts else "tcp"), (parts[1] if parts else None), use.port
            elif parts is None:
                yield "", None, one
            elif parts[0] not in PLAIN_TEXT:
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

    def _made(
        self, owner: str, home: str, transport: str, host: Term | None, port: Term, several: bool
    ) -> Iterator[Row]:
        found, certainty = numbers(port)
        if several and found:
            certainty = "choice"
        use = self.use
        row = Row(
            path=self.path,
            line=use.span.line,
            column=use.span.col + 1,
            machine=self.machine(home),
            owner=owner,
            purpose=_purpose(use),
            side=use.side,
            # Nothing else writes the address of a socket so.
            by="zmq" if use.by == "socket" and transport == "tcp" else use.by,
            socket=use.socket.strip("?"),
            transport=transport or ("tcp" if use.by in ("zmq", "socket") else use.by),
            host=written(host) if host is not None else "",
            port=found[0] if found else None,
            expression=written(port),
            certainty=certainty,
            evidence=use.text,
            home=home,
        )
        if use.side == "bind" and home in self.run:
            made = Definition(home, f"{owner}.__init__") in self.across.calls
            handed = not made and home in self.across.records and not self.across.records[home].main
            self.asks.append(Ask(row, port, handed, self.others if home != self.path else frozenset()))
        yield row
        for number in found[1:]:
            yield msgspec.structs.replace(row, port=number)

    @cached_property
    def others(self) -> frozenset[str]:
        """The keys asked of what nobody handed to the class: the same for all that are derived from it."""
        function = self.across.functions[self.path].get(f"{self.use.owner}.__init__")
        handed = {"self", *(function.parameters if function is not None else ())}
        every = (one for term in self._known.values() for one in below(term))
        return frozenset(
            one.path for one in every if isinstance(one, Key) and re.split(r"\W", one.path)[0] not in handed
        )


def _purpose(use: Use) -> str:
    name = use.receiver.rpartition(".")[2]
    role = _ROLE.sub("", name).strip("_")
    return role if use.by in ("zmq", "socket") else use.by


def machine_of(path: str, machines: Mapping[str, Sequence[str]]) -> str:
    """The machine whose folders hold the file at ``path``, the deepest of several; empty when none does."""
    best, length = "", -1
    for name, folders in machines.items():
        for folder in folders:
            inside = _inside(folder)
            if (not inside or path == inside or path.startswith(f"{inside}/")) and len(inside) > length:
                best, length = name, len(inside)
    return best


@cache
def _inside(folder: str) -> str:
    """A folder as the names of files begin: ``./a/`` is ``a``, and the root is empty."""
    normal = posixpath.normpath(folder).strip("/")
    return "" if normal == "." else normal


def guessed(paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The machines of a tree whose settings name none: its top folders that are called after one (``main_pc_code``).

    What lies outside of them has no machine: it may run on any.
    """
    tops = {path.partition("/")[0] for path in paths if "/" in path}
    found = {top: match for top in tops if (match := _MACHINE.match(top)) is not None}
    return {match[1]: (top,) for top, match in sorted(found.items())}


def deployed(paths: Iterable[str], machines: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """``machines`` with the folders of configuration that are called after one, as ``docker/mainpc`` after ``main_pc``.

    Those are folders right below a top folder that is itself no machine's. What a registry or a guess says of the
    others stands.
    """
    called = {_letters(name): name for name in machines}
    found = {name: list(folders) for name, folders in machines.items()}
    for folder in sorted({"/".join(path.split("/")[:2]) for path in paths if path.count("/") > 1}):
        name = called.get(_letters(folder.partition("/")[2]))
        if name is not None and not machine_of(folder, machines):
            found[name].append(folder)
    return {name: tuple(folders) for name, folders in found.items()}


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


class Conflict(msgspec.Struct, frozen=True):
    """A port that several owners bind or publish on one machine, with the rows of each owner."""

    machine: str
    port: int
    owners: tuple[tuple[str, tuple[Row, ...]], ...]


def conflicts(found: Iterable[Row], most: int = 1) -> list[Conflict]:
    """The ports that more than ``most`` owners bind or publish on one machine, by machine and number.

    An owner is known by its name: copies of an agent are that agent. Port 0, which the system fills in, is no port.
    What is ``configured`` clashes with nothing: configurations are alternatives, and containers have networks of their
    own. What containers publish over UDP clashes with nothing but its like. A container that publishes a port under its
    own number, and of which nobody knows what it runs, may run the very agent that binds that port: only other
    containers clash with it.
    """
    rows = list(found)
    inner = {(row.path, _entry(row), row.port) for row in rows if row.side == "declare" and row.purpose == "target"}
    binders: dict[tuple[str, int, bool], dict[str, list[Row]]] = {}
    for row in rows:
        if row.side in ("bind", "publish") and row.port and row.certainty != "configured":
            key = row.machine, row.port, row.side == "publish" and row.transport == "udp"
            binders.setdefault(key, {}).setdefault(row.owner, []).append(row)
    result: list[Conflict] = []
    for (machine, port, _), owners in sorted(binders.items()):
        unclear = {
            owner
            for owner, its in owners.items()
            if all(row.side == "publish" and not row.home and (row.path, _entry(row), port) in inner for row in its)
        }
        publishing = sum(any(row.side == "publish" for row in its) for its in owners.values())
        if publishing <= most and len(unclear) < len(owners):
            owners = {owner: its for owner, its in owners.items() if owner not in unclear}
        if len(owners) > most:
            result.append(Conflict(machine, port, tuple((owner, tuple(owners[owner])) for owner in sorted(owners))))
    return result


def _entry(row: Row) -> str:
    """What holds both sides of a port that a container publishes: the place in the file without which side it is."""
    return row.evidence.removesuffix(".published").removesuffix(".target")
