"""Names that speak of a port, in source and in configuration files alike."""

from __future__ import annotations

import re

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_OTHER = frozenset(
    {
        "count",
        "counts",
        "range",
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


def speaks_of_port(name: str) -> bool:
    """Whether what is called ``name`` is a port: ``HTTP_PORT``, ``zmqPort``, ``--health-port``, ``ports``."""
    words = [one.lower() for one in _WORDS.findall(name)]
    return ("port" in words or "ports" in words) and words[-1] not in _OTHER


def is_measure(name: str) -> bool:
    """Whether an entry among ports that is called ``name`` is none: a bound of a range, a count, a time."""
    words = [one.lower() for one in _WORDS.findall(name)]
    return bool(words) and words[-1] in _OTHER | _BOUNDS
