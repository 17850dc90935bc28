"""Puts splices and indents into a file's bytes, in one pass, and says where everything went."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Sequence
from functools import cmp_to_key
from itertools import pairwise

import msgspec

from analysis.source import BOM, Source
from codemods.edits import Indent, Splice
from codemods.tokens import scan


class EditError(Exception):
    """An edit that cannot be made; ``unencodable`` when its text does not fit the file's encoding."""

    def __init__(self, message: str, *, unencodable: bool = False) -> None:
        super().__init__(message)
        self.unencodable = unencodable


class Change(msgspec.Struct, frozen=True):
    """The splices and indents of one rewrite (or of the imports), which stand or fall together."""

    splices: tuple[Splice, ...]
    indents: tuple[Indent, ...] = ()


class Piece(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A run of old bytes, ``start`` to ``end``, that is found again unchanged at ``new`` in the result."""

    start: int
    end: int
    new: int


class Composed(msgspec.Struct, frozen=True):
    """The result. ``pieces`` are the runs that were kept, in order; everything between two of them is new.

    ``size`` is the length of the old data.
    """

    data: bytes
    pieces: tuple[Piece, ...]
    size: int

    def forward(self, offset: int, *, after: bool = False) -> int:
        """Where the byte at ``offset`` of the old data is now; for a replaced one, the start of what replaced it.

        What was inserted at ``offset`` counts as behind it, with ``after`` as before it.
        """
        if offset >= self.size and after:
            return len(self.data)
        at = bisect.bisect_right(self.pieces, offset, key=lambda piece: piece.start) - 1
        if at < 0:
            return 0
        piece = self.pieces[at]
        if piece.start == offset and not after:
            before = self.pieces[at - 1] if at else Piece(0, 0, 0)
            if before.end == offset:
                return before.new + before.end - before.start
        return piece.new + min(offset, piece.end) - piece.start

    def backward(self, offset: int) -> int | None:
        """Where the byte at ``offset`` of the result was in the old data; None for a new one."""
        at = bisect.bisect_right(self.pieces, offset, key=lambda piece: piece.new) - 1
        if at < 0:
            return None
        piece = self.pieces[at]
        old = piece.start + offset - piece.new
        return old if old < piece.end else None

    def edits(self) -> tuple[tuple[int, int, bytes], ...]:
        """The same as a short list of (start, end, new bytes) over the old data, for handing to another process."""
        found: list[tuple[int, int, bytes]] = []
        done = new = 0
        for piece in (*self.pieces, Piece(self.size, self.size, len(self.data))):
            if piece.start > done or piece.new > new:
                found.append((done, piece.start, self.data[new : piece.new]))
            done, new = piece.end, piece.new + piece.end - piece.start
        return tuple(found)


def apply(old: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    """``old`` with the edits that ``Composed.edits`` gave."""
    out: list[bytes] = []
    done = 0
    for start, end, text in edits:
        out += (old[done:start], text)
        done = end
    out.append(old[done:])
    return b"".join(out)


class Composer:
    """Composes changes over one source. It finds line starts and multi-line strings once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.encoding = source.encoding
        self.starts = list(source.line_starts) or [0]
        # The byte-order mark is before the first line, not a part of it.
        if source.bom:
            self.starts[0] = len(BOM)
        self._inside: dict[Indent, frozenset[int]] = {}

    def line_at(self, offset: int) -> int:
        """The physical line, from 1, that ``offset`` lies in; after a last line end, the line that would come next."""
        if offset == len(self.source.data) > self.starts[-1] and self.source.data.endswith((b"\n", b"\r")):
            return len(self.starts) + 1
        return max(bisect.bisect_right(self.starts, offset), 1)

    def line_start(self, line: int) -> int:
        """The offset where ``line`` (from 1) begins; the end of the file for the line after the last."""
        return self.starts[line - 1] if line <= len(self.starts) else len(self.source.data)

    def line_end(self, line: int) -> int:
        """The offset behind the last byte of ``line`` that is not its line end."""
        start, end = self.line_start(line), self.line_start(line + 1)
        return start + len(self.source.data[start:end].rstrip(b"\r\n"))

    def newline_at(self, line: int) -> bytes:
        """The line end of ``line``, or the file's usual one where that line has none."""
        lines = self.source.lines
        text = lines[line - 1] if line <= len(lines) else b""
        for one in (b"\r\n", b"\n", b"\r"):
            if text.endswith(one):
                return one
        return self.source.newline

    def encode(self, splice: Splice) -> bytes:
        """The bytes of a splice's text, with the newline of the line where it goes. Raises EditError."""
        text = splice.text
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        try:
            data = text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise EditError(
                f"{text[error.start : error.end]!r} cannot be written in {self.encoding}", unencodable=True
            ) from None
        newline = self.newline_at(self.line_at(splice.start)) if "\n" in text else b"\n"
        return data if newline == b"\n" else data.replace(b"\n", newline)

    def conflicts(self, changes: Sequence[Change]) -> list[int]:
        """The indexes of the changes that overlap an earlier one (in the order given), so cannot be made with it."""
        taken: list[tuple[int, int]] = []
        late: list[int] = []
        for index, change in enumerate(changes):
            own = sorted((one.start, one.end) for one in change.splices)
            if any(_overlap(one, other) for one, other in pairwise(own)) or _hit(taken, own):
                late.append(index)
            else:
                for one in own:
                    bisect.insort(taken, one)
        return late

    def compose(self, changes: Sequence[Change]) -> Composed:
        """Make all ``changes``, which must be free of conflicts. Raises EditError."""
        flat: list[tuple[Splice, _Hull, int]] = []
        for change in changes:
            hull = self._hull(change)
            flat += [(splice, hull, number) for number, splice in enumerate(change.splices)]
        flat.sort(key=cmp_to_key(_order))
        marks, moves = self._indentation([one for change in changes for one in change.indents])
        writer = _Writer(self, marks, moves)
        done = writer.begin()
        for splice, hull, _ in flat:
            writer.copy(done, splice.start)
            writer.insert(self._carrier(splice, hull), self.encode(splice))
            done = splice.end
        writer.copy(done, len(self.source.data))
        return Composed(b"".join(writer.out), tuple(writer.pieces), len(self.source.data))

    def _carrier(self, splice: Splice, hull: _Hull) -> int:
        """The line that the text of ``splice`` moves with."""
        if splice.along:
            return splice.along
        line = self.line_at(splice.start)
        ends = splice.start == splice.end == hull[1] > hull[0]
        return line - 1 if ends and line > 1 and self._at_line_start(splice.start) else line

    def _at_line_start(self, offset: int) -> bool:
        return self.line_start(self.line_at(offset)) == offset

    def _hull(self, change: Change) -> _Hull:
        starts = [one.start for one in change.splices] + [self.line_start(one.first) for one in change.indents]
        # Without its line end: what is inserted there still belongs to the line.
        ends = [one.end for one in change.splices] + [self.line_end(one.last) for one in change.indents]
        return (min(starts, default=0), max(ends, default=0))

    def _indentation(self, indents: Sequence[Indent]) -> tuple[list[int], dict[int, tuple[bytes, bool]]]:
        """Per moved line what goes before it and whether its own start stays put; and those lines, sorted."""
        moves: dict[int, tuple[bytes, bool]] = {}
        for one in sorted(indents, key=lambda each: (each.first, -each.last)):
            by = one.by.encode(self.encoding)
            still = self._strings(one).union(one.keep)
            for line in range(one.first, min(one.last, len(self.starts)) + 1):
                before, kept = moves.get(line, (b"", False))
                moves[line] = (before + by, kept or line in still)
        return sorted(moves), moves

    def _strings(self, indent: Indent) -> frozenset[int]:
        """The lines of the range that begin inside a string."""
        found = self._inside.get(indent)
        if found is None:
            start, end = self.line_start(indent.first), self.line_start(indent.last + 1)
            read = scan(self.source.data[start:end], self.encoding)
            if not read.sure:
                raise EditError(f"the strings in lines {indent.first} to {indent.last} cannot be told apart")
            found = self._inside[indent] = frozenset(self.line_at(start + one) for one in read.inside)
        return found


_Hull = tuple[int, int]


class _Writer:
    """The output, and whether it stands at the start of a line."""

    def __init__(self, composer: Composer, marks: list[int], moves: dict[int, tuple[bytes, bool]]) -> None:
        self.composer = composer
        self.data = composer.source.data
        self.marks = marks
        self.moves = moves
        self.out: list[bytes] = []
        self.pieces: list[Piece] = []
        self.size = 0
        self.fresh = True

    def begin(self) -> int:
        """Copy what comes before the first line; returns where that starts."""
        first = self.composer.starts[0]
        if first:
            self._keep(0, first)
            self.fresh = True
        return first

    def copy(self, start: int, end: int) -> None:
        """Copy old bytes, with the indents of the lines that begin in them."""
        if start >= end:
            return
        starts = self.composer.starts
        line = self.composer.line_at(start)
        if self.fresh and starts[line - 1] != start:
            # The rest of a line whose beginning was replaced by whole lines.
            self._indent(line, start)
            line += 1
        elif starts[line - 1] != start:
            line += 1
        for index in range(bisect.bisect_left(self.marks, line), len(self.marks)):
            at = self.marks[index]
            place = starts[at - 1]
            if place >= end:
                break
            if place > start:
                self._keep(start, place)
                start = place
            if self.fresh and not self.moves[at][1]:
                self._indent(at, place)
        self._keep(start, end)

    def insert(self, carrier: int, text: bytes) -> None:
        """Add new bytes, each line that begins in them moved as the line ``carrier``."""
        if not text:
            return
        by = self.moves.get(carrier, (b"", False))[0]
        if by and (self.fresh or b"\n" in text or b"\r" in text):
            text = self._moved(text, by)
        self._put(text)

    def _moved(self, text: bytes, by: bytes) -> bytes:
        read = scan(text, self.composer.encoding)
        inside = set(read.inside)
        out: list[bytes] = []
        offset = 0
        for number, line in enumerate(_lines(text)):
            blank = line.endswith((b"\n", b"\r")) and not line.strip()
            if (number or self.fresh) and offset not in inside and not blank:
                out.append(by)
            out.append(line)
            offset += len(line)
        return b"".join(out)

    def _indent(self, line: int, start: int) -> None:
        by = self.moves.get(line, (b"", False))[0]
        if by and self.data[start : self.composer.line_start(line + 1)].strip():
            self._put(by)

    def _keep(self, start: int, end: int) -> None:
        last = self.pieces[-1] if self.pieces else None
        if last is not None and last.end == start and last.new + start - last.start == self.size:
            self.pieces[-1] = Piece(last.start, end, last.new)
        else:
            self.pieces.append(Piece(start, end, self.size))
        self._put(self.data[start:end])

    def _put(self, text: bytes) -> None:
        if text:
            self.out.append(text)
            self.size += len(text)
            self.fresh = text.endswith((b"\n", b"\r"))


def _lines(text: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(text):
        ends = [at for at in (text.find(b"\n", start), text.find(b"\r", start)) if at >= 0]
        if not ends:
            break
        end = min(ends) + 1
        if text[end - 1 : end + 1] == b"\r\n":
            end += 1
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two stretches share a byte, or one inserts inside the other; meeting at an edge is fine."""
    return one[0] < other[1] and other[0] < one[1]


def _hit(taken: list[tuple[int, int]], own: list[tuple[int, int]]) -> bool:
    for one in own:
        at = bisect.bisect_left(taken, one)
        # Taken stretches are disjoint, so only the neighbours can overlap; insertions at one point are several.
        for near in (at - 1, at, at + 1):
            if 0 <= near < len(taken) and _overlap(taken[near], one):
                return True
    return False


def _order(one: tuple[Splice, _Hull, int], other: tuple[Splice, _Hull, int]) -> int:
    """Which of two splices comes first: by place; at one place what ends there, then inside out what begins there."""
    (left, left_hull, left_number), (right, right_hull, right_number) = one, other
    if left.start != right.start:
        return -1 if left.start < right.start else 1
    if left.end != right.end:
        # An insertion goes before the text that starts at the same place.
        return -1 if left.end < right.end else 1
    if left_hull == right_hull:
        return left_number - right_number
    left_key, right_key = _rank(left.start, left_hull), _rank(left.start, right_hull)
    return -1 if left_key < right_key else 1


def _rank(place: int, hull: _Hull) -> tuple[int, int]:
    """At one place: first what ends there, the inner before the outer; last what begins there, the outer first."""
    start, end = hull
    if end == place and start < place:
        return (0, -start)
    if start < place < end:
        return (1, -start)
    if start == end:
        return (2, 0)
    return (3, -end)
