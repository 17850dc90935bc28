"""What must hold before a byte is written.

1. The result compiles for the target version. 2. Bytes outside the edits are the same, and so are encoding, byte-order
mark and final newline. 3. No comment is lost. 4. A second run changes nothing: that is the engine's, which runs again
where one rewrite could have opened the way for another. 5. The findings are gone.

Each check answers with a ``Broken`` law, or None. None of them reads more than it must: comments can only be lost in
bytes that are replaced, and findings only remain in the statements that were touched.
"""

from __future__ import annotations

import ast
import sys
import warnings
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from analysis.source import Source, in_deep_stack
from codemods.compose import Change, Composed, Composer
from codemods.edits import Reason
from codemods.tokens import scan

if TYPE_CHECKING:
    from pathlib import Path

    from config.settings import Settings
    from linters.rule import Rule

_NEWLINES = (b"\n", b"\r")


class Broken(msgspec.Struct, frozen=True):
    """A law that does not hold; ``line`` of the result where it shows, 0 when it has none."""

    reason: Reason
    detail: str
    line: int = 0


def compiles(data: bytes, path: str, settings: Settings) -> Broken | None:
    """Whether ``data`` compiles: for this interpreter, and for the target version where that is an older one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                compile(data, path, "exec", dont_inherit=True)
            except RecursionError:
                in_deep_stack(lambda: compile(data, path, "exec", dont_inherit=True))
            target = target_version(settings)
            if target is not None:
                compile(data, path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True, _feature_version=target[1])
    except SyntaxError as error:
        return Broken(Reason.COMPILE, f"{error.msg} (line {error.lineno})", error.lineno or 0)
    except (ValueError, OverflowError, RecursionError, MemoryError, SystemError) as error:
        return Broken(Reason.COMPILE, str(error) or type(error).__name__)
    return None


def target_version(settings: Settings) -> tuple[int, int] | None:
    """The target version, when it is older than the interpreter that runs us."""
    if settings.target_version is None:
        return None
    major, _, minor = settings.target_version.partition(".")
    target = (int(major), int(minor))
    return target if target < sys.version_info[:2] else None


def outside_unchanged(old: Source, composed: Composed, changes: Sequence[Change], composer: Composer) -> Broken | None:
    """Whether everything but the spliced stretches is there, byte for byte, and nothing came in between."""
    splices = sorted((one.start, one.end) for change in changes for one in change.splices)
    moved = {line for change in changes for one in change.indents for line in range(one.first, one.last + 1)}
    places = {start for start, _ in splices} | {end for _, end in splices}
    new = composed.data
    done = at = 0
    for piece in composed.pieces:
        size = piece.end - piece.start
        same = new[piece.new : piece.new + size] == old.data[piece.start : piece.end]
        if piece.start < done or piece.new < at or not same:
            return Broken(Reason.OUTSIDE, f"the bytes {piece.start} to {piece.end} differ")
        if not _covered(done, piece.start, splices):
            return Broken(Reason.OUTSIDE, f"the bytes {done} to {piece.start} are gone")
        if piece.new > at and piece.start not in places and composer.line_at(piece.start) not in moved:
            return Broken(Reason.OUTSIDE, f"something was put in at byte {piece.start}")
        done, at = piece.end, piece.new + size
    if not _covered(done, len(old.data), splices) or (at < len(new) and len(old.data) not in places):
        return Broken(Reason.OUTSIDE, "the end of the file differs")
    result = Source.from_bytes(new, old.path)
    if result.encoding != old.encoding or result.bom != old.bom:
        return Broken(Reason.OUTSIDE, f"the file would be read as {result.encoding}, not {old.encoding}")
    if old.data and new.endswith(_NEWLINES) != old.data.endswith(_NEWLINES):
        return Broken(Reason.OUTSIDE, "the newline at the end of the file would change")
    return None


def _covered(start: int, end: int, splices: Sequence[tuple[int, int]]) -> bool:
    """Whether the splices, sorted and disjoint, replace all of ``start`` to ``end``."""
    index = bisect_left(splices, (start, start))
    while start < end:
        if index >= len(splices) or splices[index][0] > start:
            return False
        start = max(start, splices[index][1])
        index += 1
    return True


def comments_kept(old: Source, change: Change, composer: Composer) -> Broken | None:
    """Whether the comments in the bytes that ``change`` replaces are all in the text that it puts there."""
    data = old.data
    lost: Counter[bytes] = Counter()
    given: Counter[bytes] = Counter()
    doubt = False
    for splice in change.splices:
        gone, text = data[splice.start : splice.end], composer.encode(splice)
        for part, count in ((gone, lost), (text, given)):
            if b"#" in part:
                found = scan(part, composer.encoding)
                count.update(found.comments)
                doubt = doubt or not found.sure
        doubt = doubt or _joins(data, splice.start, splice.end, text)
    if doubt:
        return _all_comments_kept(old, composer.compose([change]).data, composer.encoding)
    missing = lost - given
    return _missing(missing) if missing else None


def _joins(data: bytes, start: int, end: int, text: bytes) -> bool:
    """Whether the splice could put something behind a comment on its line, or swallow what follows it."""
    following = data[end : end + 1]
    if b"#" in text and following not in (b"\n", b"\r", b"") and b"#" in text[text.rfind(b"\n") + 1 :]:
        return True
    line = max(data.rfind(b"\n", 0, start), data.rfind(b"\r", 0, start)) + 1
    return b"#" in data[line:start] and (text + following)[:1] not in (b"\n", b"\r", b"")


def _all_comments_kept(old: Source, new: bytes, encoding: str) -> Broken | None:
    before, after = scan(old.data, encoding), scan(new, encoding)
    if not (before.sure and after.sure):
        return Broken(Reason.COMMENT, "the comments of the file cannot be told from its strings")
    missing = Counter(before.comments) - Counter(after.comments)
    return _missing(missing) if missing else None


def _missing(missing: Counter[bytes]) -> Broken:
    first = next(iter(missing)).decode("utf-8", "replace")
    return Broken(Reason.COMMENT, f"the comment `{first}` would be gone")


def findings_in(data: bytes, encoding: str, path: Path | str, rules: Sequence[Rule]) -> int | None:
    """How many findings the whole statements in ``data`` have, however they are indented; None when they do not parse.

    ``data`` is in ``encoding``, without a cookie.
    """
    from linters.runner import SourceFacts, check, collectors

    if encoding != "utf-8":
        data = data.decode(encoding).encode("utf-8")
    read = [one for rule in rules for one in rule.collectors()]
    if all(one.needles and not any(needle in data for needle in one.needles) for one in read):
        return 0
    if data[:1] in (b" ", b"\t", b"\f"):
        data = b"if 1:\n" + data
    source = Source.from_bytes(data, path)
    tree = source.parse()
    if tree is None:
        return None
    return len(check(SourceFacts(str(path), source, tree, collectors(rules)), rules).kept)
