"""Unified differences, made from the edits themselves rather than by comparing whole files."""

from __future__ import annotations

import difflib
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_CONTEXT = 3

Edit = tuple[int, int, bytes]
_Block = tuple[int, int, list[bytes]]


def unified(path: str, old: bytes | None, edits: Sequence[Edit]) -> bytes:
    """The difference that ``edits`` make to ``old``, None for a file that is made, as ``git apply`` and ``patch -p1``
    read it.

    It is in bytes, so that no encoding is in the way, and its lines end where git says that they do, at a line feed.
    """
    made = old is None
    old = old or b""
    lines = _LINE.findall(old)
    blocks = [one for block in _blocks(old, lines, edits) for one in _refined(lines, block)]
    if not blocks:
        return b""
    name = path.encode("utf-8", "surrogateescape").lstrip(b"/")
    out = [b"--- " + (b"/dev/null" if made else b"a/" + name) + b"\n", b"+++ b/" + name + b"\n"]
    shift = 0
    for hunk in _hunks(blocks):
        first = max(hunk[0][0] - _CONTEXT, 0)
        last = min(hunk[-1][1] + _CONTEXT, len(lines))
        grown = sum(len(new) - (end - start) for start, end, new in hunk)
        old_place, new_place = _range(first, last), _range(first + shift, last + shift + grown)
        out.append(b"@@ -%b +%b @@\n" % (old_place, new_place))
        at = first
        for start, end, new in hunk:
            out += _marked(b" ", lines[at:start])
            out += _marked(b"-", lines[start:end])
            out += _marked(b"+", new)
            at = end
        out += _marked(b" ", lines[at:last])
        shift += grown
    return b"".join(out)


def _blocks(old: bytes, lines: Sequence[bytes], edits: Sequence[Edit]) -> Iterator[_Block]:
    """The runs of whole lines that edits touch: first and last line (from 0, the last excluded), and the new lines."""
    starts = [0, *accumulate(map(len, lines))]
    pending: list[Edit] = []
    first = last = 0
    for edit in edits:
        begin = bisect_right(starts, edit[0]) - 1
        if begin == len(lines) > 0 and not lines[-1].endswith(b"\n"):
            # What is put in at the end continues the last line.
            begin -= 1
        end = bisect_right(starts, edit[1]) - 1
        if starts[end] != edit[1] or not _whole(starts[begin], edit):
            end += 1
        end = min(max(end, begin), len(lines))
        begin = min(begin, end)
        if pending and begin >= last + 1:
            yield _block(old, starts, first, last, pending)
            pending = []
        if not pending:
            first, last = begin, end
        pending.append(edit)
        last = max(last, end)
    if pending:
        yield _block(old, starts, first, last, pending)


def _whole(line: int, edit: Edit) -> bool:
    """Whether the edit, which ends where a line begins, replaces whole lines by whole lines."""
    start, end, text = edit
    return text.endswith(b"\n") or (not text and start == line and end > start)


def _block(old: bytes, starts: Sequence[int], first: int, last: int, edits: Sequence[Edit]) -> _Block:
    out: list[bytes] = []
    at = starts[first]
    for start, end, text in edits:
        out += (old[at:start], text)
        at = end
    out.append(old[at : starts[last]])
    return first, last, _LINE.findall(b"".join(out))


def _refined(lines: Sequence[bytes], block: _Block) -> Iterator[_Block]:
    """Leave out the lines that are the same before and after."""
    first, last, new = block
    old = lines[first:last]
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield first + i1, first + i2, new[j1:j2]


def _hunks(blocks: Sequence[_Block]) -> Iterator[list[_Block]]:
    """Blocks whose contexts touch, together."""
    hunk = [blocks[0]]
    for block in blocks[1:]:
        if block[0] - hunk[-1][1] > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(block)
    yield hunk


def _range(first: int, last: int) -> bytes:
    """Line numbers as a hunk gives them: from 1, and for an empty range the line before it."""
    length = last - first
    if length == 1:
        return b"%d" % (first + 1)
    return b"%d,%d" % (first + 1 if length else first, length)


def _marked(mark: bytes, lines: Sequence[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield mark + line if line.endswith(b"\n") else mark + line + b"\n\\ No newline at end of file\n"
