"""What E921 reports, run: services in processes of their own, and a client that watches."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from analysis.request_loops import loops_of
from tests.sockets.support import graph, service, way

zmq = pytest.importorskip("zmq")
LONG = 3000
"""Milliseconds that the client waits for who does not answer."""
BOUND = "{}.setsockopt(zmq.RCVTIMEO, 300)"


def free_ports(number: int) -> list[int]:
    context = zmq.Context.instance()
    sockets = [context.socket(zmq.REP) for _ in range(number)]
    try:
        return [one.bind_to_random_port("tcp://127.0.0.1") for one in sockets]
    finally:
        for one in sockets:
            one.close(0)


@contextmanager
def running(folder: Path, files: Mapping[str, str], *ports: int) -> Iterator[None]:
    """The services of ``files``, once all of ``ports`` are bound: who does not answer then is there, and does not."""
    started = [
        subprocess.Popen([sys.executable, name], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for name in files
    ]
    try:
        for port in ports:
            until(lambda port=port: bound(port))
        yield
        assert [process.poll() for process in started] == [None] * len(started)
    finally:
        for process in started:
            process.kill()
            process.wait()
            assert process.stderr is not None
            process.stderr.close()


def until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("the service did not start")


def bound(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask(port: int, wait: int) -> object:
    """The answer of the service at ``port``; None where there is none in ``wait`` milliseconds."""
    with zmq.Context() as context, context.socket(zmq.REQ) as asking:
        asking.setsockopt(zmq.LINGER, 0)
        asking.setsockopt(zmq.RCVTIMEO, wait)
        asking.connect(f"tcp://127.0.0.1:{port}")
        asking.send_json({"action": "look"})
        try:
            return asking.recv_json()
        except zmq.Again:
            return None


def test_services_without_a_loop_answer(tmp_path: Path) -> None:
    one, other = free_ports(2)
    files = {"a.py": service("A", one, {"b": other}), "b.py": service("B", other)}
    assert loops_of(graph(tmp_path, files)).deadlocks == ()
    with running(tmp_path, files, one, other):
        assert ask(one, 30_000) == [[]]
        assert ask(other, 30_000) == []


def test_what_is_reported_without_a_timeout_hangs(tmp_path: Path) -> None:
    one, other = free_ports(2)
    files = {"a.py": service("A", one, {"b": other}), "b.py": service("B", other, {"a": one})}
    found = loops_of(graph(tmp_path, files)).deadlocks
    assert [way(loop) for loop in found] == ["A B: endless", "B A: endless"]
    with running(tmp_path, files, one, other):
        assert ask(one, LONG) is None
        # Neither is left to serve anybody.
        assert ask(one, LONG) is None
        assert ask(other, LONG) is None


def test_what_asks_itself_hangs(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    files = {"a.py": service("A", port, {"own": port})}
    assert [way(loop) for loop in loops_of(graph(tmp_path, files)).deadlocks] == ["A: endless"]
    with running(tmp_path, files, port):
        assert ask(port, LONG) is None


def test_what_is_reported_with_a_timeout_ends(tmp_path: Path) -> None:
    one, other = free_ports(2)
    text = service("A", one, {"b": other}, options=BOUND)
    guarded = text.replace(
        "            self.replies.send_json(self.handle(request))\n",
        "            try:\n                answer = self.handle(request)\n            except zmq.Again:\n"
        '                answer = "gave up"\n            self.replies.send_json(answer)\n',
    )
    assert guarded != text
    files = {"a.py": guarded, "b.py": service("B", other, {"a": one})}
    found = loops_of(graph(tmp_path, files)).deadlocks
    assert [way(loop) for loop in found] == ["A B: until a timeout", "B A: until a timeout"]
    assert [[step.ask.bounded for step in loop.steps] for loop in found] == [[True, False], [False, True]]
    with running(tmp_path, files, one, other):
        assert ask(one, 60_000) == "gave up"


def test_a_health_socket_of_its_own_thread_does_not_hang(tmp_path: Path) -> None:
    one, other, health = free_ports(3)
    text = service("B", other, {"a": one}).replace(
        "    def run(self):",
        "        self.health = context.socket(zmq.REP)\n"
        f'        self.health.bind("tcp://127.0.0.1:{health}")\n        import threading\n'
        "        threading.Thread(target=self.tell, daemon=True).start()\n\n    def tell(self):\n        while True:\n"
        "            self.health.recv()\n            self.health.send_json([])\n\n    def run(self):",
    )
    files = {"a.py": service("A", one, {"b": health}), "b.py": text}
    found = loops_of(graph(tmp_path, files))
    assert (found.deadlocks, len(found.coupled)) == ((), 1)
    with running(tmp_path, files, one, other):
        assert ask(other, 30_000) == [[[]]]
