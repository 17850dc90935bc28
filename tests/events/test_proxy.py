"""``python -m runtime.events.proxy``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.events import Address, ZmqBus

from .conftest import HEARTBEAT, PATIENCE, ROOT
from .samples import Add

pytest.importorskip("zmq")

COMMAND = [sys.executable, "-m", "runtime.events.proxy"]


@pytest.fixture
def proxies() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def begin(proxies: list[subprocess.Popen[str]], *words: str, cwd: Path = ROOT) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [*COMMAND, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    proxies.append(process)
    return process


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_is_a_hub_at_the_ports_of_the_registry_until_it_is_ended(
    address: Address, proxies: list[subprocess.Popen[str]], number: signal.Signals, tmp_path: Path
) -> None:
    # A tree may have modules that are called like ours.
    (tmp_path / "unsnarl.py").write_text("raise SystemExit('the wrong one')")
    (tmp_path / "config.py").write_text("raise SystemExit('the wrong one')")
    process = begin(proxies, "--settle", "0.01", cwd=tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == f"ready {address}\n"
    with ZmqBus(address, heartbeat=HEARTBEAT) as one, ZmqBus(address, heartbeat=HEARTBEAT) as other:
        one.handle(Add, lambda request: request.first)
        one.wait_ready(PATIENCE)
        other.wait_ready(PATIENCE)
        assert other.request_sync(Add(5), timeout=PATIENCE) == 5
        # A second one is told who has the port.
        done = run()
        assert done.returncode == 2
        assert f"`EVENT_BUS` has been claimed by Hub (pid {process.pid}, " in done.stderr
    process.send_signal(number)
    out, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, "")
    assert errors.startswith("ended: HubCounters(requests=1, replies=1, ")


def test_at_an_address(proxies: list[subprocess.Popen[str]], address: Address) -> None:
    process = begin(proxies, "--address", str(address), "--when-full", "wait", "--high-water", "10")
    assert process.stdout is not None
    assert process.stdout.readline() == f"ready {address}\n"
    done = run("--address", str(address))
    assert done.returncode == 2
    assert "cannot bind tcp://127.0.0.1:" in done.stderr
    assert "another hub, or another program, is there already" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--address", "tcp://x"), "--address: 'tcp://x' is no address of a hub"),
        (("--when-full", "lose"), "Invalid value for '--when-full'"),
        (("--high-water", "0"), "Invalid value for '--high-water'"),
        (("more",), "Got unexpected extra argument"),
    ],
)
def test_wrong_words(words: tuple[str, ...], told: str) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_a_registry_without_the_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("version: 1\nports:\n  MEMORY: {port: 5000}\n")
    os.utime(file, (1, 1))
    monkeypatch.setenv("UNSNARL_PORTS", str(file))
    done = run()
    assert done.returncode == 2
    assert "has no port `EVENT_BUS`" in done.stderr
    file.write_text("version: 1\nports: 5\n")
    os.utime(file, (1, 1))
    done = run()
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: {file}:2")


def test_help() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "--when-full" in done.stdout
