"""A hub on ports that nobody else has, and programs that are killed with the test."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime import ports
from runtime.events import Address, Bus, Hub, LocalBus, ZmqBus

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("EVENT_BUS", "EVENT_BUS_PUBLISH", "EVENT_BUS_REQUESTS")
REGISTRY = "version: 1\nports:\n" + "".join(
    f"  {name}: {{port: {24600 + place}, owner: Hub}}\n" for place, name in enumerate(NAMES)
)
# For what must come about sooner or later. Nothing is measured by it.
PATIENCE = 20.0
# Tests wait for a tally of the publisher; these come often.
HEARTBEAT = 0.05

MakeBus = Callable[..., ZmqBus]


class Program:
    """A Python program; its standard output is read line by line."""

    def __init__(self, source: str, **variables: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", source],
            env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        """The next line that it writes."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the program has ended: {self.process.communicate()[1][-3000:]}")
        return line.rstrip("\n")

    def say(self, text: str = "") -> None:
        """Write a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """End it at once, as ``kill -9`` does."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None and not stream.closed:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


Start = Callable[..., Program]


def until(true: Callable[[], object]) -> None:
    """Wait until ``true`` is: for figures that nothing announces."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it has not come about"
        time.sleep(0.002)


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("UNSNARL_")]:
        monkeypatch.delenv(name)
    file = tmp_path / "ports.yaml"
    file.write_text(REGISTRY)
    # As old as a file is that nobody is writing.
    os.utime(file, (1, 1))
    monkeypatch.setenv("UNSNARL_PORTS", str(file))
    monkeypatch.setenv("UNSNARL_LEASES", str(tmp_path / "leases"))
    ports.reload()
    yield
    ports.reload()


@pytest.fixture
def address() -> Iterator[Address]:
    """Free ports for a hub; child processes have them by ``Address.from_ports()``."""
    with ports.free_ports():
        yield Address.from_ports()


@pytest.fixture
def hub(address: Address) -> Iterator[Hub]:
    with Hub(address, when_full="wait", takeover=0.2) as hub:
        yield hub


@pytest.fixture
def make(address: Address) -> Iterator[MakeBus]:
    """Make a bus that is closed with the test, before its hub is."""
    made: list[ZmqBus] = []

    def make(**settings: object) -> ZmqBus:
        bus = ZmqBus(address, **{"heartbeat": HEARTBEAT, "linger": 0.2, **settings})  # type: ignore[arg-type]
        made.append(bus)
        return bus

    yield make
    for bus in made:
        bus.close(0.5)


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a program that is killed with the test: its source, then variables."""
    started: list[Program] = []

    def begin(source: str, **variables: str) -> Program:
        program = Program(source, **variables)
        started.append(program)
        return program

    yield begin
    for program in started:
        program.kill()


@pytest.fixture(params=["local", "zmq"])
def sides(request: pytest.FixtureRequest) -> Iterator[tuple[Bus, Bus]]:
    """Two buses that reach one another: the same one within one process."""
    if request.param == "local":
        with LocalBus() as bus:
            yield bus, bus
    else:
        request.getfixturevalue("hub")
        make = request.getfixturevalue("make")
        yield make(name="one"), make(name="other")
