"""Which feature flags a tree asks for, which it has, and where the two do not agree."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Literal

import msgspec

from analysis.collectors.flag_lookups import FlagLookupCollector
from analysis.project import Project
from analysis.words import plural
from config.documents import hint
from config.flags import Flag, Flags, written

State = Literal["used", "unused", "undefined", "mistyped", "expired", "misplaced"]
"""``undefined``: asked for, and not in the file. ``mistyped``: asked for as something else. ``misplaced``: it has a
value for a machine that there is not. ``expired``: its day is past, and the code still asks for it.
"""
WRONG: frozenset[State] = frozenset({"undefined", "mistyped", "misplaced"})
"""What fails, or has no effect, when the program runs."""


class Use(msgspec.Struct, frozen=True):
    """One look-up of a flag: ``kind`` as in ``FlagLookup``."""

    path: str
    line: int
    kind: str


class FlagRow(msgspec.Struct, frozen=True):
    """A flag that the file has or that is asked for.

    ``default`` is as it is written in the file; it, ``kind``, ``owner``, ``until`` (a day) and ``line`` are empty where
    the file does not say. ``value`` is what it is for the agent and machine that were asked about, and ``said_by`` the
    key of the file that says so. ``message`` tells what is wrong.
    """

    name: str
    state: State
    message: str
    kind: str
    default: str
    value: str
    said_by: str
    owner: str
    until: str
    line: int
    uses: tuple[Use, ...]


class Table(msgspec.Struct, frozen=True):
    """The flags, those of the file first, and the look-ups whose name is not written out: ``(path, line)``."""

    rows: tuple[FlagRow, ...]
    unnamed: tuple[tuple[str, int], ...]


def table(
    project: Project,
    flags: Flags,
    *,
    today: date,
    agent: str = "",
    machine: str = "",
    machines: Collection[str] | None = None,
) -> Table:
    """The flags of ``flags`` and the look-ups of ``project``, whose facts are those of ``FlagLookupCollector``.

    ``today`` decides what has expired; ``agent`` and ``machine`` what the values are for; ``machines`` are those that
    there are, None where that is not known.
    """
    uses: dict[str, list[Use]] = {}
    unnamed: list[tuple[str, int]] = []
    for path, facts in sorted(project.files.items()):
        for one in facts.records(FlagLookupCollector):
            if one.name:
                uses.setdefault(one.name, []).append(Use(path, one.line, one.kind))
            elif not one.overridden:
                unnamed.append((path, one.line))
    rows = [
        _row(flag, uses.get(name, []), today, flag.value(agent, machine), machines)
        for name, flag in flags.flags.items()
    ]
    for name, places in sorted(uses.items()):
        if name not in flags.flags:
            told = f"not in the file; {hint(name, flags.flags)}"
            rows.append(FlagRow(name, "undefined", told, "", "", "", "", "", "", 0, tuple(places)))
    return Table(tuple(rows), tuple(unnamed))


def _row(
    flag: Flag, uses: list[Use], today: date, value: tuple[bool | float | str, str], machines: Collection[str] | None
) -> FlagRow:
    state, message = _state(flag, uses, today, machines)
    until = flag.until.isoformat() if flag.until is not None else ""
    default, now = written(flag.default), written(value[0])
    return FlagRow(
        flag.name, state, message, flag.kind, default, now, value[1], flag.owner, until, flag.line, tuple(uses)
    )


def _state(flag: Flag, uses: list[Use], today: date, machines: Collection[str] | None) -> tuple[State, str]:
    wrong = [one for one in uses if one.kind not in ("", flag.kind) and (one.kind, flag.kind) != ("float", "int")]
    if wrong:
        return "mistyped", f"{wrong[0].path}:{wrong[0].line} asks for {wrong[0].kind}, and it is {flag.kind}"
    named = dict.fromkeys([*flag.machines, *(key.partition("@")[2] for key in flag.agents if "@" in key)])
    for machine in named:
        if machines is not None and machine not in machines:
            return "misplaced", f"there is no machine `{machine}`; {hint(machine, machines)}"
    if not uses:
        return "unused", "nothing asks for it"
    if flag.until is not None and flag.until < today:
        return "expired", f"was to be gone by {flag.until}; {plural(len(uses), 'place')} still {_ask(len(uses))} for it"
    return "used", ""


def _ask(number: int) -> str:
    return "asks" if number == 1 else "ask"
