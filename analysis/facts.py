"""The record of a file: what one parse and one walk found out about it.

A record holds plain values only (strings, numbers, tuples of records), so that it can be kept in the index, sent
between processes and compared. Each topic's own record types live with its collector in ``analysis/collectors``.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Span(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A stretch of source as ``ast`` counts it: lines from 1, columns in UTF-8 bytes from 0, the end exclusive."""

    line: int
    col: int
    end_line: int
    end_col: int


FaultKind = Literal["syntax", "compile", "encoding", "null-byte", "too-deep", "unreadable"]


class Fault(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Why a file has no facts, or has them and still does not compile.

    ``syntax``: the parser refuses it. ``compile``: it parses, the compiler refuses it (``await`` outside a coroutine).
    ``encoding``: its bytes are not what its cookie or UTF-8 says. ``null-byte``: it holds a NUL.
    ``too-deep``: an expression nests deeper than the parser can follow. ``unreadable``: the system would not give it.
    """

    kind: FaultKind
    message: str
    line: int = 0
    col: int = 0
