"""Which owners of a port that several bind are moved to another, and to which."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from analysis.port_sides import Dispute, Place
from codemods.port_names import usable, words
from codemods.port_sites import Key, Site
from config.registry import SHARED, Machine, Port, Registry

if TYPE_CHECKING:
    from analysis.ports import Row
    from codemods.port_plan import Plan

_SHOWN = 3
_WAS = re.compile(r"\(was (\d+)\)")


class Moves:
    """Who keeps a port in dispute, and where the others go."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def keeper(self, dispute: Dispute) -> str:
        """Which of several owners keeps the port: the one that the registry names, else that most files speak of."""
        machine = self.plan.machine(dispute.machine)
        known = [one.owner for one in self.plan.known.ports if one.port == dispute.port and one.machine == machine]
        owners = [owner for owner, _ in dispute.owners]
        for owner in owners:
            if owner in known:
                return owner
        texts = [usable(site.literal.name) for site in self.plan.sites if site.literal.port == dispute.port]
        counts = {owner: sum("_".join(words(owner)) in text for text in texts) for owner in owners}
        homes = {owner: len({row.home for place in places for row in place.rows}) for owner, places in dispute.owners}
        return min(owners, key=lambda one: (-counts[one], -homes[one], one))

    def moved(self) -> dict[Key, dict[str, Port]]:
        """New ports for all owners but one of each port in dispute."""
        taken = {port for site in self.plan.sites for port in (site.literal.port, *site.literal.others)}
        taken |= {row.port for row in self.plan.rows if row.port}
        ranges = {one.name: one.range for one in self.plan.known.machines}
        found: dict[Key, dict[str, Port]] = {}
        for key, dispute in sorted(self.plan.disputes.items()):
            machine = self.plan.machine(key.machine)
            own = Machine(machine, range=ranges.get(machine) or self.plan._range(machine))
            within = Registry((own,), self.plan.known.ports)
            kept = self.keeper(dispute)
            for owner, places in dispute.owners:
                may = owner != kept and self._may_move(key, owner, places)
                free = within.free_port(machine, taken) if may else None
                if free is not None:
                    taken.add(free)
                    rows = [row for place in places for row in place.rows]
                    found.setdefault(key, {})[owner] = self.plan._made(key, owner, rows, free)
        return found

    def _may_move(self, key: Key, owner: str, places: Iterable[Place]) -> bool:
        """Whether what an owner binds follows its name: else only those who ask for it would move."""
        own = [site for site in self.plan.grouped[key] if self.belongs(site, self.plan.disputes[key]) == owner]
        rows = [row for place in places for row in place.rows]
        homes = {row.home or row.path for row in rows}
        bound = any(
            site.path in homes or (site.literal.name and any(site.literal.name in row.evidence for row in rows))
            for site in own
        )
        # What a configuration works out, as ${OFFSET}+5556, is not written anew.
        written = re.compile(rf"(?<![\w.]){key.port}(?![\w.])")
        if any(row.home in homes and written.search(row.expression) for row in self.plan.worked_out):
            return False
        return bound and all(self.plan._stays(site, self.plan._registry_of(site.path)) is None for site in own)

    def handed(self) -> Iterator[tuple[Row, Port]]:
        """Where configuration files hand a moved owner the port that it had, and what it has now."""
        for key, owners in self.plan.moved.items():
            homes = {
                row.home: owners[owner]
                for owner, places in self.plan.disputes[key].owners
                if owner in owners
                for place in places
                for row in place.rows
            }
            for row in self.plan.rows:
                if row.side == "declare" and row.port == key.port and row.home in homes:
                    yield row, homes[row.home]

    def belongs(self, site: Site, dispute: Dispute) -> str:
        """The owner that a literal is of; empty where that cannot be told."""
        near = [
            owner
            for owner, places in dispute.owners
            if any(row.home == site.path for place in places for row in place.rows)
        ]
        if len(near) > 1:
            near = [owner for owner in near if owner in site.literal.scope.split(".")]
        if len(near) == 1:
            return near[0]
        text = usable(site.literal.name)
        named = [owner for owner, _ in dispute.owners if "_".join(words(owner)) in text]
        return named[0] if len(named) == 1 and not near else ""

    def former(self) -> dict[Key, str]:
        """The ports that an owner had before it was moved: who still writes one down may mean either."""
        found: dict[Key, str] = {}
        for one in self.plan.known.ports:
            was = _WAS.search(one.purpose)
            if was is not None:
                found[Key("" if not self.plan.machines or one.machine == SHARED else one.machine, int(was[1]))] = (
                    one.name
                )
        return found


def told(dispute: Dispute) -> str:
    """Who binds a port, for people."""
    owners = [f"{owner} ({its[0].rows[0].path}:{its[0].rows[0].line})" for owner, its in dispute.owners]
    more = f" and {len(owners) - _SHOWN} more" if len(owners) > _SHOWN else ""
    where = f" on {dispute.machine}" if dispute.machine else ""
    return f"{dispute.port} is bound{where} by {', '.join(owners[:_SHOWN])}{more}"
