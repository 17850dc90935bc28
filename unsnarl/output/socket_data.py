"""The graph of messages for programs: JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from analysis.request_loops import Loop
from analysis.sockets import Orphan, Served, Socket
from unsnarl.output.socket_text import Message

if TYPE_CHECKING:
    from analysis.sockets import Edge, Service

_EDGE = (
    *("client_machine", "client", "client_home", "server_machine", "server", "server_home", "kind", "port", "address"),
    *("texts", "by", "sure", "waits", "serving", "bounded", "through", "path", "line", "given"),
)
_SOCKET = (
    *("machine", "service", "home", "kind", "side", "port", "host", "address", "certainty", "path", "line", "column"),
    *("kinds", "given", "name", "timeout", "texts", "all_texts_known"),
)


def as_json(shown: Message, parts: Sequence[str]) -> str:
    """An object with an entry for each of the ``parts``."""
    whole: dict[str, Any] = {
        "edges": [msgspec.structs.asdict(one) for one in shown.edges],
        "requests": [_served(one) for one in shown.served],
        "loops": {
            "deadlocks": [_loop(one) for one in shown.loops.deadlocks],
            "possible": [_loop(one) for one in shown.loops.possible],
            "coupled": [_loop(one) for one in shown.loops.coupled],
        },
        "orphans": [_orphan(one) for one in shown.orphans],
        "sockets": [_socket(one) for one in shown.sockets],
    }
    chosen = {part: whole[part] for part in parts}
    return msgspec.json.format(msgspec.json.encode(chosen), indent=2).decode() + "\n"


def as_csv(shown: Message, parts: Sequence[str]) -> str:
    """A line for each edge, or, where only the sockets were asked for, for each of these."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if list(parts) == ["sockets"]:
        writer.writerow(_SOCKET)
        for each in shown.sockets:
            writer.writerow(_cell(value) for value in _socket(each).values())
    else:
        writer.writerow(_EDGE)
        for edge in shown.edges:
            writer.writerow(map(_cell, _edge(edge)))
    return out.getvalue()


def _edge(one: Edge) -> list[Any]:
    row = msgspec.structs.asdict(one)
    client, server = row.pop("client"), row.pop("server")
    return [client.machine, client.name, client.home, server.machine, server.name, server.home, *row.values()]


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ";".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _of(service: Service) -> dict[str, str]:
    return msgspec.structs.asdict(service)


def _socket(one: Socket) -> dict[str, Any]:
    row = msgspec.structs.asdict(one)
    for name in ("service", "identity", "context", "key", "texts"):
        del row[name]
    timeout = row.pop("timeout")
    texts = [text for text in one.texts if text is not None]
    return {
        "machine": one.service.machine,
        "service": one.service.name,
        "home": one.service.home,
        **row,
        "name": one.key,
        "timeout": timeout,
        "texts": texts,
        "all_texts_known": None not in one.texts,
    }


def _served(one: Served) -> dict[str, Any]:
    return {
        "service": _of(one.service),
        "ports": one.ports,
        "path": one.path,
        "line": one.line,
        "requests": [{"request": name, "path": path, "line": line} for name, path, line in one.requests],
    }


def _orphan(one: Orphan) -> dict[str, Any]:
    return {"why": one.why, "unread": one.unread, **_socket(one.socket)}


def _loop(one: Loop) -> dict[str, Any]:
    return {
        "endless": one.endless,
        "steps": [
            {
                "client": _of(step.client),
                "server": _of(step.server),
                "port": step.port,
                "address": step.address,
                "path": step.ask.path,
                "line": step.ask.span.line,
                "column": step.ask.column,
                "function": step.ask.scope,
                "trail": step.ask.trail,
                "requests": step.ask.requests,
                "under": step.ask.under,
                "bounded": step.ask.bounded,
                "serving": step.serving,
            }
            for step in one.steps
        ],
    }
