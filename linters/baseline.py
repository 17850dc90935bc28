"""The baseline: findings and unparseable files that a tree has agreed to live with, and that may only become fewer.

A multiset. An entry is told by its path, rule, enclosing definition and normalised source, never by a line number, and
has a count, so that one entry cannot absorb a second twin. Entries whose code moved to another file follow it there,
and those whose code was rewritten into a lesser finding of the same definition become entries for that.
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
    entries, with how many, that are no longer found; ``moved`` the entries found in another file, old key to new, and
    ``eased`` those found as a lesser finding.
    ``faults_new`` are the paths of unparseable files that it does not cover.
    ``shrunk`` is the baseline less what is stale, with moved and eased entries under their new key.
    """

    new: list[Finding]
    known: list[Finding]
    stale: Counter[Key]
    moved: list[tuple[Key, Key]]
    eased: list[tuple[Key, Key]]
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
    eases: Mapping[str, Sequence[str]] | None = None,
) -> Match:
    """Hold ``findings`` and ``faults`` (path to kind) against ``baseline``.

    ``within`` tells whether an entry was looked for in this run: what was not looked for is never stale. ``gone`` tells
    whether a file no longer exists. First each finding is matched under its own path. What is left over is matched to
    entries that are left over too: to those of a vanished file of the same name, then by rule, definition and source to
    those of any vanished file, then to others. So a moved file or function adds nothing, and still no entry covers more
    findings than its count. A file that cannot be parsed is only ever taken for a vanished one of its name.

    ``eases`` are the graver codes that a finding of each code may stand in for. What no entry covers then is matched to
    an entry that is left over in the same definition of the same file and has such a code.
    """
    left = Counter({one: number for one, number in baseline.items() if number > 0})
    found = [(fault_key(path, kind), None) for path, kind in sorted(faults.items())]
    todo: list[tuple[Key, Finding | None]] = []
    shrunk: Counter[Key] = Counter()
    known: list[Finding] = []
    for own, finding in [*((key(one), one) for one in findings), *found]:
        if left[own] > 0:
            left[own] -= 1
            shrunk[own] += 1
            if finding is not None:
                known.append(finding)
        else:
            todo.append((own, finding))
    vanished = {path for path in {one.path for one in +left} if gone(path)}
    moved: list[tuple[Key, Key]] = []
    rest: list[tuple[Key, Finding | None]]
    for trait, candidates in (
        (_same_name, [one for one in +left if one.path in vanished]),
        (_same_code, [one for one in +left if one.path in vanished and one.code != UNPARSEABLE]),
        (_same_code, [one for one in +left if one.path not in vanished and within(one) and one.code != UNPARSEABLE]),
    ):
        olds: dict[tuple[str, ...], list[Key]] = {}
        for entry in sorted(candidates, reverse=True):
            olds.setdefault(trait(entry), []).extend([entry] * left[entry])
        rest = []
        for own, finding in todo:
            alike = olds.get(trait(own))
            if not alike:
                rest.append((own, finding))
                continue
            old = alike.pop()
            left[old] -= 1
            shrunk[own] += 1
            moved.append((old, own))
            if finding is not None:
                known.append(finding)
        todo = rest
    graver: dict[tuple[str, ...], list[Key]] = {}
    for entry in sorted(filter(within, +left), reverse=True):
        graver.setdefault((entry.code, entry.path, entry.scope), []).extend([entry] * left[entry])
    eased: list[tuple[Key, Key]] = []
    rest = []
    for own, finding in todo:
        stacks = (graver.get((code, own.path, own.scope)) for code in (eases or {}).get(own.code, ()))
        stack = next(filter(None, stacks), None)
        if stack is None or finding is None:
            rest.append((own, finding))
            continue
        old = stack.pop()
        left[old] -= 1
        shrunk[own] += 1
        eased.append((old, own))
        known.append(finding)
    todo = rest
    left = +left
    stale = Counter({one: number for one, number in left.items() if within(one)})
    known.sort(key=lambda one: (one.path, one.span.line, one.span.col, one.code))
    return Match(
        new=[finding for _, finding in todo if finding is not None],
        known=known,
        stale=stale,
        moved=sorted(moved),
        eased=sorted(eased),
        faults_new=[own.path for own, finding in todo if finding is None],
        shrunk=shrunk + (left - stale),
    )


def _same_name(one: Key) -> tuple[str, ...]:
    """What stays the same when a file goes to another folder."""
    return one.code, one.scope, one.source, one.path.rpartition("/")[2]


def _same_code(one: Key) -> tuple[str, ...]:
    """What stays the same when code goes to another file."""
    return one.code, one.scope, one.source


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
