"""The table of ports for people: in one piece for a file or a pipe, one line a row in the width of a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.cells import cell_len, set_cell_size

from analysis.ports import Row
from analysis.words import plural
from unsnarl.report import printable

COLUMNS = ("port", "side", "by", "socket", "machine", "owner", "purpose", "certainty", "place", "from")
_SHOWN = ("port", "side", "by", "owner", "purpose", "certainty", "place", "from")
_WIDE = {"owner": 30, "purpose": 20, "place": 60}
"""Beyond so many columns a value pushes what follows it to the right, and not every other line with it."""
_SHARES = {"owner": 4, "purpose": 2, "place": 6, "from": 4}
"""How the columns that may be shortened divide what the others leave of a terminal."""
_DROPPED = (("purpose", 150), ("from", 115), ("certainty", 70), ("by", 60))
"""Columns that a terminal must be so wide to be shown."""
_LEAST = 40
_GAP = "  "


def in_order(rows: Iterable[Row]) -> list[Row]:
    """By machine and port: what may run anywhere comes last, and below each machine port 0 and what has no number."""
    return sorted(
        rows,
        key=lambda row: (
            not row.machine,
            row.machine,
            row.port is None,
            not row.port,
            row.port or 0,
            row.side,
            row.path,
            row.line,
            row.column,
        ),
    )


def as_text(rows: Sequence[Row]) -> str:
    """Every value in full, in columns."""
    table = [COLUMNS, *(_cells(row) for row in in_order(rows))]
    longest = [max(len(line[at]) for line in table) for at in range(len(COLUMNS))]
    widths = [min(long, _WIDE.get(name, long)) for long, name in zip(longest, COLUMNS, strict=True)]
    return "".join(
        _GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in table
    )


def _cells(row: Row) -> tuple[str, ...]:
    place = f"{row.path}:{row.line}:{row.column}"
    cells = (
        *(_number(row), row.side, row.by, row.socket, row.machine, row.owner, row.purpose, row.certainty),
        *(place, _said(row)),
    )
    return tuple(_line(cell) for cell in cells)


def _number(row: Row) -> str:
    return str(row.port) if row.port is not None else "?"


def _said(row: Row) -> str:
    if row.certainty == "configured":
        return row.given if row.port is not None else f"{row.expression}: {row.given}"
    return row.evidence if row.certainty == "exact" else row.expression


def _line(text: str) -> str:
    """``text`` without what would break a line or a terminal."""
    return "".join(one if one.isprintable() else " " for one in printable(text))


def for_terminal(rows: Sequence[Row], width: int, colour: bool = False) -> str:
    """One line a row, none wider than ``width``; the rows of a machine stand below its name."""
    width = max(width, _LEAST)
    bold, dim, end = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if colour else ("", "", "")
    left_out = {name for name, least in _DROPPED if width < least}
    columns = [name for name in _SHOWN if name not in left_out]
    ordered = in_order(rows)
    table = [_shown(row) for row in ordered]
    natural = {name: max((cell_len(line[name]) for line in table), default=0) for name in columns}
    widths = _fit({name: max(natural[name], len(name)) for name in columns}, width)
    out = []
    head = _laid_out({name: name for name in columns}, columns, widths)
    lines = iter(table)
    for machine, group in groupby(ordered, key=lambda row: row.machine):
        number = len(list(group))
        title = f"{_line(machine) or 'on any machine'}: {plural(number, 'row')}"
        out += ["", f"{bold}{title}{end}", f"{dim}{head}{end}"]
        out += [_laid_out(next(lines), columns, widths) for _ in range(number)]
    return "".join(f"{line}\n" for line in out[1:])


def _shown(row: Row) -> dict[str, str]:
    cells = {
        "port": _number(row),
        "side": row.side,
        "by": f"{row.by} {row.socket}".strip(),
        "owner": row.owner,
        "purpose": row.purpose,
        # That nothing is uncertain needs no word, and where there is no number, `?` says so.
        "certainty": row.certainty if row.certainty in ("default", "configured", "choice") else "",
        "place": f"{row.path}:{row.line}",
        "from": _said(row),
    }
    return {name: _line(cell) for name, cell in cells.items()}


def _fit(natural: dict[str, int], width: int) -> dict[str, int]:
    """The width of each column: those that may be shortened share what is left, and give what they do not need."""
    widths = dict(natural)
    open_ones = {name: share for name, share in _SHARES.items() if name in natural}
    left = width - len(_GAP) * (len(natural) - 1) - sum(natural[name] for name in natural if name not in open_ones)
    while open_ones:
        whole = sum(open_ones.values())
        content = [name for name, share in open_ones.items() if natural[name] <= left * share // whole]
        for name in content:
            left -= natural[name]
            del open_ones[name]
        if not content:
            for name, share in open_ones.items():
                widths[name] = max(1, left * share // whole)
            break
    return widths


def _laid_out(cells: dict[str, str], columns: Sequence[str], widths: dict[str, int]) -> str:
    return _GAP.join(_cell(cells[name], name, widths[name]) for name in columns).rstrip()


def _cell(text: str, name: str, width: int) -> str:
    if name == "port":
        return text.rjust(width)
    if cell_len(text) > width:
        # The end of a path says more than its beginning.
        text = f"…{_end(text, width - 1)}" if name == "place" else f"{set_cell_size(text, width - 1).rstrip()}…"
    return set_cell_size(text, width)


def _end(text: str, width: int) -> str:
    kept = list(_letters_from_the_end(text, width))
    return "".join(reversed(kept))


def _letters_from_the_end(text: str, width: int) -> Iterator[str]:
    for letter in reversed(text):
        width -= cell_len(letter)
        if width < 0:
            return
        yield letter
