"""Tests have ports of their own: free ones, no two processes the same, and all as before afterwards."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from runtime.ports import UnknownPort, bind_socket, claim, free_ports, get_port, reload
from runtime.ports._testing import _candidates

from .conftest import Run, Start, Tree

NAMES = {"MEMORY_AGENT", "TASK_ROUTER", "TRANSLATOR", "HEALTH@main_pc", "HEALTH@pc2"}


def test_every_name_has_a_free_port_and_its_own_afterwards(here: Tree) -> None:
    before = dict(os.environ)
    with free_ports() as ports:
        assert ports.keys() == NAMES
        assert len(set(ports.values())) == len(NAMES)
        assert not set(ports.values()) & {21556, 21557, 21600, 21700}
        assert get_port("MEMORY_AGENT") == ports["MEMORY_AGENT"]
        assert get_port("HEALTH", "pc2") == ports["HEALTH@pc2"]
        for number in ports.values():
            with socket.socket() as plain:  # without SO_REUSEADDR
                plain.bind(("", number))
                plain.listen()
    assert dict(os.environ) == before
    assert (get_port("MEMORY_AGENT"), get_port("HEALTH", "pc2")) == (21556, 21700)


def test_everything_is_as_before_when_the_test_fails(here: Tree) -> None:
    before = dict(os.environ)
    with pytest.raises(ZeroDivisionError):
        with free_ports():
            1 / 0
    assert dict(os.environ) == before
    assert get_port("MEMORY_AGENT") == 21556


def test_some_names_only_and_variables_that_were_set(here: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSNARL_PORT_MEMORY_AGENT", "4000")
    monkeypatch.setenv("UNSNARL_PORT_OFFSET", "1000")
    reload()
    with free_ports(["MEMORY_AGENT"]) as ports:
        assert ports.keys() == {"MEMORY_AGENT"}
        assert get_port("MEMORY_AGENT") == ports["MEMORY_AGENT"] not in {4000, 21556, 22556}
        assert get_port("TASK_ROUTER") == 22557
    assert get_port("MEMORY_AGENT") == 4000
    with pytest.raises(UnknownPort, match="did you mean `MEMORY_AGENT`"):
        with free_ports(["MEMORY"]):
            raise AssertionError
    assert os.environ["UNSNARL_PORT_MEMORY_AGENT"] == "4000"


def test_programs_that_are_started_have_the_same_numbers_and_leases(here: Tree, run: Run) -> None:
    ask = "print(get_port('MEMORY_AGENT'), get_port('HEALTH', 'pc2'))\nclaim('TASK_ROUTER')\n"
    script = here.script("main_pc_code/a.py", f"from runtime.ports import claim, get_port\n{ask}")
    with free_ports() as ports:
        done = run(script)
        assert done.stdout == f"{ports['MEMORY_AGENT']} {ports['HEALTH@pc2']}\n", done.stderr
        claim("TASK_ROUTER", "the test")
        done = run(script)
        assert f"claimed by the test (pid {os.getpid()}, " in done.stderr


def test_leases_outside_are_not_in_the_way_and_those_inside_end_with_the_block(here: Tree) -> None:
    outer = claim("MEMORY_AGENT", "outside")
    with free_ports() as ports:
        inner = claim("MEMORY_AGENT", "inside")
        assert inner.port == ports["MEMORY_AGENT"]
    assert not inner.held
    assert outer.held
    assert claim("MEMORY_AGENT", "outside") is outer


def test_blocks_within_blocks(here: Tree) -> None:
    with free_ports() as outer:
        with free_ports() as inner:
            assert not set(outer.values()) & set(inner.values())
            assert get_port("MEMORY_AGENT") == inner["MEMORY_AGENT"]
        assert get_port("MEMORY_AGENT") == outer["MEMORY_AGENT"]


def test_two_test_processes_never_have_the_same_port(here: Tree, start: Start, own_environment: Path) -> None:
    names = "".join(f"  N{i}: {{port: {1000 + i}}}\n" for i in range(100))
    here.write(f"version: 1\nports:\n{names}")
    program = """
import runtime.ports._testing as testing
from runtime.ports import free_ports
testing._candidates = lambda: iter(range(24000, 24600))  # all begin with the same
with free_ports() as ports:
    print(*ports.values(), flush=True)
    input()
"""
    script = here.script("t.py", program)
    processes = [start(script) for _ in range(4)]
    got = []
    for process in processes:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        got += line.split()
    assert len(set(got)) == len(got) == 400
    # A killed one gives them back, and what it has left behind is removed by the next.
    processes[0].send_signal(signal.SIGKILL)
    processes[0].wait()
    blocks = {path.name for path in own_environment.glob("block-*")}
    assert len(blocks) == 4
    with free_ports(["N1"]):
        assert len(blocks & {path.name for path in own_environment.glob("block-*")}) == 3


def test_nothing_is_left_in_the_folder(here: Tree, own_environment: Path) -> None:
    with free_ports():
        bind_socket("MEMORY_AGENT").close()
        assert len(list(own_environment.glob("free-*"))) == len(NAMES)
    assert list(own_environment.iterdir()) == []


def test_a_forked_child_that_leaves_the_block_takes_nothing_away(here: Tree, run: Run, own_environment: Path) -> None:
    script = here.script(
        "t.py",
        """
import os
from runtime.ports import claim, free_ports
folder = os.environ["UNSNARL_LEASES"]
with free_ports(["MEMORY_AGENT"]) as ports:
    files = sorted(os.listdir(folder))
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        print(len(files), files == sorted(os.listdir(folder)), claim("MEMORY_AGENT").held)
""",
    )
    done = run(script)
    assert done.stdout == "2 True True\n", done.stderr
    assert list(own_environment.iterdir()) == []


def test_ports_that_the_system_hands_out_come_last() -> None:
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    order = list(_candidates())
    assert sorted(order) == list(range(20000, 65536))
    given = [first <= port <= last for port in order]
    assert given == sorted(given)


def test_it_makes_a_fixture(here: Tree, run: Run) -> None:
    here.script(
        "conftest.py",
        "import pytest\nfrom runtime.ports import free_ports\n\n"
        "@pytest.fixture\ndef ports():\n    with free_ports() as ports:\n        yield ports\n",
    )
    here.script(
        "test_it.py",
        "import pytest\nfrom runtime.ports import bind_socket, get_port\n\n"
        "@pytest.mark.parametrize('turn', range(3))\ndef test_it(ports, turn):\n"
        "    assert get_port('MEMORY_AGENT') == ports['MEMORY_AGENT'] != 21556\n"
        "    with bind_socket('MEMORY_AGENT') as sock:\n"
        "        assert sock.getsockname()[1] == ports['MEMORY_AGENT']\n\n"
        "def test_without():\n    assert get_port('MEMORY_AGENT') == 21556\n",
    )
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", cwd=here.root)
    assert "4 passed" in done.stdout, done.stdout + done.stderr
