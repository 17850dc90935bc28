"""Text of configuration files as terms: variables with their defaults, sums, addresses, ranges."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from analysis.values.addresses import split
from analysis.values.terms import Const, Env, Join, Term, Unknown, join, total, written

_VARIABLE = re.compile(
    r"\$(?:\$|(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?::?(?P<how>[-?+=])(?P<rest>[^{}]*))?\})"
)
_TEMPLATE = re.compile(r"\{\{|\{%|<%|\$\{\{")
_SUMMED = re.compile(r"\s*\+\s*")
_DIGITS = re.compile(r"[0-9]{1,5}\Z")
_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})\Z")
_HOST_PORT = re.compile(r"(?:\[[^\]\s]*\]|[\w.*-]*|\$\{[^}]*\}):(?:[0-9]{2,5}|\$\{[^}]*\})\Z")
_URL = re.compile(r"[a-z][a-z0-9+.]*://[^\s]*\Z")
MOST = 100
"""A longer range of ports is one row."""


def term_of(text: str, known: Mapping[str, Term] | None = None) -> Term:
    """``text`` as a term: ``${A:-1}`` is the environment's ``A`` with its default. ``known`` are defaults by name."""
    if _TEMPLATE.search(text):
        return Unknown(text)
    parts: list[Term] = []
    at = 0
    for found in _VARIABLE.finditer(text):
        if found.start() > at:
            parts.append(Const(text[at : found.start()]))
        at = found.end()
        name = found["bare"] or found["name"]
        if name is None:
            parts.append(Const("$"))
            continue
        default = _literal(found["rest"]) if found["how"] in ("-", "=") and found["rest"] else None
        if default is None and known is not None:
            default = known.get(name)
        parts.append(Env(name, default))
    if at < len(text):
        parts.append(Const(text[at:]))
    return parts[0] if len(parts) == 1 else join(parts)


def _literal(text: str) -> Term:
    return Const(int(text)) if _DIGITS.match(text) else Const(text)


def port_of(value: int | str | None, known: Mapping[str, Term] | None = None) -> Term | None:
    """The port that a value is: a number, a variable, a sum of these, or what a template fills in; else None."""
    if isinstance(value, int):
        return Const(value) if 0 < value < 65536 else None
    if value is None:
        return None
    text = value.strip()
    if _DIGITS.match(text):
        return port_of(int(text))
    if _TEMPLATE.search(text):
        return Unknown(text)
    if "$" not in text:
        return None
    parts = [term_of(one, known) for one in _SUMMED.split(text)]
    parts = [_literal(str(one.value)) if isinstance(one, Const) else one for one in parts]
    found = total(parts)
    if all(isinstance(one, Env) or (isinstance(one, Const) and isinstance(one.value, int)) for one in parts):
        return found
    # A number that is put together: `80${N}`.
    return found if isinstance(found, Join) and not _worded(found) else None


def _worded(term: Join) -> bool:
    return any(not str(one.value).isdecimal() for one in term.parts if isinstance(one, Const))


def ports_of(text: str, known: Mapping[str, Term] | None = None) -> tuple[Term, ...]:
    """The ports of a range, or the one that ``text`` is; none where it is neither. A long range is not followed."""
    found = _RANGE.match(text)
    if found is None:
        term = port_of(text, known)
        return (term,) if term is not None else ()
    first, last = int(found[1]), int(found[2])
    if not 0 < first <= last < 65536:
        return ()
    if last - first >= MOST:
        return (Const(text),)
    return tuple(map(Const, range(first, last + 1)))


class Address(NamedTuple):
    """An address with a port: ``offset`` is where the port stands in the text."""

    transport: str
    host: str
    port: Term
    offset: int


def address_of(text: str, bare: bool, known: Mapping[str, Term] | None = None) -> Address | None:
    """The address that ``text`` is, when a port is written in it. ``bare``: ``host:port`` is one, too."""
    if not (_URL.match(text) or (bare and _HOST_PORT.match(text))):
        return None
    parts = split(term_of(text, known))
    if parts is None:
        return None
    transport, host, port = parts
    # Of a transport with a port of its own nothing may be written.
    mark = f":{port.value}" if isinstance(port, Const) else ":$"
    number = port_of(port.value) if isinstance(port, Const) else port
    if number is None or mark not in text:
        return None
    return Address(transport, written(host), number, text.rindex(mark) + 1)
