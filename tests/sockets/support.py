"""Graphs of messages of small trees."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from analysis.collectors.socket_records import Messaging
from analysis.collectors.sockets import SocketCollector
from analysis.project import load
from analysis.reading import analyse
from analysis.request_loops import Loop
from analysis.sockets import COLLECTORS, Edge, Graph
from analysis.source import Source


def facts(text: str) -> Messaging:
    """What the collector notes down about one source."""
    found = analyse(Source.from_bytes(textwrap.dedent(text).encode(), "one.py"), (SocketCollector,))
    assert found.fault is None, found.fault
    (record,) = found.records(SocketCollector)
    assert isinstance(record, Messaging)
    return record


def graph(
    folder: Path,
    files: Mapping[str, str],
    machines: Mapping[str, Sequence[str]] | None = None,
    left_out: Callable[[str], bool] | None = None,
    jobs: int = 1,
) -> Graph:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
    project = load([folder], root=folder, collectors=COLLECTORS, jobs=jobs, cache=False)
    for path, each in project.files.items():
        assert each.fault is None or each.fault.kind != "crashed", (path, each.fault)
    return Graph(project, machines, left_out)


def said(edge: Edge) -> str:
    """An edge in words: ``A asks B 5556 save, load; possibly, serving, endless``."""
    odd = [
        "" if edge.sure else "possibly",
        "serving" * edge.serving,
        "endless" * (edge.waits and not edge.bounded),
        f"through {edge.through}" if edge.through else "",
    ]
    verb = {"request": "asks", "publish": "publishes to", "push": "pushes to"}[edge.kind]
    where = str(edge.port) if edge.port else edge.address
    words = f"{edge.client.name} {verb} {edge.server.name} {where} {', '.join(edge.texts)}".strip()
    return "; ".join(filter(None, [words, ", ".join(filter(None, odd))]))


def edges(folder: Path, files: Mapping[str, str], machines: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    return [said(one) for one in graph(folder, files, machines).edges()]


def way(loop: Loop) -> str:
    """The services of a loop: ``A B C``, and what ends it."""
    names = " ".join(one.name for one in loop.services)
    return f"{names}: {'endless' if loop.endless else 'until a timeout'}"


def service(
    name: str,
    own: int,
    others: Mapping[str, int] | None = None,
    *,
    before: Mapping[str, int] | None = None,
    options: str = "",
) -> str:
    """A service that serves the port ``own``, asks ``others`` for each request, and ``before`` it serves.

    ``options`` is a statement with ``{}`` for each socket that asks, such as ``{}.setsockopt(zmq.RCVTIMEO, 300)``.
    """
    asked = {**(others or {}), **(before or {})}
    lines = ["import sys", "", "import zmq", "", "", f"class {name}:", "    def __init__(self):"]
    lines += ["        context = zmq.Context.instance()", "        self.replies = context.socket(zmq.REP)"]
    lines += [f'        self.replies.bind("tcp://127.0.0.1:{own}")']
    for other, port in sorted(asked.items()):
        lines += [f"        self.{other} = context.socket(zmq.REQ)"]
        lines += [f"        {options.format(f'self.{other}')}"] if options else []
        lines += [f'        self.{other}.connect("tcp://127.0.0.1:{port}")']
    lines += ["", "    def run(self):"]
    for other in sorted(before or {}):
        lines += [f'        self.{other}.send_json({{"action": "hello"}})', f"        self.{other}.recv_json()"]
    lines += ["        while True:", "            request = self.replies.recv_json()"]
    lines += ["            self.replies.send_json(self.handle(request))", "", "    def handle(self, request):"]
    lines += ["        seen = request.get('seen', [])", "        answers = []"]
    for other in sorted(others or {}):
        lines += [f'        self.{other}.send_json({{"action": "look", "seen": [*seen, "{name}"]}})']
        lines += [f"        answers.append(self.{other}.recv_json())"]
    lines += ["        return answers", "", "", 'if __name__ == "__main__":', f"    {name}().run()", ""]
    return "\n".join(lines)


REP = (
    "import zmq\n\n\nclass {name}:\n    def run(self):\n        self.s = c.socket(zmq.REP)\n"
    '        self.s.bind("{address}")\n'
)
REQ = (
    "import zmq\n\n\nclass {name}:\n    def run(self):\n        self.s = c.socket(zmq.REQ)\n"
    '        self.s.connect("{address}")\n        self.s.send(b"ping")\n        self.s.recv()\n'
)
PUB = (
    "import zmq\n\n\nclass Press:\n    def run(self):\n        self.p = c.socket(zmq.PUB)\n"
    '        self.p.bind("tcp://*:5560")\n        self.p.send_string({})\n'
)
SUB = (
    "import zmq\n\n\nclass Reader:\n    def run(self):\n        self.p = c.socket(zmq.SUB)\n"
    '        self.p.connect("tcp://localhost:5560")\n        self.p.setsockopt_string(zmq.SUBSCRIBE, {})\n'
)


def server(name: str = "Server", address: str = "tcp://*:5556") -> str:
    return REP.format(name=name, address=address)


def client(name: str = "Client", address: str = "tcp://localhost:5556") -> str:
    return REQ.format(name=name, address=address)
