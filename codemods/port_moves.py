"""Which owners of a port that several bind are moved to another, and to which.

An owner is moved as a whole or not at all: every place of the tree that has its port is known to belong to it, and is
written anew in the same transaction, or is known to belong to another. What it works out from its port (``port + 1``)
moves with it, under the same condition. What comes out is read as the table of ports once more before it is believed.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from analysis.port_sides import Dispute
from analysis.ports import conflicts
from analysis.words import plural
from codemods.port_names import usable, words
from codemods.port_places import Claim, Place, Places
from codemods.port_sites import Key, Site
from codemods.port_trial import Trial, numbers_of, uses
from config.registry import HIGHEST, SHARED, Machine, Port, Registry

if TYPE_CHECKING:
    from analysis.ports import Row
    from codemods.port_plan import Plan

_SHOWN = 3
_WAS = re.compile(r"\(was (\d+)\)")


class Move(NamedTuple):
    """An owner and the port that it gets. ``derived``: the ports that it works out from its own."""

    claim: Claim
    port: int
    derived: frozenset[int]


class Moves:
    """Who keeps a port in dispute, and where the others go.

    ``why`` says of each owner that stays beside another what stands in the way, ``claims`` what moves with each that
    does not, and ``staying`` who still binds each port in dispute when all have moved.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.why: dict[tuple[Key, str], str] = {}
        self.claims: dict[tuple[Key, str], Claim] = {}
        self.staying: dict[Key, frozenset[str]] = {}

    def keeper(self, dispute: Dispute) -> str:
        """Which of several owners keeps the port: the one that the registry names, else that most files speak of."""
        staying = self.staying.get(Key(dispute.machine, dispute.port), frozenset())
        if len(staying) == 1:
            return next(iter(staying))
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

    @cached_property
    def places(self) -> Places:
        """The places of all ports."""
        return Places(self.plan, Trial(self.plan.project, self.plan.machines))

    # Who may move

    def moved(self) -> dict[Key, dict[str, Port]]:
        """New ports for all owners but one of each port in dispute, as far as nothing stands in the way."""
        if not self.plan.disputes:
            return {}
        may = dict(self._may_move())
        refused: set[tuple[Key, str]] = set()
        while True:
            moves = self._numbered({at: one for at, one in may.items() if at not in refused})
            rows = self._after(moves)
            wrong = self._wrong(moves, rows)
            if not wrong:
                break
            self.why.update(wrong)
            refused.update(wrong)
        binders: defaultdict[tuple[str, int | None], set[str]] = defaultdict(set)
        for row in rows:
            if row.side == "bind":
                binders[row.machine, row.port].add(row.owner)
        for key, dispute in self.plan.disputes.items():
            self.staying[key] = frozenset(owner for owner, _ in dispute.owners) & binders[key]
        found: dict[Key, dict[str, Port]] = {}
        for (key, owner), move in moves.items():
            own = [
                row
                for one, places in self.plan.disputes[key].owners
                if one == owner
                for place in places
                for row in place.rows
            ]
            found.setdefault(key, {})[owner] = self.plan._made(key, owner, own, move.port)
            self.claims[key, owner] = move.claim
        return found

    def _may_move(self) -> Iterator[tuple[tuple[Key, str], tuple[Claim, frozenset[int]]]]:
        """The owners that leave nobody behind, with the ports that they work out from the one in dispute."""
        left = list(self._unhindered())
        owners = {claim.owner for claim in left}
        bound = {
            row.port for row in self.places.trial.before if row.side == "bind" and row.owner in owners and row.port
        }
        if left:
            self.places.follow({claim.key.port for claim in left} | bound)
        for each in left:
            key, owner = each.key, each.owner
            sites = frozenset(site for site in self.plan.grouped[key] if self._follows(site, key, owner))
            claim = each._replace(sites=sites)
            derived = self._derived(claim)
            for port in (key.port, *sorted(derived)):
                place = self.places.obstacle(claim, port)
                if place is not None:
                    self._refuse(claim, place, port)
                    break
            else:
                yield (key, owner), (claim, derived)

    def _unhindered(self) -> Iterator[Claim]:
        """The owners that may have to go and that nothing plain stands in the way of; their literals come later."""
        for key, dispute in sorted(self.plan.disputes.items()):
            kept = self.keeper(dispute)
            homes = {
                owner: {row.home or row.path for place in places for row in place.rows}
                for owner, places in dispute.owners
            }
            for owner, own in homes.items():
                if owner == kept:
                    continue
                others = {path for one, paths in homes.items() if one != owner for path in paths}
                claim = Claim(key, owner, frozenset(own - others), frozenset())
                place = self.places.plain_obstacle(claim)
                if place is None:
                    yield claim
                else:
                    self._refuse(claim, place, key.port)

    def _refuse(self, claim: Claim, place: Place, port: int) -> None:
        self.why[claim.key, claim.owner] = f"moving {claim.owner} would leave {place.path}:{place.line} on {port}"

    def _follows(self, site: Site, key: Key, owner: str) -> bool:
        """Whether a literal is the owner's and will be written anew."""
        one = site.literal
        return (
            self.places.owners_of(site, key.port) == {owner}
            and {one.port, *one.others} == {key.port}
            and self.plan.key(site, key.port) == key
            and self.plan._stays(site, self.plan._registry_of(site.path)) is None
            and self.places.trial.can_replace(site)
        )

    def _derived(self, claim: Claim) -> frozenset[int]:
        """The ports that are worked out from the literals of an owner."""
        return frozenset(port for site in claim.sites for _, port in self.places.fed[site]) - {claim.key.port}

    # Where to

    def _numbered(self, may: Mapping[tuple[Key, str], tuple[Claim, frozenset[int]]]) -> dict[tuple[Key, str], Move]:
        """A free port for each owner, and for all that it works out from it."""
        taken = self.places.taken
        ranges = {one.name: one.range for one in self.plan.known.machines}
        found: dict[tuple[Key, str], Move] = {}
        for (key, owner), (claim, derived) in may.items():
            machine = self.plan.machine(key.machine)
            own = Machine(machine, range=ranges.get(machine) or self.plan._range(machine))
            within = Registry((own,), self.plan.known.ports)
            used = taken | {one.port for one in self.plan.known.ports}
            unfit: set[int] = set()
            while (free := within.free_port(machine, used | unfit)) is not None:
                new = {port + free - key.port for port in derived}
                if not new & used and all(0 < port <= HIGHEST for port in new):
                    break
                unfit.add(free)
            if free is None:
                self.why[key, owner] = f"no port of {machine} is free for {owner}"
                continue
            taken |= {free, *new}
            found[key, owner] = Move(claim, free, derived)
        return found

    def _after(self, moves: Mapping[tuple[Key, str], Move]) -> list[Row]:
        """The table of ports when these have moved."""
        if not moves:
            return self.places.trial.before
        numbers: defaultdict[Site, dict[int, int]] = defaultdict(dict)
        for (key, _), move in moves.items():
            for site in move.claim.sites:
                numbers[site][key.port] = move.port
        return self.places.trial.table(numbers)

    def _wrong(self, moves: Mapping[tuple[Key, str], Move], rows: Sequence[Row]) -> dict[tuple[Key, str], str]:
        """The moves after which the table of ports, ``rows``, is not as it should be, with the reason.

        No port has an owner beside another that it had not before, no other socket than those of who moves has another
        number, and what moves has left the old one.
        """
        wrong: dict[tuple[Key, str], str] = {}
        expected: dict[tuple[object, int], tuple[int, tuple[Key, str]]] = {
            (use, port): (port + move.port - at[0].port, at)
            for at, move in moves.items()
            for site in move.claim.sites
            for use, port in self.places.fed[site]
        }
        after = uses(rows)
        for use, old in self.places.trial.uses.items():
            ports = numbers_of(old)
            should = {expected[use, port][0] if (use, port) in expected else port for port in ports}
            if should != numbers_of(after.get(use, ())):
                theirs = [expected[use, port][1] for port in ports if (use, port) in expected] or [*moves]
                for at in theirs:
                    wrong.setdefault(at, f"moving {at[1]} would change {use.path}:{use.line}, too")
        before = _together(self.places.trial.before)
        for (machine, port), owners in _together(rows).items():
            new = owners - before.get((machine, port), frozenset())
            if new:
                theirs = [at for at in moves if at[1] in new] or [*moves]
                for at in theirs:
                    wrong.setdefault(at, f"moving {at[1]} would have it meet {', '.join(sorted(owners))} on {port}")
        return wrong

    # What comes of it

    def settled(self, key: Key) -> bool:
        """Whether a port in dispute has one owner after the move, so that it can have a name."""
        return len(self.staying.get(key, ())) == 1

    def decided(self, site: Site, key: Key) -> tuple[Port | None, str]:
        """The new entry of a literal whose port is in dispute, None for that of who keeps it; or why it has none."""
        dispute = self.plan.disputes[key]
        for owner, entry in self.plan.moved.get(key, {}).items():
            if site in self.claims[key, owner].sites:
                return entry, ""
        if self.settled(key) and self.staying[key] == self.places.owners_of(site, key.port):
            return None, ""
        why = [self.why[key, owner] for owner, _ in dispute.owners if (key, owner) in self.why]
        return None, "; ".join([_told(dispute), *why[:1]])

    def handed(self) -> Iterator[tuple[Row, Port]]:
        """Where configuration files hand a moved owner the port that it had, and what it has now."""
        for (key, owner), claim in self.claims.items():
            for row in self.places.rows[key.port]:
                if self.places.hands(row, claim):
                    yield row, self.plan.moved[key][owner]

    def told(self, entries: Container[Port]) -> Iterator[str]:
        """Who moves where, of those with these new entries, for people."""
        handed = Counter(entry.name for _, entry in self.handed())
        for (key, owner), claim in sorted(self.claims.items()):
            entry = self.plan.moved[key][owner]
            if entry in entries:
                number = plural(len(claim.sites) + handed[entry.name], "place")
                yield f"{owner}: {key.port} -> {entry.port}, {number}"

    def former(self) -> dict[Key, str]:
        """The ports that an owner had before it was moved: who still writes one down may mean either."""
        found: dict[Key, str] = {}
        for one in self.plan.known.ports:
            was = _WAS.search(one.purpose)
            if was is not None:
                machine = "" if not self.plan.machines or one.machine == SHARED else one.machine
                found[Key(machine, int(was[1]))] = one.name
        return found


def _together(rows: Iterable[Row]) -> dict[tuple[str, int], frozenset[str]]:
    """Who binds each port that several bind."""
    found: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for one in conflicts(rows):
        found[one.machine, one.port].update(owner for owner, _ in one.owners)
    return {at: frozenset(owners) for at, owners in found.items()}


def _told(dispute: Dispute) -> str:
    """Who binds a port, for people."""
    owners = [f"{owner} ({its[0].rows[0].path}:{its[0].rows[0].line})" for owner, its in dispute.owners]
    more = f" and {len(owners) - _SHOWN} more" if len(owners) > _SHOWN else ""
    where = f" on {dispute.machine}" if dispute.machine else ""
    return f"{dispute.port} is bound{where} by {', '.join(owners[:_SHOWN])}{more}"
