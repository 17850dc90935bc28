"""What the table of ports says when literals have other numbers: found out by reading the changed files anew.

Which literal a socket has its port from is not kept in the table. It is told by giving every literal a number of its
own and looking where that arrives, through names, base classes and arithmetic alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from analysis import ports
from analysis.collectors.ports import PortCollector
from analysis.project import Project
from analysis.reading import analyse
from analysis.source import Source
from codemods.compose import apply
from codemods.port_edits import edits
from codemods.port_sites import Site
from config.registry import HIGHEST

if TYPE_CHECKING:
    from analysis.ports import Row

Numbers = Mapping[Site, Mapping[int, int]]
"""The numbers that literals have instead of theirs."""
_FIRST, _APART = 10_000, 7


class Use(NamedTuple):
    """A call that binds or connects, as it is found again after literals on its line have changed their length.

    ``rank`` counts the calls of its line.
    """

    path: str
    line: int
    side: str
    owner: str
    rank: int


def uses(rows: Iterable[Row]) -> dict[Use, list[Row]]:
    """The rows of sockets by their use."""
    lines: defaultdict[tuple[str, int, str, str], dict[int, list[Row]]] = defaultdict(dict)
    for row in rows:
        if row.side in ("bind", "connect"):
            lines[row.path, row.line, row.side, row.owner].setdefault(row.column, []).append(row)
    return {
        Use(*place, rank): columns[column]
        for place, columns in lines.items()
        for rank, column in enumerate(sorted(columns))
    }


def numbers_of(rows: Iterable[Row]) -> frozenset[int]:
    """The known ports of some rows."""
    return frozenset(row.port for row in rows if row.port)


class Trial:
    """The table of a project, and what it would be."""

    def __init__(self, project: Project, machines: Mapping[str, Sequence[str]]) -> None:
        self._project = project
        self._machines = machines
        self._sources: dict[str, Source] = {}
        self.before = ports.table(project, machines, configured=False)
        self.uses = uses(self.before)

    def table(self, numbers: Numbers) -> list[Row]:
        """The rows where ``numbers`` stand. A literal that cannot be replaced keeps its number."""
        changed: defaultdict[str, list[tuple[int, int, bytes]]] = defaultdict(list)
        for site, instead in numbers.items():
            changed[site.path] += self._edits(site, instead)
        other = Project(self._project.root, self._project.discovery, 1, False)
        other.files = dict(self._project.files)
        other.declarations = self._project.declarations
        for path, found in changed.items():
            text = apply(self._source(path).data, sorted(found))
            other.files[path] = analyse(Source.from_bytes(text, path), (PortCollector,), path)
        return ports.table(other, self._machines, configured=False)

    def can_replace(self, site: Site) -> bool:
        """Whether a literal can be written anew."""
        found = (site.literal.port, *site.literal.others)
        return bool(self._edits(site, {port: port for port in found}))

    def _edits(self, site: Site, instead: Mapping[int, int]) -> list[tuple[int, int, bytes]]:
        one, source = site.literal, self._source(site.path)
        found = (one.port, *one.others)
        try:
            start = source.offset(one.span.line, one.span.col)
            end = source.offset(one.span.end_line, one.span.end_col)
        except ValueError:
            return []
        made = edits(source, start, end, found, {port: str(instead.get(port, port)) for port in found})
        return [(each.start, each.end, each.text.encode(source.encoding)) for each in made]

    def _source(self, path: str) -> Source:
        known = self._sources.get(path)
        if known is None:
            file = self._project.path(path)
            try:
                data = file.read_bytes()
            except OSError:
                data = b""
            known = self._sources[path] = Source.from_bytes(data, path)
        return known

    def feeds(self, sites: Iterable[Site], taken: Collection[int]) -> dict[tuple[Use, int], frozenset[Site] | None]:
        """The literals that each port of a use comes from, by itself or by arithmetic, of those among ``sites``.

        None where a port depends on them in a way that cannot be followed.
        """
        probes = _probes([site for site in sites if self.can_replace(site)], taken)
        numbers: defaultdict[Site, dict[int, int]] = defaultdict(dict)
        for (site, port), number in probes.items():
            numbers[site][port] = number
        distances: dict[int, Site] = {number - port: site for (site, port), number in probes.items()}
        found: dict[tuple[Use, int], frozenset[Site] | None] = {}
        after = uses(self.table(numbers))
        for use, rows in self.uses.items():
            old, new = numbers_of(rows), numbers_of(after.get(use, ()))
            come: defaultdict[int, set[Site]] = defaultdict(set)
            strange = bool(old - new) and not new - old
            for number in new - old:
                matched = [(port, distances[number - port]) for port in old if number - port in distances]
                strange |= not matched
                for port, site in matched:
                    come[port].add(site)
            for port in old:
                found[use, port] = None if strange and port not in new else frozenset(come[port])
        return found


def _probes(sites: Sequence[Site], taken: Collection[int]) -> dict[tuple[Site, int], int]:
    """A number for each port of each literal, all with distances from their ports that are there once and far apart.

    What is worked out from one must not look as if it were worked out from another.
    """
    found: dict[tuple[Site, int], int] = {}
    distances: set[int] = set()
    free = iter(number for number in range(_FIRST, HIGHEST + 1, _APART) if number not in taken)
    for site in sites:
        for port in dict.fromkeys((site.literal.port, *site.literal.others)):
            number = next((one for one in free if one - port not in distances), None)
            if number is None:
                return found
            distances.add(number - port)
            found[site, port] = number
    return found
