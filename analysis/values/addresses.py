"""Addresses and port numbers in terms: transport, host and port of an address, and the numbers that a term comes to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from typing import Literal

import msgspec

from analysis.values.terms import Choice, Const, Env, Join, Key, Option, Parameter, Sum, Term, Unknown, join

Certainty = Literal["exact", "default", "configured", "choice", "expression", "unknown"]
_MARK = "\ue000"
_ADDRESS = re.compile(
    rf"\s*(?:([a-z][a-z0-9+.]*)://)?(?:[^/@]*@)?(\[[^\]]*\]|[^/:]*)(?::([0-9{_MARK}]+))?(?:[/?].*)?\Z", re.DOTALL
)
PLAIN_TEXT = frozenset({"inproc", "ipc", "file", "unix", "sqlite", "data"})
"""Transports that have no ports."""
_DEFAULTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "redis": 6379, "nats": 4222, "amqp": 5672, "mqtt": 1883,
             "postgres": 5432, "postgresql": 5432, "mongodb": 27017}  # fmt: skip


def split(address: Term) -> tuple[str, Term, Term] | None:
    """Transport, host and port of an address; None when it does not look like one that has a port."""
    if isinstance(address, Const):
        address = Join((address,))
    if isinstance(address, (Env, Option, Key, Parameter)) and address.default is not None:
        found = split(address.default)
        return found and (found[0], found[1], msgspec.structs.replace(address, default=found[2]))
    if not isinstance(address, Join):
        return None
    holes = [one for one in address.parts if not isinstance(one, Const)]
    text = "".join(str(one.value) if isinstance(one, Const) else _MARK for one in address.parts)
    match = _ADDRESS.match(text)
    if match is None:
        return None
    transport, host, port = match[1] or "", match[2], match[3]
    if transport in PLAIN_TEXT:
        return transport, Const(host), Const("")
    before = text[: match.start(3) if port else len(text)].count(_MARK)
    if not port:
        known = _DEFAULTS.get(transport)
        if known is None:
            return None
        return transport, _filled(host, holes), Const(known)
    first = text[: match.start(2)].count(_MARK)
    where = _filled(host, holes[first:])
    number = _filled(port, holes[before:])
    return transport, where, number


def _filled(text: str, holes: Sequence[Term]) -> Term:
    parts: list[Term] = []
    at = 0
    for piece in re.split(f"({_MARK})", text):
        if piece == _MARK:
            parts.append(holes[at])
            at += 1
        elif piece:
            parts.append(Const(piece))
    return parts[0] if len(parts) == 1 else join(parts)


def alternatives(term: Term) -> tuple[Term, ...]:
    """The alternatives of an address; where they are inside a longer text, that text with each of them."""
    if isinstance(term, Choice):
        return tuple(one for option in term.options for one in alternatives(option))
    if isinstance(term, (Env, Option, Key, Parameter)) and isinstance(term.default, Choice):
        return tuple(msgspec.structs.replace(term, default=one) for one in alternatives(term.default))
    if isinstance(term, Join) and any(isinstance(one, Choice) for one in term.parts[:1]):
        first = term.parts[0]
        assert isinstance(first, Choice)
        return tuple(join((option, *term.parts[1:])) for option in first.options)
    return (term,)


def numbers(term: Term) -> tuple[list[int], Certainty]:
    """The port numbers that a term may come to, and how certain they are."""
    found = _numbers(term)
    if found is None:
        return [], "unknown" if isinstance(term, Unknown) else "expression"
    every, sure = found
    ports = list(dict.fromkeys(one for one in every if 0 <= one <= 65535))
    if not ports:
        return [], "expression"
    return ports, "choice" if len(ports) > 1 else sure


def _numbers(term: Term) -> tuple[list[int], Certainty] | None:
    if term.__class__ is Unknown:
        return None
    match term:
        case Const(value):
            if isinstance(value, int):
                return [value], "exact"
            return ([int(value)], "exact") if value.strip().isdecimal() else None
        case Env(_, default) | Option(_, default) | Key(_, default) | Parameter(_, _, default):
            inner = _numbers(default) if default is not None else None
            return (inner[0], "default") if inner is not None else None
        case Choice(options):
            known = [one for option in options if (one := _numbers(option)) is not None]
            if not known:
                return None
            every = list(dict.fromkeys(number for one, _ in known for number in one))
            sure: Certainty = (
                "exact" if len(known) == len(options) and all(one[1] == "exact" for one in known) else "default"
            )
            return every, sure
        case Sum(parts):
            terms = [_numbers(one) for one in parts]
            if any(one is None for one in terms):
                return None
            whole = [one for one in terms if one is not None]
            sums = list(dict.fromkeys(map(sum, product(*(one for one, _ in whole)))))
            return sums, "exact" if all(one[1] == "exact" for one in whole) else "default"
        case Join(parts) if len(parts) == 1:
            return _numbers(parts[0])
    return None
