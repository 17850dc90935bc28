"""The bus of the process, what it loads, and that it needs pyzmq only where it is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.events import Address, BusError, Hub, LocalBus, ZmqBus, configure, get_bus
from runtime.events._process import _current
from runtime.ports import UnknownPort, reload

from .conftest import PATIENCE, ROOT

WITHOUT_ZMQ = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name == "zmq":
            raise ModuleNotFoundError("No module named 'zmq'", name="zmq")
sys.meta_path.insert(0, Block())
"""


@pytest.fixture(autouse=True)
def no_bus() -> Iterator[None]:
    yield
    bus = _current()
    if bus is not None:
        bus.close(0.5)


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_there_is_one_bus_and_it_is_local() -> None:
    bus = get_bus()
    assert isinstance(bus, LocalBus)
    assert get_bus() is bus
    bus.close()
    assert get_bus() is not bus


def test_configure() -> None:
    with LocalBus() as mine:
        assert configure(mine) is mine is get_bus() is configure(mine)
        with LocalBus() as other, pytest.raises(BusError, match="this process has a bus already: call configure"):
            configure(other)
    # Closed: now another may be.
    with LocalBus() as other:
        assert configure(other) is get_bus() is other


@pytest.mark.parametrize("text", ["zmq", "ZMQ", "address"])
def test_the_environment_says_which(hub: Hub, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("UNSNARL_EVENTS", str(hub.address) if text == "address" else text)
    monkeypatch.setenv("UNSNARL_EVENTS_NAME", "mine")
    bus = get_bus()
    assert isinstance(bus, ZmqBus)
    assert (bus.address, bus.name) == (hub.address, "mine")
    bus.wait_ready(PATIENCE)


def test_the_host(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSNARL_EVENTS", "zmq")
    monkeypatch.setenv("UNSNARL_EVENTS_HOST", "127.0.0.2")
    bus = get_bus()
    assert isinstance(bus, ZmqBus)
    assert bus.address.events == address.events.replace("127.0.0.1", "127.0.0.2")


def test_what_the_environment_cannot_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNSNARL_EVENTS", "kafka")
    with pytest.raises(
        ValueError, match="UNSNARL_EVENTS is local, zmq, or the address of a hub: 'kafka' is no address"
    ):
        get_bus()
    file = tmp_path / "other.yaml"
    file.write_text("version: 1\nports:\n  MEMORY: {port: 5000}\n")
    os.utime(file, (1, 1))
    monkeypatch.setenv("UNSNARL_PORTS", str(file))
    monkeypatch.setenv("UNSNARL_EVENTS", "zmq")
    reload()
    with pytest.raises(UnknownPort, match="has no port `EVENT_BUS`"):
        get_bus()


def test_neither_pyzmq_nor_our_own_tools_are_loaded_before_they_are_needed() -> None:
    done = run(
        "import sys\nfrom runtime.events import *\nimport runtime.events.model_events, runtime.events.memory_events\n"
        "print(*sys.modules)".replace(
            "import *", "import Event, Request, LocalBus, get_bus, configure, Address, BusError"
        )
        + "\nget_bus().close()"
    )
    loaded = set(done.stdout.split())
    assert done.returncode == 0, done.stderr
    assert not loaded & {"zmq", "click", "yaml", "config", "unsnarl", "analysis", "runtime.ports"}


@pytest.mark.parametrize(
    "use",
    [
        "from runtime.events import ZmqBus",
        "import runtime.events.zmq_bus",
        "import os; os.environ['UNSNARL_EVENTS'] = 'ipc:///tmp/x'; from runtime.events import get_bus; get_bus()",
        "from runtime.events import Hub",
    ],
)
def test_without_pyzmq_one_sentence_says_what_to_install(use: str) -> None:
    done = run(WITHOUT_ZMQ + use)
    assert done.returncode == 1
    sentence = "ImportError: a bus between processes needs pyzmq (zmq is missing): pip install 'unsnarl[runtime]'"
    assert done.stderr.splitlines()[-1] == sentence


def test_without_pyzmq_the_local_bus_works() -> None:
    program = """
from runtime.events import get_bus, model_events
import threading
done, said = threading.Event(), []
with get_bus() as bus:
    bus.subscribe(model_events.ModelLoaded, lambda event: (said.append(event.model), done.set()))
    def load(request):
        bus.publish(model_events.ModelLoaded(request.model))
        return True
    bus.handle(model_events.LoadModel, load)
    said.append(bus.request_sync(model_events.LoadModel("nllb")))
    done.wait(30)
print(*said)
"""
    done = run(WITHOUT_ZMQ + program)
    assert (sorted(done.stdout.split()), done.stderr) == (["True", "nllb"], "")


def test_what_is_not_there() -> None:
    import runtime.events

    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        runtime.events.Nothing  # type: ignore[attr-defined]
    for name in runtime.events.__all__:
        assert getattr(runtime.events, name) is not None
