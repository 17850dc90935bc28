"""What a term says of ports: whether it may be one, or the address of a socket."""

from __future__ import annotations

import re
from typing import Any

from analysis.values.terms import (
    Call,
    Choice,
    Const,
    Env,
    Join,
    Key,
    Option,
    Parameter,
    Sum,
    Symbol,
    Term,
    Unknown,
    below,
    looked_up,
)

_PORTS = range(1, 65536)


def text_of(value: Any) -> Term:
    """A literal as a term, when it is text."""
    return Const(value) if isinstance(value, str) else Unknown("")


def is_port(value: Any) -> bool:
    """Whether a value is the number of a port."""
    return isinstance(value, int) and not isinstance(value, bool) and value in _PORTS


_PORT = re.compile(r"(?i)(?<![a-z])ports?(?![a-z])")


def port_like(term: Term) -> bool:
    """Whether a term holds a number that may be a port, or an address, or asks for one by name."""
    return any(
        (isinstance(one, Const) and (is_port(one.value) or is_url(one)))
        or (isinstance(one, (Env, Option, Key)) and _PORT.search(one.path if isinstance(one, Key) else one.name))
        or looked_up(one) is not None
        for one in below(term)
    )


def may_be_port(term: Term) -> bool:
    """Whether a term may come to a port: it is no other number and no text."""
    return not (isinstance(term, Const) and not is_port(term.value)) and not isinstance(term, Join)


def telling(term: Term) -> bool:
    """Whether a term says more than that nothing is known."""
    return any(isinstance(one, (Const, Env, Option, Key, Parameter, Symbol, Call, Sum)) for one in below(term))


_SCHEME = re.compile(r"\s*[a-z][a-z0-9+.]*://")
_HOST_PORT = re.compile(r"\[?[\w.*:-]*\]?:\d{2,5}\Z")


def is_url(term: Term) -> bool:
    """Whether a term begins with a scheme."""
    match term:
        case Const(value):
            return isinstance(value, str) and (_SCHEME.match(value) is not None)
        case Join(parts):
            return is_url(parts[0])
        case Choice(options):
            return any(map(is_url, options))
        case Env(_, default) | Option(_, default) | Key(_, default) | Parameter(_, _, default):
            return default is not None and is_url(default)
    return False


def is_address(term: Term) -> bool:
    """Whether a term may be the address of a socket."""
    if is_url(term):
        return True
    match term:
        case Const(value):
            return isinstance(value, str) and _HOST_PORT.match(value) is not None
        case Join(parts):
            return any(isinstance(one, Const) and ":" in str(one.value) for one in parts)
        case Choice(options):
            return any(map(is_address, options))
    return False
