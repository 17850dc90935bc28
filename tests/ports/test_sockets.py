"""A bound socket in one step, and how it is handed to what serves on it."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from runtime.ports import PortTaken, RegistryError, bind_socket, claim, free_ports, get_port

from .conftest import Run, Start, Tree


@pytest.fixture
def numbers(here: Tree) -> Iterator[dict[str, int]]:
    """The ports of the registry, free ones: what else runs on this machine is not in the way."""
    with free_ports() as ports:
        yield ports


def test_the_socket_listens_on_the_port_and_on_loopback(numbers: dict[str, int]) -> None:
    with bind_socket("MEMORY_AGENT") as sock:
        assert sock.getsockname() == ("127.0.0.1", numbers["MEMORY_AGENT"])
        with socket.create_connection(sock.getsockname(), timeout=10) as client, sock.accept()[0] as server:
            client.sendall(b"hello")
            assert server.recv(5) == b"hello"
        assert not sock.get_inheritable()


def test_it_is_claimed_with_the_socket(numbers: dict[str, int], here: Tree, run: Run) -> None:
    with bind_socket("MEMORY_AGENT", owner="me"):
        script = here.script("main_pc_code/a.py", "from runtime.ports import bind_socket\nbind_socket('MEMORY_AGENT')")
        done = run(script)
    assert done.returncode == 1
    assert f"`MEMORY_AGENT` has been claimed by me (pid {os.getpid()}, " in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("host", "family", "address"),
    [
        ("", socket.AF_INET, "0.0.0.0"),
        ("*", socket.AF_INET, "0.0.0.0"),
        ("localhost", socket.AF_INET, "127.0.0.1"),
        ("::1", socket.AF_INET6, "::1"),
    ],
)
def test_addresses(numbers: dict[str, int], host: str, family: int, address: str) -> None:
    if family == socket.AF_INET6 and not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    with bind_socket("MEMORY_AGENT", host) as sock:
        assert (sock.family, sock.getsockname()[0]) == (family, address)


def test_bound_only_and_datagrams(numbers: dict[str, int]) -> None:
    with bind_socket("MEMORY_AGENT", backlog=None) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 0
    with bind_socket("TASK_ROUTER", kind=socket.SOCK_DGRAM) as sock:
        assert sock.type == socket.SOCK_DGRAM
        with pytest.raises(PortTaken):
            claim("TASK_ROUTER").bind(kind=socket.SOCK_DGRAM)


def test_it_can_be_bound_again_while_connections_of_the_last_time_linger(numbers: dict[str, int]) -> None:
    with bind_socket("MEMORY_AGENT") as sock:
        client = socket.create_connection(sock.getsockname(), timeout=10)
        sock.accept()[0].close()  # this side closes first, and keeps the address in TIME_WAIT
        client.close()
    with bind_socket("MEMORY_AGENT") as sock:
        assert sock.getsockname()[1] == numbers["MEMORY_AGENT"]


def test_a_program_without_a_lease_is_named(numbers: dict[str, int], start: Start) -> None:
    program = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print(1, flush=True); input()"
    )
    process = start("-c", program, str(numbers["MEMORY_AGENT"]))
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    with pytest.raises(PortTaken) as caught:
        bind_socket("MEMORY_AGENT")
    assert (caught.value.pid, caught.value.errno) == (process.pid, errno.EADDRINUSE)
    assert f"port {numbers['MEMORY_AGENT']} of `MEMORY_AGENT`: in use by {sys.executable} -c" in str(caught.value)
    assert f"(pid {process.pid}), which has no lease: stop it" in str(caught.value)
    # The claim is given back with it.
    process.kill()
    process.wait()
    with claim("MEMORY_AGENT", "somebody else") as lease:
        assert lease.owner == "somebody else"


def test_twice_in_one_process(numbers: dict[str, int]) -> None:
    with bind_socket("MEMORY_AGENT"):
        with pytest.raises(PortTaken, match=r"of `MEMORY_AGENT`: this process has bound it already"):
            bind_socket("MEMORY_AGENT")
        assert claim("MEMORY_AGENT").held


def test_what_else_goes_wrong_is_told_with_name_and_port(numbers: dict[str, int]) -> None:
    with pytest.raises(OSError, match=r"of `MEMORY_AGENT` cannot be bound on 192\.0\.2\.1") as caught:
        bind_socket("MEMORY_AGENT", "192.0.2.1")
    assert caught.value.errno == errno.EADDRNOTAVAIL
    with claim("MEMORY_AGENT", "another") as lease:
        pass
    with pytest.raises(
        RuntimeError, match="the lease of `MEMORY_AGENT` is not in force here: claim it in this process"
    ):
        lease.bind()


def test_asyncio_serves_on_it(numbers: dict[str, int]) -> None:
    async def main() -> bytes:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            writer.close()

        async with await asyncio.start_server(echo, sock=bind_socket("MEMORY_AGENT")):
            reader, writer = await asyncio.open_connection("127.0.0.1", get_port("MEMORY_AGENT"))
            writer.write(b"hello\n")
            said = await reader.read()
            writer.close()
            return said

    assert asyncio.run(main()) == b"hello\n"


def test_the_http_server_of_the_standard_library_serves_on_it(numbers: dict[str, int]) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *words: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = bind_socket("MEMORY_AGENT")
    server.server_address = server.socket.getsockname()
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{get_port('MEMORY_AGENT')}/", timeout=10) as reply:
            assert reply.read() == b"hello"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_pyzmq_serves_on_it(numbers: dict[str, int]) -> None:
    zmq = pytest.importorskip("zmq")
    sock = bind_socket("MEMORY_AGENT")
    endpoint = f"tcp://127.0.0.1:{get_port('MEMORY_AGENT')}"
    with zmq.Context() as context, context.socket(zmq.REP) as server, context.socket(zmq.REQ) as client:
        for each in (server, client):
            each.setsockopt(zmq.LINGER, 0)
            each.setsockopt(zmq.RCVTIMEO, 10_000)
        server.setsockopt(zmq.USE_FD, sock.detach())  # zmq closes it
        server.bind(endpoint)
        client.connect(endpoint)
        client.send(b"ping")
        assert server.recv() == b"ping"
        server.send(b"pong")
        assert client.recv() == b"pong"


def test_a_child_serves_on_it_by_its_number(numbers: dict[str, int], start: Start) -> None:
    # As uvicorn --fd and other servers take it.
    sock = bind_socket("MEMORY_AGENT")
    program = "import socket, sys; s = socket.socket(fileno=int(sys.argv[1])); s.accept()[0].sendall(b'hello')"
    child = subprocess.Popen([sys.executable, "-c", program, str(sock.fileno())], pass_fds=[sock.fileno()])
    try:
        with socket.create_connection(sock.getsockname(), timeout=30) as client:
            client.settimeout(30)
            assert client.recv(5) == b"hello"
    finally:
        child.kill()
        child.wait()
        sock.close()


def test_a_wrong_registry_binds_nothing(here: Tree) -> None:
    here.write("")
    with pytest.raises(RegistryError, match="is empty"):
        bind_socket("MEMORY_AGENT")
