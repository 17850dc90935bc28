"""Trees in which several services bind one port: after ``--renumber`` every client finds the service that it meant."""

from __future__ import annotations

import importlib
import io
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import yaml
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from analysis import ports as table
from analysis.collectors.ports import PortCollector
from analysis.project import load
from codemods.cli import command
from config.registry import parse
from runtime import ports
from tests.cli.support import write

SERVICES = ("Memory", "Vision", "Speech", "Router")
BASE = """class Base:
    def __init__(self, port):
        self.port = port
        self.health_port = self.port + 1

    def run(self, sock):
        sock.bind(f"tcp://*:{self.port}")
        sock.bind(f"tcp://*:{self.health_port}")
"""
BOUND = {
    "address": "class {name}:\n    def run(self, sock):\n        sock.bind('tcp://*:{port}')\n",
    "constant": "ZMQ_PORT = {port}\n\n\nclass {name}:\n    def run(self, sock):\n"
    "        sock.bind(f'tcp://*:{{ZMQ_PORT}}')\n",
    "environment": "import os\n\nPORT = int(os.getenv('UNSET_PORT', {port}))\n\n\nclass {name}:\n"
    "    def run(self, sock):\n        sock.bind(f'tcp://*:{{PORT}}')\n",
    "parameter": "class {name}:\n    def __init__(self, port={port}):\n        self.port = port\n\n"
    "    def run(self, sock):\n        sock.bind(f'tcp://*:{{self.port}}')\n"
    "        sock.bind(f'tcp://*:{{self.port + 1}}')\n",
    "base class": "from base import Base\n\n\nclass {name}(Base):\n    def __init__(self):\n"
    "        super().__init__(port={port})\n",
    "shared": "from shared import {upper}_PORT\n\n\nclass {name}:\n    def run(self, sock):\n"
    "        sock.bind(f'tcp://*:{{{upper}_PORT}}')\n",
}
"""How a service comes by its port."""
WITH_HEALTH = ("parameter", "base class")
CLIENTS = {
    "address": "def ask(sock):\n    sock.connect('tcp://localhost:{port}')\n",
    "constant": "{upper}_PORT = {port}\n\n\ndef ask(sock):\n    sock.connect(f'tcp://localhost:{{{upper}_PORT}}')\n",
    "bare number": "TARGET = {port}\n\n\ndef ask(sock):\n    sock.connect('tcp://localhost:%d' % TARGET)\n",
    "plain constant": "PORT = {port}\n\n\ndef ask(sock):\n    sock.connect(f'tcp://localhost:{{PORT}}')\n",
    "class": "class Client{number}:\n    def __init__(self, port={port}):\n        self.port = port\n\n"
    "    def ask(self, sock):\n        sock.connect(f'tcp://localhost:{{self.port}}')\n\n\n"
    "def ask(sock):\n    Client{number}().ask(sock)\n",
    "by name": "SERVICES = {{'{name}': {{'port': {port}}}}}\n\n\ndef ask(sock):\n"
    "    sock.connect(f\"tcp://localhost:{{SERVICES['{name}']['port']}}\")\n",
    "out of sight": "port = {port}\n\n\ndef ask(sock):\n"
    "    getattr(sock, 'con' + 'nect')(f'tcp://localhost:{{port}}')\n",
    "passed on": "def go(sock, number):\n    sock.connect(f'tcp://localhost:{{number}}')\n\n\n"
    "def ask(sock):\n    go(sock, {port})\n",
}
HEALTH = {
    "number": "def ask(sock):\n    sock.connect('tcp://localhost:{next}')\n",
    "distance": "{upper}_PORT = {port}\n\n\ndef ask(sock):\n"
    "    sock.connect(f'tcp://localhost:{{{upper}_PORT + 1}}')\n",
}
OTHERS = {
    "startup.yaml": "{name}:\n  script_path: {lower}.py\n  port: {port}\n",
    "list.yaml": "network:\n  zmq_ports: [{port}]\n",
    "named.yaml": "agents:\n  - name: {name}\n    port: {port}\n",
    "broken.py": "def f(:\n    sock.connect('tcp://localhost:{port}')\n",
    "probe.sh": "nc -z localhost {port}\n",
}


class Client(NamedTuple):
    """Who asks: the file, and the service that it means."""

    path: str
    service: str
    health: bool = False


class Tree(NamedTuple):
    """A tree and what its author means by it."""

    files: dict[str, str]
    services: list[str]
    clients: list[Client]


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Services of which some share a port, and those who ask for them."""
    names = list(SERVICES[: draw(st.integers(2, 4))])
    numbers = {name: draw(st.integers(5600, 5602)) for name in names}
    files, clients, shared = {"base.py": BASE}, [], ""
    health = []
    for name in names:
        how = draw(st.sampled_from(sorted(BOUND)))
        given = {"name": name, "upper": name.upper(), "lower": name.lower(), "port": numbers[name]}
        files[f"{name.lower()}.py"] = BOUND[how].format(**given)
        shared += f"{name.upper()}_PORT = {numbers[name]}\n" if how == "shared" else ""
        health += [name] if how in WITH_HEALTH else []
    files["shared.py"] = shared
    for number in range(draw(st.integers(0, 2))):
        asks_health = bool(health) and draw(st.booleans())
        name = draw(st.sampled_from(health if asks_health else names))
        kinds = HEALTH if asks_health else CLIENTS
        given = {"name": name, "upper": name.upper(), "port": numbers[name], "next": numbers[name] + 1}
        path = f"client{number}.py"
        files[path] = kinds[draw(st.sampled_from(sorted(kinds)))].format(number=number, **given)
        clients.append(Client(path, name, asks_health))
    for path in draw(st.sets(st.sampled_from(sorted(OTHERS)), max_size=2)):
        name = draw(st.sampled_from(names))
        files[path] = OTHERS[path].format(name=name, lower=name.lower(), port=numbers[name])
        clients.append(Client(path, name))
    return Tree(files, names, clients)


class Socket:
    """Notes down the ports that it is bound and connected to."""

    def __init__(self) -> None:
        self.ports: list[int] = []

    def bind(self, address: str) -> None:
        """As that of a real one."""
        self.ports.append(int(address.rpartition(":")[2]))

    connect = bind


@contextmanager
def modules(root: Path, names: list[str]) -> Iterator[None]:
    """The modules of a tree, loaded anew, with its own registry."""
    file = root / "config" / "ports.yaml"
    known = {one.name: one.port for one in parse(file.read_bytes()).ports} if file.exists() else {}
    before = dict.fromkeys(sys.modules)
    with patch.object(sys, "path", [str(root), *sys.path]), patch.object(ports, "get_port", known.__getitem__):
        importlib.invalidate_caches()
        with patch.object(sys, "dont_write_bytecode", new=True):
            try:
                yield
            finally:
                for name in [*names, *(one for one in sys.modules if one not in before)]:
                    sys.modules.pop(name, None)


def met(root: Path, tree: Tree) -> list[tuple[Client, bool]]:
    """Whether each client asks for a port that the service it means really binds."""
    names = [path.removesuffix(".py") for path in tree.files if path.endswith(".py")]
    with modules(root, names):
        bound: dict[str, list[int]] = {}
        for name in tree.services:
            sock = Socket()
            getattr(importlib.import_module(name.lower()), name)().run(sock)
            bound[name] = sock.ports
        return [(one, asked(root, one) == bound[one.service][1 if one.health else 0]) for one in tree.clients]


def asked(root: Path, client: Client) -> int:
    text = (root / client.path).read_text("utf-8")
    if client.path == "startup.yaml":
        return int(yaml.safe_load(text)[client.service]["port"])
    if not client.path.startswith("client"):
        return int(re.findall(r"\d{4}", text)[-1])
    sock = Socket()
    importlib.import_module(client.path.removesuffix(".py")).ask(sock)
    return sock.ports[0]


def conflicts(root: Path) -> dict[tuple[str, int], set[str]]:
    project = load([root], root=root, collectors=(PortCollector,), jobs=1, cache=False)
    return {
        (one.machine, one.port): {owner for owner, _ in one.owners} for one in table.conflicts(table.table(project))
    }


def renumbered(root: Path) -> str:
    """What a run says on stderr."""
    said = io.StringIO()
    arguments = ["--renumber", "--allow-dirty", "--no-cache", "--jobs", "1", str(root)]
    with redirect_stderr(said), redirect_stdout(io.StringIO()):
        try:
            command("get_port").main(arguments, standalone_mode=False)
        except SystemExit as left:
            assert left.code == 1 or "1 failed" in said.getvalue(), said.getvalue()
    return said.getvalue()


def contents(root: Path) -> dict[str, bytes]:
    return {str(one): one.read_bytes() for one in root.rglob("*") if one.is_file()}


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[one for one in Phase if one is not Phase.explain],
)
@given(trees())
def test_no_client_is_left_behind_and_no_conflict_is_new(tree: Tree) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        write(root, {"pyproject.toml": "[tool.unsnarl]\n", **tree.files})
        assert all(fits for _, fits in met(root, tree))
        before = conflicts(root)
        said = renumbered(root)
        event("moved" if "  moved " in said else "not moved" if before else "no conflict")
        lost = [client for client, fits in met(root, tree) if not fits]
        assert not lost, said
        after = conflicts(root)
        assert all(owners <= before.get(at, set()) for at, owners in after.items()), (before, after)
        once = contents(root)
        renumbered(root)
        assert contents(root) == once
