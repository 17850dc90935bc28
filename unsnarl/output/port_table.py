"""The table of ports as text, CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

import msgspec

from analysis.ports import Row
from analysis.words import plural
from unsnarl.output.port_text import as_text


def as_csv(rows: Sequence[Row]) -> str:
    """One line per row, all fields, with a header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(Row.__struct_fields__)
    for row in rows:
        writer.writerow("" if value is None else value for value in msgspec.structs.astuple(row))
    return out.getvalue()


def as_json(rows: Sequence[Row]) -> str:
    """A list of objects."""
    return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n"


def summary(rows: Sequence[Row]) -> str:
    """How many rows there are, and how many of them have a number."""
    known = sum(row.port is not None for row in rows)
    return f"{plural(len(rows), 'row', 'rows')}, {known:,} with a number"


FORMATS: dict[str, Callable[[Sequence[Row]], str]] = {
    "text": as_text,
    "csv": as_csv,
    "json": as_json,
}
