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
        "backlog",
        "ttl",
        "connections",
        "weight",
        "priority",
        "workers",
        "threads",
        "replicas",
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


_OF_PORTS = frozenset(
    {
        "ttl",
        "mtu",
        "baudrate",
        "vlan",
        "ms",
        "us",
        "sec",
        "year",
        "bytes",
        "price",
        "cost",
        "costs",
        "weight",
        "weights",
    }
    | {"backoff", "retry", "error", "errors", "code", "taken", "use", "used", "token", "pin", "color", "colour", "lag"}
    | {"seen", "forward", "length", "latency", "len", "mode", "state", "priority", "owner", "label", "description"}
)
"""Behind the word these are something that a port has: ``port_ttl`` is none, ``error_port`` is one."""


def speaks_of_port(name: str) -> bool:
    """Whether what is called ``name`` is a port: ``HTTP_PORT``, ``zmqPort``, ``--health-port``, ``ports``."""
    words = [one.lower() for one in _WORDS.findall(name)]
    if "port" not in words and "ports" not in words:
        return False
    last = max(at for at, one in enumerate(words) if one in ("port", "ports"))
    if not _OF_PORTS.isdisjoint(words[last + 1 :]) or words[last - 1 : last] in (["by"], ["view"]):
        return False
    # `end_port` is where a search ends; `start_port` is the first that is tried, and taken.
    return words[-1] not in _OTHER | _BOUNDS and words[0] not in ("end", "last") and _NEVER.isdisjoint(words)


def is_range(name: str) -> bool:
    """Whether what is called ``name`` holds bounds of ranges: ``port_ranges``."""
    return not _RANGES.isdisjoint(one.lower() for one in _WORDS.findall(name))


_PORTLESS = frozenset(
    {
        "inproc",
        "ipc",
        "unix",
        "file",
        "data",
        "docker",
        "oci",
        "s3",
        "gs",
        "sha256",
        "sqlite",
        "urn",
        "otpauth",
        "steam",
    }
    | {"mailto", "about", "javascript", "pkg"}
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://?$")


def has_ports(before: str) -> bool:
    """Whether an address that ``before`` is the beginning of, up to its ``://``, may have a port: not a file's."""
    scheme = _SCHEME.search(before)
    return scheme is None or scheme[1].lower().rpartition("+")[2] not in _PORTLESS


def host_before(text: str) -> str | None:
    """The host of an address that ``text`` breaks off behind, as in ``see tcp://user@host``; None when it does not."""
    before, mark, rest = text.rpartition("://")
    if (
        not mark
        or not before[-1:].isalnum()
        or not has_ports(before + mark)
        or any(one in rest for one in "/ \t\r\n?#")
    ):
        return None
    host = rest.rpartition("@")[2]
    return host if ":" not in host or (host.startswith("[") and host.endswith("]")) else None


def is_measure(name: str) -> bool:
    """Whether an entry among ports that is called ``name`` is none: a bound of a range, a count, a time."""
    words = [one.lower() for one in _WORDS.findall(name)]
    return bool(words) and words[-1] in _OTHER | _BOUNDS | _UNITS
