"""The baseline: findings and unparseable files that a tree has agreed to live with, and that may only become fewer.

A multiset. An entry is told by its path, rule, enclosing definition and normalised source, never by a line number, and
has a count, so that one entry cannot absorb a second twin. Entries whose code moved to another file follow it there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from linters.rule import Finding

UNPARSEABLE = "unparseable"


class BaselineError(ValueError):
    """The baseline file cannot be used; the message names the file, the line and what to do."""


class Key(msgspec.Struct, frozen=True, order=True, gc=False):
    """What a finding is known by. A file that cannot be parsed has the code ``unparseable``, its kind as source."""

    path: str
    code: str
    scope: str
    source: str

    def moved(self) -> tuple[str, str, str]:
        """What stays the same when the code goes to another file."""
        return self.code, self.scope, self.source


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One line of the file."""

    path: str
    code: str
    scope: str
    source: str
    count: int = 1


class Match(msgspec.Struct, frozen=True):
    """A run held against a baseline.

    ``new`` are the findings that it does not cover and ``known`` those it does, both in source order. ``stale`` are the
    entries, with how many, that are no longer found; ``moved`` the entries found in another file, old key to new.
    ``faults_new`` are the paths of unparseable files that it does not cover.
    ``shrunk`` is the baseline less what is stale, with moved entries under their new path.
    """

    new: list[Finding]
    known: list[Finding]
    stale: Counter[Key]
    moved: list[tuple[Key, Key]]
    faults_new: list[str]
    shrunk: Counter[Key]


def key(finding: Finding) -> Key:
    """The key of a finding."""
    return Key(finding.path, finding.code, finding.scope, finding.source)


def fault_key(path: str, kind: str) -> Key:
    """The key of a file that cannot be parsed; ``kind`` is that of its fault."""
    return Key(path, UNPARSEABLE, "", kind)


def count(findings: Iterable[Finding], faults: Mapping[str, str]) -> Counter[Key]:
    """The baseline that covers exactly ``findings`` and ``faults`` (path to kind)."""
    return Counter([*(fault_key(path, kind) for path, kind in faults.items()), *map(key, findings)])


def match(
    baseline: Counter[Key],
    findings: Sequence[Finding],
    faults: Mapping[str, str],
    within: Callable[[Key], bool],
    gone: Callable[[str], bool],
) -> Match:
    """Hold ``findings`` and ``faults`` (path to kind) against ``baseline``.

    ``within`` tells whether an entry was looked for in this run: what was not looked for is never stale. ``gone`` tells
    whether a file no longer exists. First each finding is matched under its own path. What is left over is matched by
    rule, definition and source alone, to entries that are left over too, those of vanished files first: so a moved
    file or function adds nothing, and still no entry covers more findings than its count.
    """
    left = Counter({one: number for one, number in baseline.items() if number > 0})
    unmatched: list[Finding] = []
    known: list[Finding] = []
    for finding in findings:
        own = key(finding)
        if left[own] > 0:
            left[own] -= 1
            known.append(finding)
        else:
            unmatched.append(finding)
    shrunk = baseline - +left
    faults_new: list[str] = []
    for path, kind in sorted(faults.items()):
        own = fault_key(path, kind)
        if left[own] > 0:
            left[own] -= 1
            shrunk[own] += 1
        else:
            faults_new.append(path)
    left = +left
    movable: dict[tuple[str, str, str], list[Key]] = {}
    for entry in sorted(left, key=lambda one: (not gone(one.path), one)):
        if entry.code != UNPARSEABLE and (within(entry) or gone(entry.path)):
            movable.setdefault(entry.moved(), []).extend([entry] * left[entry])
    new: list[Finding] = []
    moved: list[tuple[Key, Key]] = []
    for finding in unmatched:
        own = key(finding)
        olds = movable.get(own.moved())
        if olds:
            old = olds.pop(0)
            left[old] -= 1
            shrunk[own] += 1
            moved.append((old, own))
            known.append(finding)
        else:
            new.append(finding)
    left = +left
    stale = Counter({one: number for one, number in left.items() if within(one)})
    shrunk += left - stale
    known.sort(key=lambda one: (one.path, one.span.line, one.span.col, one.code))
    return Match(new, known, stale, moved, faults_new, shrunk)


def read(file: Path) -> Counter[Key]:
    """The baseline in ``file``. Raises BaselineError."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise BaselineError(f"{file}: there is no such baseline; `unsnarl baseline --accept-new` writes one") from None
    except OSError as error:
        raise BaselineError(f"{file}: the baseline cannot be read: {error.strerror}") from None
    decoder = msgspec.json.Decoder(Entry)
    found: Counter[Key] = Counter()
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        if line.startswith((b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")):
            raise BaselineError(
                f"{file}:{number}: a merge conflict is left here; keep the lines of both sides, then run "
                "`unsnarl baseline --update`"
            )
        try:
            entry = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BaselineError(f"{file}:{number}: is no entry of a baseline: {error}") from None
        if entry.count < 1:
            raise BaselineError(f"{file}:{number}: the count is {entry.count}; the least is 1")
        own = Key(entry.path, entry.code, entry.scope, entry.source)
        # Both sides of a merge may have kept a line: the larger count is what either has agreed to.
        found[own] = max(found[own], entry.count)
    return found


def render(baseline: Counter[Key]) -> bytes:
    """The file: one entry a line, sorted, so that two branches that shrink it merge."""
    encoder = msgspec.json.Encoder()
    lines = [
        encoder.encode(Entry(one.path, one.code, one.scope, one.source, number))
        for one, number in sorted(baseline.items())
        if number > 0
    ]
    return b"".join(line + b"\n" for line in lines)
