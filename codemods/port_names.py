"""Readable names for ports: from their owner, from what the source calls them, or from the service behind them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from config.documents import LONGEST_NAME
from config.registry import PORT_NAME, RESERVED_NAMES

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_EMPTY = frozenset(
    {
        "port",
        "ports",
        "default",
        "socket",
        "sock",
        "zmq",
        "tcp",
        "server",
        "client",
        "self",
        "my",
        "main",
        "base",
        "the",
    }
    | {"number", "num", "no", "addr", "address", "url", "uri", "endpoint", "host", "bind", "connect", "config", "args"}
    | {"env", "s", "x", "listen", "target", "remote", "local", "current", "pc", "example", "str", "int", "name"}
    | {"details", "servers", "common", "list", "all", "values", "options", "settings", "params", "urls", "uris"}
    | {"endpoints", "addresses", "defaults", "map", "table", "known", "used", "hosts", "args", "kwargs", "data"}
)
"""Words that tell one port from no other."""
_KINDS = frozenset(
    {"health", "check", "healthcheck", "http", "https", "api", "rest", "pub", "sub", "push", "pull", "rep", "req"}
    | {"router", "dealer", "pair", "metrics", "prometheus", "web", "websocket", "ws", "rpc", "grpc", "data", "control"}
    | {
        "command",
        "status",
        "input",
        "output",
        "in",
        "out",
        "agent",
        "agents",
        "event",
        "events",
        "internal",
        "external",
    }
    | {"udp", "debug", "admin", "ui", "monitor", "monitoring", "fallback", "alt", "backup", "secondary", "primary"}
    | {
        "service",
        "services",
        "publish",
        "subscribe",
        "publisher",
        "subscriber",
        "request",
        "response",
        "stream",
        "proxy",
    }
    | {"frontend", "backend", "conn", "connection", "channel", "sender", "receiver", "peer", "reply", "ping"}
)
"""Words that say which of its ports, but not whose."""
_BODIES = frozenset({"AGENT", "SERVICE"})
_CHECKS = frozenset({"health", "check", "healthcheck", "metrics", "status"})
"""What is asked of anybody: a ``HEALTH_SERVICE`` need be no service of its own."""
_STEM = 5


def words(text: str) -> list[str]:
    """The words of a name in capitals: ``healthPort`` has HEALTH and PORT, ``PC2Agent`` has PC2 and AGENT."""
    found: list[str] = []
    end = -1
    for one in _WORDS.finditer(text):
        # A digit or a capital by itself belongs to what it stands behind.
        if one.start() == end and (one[0].isdigit() or len(one[0]) == 1):
            found[-1] += one[0].upper()
        else:
            found.append(one[0].upper())
        end = one.end()
    return found


def label(text: str) -> tuple[str, bool]:
    """What a name says of a port, as a name, and whether that tells whose port it is."""
    kept = [one for one in words(text) if _plain(one) not in _EMPTY]
    return "_".join(kept), bool(_own(kept))


def _own(kept: Sequence[str]) -> list[str]:
    """The words that say whose a port is. ``WEB_AGENT`` is somebody, though neither word by itself is."""
    own = [one for one in kept if tells(one)]
    if not own and kept[-1:] and kept[-1] in _BODIES:
        own = [one for one in kept[:-1] if _plain(one) not in _CHECKS]
    return own


def _plain(word: str) -> str:
    return word.lower().rstrip("0123456789")


def tells(word: str) -> bool:
    """Whether a word says whose a port is."""
    return _plain(word) not in _KINDS and not word.isdigit()


def agree(text: str, names: Iterable[str]) -> bool:
    """Whether what the source calls a port may be one of ``names``: it names nobody, or one is part of the other."""
    own = _own([one for one in words(text) if _plain(one) not in _EMPTY])
    if not own:
        return True
    whole = "".join(own)
    for name in filter(None, names):
        others = words(name)
        initials = "".join(one[0] for one in others)
        if whole in "".join(others) or whole in initials or "".join(others) in whole:
            return True
        telling = [one for one in others if tells(one)]
        common = [one for one in own if any(_akin(one, other) for other in telling)]
        # Of two names that each have a word of their own, the common one is that of a family: STREAMING_TTS, _ASR.
        if common and (len(common) == len(own) or all(any(_akin(one, other) for one in own) for other in telling)):
            return True
    return False


def _akin(one: str, other: str) -> bool:
    """Whether two words are the same, or of one stem as far as one can see: TRANSLATE and TRANSLATOR."""
    return one == other or (min(len(one), len(other)) >= _STEM and one[:_STEM] == other[:_STEM])


def is_host_of(host: str, names: Iterable[str]) -> bool:
    """Whether a host may be called after one of ``names``: it has a word of it, or no word that tells anything."""
    own = {one for one in words(host.partition(".")[0]) if _plain(one) not in _EMPTY and not one.isdigit()}
    return not own or any(own & set(words(name)) for name in names)


def joined(owner: str, qualifier: str) -> str:
    """The name of the port ``qualifier`` of ``owner``; words that both have stand once."""
    first = words(owner)
    return "_".join([*first, *(one for one in qualifier.split("_") if one and one not in first)])


def commonest(labels: Iterable[str]) -> str:
    """The label that is there most often, the first by the alphabet of several; empty when there is none."""
    counts = Counter(filter(None, labels))
    return min(counts, key=lambda one: (-counts[one], one), default="")


def holder(path: str, scope: str) -> str:
    """What a literal of the file at ``path`` stands in: the class, else the file, else its folder."""
    first = scope.partition(".")[0]
    if first[:1].isupper():
        return first
    folder, _, name = path.rpartition("/")
    stem = name.removesuffix(".py")
    return folder.rpartition("/")[2] if stem in ("__init__", "__main__", "main", "app", "config") and folder else stem


def usable(name: str) -> str:
    """``name`` as the registry takes it."""
    name = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").upper()[: LONGEST_NAME - 20]
    if not PORT_NAME.fullmatch(name) or name in RESERVED_NAMES:
        name = f"PORT_{name}".rstrip("_")
    return name


class Names:
    """The names that are given out, each once whatever its case."""

    def __init__(self, taken: Mapping[str, str]) -> None:
        """``taken``: the machine of each name that is given out already."""
        self._taken = {name.casefold(): machine for name, machine in taken.items()}

    def machine(self, name: str) -> str:
        """The machine of who has ``name``; empty when nobody does."""
        return self._taken.get(usable(name).casefold(), "")

    def give(self, choices: Sequence[str], machine: str) -> str:
        """The first of ``choices`` that nobody has, or the last with a number, to a port of ``machine``."""
        for one in choices:
            name = usable(one)
            if name.casefold() not in self._taken:
                break
        else:
            number = 2
            while f"{name}_{number}".casefold() in self._taken:
                number += 1
            name = f"{name}_{number}"
        self._taken[name.casefold()] = machine
        return name
