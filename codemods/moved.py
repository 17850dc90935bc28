"""Where the findings of a report stand once its changes are written: what is put in above a line moves it down."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import msgspec

from analysis.source import BOM, Source
from codemods.compose import apply
from codemods.outcome import Answer, Outcome

_LINE = re.compile(r"\bline (\d+)")
_PLACE = re.compile(r"(?P<path>[^\s():`]+):(?P<line>\d+)")


class Moved:
    """The places of one file, before and after its edits."""

    def __init__(self, old: bytes, edits: Sequence[tuple[int, int, bytes]]) -> None:
        self._old = Source.from_bytes(old, "old")
        self._edits = edits
        # How much longer the file is behind each edit.
        self._shifts = [0]
        for start, end, text in edits:
            self._shifts.append(self._shifts[-1] + len(text) - (end - start))
        self._ends = [end for _, end, _ in edits]

    @cached_property
    def _new(self) -> Source:
        return Source.from_bytes(apply(self._old.data, self._edits), "new")

    def place(self, line: int, column: int) -> tuple[int, int]:
        """Where ``line`` and ``column`` of the old file, from 1 and in characters, are in the new one.

        What was replaced is where that which took its place begins. A place that is not in the file stays.
        """
        lines, starts = self._old.lines, self._old.line_starts
        if not 1 <= line <= len(lines):
            return line, column
        try:
            # The byte-order mark is before the first line, not a part of it.
            mark = len(BOM) if line == 1 and self._old.bom else 0
            before = lines[line - 1][mark:].decode(self._old.encoding)[: column - 1]
            offset = starts[line - 1] + mark + len(before.encode(self._old.encoding))
            return self._found(self._forward(offset))
        except (UnicodeError, LookupError):
            return line, column

    def line(self, line: int) -> int:
        """Where what stands on ``line`` is now."""
        lines = self._old.lines
        if not 1 <= line <= len(lines):
            return line
        text = lines[line - 1]
        return self.place(line, len(text) - len(text.lstrip()) + 1)[0]

    def _forward(self, offset: int) -> int:
        # An edit that ends here put something before it, or took something away.
        at = bisect_right(self._ends, offset)
        if at < len(self._edits) and self._edits[at][0] < offset:
            return self._edits[at][0] + self._shifts[at]
        return offset + self._shifts[at]

    def _found(self, offset: int) -> tuple[int, int]:
        new = self._new
        line = new.line_at(offset)
        before = new.data[new.line_starts[line - 1] : offset] if new.line_starts else b""
        text = before.decode(new.encoding, "replace")
        return line, len(text.removeprefix("\ufeff") if line == 1 else text) + 1


def moved(outcomes: Sequence[Outcome], read: Callable[[str], bytes | None]) -> list[Outcome]:
    """The outcomes with the places that their findings have when the edits of all of them are written.

    ``read`` gives the old bytes of a file, None where they cannot be had. What a detail says of a line, of its own file
    or of another one, moves with it.
    """
    movers: dict[str, Moved] = {}
    for one in outcomes:
        old = read(one.path) if one.edits and one.old else None
        if old is not None:
            movers[one.path] = Moved(old, one.edits)
    return [
        msgspec.structs.replace(one, answers=tuple(_answer(one.path, answer, movers) for answer in one.answers))
        for one in outcomes
    ]


def _answer(path: str, answer: Answer, movers: Mapping[str, Moved]) -> Answer:
    own = movers.get(path)
    line, column = own.place(answer.line, answer.column) if own is not None else (answer.line, answer.column)

    def of_place(found: re.Match[str]) -> str:
        mover = movers.get(found["path"])
        return f"{found['path']}:{mover.line(int(found['line']))}" if mover is not None else found[0]

    detail = _PLACE.sub(of_place, answer.detail)
    if own is not None:
        detail = _LINE.sub(lambda found: f"line {own.line(int(found[1]))}", detail)
    return msgspec.structs.replace(answer, line=line, column=column, detail=detail)


def reader(root: Path) -> Callable[[str], bytes | None]:
    """Reads the files of a tree."""

    def read(path: str) -> bytes | None:
        try:
            return (root / path).read_bytes()
        except OSError:
            return None

    return read
