"""TOML as a tree of nodes. ``tomllib`` judges it and knows no places; so what it has taken is read once more."""

from __future__ import annotations

import re
import tomllib
from typing import NoReturn

from analysis.declared.nodes import DEPTH, Leaf, Node, Place, Series, Table, Unreadable

_BLANK = re.compile(r"(?:[\s]|#[^\n]*)*")
_WORD = re.compile(r"[^\s,\]}#=.]+")
_BARE = re.compile(r"[^\s,\]}#]+(?: [0-9:.]+)?")
_WHOLE = re.compile(r"[-+]?[0-9][0-9_]*\Z")
_QUOTED = re.compile(
    r'"""(?P<long>(?:[^\\]|\\[\s\S])*?"{0,2})"""(?!")'
    r"|'''(?P<raw>[\s\S]*?'{0,2})'''(?!')"
    r'|"(?P<plain>(?:[^"\\\n]|\\.)*)"'
    r"|'(?P<single>[^'\n]*)'"
)
_AT = re.compile(r" \(at line (\d+), column (\d+)\)$")


def parse(text: str) -> list[Node]:
    """The document in ``text``. Raises Unreadable."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        message = str(error)[: found.start()] if found else str(error)
        raise Unreadable(message, *(map(int, found.groups()) if found else ())) from None
    except RecursionError:
        raise Unreadable("it nests too deep") from None
    return [_Reader(text.replace("\r\n", "\n")).read()]


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.place = Place(text)

    def blank(self) -> str:
        """Pass over space and comments; the character that follows, empty at the end."""
        found = _BLANK.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return self.text[self.at : self.at + 1]

    def read(self) -> Table:
        top = table = Table()
        while self.blank():
            if self.text[self.at] != "[":
                self.entry(table, 0)
                continue
            several = self.text.startswith("[[", self.at)
            self.at += 2 if several else 1
            keys = self.keys()
            self.at += 2 if several else 1
            above = _inner(top, keys[:-1])
            table = Table()
            if several:
                series = above.entries.setdefault(keys[-1], Series())
                assert isinstance(series, Series)
                series.items.append(table)
            else:
                table = _inner(above, keys[-1:])
        return top

    def entry(self, table: Table, depth: int) -> None:
        keys = self.keys()
        self.at += 1
        _inner(table, keys[:-1]).entries[keys[-1]] = self.value(depth)

    def keys(self) -> list[str]:
        """A dotted key, up to what follows it."""
        keys: list[str] = []
        while True:
            self.blank()
            quoted = _QUOTED.match(self.text, self.at)
            word = quoted or _WORD.match(self.text, self.at)
            assert word is not None
            keys.append(_text(quoted) if quoted else word[0])
            self.at = word.end()
            if self.blank() != ".":
                return keys
            self.at += 1

    def value(self, depth: int) -> Node:
        if depth > DEPTH:
            self.too_deep()
        start = self.blank()
        if start == "[":
            return self.series(depth)
        if start == "{":
            return self.inline(depth)
        line, column = self.place.at(self.at)
        quoted = _QUOTED.match(self.text, self.at)
        if quoted is not None:
            self.at = quoted.end()
            return Leaf(_text(quoted), line, column + (3 if quoted["long"] or quoted["raw"] else 1))
        bare = _BARE.match(self.text, self.at)
        assert bare is not None
        self.at = bare.end()
        return Leaf(int(bare[0].replace("_", "")) if _WHOLE.match(bare[0]) else None, line, column)

    def series(self, depth: int) -> Series:
        series = Series()
        self.at += 1
        while self.blank() != "]":
            series.items.append(self.value(depth + 1))
            if self.blank() == ",":
                self.at += 1
        self.at += 1
        return series

    def inline(self, depth: int) -> Table:
        table = Table()
        self.at += 1
        while self.blank() != "}":
            self.entry(table, depth + 1)
            if self.blank() == ",":
                self.at += 1
        self.at += 1
        return table

    def too_deep(self) -> NoReturn:
        raise Unreadable("it nests too deep", *self.place.at(self.at))


def _text(quoted: re.Match[str]) -> str:
    return str(tomllib.loads(f"x = {quoted[0]}")["x"])


def _inner(table: Table, keys: list[str]) -> Table:
    """The table at ``keys`` below ``table``, made where it is missing; of a series its last."""
    for key in keys:
        found = table.entries.setdefault(key, Table())
        if isinstance(found, Series):
            found = found.items[-1]
        assert isinstance(found, Table)
        table = found
    return table
