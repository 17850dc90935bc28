"""Numbers that may be ports of sockets, in files that do not parse: whoever is missed may be in one of them."""

from __future__ import annotations

import re
from typing import ClassVar

import msgspec

from analysis.collectors.socket_names import KINDS
from analysis.walk import Collector

_KIND = re.compile(rb"\b(?:zmq|azmq|SocketType)\.([A-Z]+)\b|\bget_(req|rep|pub|sub|push|pull|router|dealer)_socket\(")
_SPEAKS = re.compile(rb"(?i)port|://|bind|connect|addr|endpoint")
_NUMBER = re.compile(rb"(?<![\w.])[1-9]\d{3,4}(?![\w.])")
_HIGHEST = 65535


class UnreadSocket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A number that ``line`` has beside a word that speaks of ports; ``kinds`` are the types that the file names."""

    port: int
    line: int
    kinds: tuple[str, ...]


class UnreadSockets(Collector):
    """Topic ``unread-sockets``: a record for each such number of a file that does not parse, with its first line."""

    topic: ClassVar[str] = "unread-sockets"
    version: ClassVar[int] = 1
    record = UnreadSocket
    needles = (b"zmq", b"_socket(")

    def salvage(self) -> None:
        """Note down the numbers, where the file names a type of socket; what stands in comments does not count."""
        data = self.source.data
        kinds = {(one[1] or one[2]).decode().upper() for one in _KIND.finditer(data)} & KINDS
        found: dict[int, int] = {}
        for number, line in enumerate(data.splitlines() if kinds else (), 1):
            code = line.partition(b"#")[0]
            if _SPEAKS.search(code):
                for text in _NUMBER.findall(code):
                    found.setdefault(int(text), number)
        said = tuple(sorted(kinds))
        self.records += (UnreadSocket(port, line, said) for port, line in found.items() if port <= _HIGHEST)
