"""The two pairs of services in ``examples/talking``: they give the same answers whether they import each other, as they
are written, or ask each other over the bus, as ``codemods.event_bus --events`` has them. What is asked for right after
something was published may be told too early; with ``--no-publish`` it is not.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import zmq
import zmq.asyncio

from analysis.imports import ANY_TIME, COLLECTORS, ImportGraph
from analysis.project import load
from runtime.events import Address, Event, Hub, ZmqBus

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "talking"
PAIRS = {
    "memory": ("memory_client", "session_memory_agent"),
    "model": ("model_manager_agent", "vram_optimizer_agent"),
}
TOGETHER = {
    "memory": """
import threading
import memory_client, session_memory_agent
for run in (memory_client.MemoryClient().run, session_memory_agent.agent.run):
    threading.Thread(target=run).start()
""",
    "model": """
import asyncio
import model_manager_agent, vram_optimizer_agent
async def main():
    await asyncio.gather(model_manager_agent.main(), vram_optimizer_agent.main())
asyncio.run(main())
""",
}
PATIENCE = 20.0

Ask = Callable[..., Awaitable[Any]]
pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The services as they are written, and as the codemod leaves them; last with no events."""
    made: dict[str, Path] = {}
    for name, more in (("before", None), ("after", ()), ("in order", ("--no-publish",))):
        tree = made[name] = tmp_path_factory.mktemp(name.replace(" ", "-")) / "tree"
        shutil.copytree(EXAMPLES, tree, ignore=shutil.ignore_patterns("__pycache__"))
        if more is not None:
            words = ("-m", "codemods.event_bus", "--events", *more, "--allow-dirty", ".")
            done = subprocess.run([sys.executable, *words], cwd=tree, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
    return made


class Services:
    """The processes of one pair, and a socket to each service."""

    def __init__(self) -> None:
        self.context = zmq.asyncio.Context()
        self.sockets: dict[str, zmq.asyncio.Socket] = {}
        self.processes: list[asyncio.subprocess.Process] = []

    async def start(self, tree: Path, words: list[str], several: int, environment: dict[str, str]) -> None:
        """Start a process that has ``several`` services, and connect to each."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=asyncio.subprocess.PIPE,
        )
        self.processes.append(process)
        assert process.stdout is not None
        told = ""
        while told.count("\n") < several:
            line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
            assert line, f"the services have ended: {told!r}"
            told += line.decode()
        # Two threads that print at once may share a line: a text and its line end are written apart.
        found = re.findall(r"([a-z_]+) (\d+)", told)
        assert len(found) == several, told
        for name, port in found:
            socket = self.sockets[name] = self.context.socket(zmq.REQ)
            socket.connect(f"tcp://127.0.0.1:{port}")

    async def ask(self, service: str, action: str, **words: Any) -> Any:
        """What the service answers."""
        socket = self.sockets[service]
        await socket.send(json.dumps({"action": action, **words}).encode())
        return json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))

    async def close(self) -> None:
        """Have all end by themselves, and see that they do."""
        for service in self.sockets:
            assert await self.ask(service, "stop") == "stopped"
        for process in self.processes:
            assert await asyncio.wait_for(process.wait(), PATIENCE) == 0

    def kill(self) -> None:
        self.context.destroy(linger=0)
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What the services share beside the bus: their data."""
    return {"MEMORY_FILE": str(tmp_path / "memory.db"), "CARD_FILE": str(tmp_path / "card.db")}


@contextlib.asynccontextmanager
async def started(
    pair: str, layout: str, tree: Path, environment: dict[str, str], address: Address
) -> AsyncIterator[Services]:
    services = Services()
    try:
        if layout == "one process":
            await services.start(tree, ["-c", TOGETHER[pair]], 2, environment)
        else:
            over = {"UNSNARL_EVENTS": str(address)}
            for name in PAIRS[pair]:
                await services.start(tree, [f"{name}.py"], 1, {**environment, **over, "UNSNARL_EVENTS_NAME": name})
        yield services
        await services.close()
    finally:
        services.kill()


async def settled(ask: Callable[[], Awaitable[Any]], wanted: Any) -> Any:
    """What is answered once it is what was wanted: events are handled soon, not at once."""
    async with asyncio.timeout(PATIENCE):
        while (found := await ask()) != wanted:  # noqa: ASYNC110 - another process is asked
            await asyncio.sleep(0.01)
    return found


async def at_once(ask: Callable[[], Awaitable[Any]], wanted: Any) -> Any:
    """What is answered the first time: nothing is handled later than the call was."""
    return await ask()


async def use_memory(services: Services, settled: Callable[..., Awaitable[Any]]) -> list[Any]:
    ask, told = services.ask, []
    told.append(await ask("session_memory_agent", "create_session", session_id="s1", user_id="u"))
    told.append(await ask("session_memory_agent", "create_session", session_id="s2"))
    told.append(await ask("session_memory_agent", "add_interaction", session_id="s1", role="user", content="Hello"))
    told.append(await ask("session_memory_agent", "add_interaction", session_id="s1", role="agent", content="Good day"))
    told.append(await ask("session_memory_agent", "add_interaction", session_id="s2", role="user", content="No day"))
    told.append(await ask("session_memory_agent", "add_interaction", session_id="s3", role="user", content="Lost"))
    told.append(await ask("session_memory_agent", "get_context", session_id="s1"))
    told.append(await ask("session_memory_agent", "get_context", session_id="s1", limit=1))
    told.append(await ask("memory_client", "add_memory", content="A fact", session_id="s2"))
    told.append(await settled(lambda: ask("session_memory_agent", "touched", session_id="s1"), 2))
    told.append(await settled(lambda: ask("session_memory_agent", "touched", session_id="s2"), 2))
    told.append(await ask("memory_client", "search_memory", query="day"))
    told.append(await ask("memory_client", "search_memory", query="", memory_type="general", limit=3))
    # There and back: the other service asks the first one while that waits.
    told.append(await ask("memory_client", "sessions_with", query="day"))
    told.append(await ask("session_memory_agent", "delete_session", session_id="s1"))
    told.append(await ask("memory_client", "sessions_with", query="day"))
    return told


MEMORY = [
    True,
    True,
    True,
    True,
    True,
    False,
    ["user: Hello", "agent: Good day"],
    ["user: Hello"],
    True,
    2,
    2,
    [
        {"type": "interaction of s1", "content": "agent: Good day"},
        {"type": "interaction of s2", "content": "user: No day"},
    ],
    [{"type": "general", "content": "A fact"}],
    ["s1", "s2"],
    2,
    ["s2"],
]


async def use_models(services: Services) -> list[Any]:
    ask, told = services.ask, []

    async def load(name: str, size: int) -> None:
        told.append(await ask("model_manager_agent", "load_model", name=name, size=size))

    await load("first", 400)
    await load("second", 450)
    told.append(await ask("model_manager_agent", "status"))
    # No room for it before another goes, which the optimizer asks the manager for.
    await load("third", 500)
    await load("too large", 5000)
    told.append(await ask("model_manager_agent", "status"))
    await load("fourth", 200)
    told.append(await ask("model_manager_agent", "unload_model", name="fourth"))
    told.append(await ask("model_manager_agent", "unload_model", name="fourth"))
    told.append(await ask("vram_optimizer_agent", "room_for", size=900, model="new"))
    told.append(await ask("vram_optimizer_agent", "usage"))
    return told


MODELS = [
    True,
    True,
    {"loaded": ["first", "second"], "free": 150, "pressure": "high"},
    True,
    False,
    {"loaded": [], "free": 1000, "pressure": "normal"},
    True,
    True,
    False,
    True,
    [1000, "normal"],
]


@pytest.mark.parametrize("layout", ["one process", "two processes"])
@pytest.mark.parametrize("version", ["before", "after", "in order"])
@pytest.mark.parametrize("pair", PAIRS)
async def test_a_pair_answers_the_same(
    pair: str, version: str, layout: str, trees: dict[str, Path], environment: dict[str, str], hub: Hub
) -> None:
    async with started(pair, layout, trees[version], environment, hub.address) as services:
        if version == "after" and layout == "two processes":
            await asyncio.to_thread(wait_for_subscribers, hub.address, pair)
        if pair == "memory":
            assert await use_memory(services, settled if version == "after" else at_once) == MEMORY
        else:
            assert await use_models(services) == MODELS


@pytest.mark.parametrize("version", ["before", "in order"])
async def test_what_is_asked_right_after_a_call_knows_of_it(
    version: str, trees: dict[str, Path], environment: dict[str, str], hub: Hub, tmp_path: Path
) -> None:
    tree = tmp_path / "slow"
    shutil.copytree(trees[version], tree)
    head = "def touch(self, session_id: str):\n"
    service = tree / "session_memory_agent.py"
    text = service.read_text("utf-8")
    assert head in text
    # Whoever does not wait for it comes too early.
    service.write_text(text.replace(head, f"{head}        time.sleep(0.2)\n"), "utf-8")
    async with started("memory", "two processes", tree, environment, hub.address) as services:
        ask = services.ask
        assert await ask("session_memory_agent", "create_session", session_id="s")
        for count in range(0, 6, 2):
            assert await ask("session_memory_agent", "touched", session_id="s") == count
            await ask("session_memory_agent", "add_interaction", session_id="s", role="user", content="Hello")
            assert await ask("session_memory_agent", "touched", session_id="s") == count + 1
            await ask("memory_client", "add_memory", content="A fact", session_id="s")
            assert await ask("session_memory_agent", "touched", session_id="s") == count + 2


class Touch(Event, frozen=True):
    TOPIC = "session_memory_agent.touch"


class ModelUsed(Event, frozen=True):
    TOPIC = "vram_optimizer_agent.model_used"


def wait_for_subscribers(address: Address, pair: str) -> None:
    """An event that nobody subscribes to yet is told to nobody."""
    with ZmqBus(address) as bus:
        bus.wait_subscribed(Touch if pair == "memory" else ModelUsed, timeout=PATIENCE)


async def test_afterwards_neither_imports_the_other_at_any_time(trees: dict[str, Path]) -> None:
    def imports(tree: Path) -> set[tuple[str, str]]:
        project = load([tree], root=tree, collectors=list(COLLECTORS), jobs=1, cache=False)
        return set(ImportGraph(project.files).between(ANY_TIME).edges)

    pairs = {(f"{one}.py", f"{other}.py") for one, other in PAIRS.values()}
    pairs |= {(other, one) for one, other in pairs}
    assert pairs <= imports(trees["before"])
    assert not pairs & imports(trees["after"])


async def test_each_can_be_imported_without_the_other(trees: dict[str, Path], tmp_path: Path) -> None:
    for events, pair in (("memory_events", PAIRS["memory"]), ("model_events", PAIRS["model"])):
        for name in pair:
            alone = tmp_path / name
            alone.mkdir()
            for each in (name, events):
                shutil.copy(trees["after"] / f"{each}.py", alone)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", f"import {name}", cwd=alone, env={**os.environ, "PYTHONPATH": str(ROOT)}
            )
            assert await asyncio.wait_for(process.wait(), PATIENCE) == 0


async def test_a_second_run_changes_nothing(trees: dict[str, Path]) -> None:
    words = ("-m", "codemods.event_bus", "--events", "--check", ".")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=trees["after"], stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert (process.returncode, out.decode()) == (0, "")
