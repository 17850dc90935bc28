"""The graph of messages for people: what fits a terminal, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len, set_cell_size

from analysis.request_loops import Loop, Loops, Step, circles
from analysis.sockets import Edge, Orphan, Served, Socket
from analysis.words import plural
from unsnarl.report import printable

if TYPE_CHECKING:
    from analysis.sockets import Service

_VERBS = {"request": "asks", "publish": "publishes to", "push": "pushes to"}
_GAP = "  "
_LEAST = 60
_TEXTS = 6


class Message(NamedTuple):
    """What the command prints: each part of the graph as far as it was asked for."""

    edges: Sequence[Edge]
    served: Sequence[Served]
    loops: Loops
    orphans: Sequence[Orphan]
    sockets: Sequence[Socket]


def text(shown: Message, parts: Sequence[str], width: int | None = None) -> str:
    """The ``parts`` by name, each below a heading; no line is wider than ``width``, where there is one."""
    made = {
        "edges": lambda: _table(("from", "", "to", "what", "how", "where"), map(_edge, shown.edges), width),
        "requests": lambda: _requests(shown.served, width),
        "loops": lambda: _loops(shown.loops, width),
        "orphans": lambda: _table(("service", "socket", "why", "where"), map(_orphan, shown.orphans), width),
        "sockets": lambda: _table(("service", "socket", "at", "texts", "where"), map(_socket, shown.sockets), width),
    }
    titles = {
        "edges": f"Who speaks to whom: {plural(len(shown.edges), 'edge')}",
        "requests": f"What is answered: {plural(len(shown.served), 'loop')} that receive requests",
        "loops": f"Requests in a circle: {_counted(shown.loops)}",
        "orphans": f"Nobody on the other side: {plural(len(shown.orphans), 'socket')}",
        "sockets": plural(len(shown.sockets), "socket"),
    }
    blocks = []
    for part in parts:
        lines = made[part]()
        if lines or len(parts) == 1:
            blocks.append("".join(f"{line}\n" for line in (titles[part], *(f"  {line}" for line in lines))))
    return "\n".join(blocks)


def _edge(one: Edge) -> tuple[str, ...]:
    where = str(one.port) if one.port else one.address
    what = f"{where} {_several(one.texts)}".strip()
    how = ["" if one.sure else "possibly"]
    how += ["while it serves"] if one.serving else []
    how += ["no timeout"] if one.waits and not one.bounded else []
    how += [f"through {one.through}"] if one.through else []
    server, verb = _name(one.server), _VERBS[one.kind]
    at = f"{one.path}:{one.line}" + (f" ({_given(one.given)})" if one.given else "")
    return _name(one.client), verb, server, what, ", ".join(filter(None, how)), at


def _orphan(one: Orphan) -> tuple[str, ...]:
    why = f"{one.why}, unless {one.unread} does, which does not parse" if one.unread else one.why
    return _name(one.socket.service), _kind(one.socket), why, f"{one.socket.path}:{one.socket.line}"


def _socket(one: Socket) -> tuple[str, ...]:
    at = str(one.port) if one.port is not None else one.address
    at += f" ({_given(one.given)})" if one.given else ""
    texts = _several([text for text in one.texts if text])
    return _name(one.service), _kind(one), at, texts, f"{one.path}:{one.line}"


def _given(text: str) -> str:
    """The first of what configurations say: a line has no room for each, which JSON and CSV have."""
    parts = text.split("; ")
    places = [one for one in parts if " in the source" not in one]
    first, *others = places or parts
    told = f"{first.partition(', and ')[0]} and elsewhere" if others or ", and " in first else first
    return "; ".join([told, *(one for one in parts if one not in (*places, first))])


def _kind(one: Socket) -> str:
    where = f" {one.port}" if one.port else f" {one.address}" if one.address else ""
    others = " or ".join(each or "another" for each in one.kinds if each != one.kind)
    kind = f"{one.kind or '?'} (or {others})" if others else one.kind or "?"
    return f"{kind} {one.side}{where}"


def _requests(served: Sequence[Served], width: int | None) -> list[str]:
    lines = []
    for one in served:
        numbers = ", ".join(map(str, one.ports)) or "?"
        lines.append(_cut(f"{_name(one.service)} at {numbers}, {one.path}:{one.line}", width, 2))
        names = sorted({name for name, _, _ in one.requests})
        lines += [_cut(f"  {name}: {', '.join(_places(one, name))}", width, 2) for name in names]
    return lines


def _places(one: Served, request: str) -> list[str]:
    """Where a request is told apart; files other than that of the loop by their whole name."""
    found = sorted({(path, line) for name, path, line in one.requests if name == request})
    return [f"{path}:{line}" for path, line in found]


def _loops(loops: Loops, width: int | None) -> list[str]:
    lines: list[str] = []
    for heading, found in (
        ("can hang", loops.deadlocks),
        ("can hang, if it is this service that has the port", loops.possible),
        ("coupled: asked at other times than while they serve", loops.coupled),
    ):
        for loop in circles(found):
            ending = ", without any timeout" if loop.endless else ", until a timeout"
            note = "" if found is loops.coupled else ending
            lines.append(_cut(f"{heading}{note}: {way_round(loop)}", width, 2))
            lines += [_cut(f"  {step_said(step)}", width, 2) for step in loop.steps]
    return lines


def _counted(loops: Loops) -> str:
    number = sum(len(circles(found)) for found in (loops.deadlocks, loops.possible, loops.coupled))
    return plural(number, "circle") if number else "none"


def way_round(loop: Loop) -> str:
    """The services of a loop in its order, the first one again at its end."""
    return " -> ".join(_name(one) for one in (*loop.services, loop.services[0]))


def step_said(step: Step) -> str:
    """One request of a loop: who asks whom for what, where, and whether the wait ends."""
    asked = f" for {_several(step.ask.requests)}" if step.ask.requests else ""
    under = f" while it handles {_several(step.ask.under)}" if step.ask.under else ""
    where = str(step.port) if step.port else step.address
    wait = "" if step.ask.bounded else ", no timeout"
    who = f"{_name(step.client)} asks {_name(step.server)} ({where})"
    return f"{step.ask.path}:{step.ask.span.line} {who}{asked}{under}{wait}"


def _name(service: Service) -> str:
    return f"{service.name} ({service.machine})" if service.machine else service.name


def _several(texts: Sequence[str]) -> str:
    more = len(texts) - _TEXTS
    return ", ".join(texts[:_TEXTS]) + (f" and {more} more" if more > 0 else "")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], width: int | None) -> list[str]:
    table = [tuple(map(_line, row)) for row in rows]
    if not table:
        return []
    columns = [max(cell_len(row[at]) for row in (head, *table)) for at in range(len(head))]
    if width is not None:
        columns = _narrowed(columns, max(width, _LEAST) - 2 - len(_GAP) * (len(head) - 1))
    last = len(head) - 1
    lines = []
    for row in (head, *table):
        cells = (_fitted(cell, columns[at], last=at == last) for at, cell in enumerate(row))
        lines.append(_GAP.join(cells).rstrip())
    return lines


def _narrowed(columns: list[int], whole: int) -> list[int]:
    """Widths that fit: the widest columns give first."""
    columns = list(columns)
    while sum(columns) > whole and max(columns) > 1:
        widest = max(columns)
        at = columns.index(widest)
        next_one = max((one for one in columns if one < widest), default=0)
        columns[at] -= max(1, min(widest - next_one, sum(columns) - whole))
    return columns


def _fitted(cell: str, width: int, *, last: bool) -> str:
    if cell_len(cell) > width:
        # The end of a path says more than its beginning.
        cell = f"…{cell[len(cell) - width + 1 :]}" if last else f"{set_cell_size(cell, width - 1).rstrip()}…"
    return set_cell_size(cell, width)


def _cut(line: str, width: int | None, indent: int) -> str:
    line = _line(line)
    if width is None or cell_len(line) <= max(width, _LEAST) - indent:
        return line
    return f"{set_cell_size(line, max(width, _LEAST) - indent - 1).rstrip()}…"


def _line(text: str) -> str:
    """``text`` without what would break a line or a terminal."""
    return "".join(one if one.isprintable() else " " for one in printable(text))


def summary(shown: Message) -> Iterator[str]:
    """How much there is."""
    sure = sum(one.sure for one in shown.edges)
    yield f"{plural(len(shown.sockets), 'socket')}, {plural(len(shown.edges), 'edge')}, {sure:,} of them sure"
    if shown.loops.deadlocks:
        yield f"{plural(len(circles(shown.loops.deadlocks)), 'circle')} of requests can hang"
