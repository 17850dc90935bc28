"""Where the findings of a report stand once its changes are written: what is put in above a line moves it down."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
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

    def __init__(self, old: Source, edits: Sequence[tuple[int, int, bytes]], new: bytes | None = None) -> None:
        """``new`` is what ``edits`` make of ``old``, where that is at hand."""
        self._old = old
        self._edits = edits
        self._data = new
        # How much longer the file is behind each edit.
        self._shifts = [0]
        for start, end, text in edits:
            self._shifts.append(self._shifts[-1] + len(text) - (end - start))
        self._ends = [end for _, end, _ in edits]

    @cached_property
    def _new(self) -> Source:
        return Source.from_bytes(apply(self._old.data, self._edits) if self._data is None else self._data, "new")

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

    def answer(self, answer: Answer) -> Answer:
        """``answer`` with its place, and with what its detail says of a line of the same file."""
        line, column = self.place(answer.line, answer.column)
        detail = _LINE.sub(lambda found: f"line {self.line(int(found[1]))}", answer.detail)
        return msgspec.structs.replace(answer, line=line, column=column, detail=detail)

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
    movers = _Movers(outcomes, read)
    return [_moved(one, movers) for one in outcomes]


class _Movers:
    """Where what is on each line of a file goes, by path. A file is only read when it is asked for."""

    def __init__(self, outcomes: Sequence[Outcome], read: Callable[[str], bytes | None]) -> None:
        self._changed = {one.path: one for one in outcomes if one.edits and one.old}
        self._read = read
        self._made: dict[str, Moved | None] = {}

    def get(self, path: str) -> Moved | None:
        """None for a file that is not changed, or cannot be read."""
        if path not in self._changed:
            return None
        if path not in self._made:
            old = self._read(path)
            edits = self._changed[path].edits
            self._made[path] = Moved(Source.from_bytes(old, "old"), edits) if old is not None else None
        return self._made[path]


def _moved(outcome: Outcome, movers: _Movers) -> Outcome:
    answers = outcome.later
    if not answers:
        own = movers.get(outcome.path) if outcome.answers else None
        answers = tuple(map(own.answer, outcome.answers)) if own is not None else outcome.answers

    def of_place(found: re.Match[str]) -> str:
        mover = movers.get(found["path"])
        return f"{found['path']}:{mover.line(int(found['line']))}" if mover is not None else found[0]

    def elsewhere(answer: Answer) -> Answer:
        detail = _PLACE.sub(of_place, answer.detail)
        return answer if detail == answer.detail else msgspec.structs.replace(answer, detail=detail)

    return msgspec.structs.replace(outcome, answers=tuple(map(elsewhere, answers)), later=())


def reader(root: Path) -> Callable[[str], bytes | None]:
    """Reads the files of a tree."""

    def read(path: str) -> bytes | None:
        try:
            return (root / path).read_bytes()
        except OSError:
            return None

    return read
