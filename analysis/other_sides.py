"""Which sockets are on the other side of one: by machine and port, by address, by the name of a service."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from analysis.sockets import Service, Socket

Kind = Literal["request", "publish", "push"]
_LOCAL = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[?::1?\]?|\*|)")
_LOCAL_BY_DEFAULT = re.compile(rf"[^|]* or {_LOCAL.pattern}")
_LOOK_UP = re.compile(r"(?i)(?:service|agent|discover|address|endpoint|registry|look_?up|resolve)\w*\((\w+)\)\Z")
"""A service that is looked up by its name."""
PAIRS: dict[str, tuple[Kind, frozenset[str]]] = {
    "REQ": ("request", frozenset({"REP", "ROUTER"})),
    "DEALER": ("request", frozenset({"REP", "ROUTER"})),
    "PUB": ("publish", frozenset({"SUB", "XSUB"})),
    "XPUB": ("publish", frozenset({"SUB", "XSUB"})),
    "PUSH": ("push", frozenset({"PULL"})),
}
"""Which types speak first, and to which."""


class Others:
    """Finds the other side of a socket."""

    def __init__(self, sockets: Sequence[Socket]) -> None:
        self._ports: defaultdict[int, list[Socket]] = defaultdict(list)
        self._addresses: defaultdict[str, list[Socket]] = defaultdict(list)
        self._names: defaultdict[str, list[Socket]] = defaultdict(list)
        self._open: defaultdict[Service, list[Socket]] = defaultdict(list)
        self._machines = {one.service.machine for one in sockets} - {""}
        for one in sockets:
            if one.side == "bind" and one.certainty != "configured":
                self._names[one.service.name.lower()].append(one)
            if one.port:
                self._ports[one.port].append(one)
            else:
                self._open[one.service].append(one)
            if one.port is None and _is_shared(one.address):
                self._addresses[one.address].append(one)

    def of(self, one: Socket) -> tuple[list[Socket], bool]:
        """The sockets that ``one`` speaks to or hears, nearest copy of each, and whether there is no doubt of it."""
        named_only = False
        if one.port is None:
            every = self._addresses.get(one.address, []) if _is_shared(one.address) else []
            if one.address.startswith("inproc:"):
                every = [other for other in every if other.service.home == one.service.home]
            looked_up = _LOOK_UP.search(one.address) if not every and one.side == "connect" else None
            if looked_up is not None:
                named_only = True
                every = [other for other in self._names.get(looked_up[1].lower(), []) if "health" not in other.key]
        else:
            every = self._ports.get(one.port, [])
        found = [other for other in every if other.side != one.side and fit(one.kind, other.kind)]
        found, certain = _reachable(one, found, self._machines)
        named: defaultdict[str, list[Socket]] = defaultdict(list)
        for other in found:
            named[other.service.name].append(other)
        several = one.kind in _MANY
        nearest: list[Socket] = []
        for copies in named.values():
            near = min((apart(one.service.home, other.service.home), other.service.home) for other in copies)[1]
            nearest += [other for other in copies if several or other.service.home == near]
        doubt = named_only or not certain or any(map(_is_open, (one, *nearest)))
        return nearest, bool(nearest) and not doubt and (several or len(named) == 1)

    def may_be(self, one: Socket) -> bool:
        """Whether a socket on the port of ``one``, or of a service that has it, may turn out to be the other side."""
        near, _ = _reachable(one, [each for each in self._ports.get(one.port or -1, ()) if each != one], self._machines)
        if any(each.side != one.side and any(not kind or fit(one.kind, kind) for kind in each.kinds) for each in near):
            return True
        services = {each.service for each in near if one.side == "connect" and each.side == "bind"} - {one.service}
        fitting = (each for service in services for each in self._open[service])
        return any(each.side == "bind" and fit(one.kind, each.kind) for each in fitting)


def _is_open(one: Socket) -> bool:
    """Whether a socket may have another number or be of another type."""
    return one.certainty == "choice" or bool(one.given) or len(one.kinds) > 1


_MANY = frozenset({"PUB", "XPUB", "PUSH", "REP", "ROUTER", "PULL"})
"""What may have several on the other side."""


def _is_shared(address: str) -> bool:
    """Whether the same text means the same address in two services: a variable of the environment, a file."""
    return bool(address) and (address.startswith(("ipc://", "inproc://", "$")) or "{$" in address)


def fit(kind: str, other: str) -> bool:
    """Whether sockets of two types speak with each other."""
    return other in PAIRS.get(kind, ("", ()))[1] or kind in PAIRS.get(other, ("", ()))[1]


def _reachable(one: Socket, others: list[Socket], machines: set[str]) -> tuple[list[Socket], bool]:
    """Those on the machine that the address names, as far as it names one, and whether that is certain."""
    found, near, named = [], [], []
    default = several = elsewhere = False
    for other in others:
        client, server = (one, other) if one.side == "connect" else (other, one)
        here, there = client.service.machine, server.service.machine
        apart = bool(here and there and here != there)
        if apart and _LOCAL.fullmatch(client.host):
            continue
        found.append(other)
        if not apart:
            near.append(other)
        host = _letters(client.host)
        if there and _letters(there) in host:
            named.append(other)
        elif there and any(_letters(machine) in host for machine in machines):
            # It is another machine that the address names.
            elsewhere = True
        default = default or _LOCAL_BY_DEFAULT.fullmatch(client.host) is not None
        several = several or (bool(here and there) and " | " in client.host)
    if one.side == "connect" and (named or (default and near)):
        return named or near, not several
    return found, not (several or elsewhere) and (not default or len(near) == len(found))


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def apart(first: str, second: str) -> int:
    """How many folders one goes up and down from one file to another; -1 to the file itself."""
    if first == second:
        return -1
    one, other = first.split("/")[:-1], second.split("/")[:-1]
    shared = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        shared += 1
    return len(one) + len(other) - 2 * shared
