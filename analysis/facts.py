"""The record of a file: what one parse and one walk found out about it.

A record holds plain values only (strings, numbers, tuples of records), so that it can be kept in the index, sent
between processes and compared. Each topic's own record types live with its collector in ``analysis/collectors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from analysis.walk import Collector


class Span(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A stretch of source as ``ast`` counts it: lines from 1, columns in UTF-8 bytes from 0, the end exclusive."""

    line: int
    col: int
    end_line: int
    end_col: int


FaultKind = Literal["syntax", "compile", "encoding", "null-byte", "too-deep", "unreadable", "crashed"]


class Fault(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Why a file has no facts, or has them and still does not compile.

    ``syntax``: the parser refuses it. ``compile``: it parses, the compiler refuses it (``await`` outside a coroutine).
    ``encoding``: its bytes are not what its cookie or UTF-8 says. ``null-byte``: it holds a NUL.
    ``too-deep``: an expression nests deeper than the parser can follow. ``unreadable``: the system would not give it.
    ``crashed``: the reading itself failed, which is a defect of ours or of the interpreter.

    ``line`` and ``col`` count from 1, in characters, as ``SyntaxError`` does; 0 where nothing is known.
    """

    kind: FaultKind
    message: str
    line: int = 0
    col: int = 0


class FileFacts:
    """What is known of one file.

    ``path`` is its name relative to the project's root, with ``/`` (absolute for a file outside of it); ``digest``
    identifies the bytes that the facts were taken from and is empty for an unreadable file; ``fault`` is set when
    there are no facts; ``blobs`` holds each topic's records, encoded: with a fault what could be read all the same.
    """

    __slots__ = ("blobs", "digest", "fault", "path")

    def __init__(self, path: str, digest: bytes, fault: Fault | None, blobs: Mapping[str, bytes]) -> None:
        self.path = path
        self.digest = digest
        self.fault = fault
        self.blobs = blobs

    def records(self, collector: type[Collector]) -> list[Any]:
        """What ``collector`` noted down in this file, in source order; nothing for a file with a fault.

        Raises KeyError when that collector was not among those asked.
        """
        if self.fault is not None:
            return []
        blob = self.blobs[collector.topic]
        return decode_records(collector, blob)

    def salvaged(self, collector: type[Collector]) -> list[Any]:
        """What ``collector`` could still read off the lines of a file that does not parse; nothing for another."""
        return decode_records(collector, self.blobs.get(collector.topic, EMPTY)) if self.fault is not None else []


@cache
def _decoder(record: type[Any]) -> msgspec.msgpack.Decoder[list[Any]]:
    return msgspec.msgpack.Decoder(list.__class_getitem__(record))


def decode_records(collector: type[Collector], blob: bytes) -> list[Any]:
    """The records in ``blob``. Raises msgspec.DecodeError when it does not hold records of ``collector``."""
    if blob == EMPTY:
        return []
    return _decoder(collector.record).decode(blob)


EMPTY = b"\x90"
"""An encoded list of no records."""
