"""JSON, also with comments and commas too many, as a tree of nodes."""

from __future__ import annotations

import json
import re

from analysis.declared.nodes import DEPTH, Leaf, Node, Place, Series, Table, Unreadable

_TOKEN = re.compile(
    r"(?:[\s]|//[^\n]*|/\*(?s:.*?)\*/)*"
    r'(?:(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<number>-?[0-9][0-9.eE+-]*)|(?P<word>true|false|null)|(?P<mark>[][{}:,])|\Z)'
)
_WHOLE = re.compile(r"-?[0-9]+\Z")


def parse(text: str) -> list[Node]:
    """The document in ``text``. Raises Unreadable."""
    return [_Reader(text).read()]


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = Place(text)
        self.at = 0
        self.start = 0
        self.kind: str | None = None
        self.token = ""

    def next(self) -> None:
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            self.start = self.at + len(self.text[self.at :]) - len(self.text[self.at :].lstrip())
            raise self.trouble("a character that JSON does not have here")
        self.kind = found.lastgroup
        self.start = found.start(self.kind) if self.kind else found.end()
        self.token = found[self.kind] if self.kind else ""
        self.at = found.end()

    def has(self, mark: str) -> bool:
        return self.kind == "mark" and self.token == mark

    def trouble(self, message: str) -> Unreadable:
        return Unreadable(message, *self.place.at(self.start))

    def read(self) -> Node:
        self.next()
        node = self.value(0)
        self.next()
        if self.kind is not None:
            raise self.trouble("more than one value")
        return node

    def value(self, depth: int) -> Node:
        if depth > DEPTH:
            raise self.trouble("it nests too deep")
        if self.has("{"):
            return self.table(depth)
        if self.has("["):
            return self.series(depth)
        line, column = self.place.at(self.start)
        if self.kind == "text":
            return Leaf(self.string(), line, column + 1)
        if self.kind == "number":
            # A number of thousands of digits is no port, and not worth the time.
            whole = len(self.token) < 20 and _WHOLE.match(self.token)
            return Leaf(int(self.token) if whole else None, line, column)
        if self.kind == "word":
            return Leaf(None, line, column)
        raise self.trouble("a value is missing")

    def string(self) -> str:
        try:
            return str(json.loads(self.token, strict=False))
        except json.JSONDecodeError:
            raise self.trouble("a text with an escape that JSON does not have") from None

    def table(self, depth: int) -> Table:
        table = Table()
        self.next()
        while not self.has("}"):
            if self.kind != "text":
                raise self.trouble("a key is missing")
            key = self.string()
            self.next()
            if not self.has(":"):
                raise self.trouble("a colon is missing")
            self.next()
            table.entries[key] = self.value(depth + 1)
            self.end("}")
        return table

    def series(self, depth: int) -> Series:
        series = Series()
        self.next()
        while not self.has("]"):
            series.items.append(self.value(depth + 1))
            self.end("]")
        return series

    def end(self, bracket: str) -> None:
        """Pass over the comma behind a value; stay at the bracket that closes."""
        self.next()
        if self.has(","):
            self.next()
        elif not self.has(bracket):
            raise self.trouble("a comma is missing")
