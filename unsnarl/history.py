"""The history of the counts: one line of JSON a run, so that a counter that is to reach 0 can be watched."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec


class Counts(msgspec.Struct, frozen=True):
    """The findings of one rule: ``findings`` that are reported, ``silenced`` by ``noqa``, ``baselined``."""

    findings: int = 0
    silenced: int = 0
    baselined: int = 0

    @property
    def left(self) -> int:
        """How many are still to be worked off: silenced ones were decided on, baselined ones only put off."""
        return self.findings + self.baselined


class Record(msgspec.Struct, frozen=True):
    """The counts of one run. ``commit`` is None where there is no git; ``changed`` when its files were not committed.

    ``paths`` are those that were looked at, relative to the root; ``files`` how many were analysed, ``unparseable``
    how many could not be.
    """

    time: datetime
    commit: str | None
    changed: bool
    paths: tuple[str, ...]
    files: int
    unparseable: int
    rules: dict[str, Counts]

    def same(self, other: Record) -> bool:
        """Whether nothing but the time differs."""
        return msgspec.structs.replace(self, time=other.time) == other


def read(file: Path) -> tuple[list[Record], list[int]]:
    """The records in ``file`` and the numbers of its lines that are none. Raises OSError; a missing file is empty."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return [], []
    decoder = msgspec.json.Decoder(Record)
    records: list[Record] = []
    bad: list[int] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                records.append(decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError):
                bad.append(number)
    return records, bad


def append(file: Path, record: Record) -> None:
    """Add ``record`` at the end of ``file``, in one write, so that two runs at once do not mix. Raises OSError."""
    line = msgspec.json.encode(record) + b"\n"
    with file.open("ab", buffering=0) as stream:
        if stream.tell() and not file.read_bytes().endswith(b"\n"):
            line = b"\n" + line
        stream.write(line)


def series(records: Sequence[Record], paths: tuple[str, ...]) -> list[Record]:
    """The records of runs over the same ``paths``, oldest first."""
    return sorted((one for one in records if one.paths == paths), key=lambda one: one.time)


def codes(records: Iterable[Record]) -> list[str]:
    """Every rule that any record counts, in order."""
    return sorted({code for one in records for code in one.rules})


def to_csv(records: Sequence[Record]) -> str:
    """A table with a row for each run and rule."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["time", "commit", "changed", "files", "unparseable", "rule", "findings", "silenced", "baselined"])
    for one in records:
        for code, counts in sorted(one.rules.items()):
            writer.writerow(
                [
                    one.time.isoformat(),
                    one.commit or "",
                    int(one.changed),
                    one.files,
                    one.unparseable,
                    code,
                    counts.findings,
                    counts.silenced,
                    counts.baselined,
                ]
            )
    return stream.getvalue()
