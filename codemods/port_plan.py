"""Which name every literal port of a tree gets: one for each port of a machine, in every file that speaks of it.

A name stands for a port on a machine, whoever writes the number down: both sides of a connection have it. A port that
two owners bind on one machine has no name before one of them moves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from analysis import ports
from analysis.collectors.port_literals import PortLiteralCollector
from analysis.collectors.port_lookups import PortLookupCollector
from analysis.port_sides import Dispute, bindings, disputes
from analysis.testfiles import is_test
from analysis.words import plural
from codemods.edits import Reason
from codemods.port_moves import Moves
from codemods.port_names import Names, agree, commonest, holder, joined, label, usable, words
from codemods.port_sites import Key, Site
from codemods.port_voices import HEALTH, heard, said, telling
from config import registry
from config.registry import SHARED, Machine, Port, Registry
from linters.literal_port import Ports

if TYPE_CHECKING:
    from analysis.ports import Row
    from analysis.project import Project
    from config.settings import Settings

_LOCAL = frozenset({"", "*", "localhost", "127.0.0.1", "0.0.0.0", "::", "::1", "[::]", "[::1]"})  # noqa: S104


class Named(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The name that the literal ``was`` gets. ``several``: that name is on several machines, so the call says which.

    ``entry`` is what the registry says of it, or has to say; ``entry.port`` is another number where it was moved.
    """

    was: int
    entry: Port
    several: bool = False
    known: bool = False


class Decision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What becomes of one literal, known by where it stands (``col`` in UTF-8 bytes, ``column`` for people).

    ``names`` are those of its ports; none where it is declined for ``reason``.
    """

    line: int
    col: int
    column: int
    names: tuple[Named, ...] = ()
    reason: str = ""
    detail: str = ""


class Plan:
    """The decisions for a tree.

    ``file`` is its registry, which need not be there; ``known`` is what stands in it. Raises RegistryError.
    """

    def __init__(self, project: Project, settings: Settings, *, renumber: bool, stream: bool) -> None:
        self.project = project
        self.root = project.root
        self.file = registry.find(self.root) or self.root / registry.FILE
        self.known = registry.load(self.file) if self.file.exists() else Registry(file=self.file)
        self.machines = self._machines(settings)
        self.renumber = renumber
        self.stream = stream
        table = ports.table(project, self.machines, configured=False)
        every = [row for row in table if not is_test(row.path) and not is_test(row.home)]
        self.rows = [row for row in every if row.port]
        self.disputes: dict[Key, Dispute] = {
            Key(one.machine, one.port): one for one in disputes(project, self.machines, is_test)
        }
        self.binders = _by_machine(row for row in bindings(project, self.machines, is_test) if row.port)
        for port, machines in _by_machine(row for row in self.rows if row.side == "declare" and row.home).items():
            # Who binds what a configuration hands out may be a file that does not parse.
            sure = {name: its for name, its in machines.items() if len({row.owner for row in its}) == 1}
            if port not in self.binders and sure:
                self.binders[port] = sure
        self.lowest: int = settings.options("E910", Ports).lowest
        self._folders: dict[Path, Path | None] = {}
        self.sites = list(self._sites())
        self.alone = self._alone()
        self.grouped: defaultdict[Key, list[Site]] = defaultdict(list)
        for site in self.sites:
            for port in (site.literal.port, *site.literal.others):
                key = self.key(site, port)
                if isinstance(key, Key):
                    self.grouped[key].append(site)
        self._votes: dict[Key, list[Site]] = {}
        self._files: dict[Key, set[str]] = {}
        self._look_ups: defaultdict[str, list[str]] | None = None
        self.names = Names({one.name: one.machine for one in self.known.ports})
        self.moves = Moves(self)
        self.former = self.moves.former()
        self.moved = self.moves.moved() if renumber else {}
        self.entries = {
            key: self._entry(key) for key in sorted(self.grouped) if key not in self.disputes or self.moves.settled(key)
        }

    # Machines

    def _machines(self, settings: Settings) -> dict[str, tuple[str, ...]]:
        if self.known.ports or not settings.machines:
            return {name: tuple(folders) for name, folders in ports.machines_of(self.project).items()}
        return dict(settings.machines)

    def machine(self, name: str) -> str:
        """What the registry calls the machine ``name``."""
        if name:
            return name
        return SHARED if self.machines else self.known.machine_names[0]

    def new_machines(self, used: Iterable[str]) -> tuple[Machine, ...]:
        """The machines that a registry with ports on ``used`` has to name, with what is known of each."""
        if not self.machines and not self.known.machines:
            return ()
        have = {one.name for one in self.known.machines}
        wanted = [] if have else sorted(self.machines)
        wanted += [one for one in sorted(set(used)) if one not in have and one not in wanted]
        return tuple(Machine(one, self.machines.get(one, ()), self._range(one)) for one in wanted)

    def _range(self, machine: str) -> tuple[int, int] | None:
        """Whole thousands that hold every port of a machine."""
        found = [key.port for key in self.grouped if self.machine(key.machine) == machine and key.port >= 1024]
        if not found:
            return None
        return max(1024, min(found) // 1000 * 1000), min(65535, max(found) // 1000 * 1000 + 999)

    # Which port of which machine a literal means

    def _sites(self) -> Iterable[Site]:
        for path, facts in self.project.files.items():
            if facts.fault is not None or is_test(path):
                continue
            for one in facts.records(PortLiteralCollector):
                if one.evidence != "documentation" and one.port >= self.lowest:
                    yield Site(path, ports.machine_of(path, self.machines), one)

    def homes(self, port: int) -> set[str]:
        """The machines that have a port: by the registry, or because something binds it there."""
        found = set(self.binders.get(port, ()))
        default = not self.machines
        found |= {
            "" if default or one.machine == SHARED else one.machine for one in self.known.ports if one.port == port
        }
        return found

    def _alone(self) -> dict[int, str]:
        """The machine of each port that nobody binds: the one whose files alone write it down."""
        machines: defaultdict[int, set[str]] = defaultdict(set)
        for site in self.sites:
            for port in (site.literal.port, *site.literal.others):
                machines[port].add(site.machine)
        return {port: next(iter(found)) if len(found) == 1 else "" for port, found in machines.items()}

    def key(self, site: Site, port: int) -> Key | str:
        """The port that a literal means, or a sentence that says why that cannot be told."""
        homes = self.homes(port)
        if not homes:
            return Key(self.alone.get(port, ""), port)
        named = sorted(homes - {""})
        if self._is_astray(site, homes):
            return f"{port} is that of {' and '.join(named)}, and `{site.literal.hosts[0]}` seems to be another machine"
        if len(homes) == 1:
            return Key(next(iter(homes)), port)
        said = [one for one in named if set(words(one)) <= set(words(site.literal.name))]
        if len(said) == 1:
            return Key(said[0], port)
        if site.machine in homes and (self._is_near(site) or self._is_home(site, Key(site.machine, port))):
            return Key(site.machine, port)
        if label(site.literal.name)[1]:
            meant = [one for one in homes if agree(site.literal.name, self._owners(one, port))]
            if len(meant) == 1:
                return Key(meant[0], port)
        where = " and on ".join(named) + (" and by code that may run on any machine" if "" in homes else "")
        return f"{port} is bound on {where}: which of them is meant here cannot be told"

    def _owners(self, machine: str, port: int) -> list[str]:
        known = [one.owner for one in self.known.ports if (one.machine, one.port) == (self.machine(machine), port)]
        return [*known, *(row.owner for row in self.binders.get(port, {}).get(machine, ()))]

    def _says(self, site: Site, key: Key, entry: Port) -> bool | None:
        """Whether a literal agrees that its port is that of ``entry``; None where it says nothing of it."""
        rows = self.binders.get(key.port, {}).get(key.machine, ())
        if any((row.path, row.line) == (site.path, site.literal.span.line) for row in rows):
            return True
        home = any(site.path == (row.home or row.path) for row in rows)
        return said(site.literal, site.path, entry, self.machines, home=home)

    def _against(self, key: Key, entry: Port) -> list[Site]:
        """The literals that call the port of ``entry`` after somebody else, where they are no fewer than all others.

        A port that the tree calls by so many names is given to none of them by what says nothing.
        """
        if key not in self._votes:
            votes = [(site, self._says(site, key, entry)) for site in self.grouped[key]]
            against = [site for site, vote in votes if vote is False]
            agreed = sum(vote is True for _, vote in votes) + len(self._asking(entry))
            self._votes[key] = against if len(against) >= agreed + bool(entry.owner) else []
        return self._votes[key]

    def _callers(self, key: Key, entry: Port) -> set[str]:
        """The files that call the port of ``entry`` so."""
        if key not in self._files:
            said_so = {one.path for one in self.grouped[key] if self._says(one, key, entry)}
            self._files[key] = said_so | set(self._asking(entry))
        return self._files[key]

    def _asking(self, entry: Port) -> list[str]:
        """The files of all look-ups of ``entry``: what was given its name in an earlier run agreed to it then."""
        if self._look_ups is None:
            self._look_ups = defaultdict(list)
            for path, facts in self.project.files.items():
                for one in facts.records(PortLookupCollector) if facts.fault is None and self.known.ports else ():
                    self._look_ups[one.name].append(path)
        return self._look_ups[entry.name] if entry in self.known.ports else []

    def _is_own(self, site: Site, key: Key) -> bool:
        """Whether a literal stands with who binds the port, and with nobody else."""
        owners = {row.owner for row in self.binders.get(key.port, {}).get(key.machine, ())}
        scope = site.literal.scope.split(".")[0]
        return self._is_home(site, key) and (not scope[:1].isupper() or scope in owners)

    def _other_binder(self, key: Key, entry: Port) -> str:
        """Who binds a port that the registry gives to another, for people; empty when nobody does."""
        rows = self.binders.get(key.port, {}).get(key.machine, ())
        if entry not in self.known.ports or not entry.owner or not rows:
            return ""
        if any(row.owner == entry.owner or agree(entry.owner, (row.owner,)) for row in rows):
            return ""
        row = rows[0]
        return (
            f"{key.port} is that of {entry.owner} by {self.file.name}, and {row.owner} binds it ({row.path}:{row.line})"
        )

    def _is_home(self, site: Site, key: Key) -> bool:
        """Whether a literal stands in the file of who binds the port."""
        rows = self.binders.get(key.port, {}).get(key.machine, ())
        return any(site.path == (row.home or row.path) for row in rows)

    def _is_astray(self, site: Site, homes: set[str]) -> bool:
        """Whether the hosts of an address are on no machine that has its port, as far as they are written out."""
        hosts = [one for one in site.literal.hosts if "{" not in one]
        if not hosts or not site.machine or "" in homes:
            return False
        called = {"".join(words(one)): one for one in self.machines}
        if all("".join(words(one)) in called for one in hosts):
            return not homes & {called["".join(words(one))] for one in hosts}
        if all(one in _LOCAL for one in hosts):
            return site.machine not in homes
        return homes == {site.machine} and not any(one in _LOCAL for one in hosts)

    @staticmethod
    def _is_near(site: Site) -> bool:
        """Whether a literal is in addresses of its own machine."""
        return bool(site.literal.hosts) and all(host in _LOCAL for host in site.literal.hosts)

    # Names

    def _entry(self, key: Key) -> Port | None:
        """What the registry says of a port or has to say; None where machines without folders have it, too."""
        machine = self.machine(key.machine)
        known = [one for one in self.known.ports if one.port == key.port]
        if self.machines:
            known = [one for one in known if one.machine == machine]
        if known:
            return known[0] if len(known) == 1 else None
        rows = self.binders.get(key.port, {}).get(key.machine, [])
        owner = self._owner(key, rows)
        return self._made(key, owner, [row for row in rows if row.owner == owner])

    def _owner(self, key: Key, rows: Sequence[Row]) -> str:
        """Who binds a port: by the code, of several in dispute the one that keeps it."""
        if key in self.disputes:
            return self.moves.keeper(self.disputes[key])
        counts = Counter(row.owner for row in rows)
        return min(counts, key=lambda one: (-counts[one], one), default="")

    def _made(self, key: Key, owner: str, rows: Sequence[Row], port: int | None = None) -> Port:
        """The entry of a port that the registry does not know."""
        machine = self.machine(key.machine)
        sites = self.grouped[key]
        homes = {row.home or row.path for row in rows}
        if owner:
            qualifier = commonest(
                text
                for site in sites
                if site.path in homes
                for text, whose in [label(site.literal.name)]
                if not whose or set(text.split("_")) - set(words(owner))
            ) or commonest(label(row.purpose)[0] for row in rows if row.by in ("zmq", "socket"))
            if not HEALTH & set(qualifier.split("_")) and self._is_health(sites, rows):
                qualifier = "HEALTH"
            name = joined(owner, qualifier)
        else:
            qualifier = ""
            name = self._unowned(key, sites)
        kinds = [row.socket for row in rows if row.socket]
        choices = [
            name,
            *(f"{name}_{one}" for one in kinds[:1] if one not in name.split("_")),
            # A machine in front tells two of one name apart where they are on two machines, and misleads elsewhere.
            *([f"{machine}_{name}"] if self.names.machine(name) not in (machine, SHARED, "") and key.machine else []),
            f"{name}_{key.port}",
        ]
        own = [one for one in qualifier.split("_") if one not in words(owner)]
        purpose = " ".join(own).lower() or next(
            (row.by for row in rows if row.by in ("http", "grpc", "prometheus")), ""
        )
        if port is not None:
            purpose = f"{purpose} (was {key.port})".strip()
        return Port(self.names.give(choices, machine), port or key.port, machine, owner, purpose)

    @staticmethod
    def _is_health(sites: Sequence[Site], rows: Sequence[Row]) -> bool:
        """Whether most places that say what a port is for say that it is asked for its owner's health."""
        texts = [site.literal.name for site in sites] + [row.purpose for row in rows]
        said = [bool(HEALTH & set(words(text))) for text in texts if text]
        return 2 * sum(said) > len(said)

    def _unowned(self, key: Key, sites: Sequence[Site]) -> str:
        name = commonest(heard(site.literal, self.machines) for site in sites)
        if name:
            return name
        rows = [row for row in self.rows if row.port == key.port and row.side in ("bind", "connect")]
        name = commonest(row.by.upper() for row in rows if row.by not in ("zmq", "socket", "http"))
        name = name or commonest(text for row in rows for text, whose in [label(row.purpose)] if whose)
        if name:
            return name
        qualifier = commonest(label(site.literal.name)[0] for site in sites if not label(site.literal.name)[1])
        around = commonest(usable("_".join(words(holder(site.path, site.literal.scope)))) for site in sites)
        return joined(around, qualifier or str(key.port))

    # Decisions

    def decisions(self, path: str, sites: Sequence[Site]) -> list[Decision]:
        """What becomes of the literals of one file."""
        reads = self._registry_of(path)
        return [self._decide(site, reads) for site in sites]

    def _stays(self, site: Site, reads: Path | None) -> tuple[Reason, str] | None:
        """Why a literal cannot be replaced, whatever its port is."""
        one = site.literal
        if not self.project.path(site.path).resolve().is_relative_to(self.root.resolve()):
            return Reason.OTHER_REGISTRY, "it is a link to a file outside of the tree"
        if reads != self.file:
            beyond = "`get_port` looks no further than its repository"
            return Reason.OTHER_REGISTRY, f"`get_port` reads {reads} here" if reads is not None else beyond
        if one.nested:
            return Reason.INSIDE_FIELD, ""
        if one.evidence == "address" and one.span.line != one.span.end_line:
            return Reason.LONG_TEXT, ""
        return None

    def _decide(self, site: Site, reads: Path | None) -> Decision:
        one = site.literal
        at = one.span.line, one.span.col, one.column
        stays = self._stays(site, reads)
        if stays is not None:
            return Decision(*at, reason=stays[0], detail=stays[1])
        names: list[Named] = []
        for port in (one.port, *one.others):
            key = self.key(site, port)
            if isinstance(key, str):
                return Decision(*at, reason=Reason.PORT_OF_SEVERAL, detail=key)
            entry, moved = self.entries.get(key), None
            if key in self.disputes:
                moved, why = self.moves.decided(site, key)
                if why:
                    return Decision(*at, reason=Reason.PORT_CONFLICT, detail=why)
                entry = moved or entry
            elif entry is not None and (other := self._other_binder(key, entry)):
                return Decision(*at, reason=Reason.PORT_CONFLICT, detail=other)
            elif key in self.former and not self._is_own(site, key):
                moved_away = f"{port} was that of {self.former[key]}, too, before it was moved"
                return Decision(*at, reason=Reason.PORT_CONFLICT, detail=moved_away)
            if entry is None:
                several = f"several machines of {self.file.name} have {port}, and none has folders"
                return Decision(*at, reason=Reason.PORT_OF_SEVERAL, detail=several)
            # Where a literal that moves arrives is known, whatever it is called.
            doubt = self._doubt(site, key, entry) if moved is None else ""
            if doubt:
                return Decision(*at, reason=Reason.OTHER_OWNER, detail=doubt)
            known = entry in self.known.ports
            if self.stream and not known:
                return Decision(*at, reason=Reason.NO_NAME_YET, detail=f"{port}")
            names.append(Named(port, entry, len(self.known.entries(entry.name)) > 1, known))
        return Decision(*at, names=tuple(names))

    def _doubt(self, site: Site, key: Key, entry: Port) -> str:
        """Why a port may be another's than that of ``entry`` at a place; empty where nothing says so."""
        agrees = self._says(site, key, entry)
        if agrees:
            return ""
        rows = self.binders.get(key.port, {}).get(key.machine, ())
        bound = f", which {rows[0].owner} binds ({rows[0].path}:{rows[0].line})" if rows else ""
        port = key.port
        if agrees is False:
            called = telling(site.literal) or " ".join(site.literal.hosts[:1]) or holder(site.path, site.literal.scope)
            return f"it is called after `{called}`, and {port} is {entry.name}{bound}"
        against = self._against(key, entry)
        if not against:
            callers = self._callers(key, entry)
            if entry.owner or len(callers) != 1 or site.path in callers:
                return ""
            return f"only {next(iter(callers))} calls {port} {entry.name}, and nothing here says that it is the same"
        one = against[0]
        called = telling(one.literal) or holder(one.path, one.literal.scope)
        return (
            f"{plural(len(against), 'place')} of the tree call {port} otherwise than {entry.name}{bound}, "
            f"as `{called}` ({one.path}:{one.literal.span.line}), and nothing here says which it is"
        )

    def _registry_of(self, path: str) -> Path | None:
        """The registry that ``get_port`` finds for a file: the new one counts as if it were there."""
        folder = self.project.path(path).parent
        if folder not in self._folders:
            found = registry.find(folder)
            if found is None or not found.is_relative_to(self.root):
                inner = [one for one in (folder, *folder.parents) if one.is_relative_to(self.root)]
                apart = any((one / ".git").exists() for one in inner if one != self.root)
                found = found if apart or self.file.exists() else self.file
            self._folders[folder] = found
        return self._folders[folder]

    def prepared(self) -> dict[str, list[Decision]]:
        """The decisions by path."""
        sites: defaultdict[str, list[Site]] = defaultdict(list)
        for site in self.sites:
            sites[site.path].append(site)
        return {path: self.decisions(path, its) for path, its in sites.items()}


def _by_machine(rows: Iterable[Row]) -> dict[int, dict[str, list[Row]]]:
    found: dict[int, dict[str, list[Row]]] = {}
    for row in rows:
        if row.port:
            found.setdefault(row.port, {}).setdefault(row.machine, []).append(row)
    return found
