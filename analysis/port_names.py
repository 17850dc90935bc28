"""Names that speak of a port, in source and in configuration files alike."""

from __future__ import annotations

import re

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_OTHER = frozenset(
    {
        "count",
        "counts",
        "range",
        "ranges",
        "offset",
        "timeout",
        "limit",
        "size",
        "retries",
        "attempts",
        "increment",
        "step",
        "interval",
        "status",
        "name",
        "names",
        "type",
        "kind",
        "wait",
        "delay",
        "max",
        "min",
        "number_of",
        "digits",
        "width",
        "id",
        "index",
        "scan",
        "check",
        "pool",
        "speed",
        "rate",
        "bits",
        "mask",
        "flags",
    }
)
"""What a name speaks of when it ends in one of these: not of one port."""
_BOUNDS = frozenset({"start", "end", "first", "last", "from", "to", "low", "high", "lowest", "highest"})


_UNITS = frozenset({"minimum", "maximum", "mb", "gb", "kb", "ms", "seconds", "threshold", "percent"})
_RANGES = frozenset({"range", "ranges"})
_NEVER = frozenset(
    {"min", "max", "minimum", "maximum", "num", "per", "ephemeral", "serial", "baud", "timeout", "blocked"}
    | {"forbidden", "reserved", "number_of", *_RANGES}
)
"""With one of these anywhere it is a bound, a count, a device or a list of what nobody takes."""


def speaks_of_port(name: str) -> bool:
    """Whether what is called ``name`` is a port: ``HTTP_PORT``, ``zmqPort``, ``--health-port``, ``ports``."""
    words = [one.lower() for one in _WORDS.findall(name)]
    if "port" not in words and "ports" not in words:
        return False
    # `end_port` is where a search ends; `start_port` is the first that is tried, and taken.
    return words[-1] not in _OTHER | _BOUNDS and words[0] not in ("end", "last") and _NEVER.isdisjoint(words)


def is_range(name: str) -> bool:
    """Whether what is called ``name`` holds bounds of ranges: ``port_ranges``."""
    return not _RANGES.isdisjoint(one.lower() for one in _WORDS.findall(name))


def host_before(text: str) -> str | None:
    """The host of an address that ``text`` breaks off behind, as in ``see tcp://user@host``; None when it does not."""
    before, mark, rest = text.rpartition("://")
    if not mark or not before[-1:].isalnum() or any(one in rest for one in "/ \t\r\n?#"):
        return None
    host = rest.rpartition("@")[2]
    return host if ":" not in host or (host.startswith("[") and host.endswith("]")) else None


def is_measure(name: str) -> bool:
    """Whether an entry among ports that is called ``name`` is none: a bound of a range, a count, a time."""
    words = [one.lower() for one in _WORDS.findall(name)]
    return bool(words) and words[-1] in _OTHER | _BOUNDS | _UNITS
