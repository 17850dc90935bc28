"""What became of every file of a tree, by name: analysed, unparseable, unreadable or excluded, and why.

``unsnarl ledger`` prints it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from analysis.facts import Fault, FileFacts

if TYPE_CHECKING:
    from analysis.discovery import Discovery
    from analysis.project import Progress, Project

State = Literal["analysed", "uncompilable", "unparseable", "unreadable", "crashed", "excluded"]

_MENTION = re.compile(r" \(detected at line \d+\)| on line \d+(?= \(|$)")

STATES: tuple[State, ...] = ("analysed", "uncompilable", "unparseable", "unreadable", "crashed", "excluded")


class Row(msgspec.Struct, frozen=True, gc=False):
    """One file (or folder, with ``/`` at the end) and what became of it.

    ``kind`` is the kind of the fault, or empty; ``cause`` a sentence, empty for an analysed file; ``line`` from 1, 0
    where the cause has no line.
    """

    path: str
    state: State
    kind: str = ""
    cause: str = ""
    line: int = 0


class Cause(NamedTuple):
    """What some files have in common: their state, the kind of their fault, and the cause without its line numbers."""

    state: State
    kind: str
    cause: str


class Ledger(msgspec.Struct, frozen=True):
    """The account of a tree, each part sorted by name.

    ``analysed``: names of files with facts. ``unparseable``: without, through what they hold. ``unreadable``: the
    system would not give them (folders end in ``/``). ``crashed``: reading them failed. ``excluded``: left out, with
    the reason. ``uncompilable``: the analysed ones that the compiler refuses; empty unless that was asked.
    """

    analysed: tuple[str, ...]
    unparseable: dict[str, Fault]
    unreadable: dict[str, Fault]
    crashed: dict[str, Fault]
    excluded: dict[str, str]
    uncompilable: dict[str, Fault] = {}

    @property
    def faults(self) -> dict[str, Fault]:
        """Every file that has no facts, with its fault, sorted by name."""
        return dict(sorted({**self.unparseable, **self.unreadable, **self.crashed}.items()))

    def rows(self) -> Iterator[Row]:
        """One row for each file, sorted by name."""
        rows: dict[str, Row] = {path: Row(path, "analysed") for path in self.analysed}
        rows.update((path, Row(path, "excluded", "", reason)) for path, reason in self.excluded.items())
        parts: tuple[tuple[State, Mapping[str, Fault]], ...] = (
            ("uncompilable", self.uncompilable),
            ("unparseable", self.unparseable),
            ("unreadable", self.unreadable),
            ("crashed", self.crashed),
        )
        for state, faults in parts:
            for path, fault in faults.items():
                rows[path] = Row(path, state, fault.kind, fault.message, fault.line)
        for path in sorted(rows):
            yield rows[path]

    def counts(self) -> dict[State, int]:
        """How many files are in each state; those that do not compile are not counted as analysed."""
        counts: dict[State, int] = dict.fromkeys(STATES, 0)
        for row in self.rows():
            counts[row.state] += 1
        return counts

    def causes(self) -> dict[Cause, list[Row]]:
        """The files that something is wrong with or that are left out, by cause; the commonest cause of a state first.

        Causes that differ only in a line number that they mention are one.
        """
        found: dict[Cause, list[Row]] = {}
        for row in self.rows():
            if row.state != "analysed":
                found.setdefault(Cause(row.state, row.kind, _MENTION.sub("", row.cause)), []).append(row)
        order = {state: place for place, state in enumerate(STATES)}
        return dict(sorted(found.items(), key=lambda item: (order[item[0].state], -len(item[1]), item[0])))


def make_ledger(discovery: Discovery, files: Mapping[str, FileFacts], generated: Mapping[str, str]) -> Ledger:
    """The ledger of what was found and what came of reading it."""
    analysed = []
    unparseable: dict[str, Fault] = {}
    crashed: dict[str, Fault] = {}
    unreadable = {path: Fault("unreadable", reason) for path, reason in discovery.unreadable.items()}
    for path, facts in files.items():
        if facts.fault is None:
            analysed.append(path)
        elif facts.fault.kind == "unreadable":
            unreadable[path] = facts.fault
        elif facts.fault.kind == "crashed":
            crashed[path] = facts.fault
        else:
            unparseable[path] = facts.fault
    excluded = dict(discovery.excluded)
    excluded.update((path, f"generated: it says {mark}") for path, mark in generated.items())
    return Ledger(
        tuple(sorted(analysed)),
        dict(sorted(unparseable.items())),
        dict(sorted(unreadable.items())),
        dict(sorted(crashed.items())),
        dict(sorted(excluded.items())),
    )


def ledger(
    project: Project,
    compile: bool = True,  # noqa: A002 - what it is called everywhere
    progress: Progress | None = None,
) -> Ledger:
    """The ledger of ``project``; with ``compile`` each file that parses is also given to the compiler.

    ``progress`` is called with the number of files done and the number in all. The project is not changed.
    """
    made = project.ledger
    if not compile:
        return made
    from analysis.collectors.compiles import Compiles
    from analysis.project import Project

    asked = Project(project.root, project.discovery, project.jobs, project.cache)
    asked.ask((Compiles,), progress)
    made = asked.ledger
    refused = {path: found[0] for path, facts in asked.files.items() if (found := facts.records(Compiles))}
    return msgspec.structs.replace(made, uncompilable=refused)


def text(account: Ledger) -> Iterator[str]:
    """The lines of ``account`` for people: the files that something is wrong with, by state and cause; the sums."""
    state = ""
    for cause, rows in account.causes().items():
        if cause.state != state:
            state = cause.state
            yield f"{state}: {account.counts()[cause.state]}"
        yield f"  {cause.cause}{f' [{cause.kind}]' if cause.kind else ''}: {len(rows)}"
        for row in rows:
            yield f"    {row.path}{f':{row.line}' if row.line else ''}"
    counts = account.counts()
    yield f"{sum(counts.values())} in all: " + ", ".join(f"{counts[state]} {state}" for state in STATES)


def document(account: Ledger) -> dict[str, Any]:
    """``account`` as plain values for JSON: ``counts`` by state, and ``files`` with one mapping for each file."""
    return {"version": 1, "counts": account.counts(), "files": [msgspec.structs.asdict(row) for row in account.rows()]}
