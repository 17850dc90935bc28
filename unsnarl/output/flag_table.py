"""The table of feature flags as text, CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable

import msgspec

from analysis.flags import FlagRow, Table
from analysis.words import plural
from unsnarl.report import printable

_COLUMNS = ("flag", "type", "default", "value", "owner", "until", "uses", "first use", "state")
_GAP = "  "


def as_text(table: Table) -> str:
    """In columns, each flag on a line of its own."""
    lines = [_COLUMNS, *(_cells(row) for row in table.rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(_COLUMNS))]
    return "".join(
        _GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )


def _cells(row: FlagRow) -> tuple[str, ...]:
    first = f"{row.uses[0].path}:{row.uses[0].line}" if row.uses else ""
    value = row.value if row.value != row.default else ""
    said = f"{row.state}: {row.message}" if row.message else row.state
    cells = (row.name, row.kind, row.default, value, row.owner, row.until, str(len(row.uses)), first, said)
    return tuple("".join(one if one.isprintable() else " " for one in printable(cell)) for cell in cells)


def as_csv(table: Table) -> str:
    """One line per flag, with a header; the uses are ``path:line`` with blanks between."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FlagRow.__struct_fields__)
    for row in table.rows:
        *values, uses = msgspec.structs.astuple(row)
        writer.writerow([*values, " ".join(f"{one.path}:{one.line}" for one in uses)])
    return out.getvalue()


def as_json(table: Table) -> str:
    """One object: the rows, and the look-ups whose name is not written out."""
    return msgspec.json.format(msgspec.json.encode(table), indent=2).decode() + "\n"


def summary(table: Table) -> str:
    """How many flags there are, and what is the matter with them."""
    states = Counter(row.state for row in table.rows)
    parts = [f"{number:,} {state}" for state, number in sorted(states.items())]
    return f"{plural(len(table.rows), 'flag')}{': ' if parts else ''}{', '.join(parts)}"


FORMATS: dict[str, Callable[[Table], str]] = {"text": as_text, "csv": as_csv, "json": as_json}
