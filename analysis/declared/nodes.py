"""A configuration file as a tree whose values know their place, whatever its format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

DEPTH = 100
"""How deep a file may nest."""


class Leaf(NamedTuple):
    """A value that holds no others. ``line`` and ``column`` are where it starts, inside the quotes, from 1.

    ``value`` is a number only where the file has a whole number; None stands for nothing, a truth value, a fraction.
    """

    value: int | str | None
    line: int
    column: int


class Table:
    """Keys with their values, in the order of the file; of a key that comes twice the last counts."""

    def __init__(self) -> None:
        self.entries: dict[str, Node] = {}

    def get(self, key: str) -> Node | None:
        """The value of ``key``."""
        return self.entries.get(key)

    def text(self, *keys: str) -> str:
        """The text of the first of ``keys`` that has one, else empty."""
        for key in keys:
            found = self.entries.get(key)
            if isinstance(found, Leaf) and isinstance(found.value, str):
                return found.value
        return ""


class Series:
    """Values in a row."""

    def __init__(self) -> None:
        self.items: list[Node] = []


Node = Leaf | Table | Series


class Unreadable(ValueError):
    """A file is not of its format. ``line`` and ``column`` are from 1, 0 where nothing is known."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def leaves(node: Node | None) -> Iterator[Leaf]:
    """The leaf that ``node`` is, or those of the series that it is."""
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, Series):
        for item in node.items:
            if isinstance(item, Leaf):
                yield item


class Place:
    """Lines and columns of a text, which is asked for them from its start to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._line = 1
        self._start = 0

    def at(self, offset: int) -> tuple[int, int]:
        """The line and the column of ``offset``, not before the one that was asked for last."""
        self._line += self._text.count("\n", self._start, offset)
        self._start = max(self._start, self._text.rfind("\n", 0, offset) + 1)
        return self._line, offset - self._start + 1
