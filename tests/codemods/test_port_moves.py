"""Which owners are moved to another port: those that leave nobody behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from codemods.edits import Reason
from codemods.port_plan import Plan
from config.settings import Settings
from tests.cli.support import write
from tests.codemods.test_port_plan import SETTINGS, asks, binds, names, plan, registry, said

ONE_STAYS = "ports:\n  ONE: {port: 5556, owner: One}\n"


def moves(found: Plan) -> dict[str, int]:
    """The owners that move, and where to."""
    return {owner: entry.port for owners in found.moved.values() for owner, entry in owners.items()}


def why(found: Plan) -> list[str]:
    """What stands in the way of the others."""
    return [text for _, text in sorted(found.moves.why.items())]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two owners of one port, of which One is to keep it."""
    write(tmp_path, {"one.py": binds("One", 5556), "two.py": binds("Two", 5556)})
    registry(tmp_path, ONE_STAYS)
    return tmp_path


def test_renumbering_moves_all_owners_but_one_within_the_range(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "one.py": binds("One", 5556),
            "two.py": binds("Two", 5556),
            "three.py": binds("Three", 5556),
            "c.py": "ONE_PORT = 5556\nTWO_PORT = 5556\n",
        },
    )
    registry(
        tmp_path, "machines: {m: {paths: [.], range: 5555-5558}}\nports:\n  ONE: {port: 5556, owner: One, machine: m}\n"
    )
    found = plan(tmp_path, renumber=True)
    assert names(found) == {
        "one.py": ["ONE=5556"],
        "two.py": ["TWO=5557"],
        "three.py": ["THREE=5555"],
        "c.py": ["ONE=5556", "TWO=5557"],
    }
    assert {one.purpose for owners in found.moved.values() for one in owners.values()} == {"(was 5556)"}


def test_renumbering_takes_no_port_that_is_written_anywhere_and_stops_where_none_is_free(tmp_path: Path) -> None:
    write(tmp_path, {"one.py": binds("One", 5556), "two.py": binds("Two", 5556), "c.py": "OTHER_PORT = 5557\n"})
    registry(
        tmp_path, "machines: {m: {paths: [.], range: 5556-5557}}\nports:\n  ONE: {port: 5556, owner: One, machine: m}\n"
    )
    found = plan(tmp_path, renumber=True)
    assert found.moved == {}
    assert names(found)["two.py"] == [Reason.PORT_CONFLICT]


def test_an_owner_whose_port_a_configuration_works_out_is_not_moved(tmp_path: Path) -> None:
    startup = "Two:\n  script_path: two.py\n  port: ${PORT_OFFSET}+5556\n"
    write(tmp_path, {"one.py": binds("One", 5556), "two.py": binds("Two", 5556), "startup.yaml": startup})
    assert plan(tmp_path, renumber=True).moved == {}
    write(tmp_path, {"startup.yaml": startup.replace("5556", "5557")})
    assert [[*owners] for owners in plan(tmp_path, renumber=True).moved.values()] == [["Two"]]


BOUND_OTHERWISE = {
    "in a replacement field": "class Two:\n    def run(self):\n"
    "        self.sock.bind(f\"tcp://*:{os.getenv('TWO_PORT', 5556)}\")\n",
    "by arithmetic": "BASE_PORT = 5550\n\n\nclass Two:\n    def run(self):\n"
    "        self.sock.bind(f'tcp://*:{BASE_PORT + 6}')\n",
    "in text over several lines": "class Two:\n    def run(self):\n"
    "        self.sock.bind('tcp://*'\n            ':5556')\n",
}


@pytest.mark.parametrize("how", BOUND_OTHERWISE)
def test_an_owner_whose_own_number_stays_is_not_moved(tmp_path: Path, how: str) -> None:
    """Or those who connect to it would look for it elsewhere."""
    write(tmp_path, {"one.py": binds("One", 5556), "two.py": BOUND_OTHERWISE[how], "c.py": "TWO_PORT = 5556\n"})
    registry(tmp_path, "ports:\n  ONE: {port: 5556, owner: One}\n")
    found = plan(tmp_path, renumber=True)
    assert len(found.disputes) == 1
    assert found.moved == {}
    assert names(found)["c.py"] == [Reason.PORT_CONFLICT]


def test_an_owner_that_binds_a_constant_of_another_module_is_moved(tmp_path: Path) -> None:
    two = "from ports import TWO_PORT\n\n\n" + binds("Two", 5556).replace("'tcp://*:5556'", "f'tcp://*:{TWO_PORT}'")
    write(tmp_path, {"one.py": binds("One", 5556), "two.py": two, "ports.py": "TWO_PORT = 5556\n"})
    registry(tmp_path, "ports:\n  ONE: {port: 5556, owner: One}\n")
    assert names(plan(tmp_path, renumber=True)) == {"one.py": ["ONE=5556"], "ports.py": ["TWO=5000"]}


# Who would be left behind

LEFT_BEHIND = {
    "a client that does not say whom it asks": ("d.py", asks(5556), 2),
    "a constant that is connected to": ("d.py", "PORT = 5556\n\n\n" + asks(5556).replace("5556", "%d"), 1),
    "a number of a test": ("tests/test_it.py", "def test_it(client):\n    client.call(port=5556)\n", 2),
    "a number that is handed on": ("d.py", "from lib import ask\n\nask('localhost', 5556)\n", 3),
    "a number with a name of its own": ("d.py", "from lib import ask\n\nTARGET = 5556\nask(TARGET)\n", 3),
    "a number in a text": ("d.py", "import os\n\nos.system('nc localhost 5556')\n", 3),
    "a port in the midst of a list": ("d.py", "for port in (5555, 5556):\n    check(port)\n", 1),
    "a service by another name": ("d.py", "SERVICES = [{'service_name': 'Second', 'port': 5556}]\n", 1),
    "a file that does not parse": ("d.py", "def f(:\n    sock.connect('tcp://localhost:5556')\n", 2),
    "a script of the shell": ("probe.sh", "#!/bin/sh\nnc -z localhost 5556\n", 2),
    "a page": ("index.html", "<script>new WebSocket('ws://localhost:5556')</script>\n", 1),
    "a list of ports": ("net.yaml", "network:\n  zmq_ports:\n    - 5556\n", 3),
    "an entry without a script": ("net.yaml", "agents:\n  - name: Two\n    port: 5556\n", 3),
    "an entry of whom nobody knows": ("net.yaml", "agents:\n  - name: Somebody\n    port: 5556\n", 3),
    "an entry that speaks of a dependency": ("net.yaml", "One:\n  script_path: one.py\n  emr_port: 5556\n", 3),
    "a client of the same entry": ("net.yaml", "Two:\n  script_path: two.py\n  peer: tcp://localhost:5556\n", 3),
    "a dependency of the same entry": ("n.yaml", "Two:\n  script_path: two.py\n  needs:\n    one_port: 5556\n", 4),
    "a class that asks": ("two.py", binds("Two", 5556) + "class Asks:\n    remote_port = 5556\n", 7),
    "another number on the line": ("n.yaml", "Two: {script_path: two.py, port: 5556, args: go 5556}\n", 1),
    "a port that a configuration works out": ("n.yaml", "Two:\n  script_path: two.py\n  port: ${OFFSET}+5556\n", 3),
    "a container": ("docker-compose.yml", "services:\n  web:\n    image: x\n    ports: ['5556:5556']\n", 4),
    "a configuration that does not parse": ("net.json", '{"port": 5556,,}\n', 1),
}


@pytest.mark.parametrize("what", LEFT_BEHIND)
def test_an_owner_that_would_leave_somebody_behind_is_not_moved(tree: Path, what: str) -> None:
    path, text, line = LEFT_BEHIND[what]
    write(tree, {path: text})
    found = plan(tree, renumber=True)
    assert moves(found) == {}
    assert why(found) == [f"moving Two would leave {path}:{line} on 5556"]
    for one in said(found):
        if one.path in ("one.py", "two.py"):
            assert one.reason == Reason.PORT_CONFLICT
            assert one.detail == f"5556 is bound by One (one.py:3), Two (two.py:3); {why(found)[0]}"


NOBODY = {
    "a client of who stays": ("d.py", "ONE_PORT = 5556\n\n\ndef f(s):\n    s.connect(f'tcp://x:{ONE_PORT}')\n"),
    "a client that moves with it": ("d.py", "TWO_PORT = 5556\n\n\ndef f(s):\n    s.connect(f'tcp://x:{TWO_PORT}')\n"),
    "a service by its name": ("d.py", "SERVICES = [{'service_name': 'Two', 'port': 5556}]\n"),
    "a number of something else": ("d.py", "wait(timeout=5556)\n"),
    "a comment": ("d.py", "go()  # 5556\n"),
    "documentation": ("d.py", 'def go():\n    """Asks for 5556."""\n'),
    "a page for people": ("README.md", "It listens on 5556.\n"),
    "a count of a configuration": ("net.yaml", "One:\n  script_path: one.py\n  retries: 5556\n"),
    "an entry of who stays": ("net.yaml", "One:\n  script_path: one.py\n  port: 5556\n"),
    "an entry of another": ("net.yaml", "Other:\n  script_path: other.py\n  port: 5556\n"),
    "a part of a longer number": ("d.py", "VALUE = 15556, 5556.5, 'x5556'\n"),
}


@pytest.mark.parametrize("what", NOBODY)
def test_what_is_known_to_be_no_client_of_it_does_not_keep_an_owner(tree: Path, what: str) -> None:
    path, text = NOBODY[what]
    write(tree, {path: text, "other.py": binds("Other", 5580)})
    found = plan(tree, renumber=True)
    assert why(found) == []
    assert moves(found) == {"Two": 5000}


def test_a_literal_that_is_only_connected_to_is_not_the_port_of_its_class(tree: Path) -> None:
    """Not even where the class binds the same number, which it has from elsewhere."""
    two = "from base import Base\n\nMEMORY_PORT = 5556\n\n\nclass Two(Base):\n    def ask(self):\n"
    two += "        self.sock.connect(f'tcp://localhost:{MEMORY_PORT}')\n"
    base = "class Base:\n    def run(self):\n        self.sock.bind(f'tcp://*:{5550 + 6}')\n"
    write(tree, {"two.py": two, "base.py": base})
    found = plan(tree, renumber=True)
    assert moves(found) == {}


def test_a_literal_that_two_owners_have_moves_neither(tree: Path) -> None:
    two = "from shared import PORT\n\n\n" + binds("Two", 5556).replace("'tcp://*:5556'", "f'tcp://*:{PORT}'")
    write(tree, {"two.py": two, "three.py": two.replace("Two", "Three"), "shared.py": "PORT = 5556\n"})
    found = plan(tree, renumber=True)
    assert moves(found) == {}
    assert "moving Two would leave shared.py:1 on 5556" in why(found)


def test_a_copy_on_another_machine_keeps_an_owner(tmp_path: Path) -> None:
    """Who asks it by name may mean either."""
    files = {"a/one.py": binds("One", 5556), "a/two.py": binds("Two", 5556), "b/two.py": binds("Two", 5556)}
    write(tmp_path, {**files, "a/more.py": "ONE_PORT = 5556\n"})
    assert list(moves(plan(tmp_path, SETTINGS, renumber=True))) == ["Two"]
    write(tmp_path, {"b/client.py": "TWO_PORT = 5556\n"})
    found = plan(tmp_path, SETTINGS, renumber=True)
    assert moves(found) == {}
    assert why(found) == ["moving Two would leave b/client.py:1 on 5556"]


@pytest.mark.parametrize(("host", "left"), [("localhost", False), ("10.0.0.7", True)])
def test_a_client_on_another_machine_may_mean_this_one(tmp_path: Path, host: str, left: bool) -> None:
    write(tmp_path, {"a/one.py": binds("One", 5556), "a/two.py": binds("Two", 5556), "a/more.py": "ONE_PORT = 5556\n"})
    write(tmp_path, {"b/three.py": binds("Three", 5556), "b/client.py": asks(5556, host)})
    found = plan(tmp_path, SETTINGS, renumber=True)
    assert why(found) == (["moving Two would leave b/client.py:2 on 5556"] if left else [])


# What an owner works out from its port

HEALTHY = (
    "class {name}:\n    def __init__(self, port={port}):\n        self.port = port\n"
    "        self.health = self.port + 1\n\n"
    "    def run(self):\n        self.sock.bind(f'tcp://*:{{self.port}}')\n"
    "        self.health_sock.bind(f'tcp://*:{{self.health}}')\n"
)


def healthy(name: str, port: int) -> str:
    return HEALTHY.format(name=name, port=port)


def test_what_is_worked_out_is_free_too_and_is_not_taken(tree: Path) -> None:
    others = {"c.py": "A_PORT = 5001\nB_PORT = 5003\n", "six.py": healthy("Six", 5006)}
    write(tree, {"two.py": healthy("Two", 5556), "three.py": binds("Three", 5556), **others})
    # 5000 and 5002 would have their health on ports that are taken; 5007 is that of Six.
    assert moves(plan(tree, renumber=True)) == {"Three": 5000, "Two": 5004}


def test_a_client_of_what_is_worked_out_keeps_an_owner(tree: Path) -> None:
    write(tree, {"two.py": healthy("Two", 5556), "d.py": asks(5557)})
    found = plan(tree, renumber=True)
    assert (moves(found), why(found)) == ({}, ["moving Two would leave d.py:2 on 5557"])
    write(tree, {"d.py": "TWO_PORT = 5556\n\n\ndef f(s):\n    s.connect(f'tcp://localhost:{TWO_PORT + 1}')\n"})
    found = plan(tree, renumber=True)
    assert (moves(found), why(found)) == ({"Two": 5000}, [])


def test_a_conflict_that_a_move_settles_by_the_way_is_settled_in_the_same_run(tree: Path) -> None:
    write(tree, {"two.py": healthy("Two", 5556), "three.py": binds("Three", 5557)})
    found = plan(tree, renumber=True)
    assert moves(found) == {"Two": 5000}
    assert names(found)["three.py"] == ["THREE=5557"]


def test_who_has_a_port_by_arithmetic_from_one_without_conflict_stays(tree: Path) -> None:
    write(tree, {"two.py": healthy("Two", 5555)})
    found = plan(tree, renumber=True)
    assert (moves(found), why(found)) == ({}, ["moving Two would leave two.py:8 on 5556"])


def test_no_free_port_is_said(tree: Path) -> None:
    registry(
        tree, "machines: {m: {paths: [.], range: 5556-5557}}\nports:\n  ONE: {port: 5556, owner: One, machine: m}\n"
    )
    write(tree, {"c.py": "OTHER_PORT = 5557\n"})
    assert why(plan(tree, renumber=True)) == ["no port of m is free for Two"]


def test_nothing_is_followed_without_the_option(tree: Path) -> None:
    found = plan(tree, Settings())
    assert (moves(found), why(found), "places" in vars(found.moves)) == ({}, [], False)
