"""Who speaks to whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.message_edges import orphans_of
from tests.sockets.support import PUB, SUB, client, edges, graph, server, service

MACHINES = {"one": ["one"], "two": ["two"]}


def test_a_client_asks_the_server_of_its_port(tmp_path: Path) -> None:
    assert edges(tmp_path, {"a.py": server(), "b.py": client()}) == ["Client asks Server 5556 ping; endless"]


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("tcp://localhost:5556", []),
        ("tcp://127.0.0.1:5556", []),
        ("tcp://10.0.0.2:5556", ["Client asks Server 5556 ping; endless"]),
        ("tcp://two.local:5556", ["Client asks Server 5556 ping; endless"]),
    ],
)
def test_localhost_is_the_machine_itself(tmp_path: Path, address: str, found: list[str]) -> None:
    files = {"two/a.py": server(), "one/b.py": client(address=address)}
    assert edges(tmp_path, files, MACHINES) == found


def test_an_address_that_names_a_machine_means_that_one(tmp_path: Path) -> None:
    files = {"two/a.py": server("Two"), "one/a.py": server("One"), "one/b.py": client(address="tcp://two:5556")}
    assert edges(tmp_path, files, MACHINES) == ["Client asks Two 5556 ping; endless"]


def test_an_address_that_names_a_machine_without_such_a_server_leaves_a_doubt(tmp_path: Path) -> None:
    files = {
        "one/a.py": server("One"),
        "one/b.py": client(address="tcp://two:5556"),
        "two/c.py": server("Two", "tcp://*:1"),
    }
    assert edges(tmp_path, files, MACHINES) == ["Client asks One 5556 ping; possibly, endless"]


def test_a_host_that_is_local_by_default_is_not_certain_to_be_another(tmp_path: Path) -> None:
    text = client().replace('"tcp://localhost:5556"', "f\"tcp://{os.getenv('HOST', '0.0.0.0')}:5556\"")
    assert edges(tmp_path, {"two/a.py": server(), "one/b.py": text}, MACHINES) == [
        "Client asks Server 5556 ping; possibly, endless"
    ]
    assert edges(tmp_path, {"one/a.py": server("Near"), "one/b.py": text}, MACHINES) == [
        "Client asks Near 5556 ping; endless"
    ]


def test_two_servers_of_one_port_are_possible_each(tmp_path: Path) -> None:
    files = {"a.py": server("A"), "b.py": server("B"), "c.py": client()}
    assert edges(tmp_path, files) == [
        "Client asks A 5556 ping; possibly, endless",
        "Client asks B 5556 ping; possibly, endless",
    ]


def test_of_copies_the_nearest_is_meant(tmp_path: Path) -> None:
    files = {"app/a.py": server(), "backups/app/a.py": server(), "app/b.py": client(), "backups/app/b.py": client()}
    found = [(one.client.home, one.server.home, one.sure) for one in graph(tmp_path, files).edges()]
    assert found == [("app/b.py", "app/a.py", True), ("backups/app/b.py", "backups/app/a.py", True)]


def test_a_port_that_is_one_of_several(tmp_path: Path) -> None:
    text = client().replace('"tcp://localhost:5556"', 'f"tcp://localhost:{5556 if new else 5557}"')
    assert edges(tmp_path, {"a.py": server(), "b.py": text}) == ["Client asks Server 5556 ping; possibly, endless"]


@pytest.mark.parametrize("address", ["ipc:///tmp/memory", "ipc://memory"])
def test_addresses_without_ports(tmp_path: Path, address: str) -> None:
    files = {"a.py": server(address=address), "b.py": client(address=address)}
    assert edges(tmp_path, files) == [f"Client asks Server {address} ping; endless"]


def test_inproc_is_within_a_file(tmp_path: Path) -> None:
    both = server(address="inproc://x") + "\n\n" + client(address="inproc://x").partition("\n\n\n")[2]
    files = {"a.py": both, "b.py": client("Other", "inproc://x")}
    assert edges(tmp_path, files) == ["Client asks Server inproc://x ping; endless"]


def test_one_variable_of_the_environment_is_one_address(tmp_path: Path) -> None:
    port = "f\"tcp://{}:{{os.environ['MEMORY_PORT']}}\""
    files = {
        "a.py": server().replace('"tcp://*:5556"', port.format("*")),
        "b.py": client().replace('"tcp://localhost:5556"', port.format("localhost")),
    }
    assert edges(tmp_path, files) == ["Client asks Server $MEMORY_PORT ping; endless"]


def test_a_service_that_is_looked_up_by_its_name(tmp_path: Path) -> None:
    address = "f\"tcp://localhost:{discovery.get_service_port('Server')}\""
    files = {
        "discovery.py": "def get_service_port(name):\n    return ask(name)\n",
        "a.py": server(),
        "b.py": "import discovery\n" + client().replace('"tcp://localhost:5556"', address),
    }
    (found,) = graph(tmp_path, files).edges()
    assert (found.server.name, found.by, found.sure) == ("Server", "name", False)


BASE = """\
import zmq


class Agent:
    def __init__(self, port):
        self.port = port
        self.open()

    def open(self):
        self.s = c.socket(zmq.REP)
        self.s.bind(f"tcp://*:{self.port}")

    def run(self):
        while True:
            request = self.s.recv_json()
            self.s.send_json(self.handle(request))
"""
DERIVED = """\
from base import Agent
import zmq


class Memory(Agent):
    def __init__(self):
        super().__init__(port=5556)
        self.other = c.socket(zmq.REQ)
        self.other.connect("tcp://localhost:5557")

    def handle(self, request):
        if request["action"] == "save":
            return self.save()

    def save(self):
        self.other.send_json({"action": "store"})
        return self.other.recv_json()
"""


def test_the_loop_of_a_base_class_runs_the_handler_of_the_derived_one(tmp_path: Path) -> None:
    files = {"base.py": BASE, "memory.py": DERIVED, "store.py": server("Store", "tcp://*:5557"), "c.py": client()}
    found = graph(tmp_path, files)
    assert edges(tmp_path, files) == [
        "Client asks Memory 5556 ping; endless",
        "Memory asks Store 5557 store; serving, endless",
    ]
    (served,) = (one for one in found.served if one.service.name == "Memory")
    assert (served.ports, served.path, served.line) == ((5556,), "base.py", 15)
    assert served.requests == (("save", "memory.py", 12),)


def test_what_a_derived_class_replaces_is_not_there(tmp_path: Path) -> None:
    text = DERIVED.replace(
        "    def handle",
        "    def open(self):\n        self.s = c.socket(zmq.REP)\n"
        '        self.s.bind("tcp://*:5558")\n\n    def handle',
    )
    files = {"base.py": BASE, "memory.py": text, "c.py": client()}
    assert {(one.service.name, one.port) for one in graph(tmp_path, files).sockets if one.side == "bind"} == {
        ("Memory", 5558)
    }


THROUGH = """\
import zmq


class StoreClient:
    def __init__(self):
        self.s = c.socket(zmq.REQ)
        self.s.connect("tcp://localhost:5557")

    def put(self, key):
        self.s.send_json({"action": "put"})
        return self.s.recv_json()
"""
HOLDER = """\
import zmq
from client import StoreClient


class Memory:
    def __init__(self):
        self.s = c.socket(zmq.REP)
        self.s.bind("tcp://*:5556")
        self.store = StoreClient()

    def run(self):
        while True:
            self.s.send_json(self.store.put(self.s.recv_json()))
"""


def test_what_another_class_asks_for_a_service(tmp_path: Path) -> None:
    files = {"client.py": THROUGH, "memory.py": HOLDER, "store.py": server("Store", "tcp://*:5557")}
    assert edges(tmp_path, files) == [
        "Memory asks Store 5557 put; serving, endless, through StoreClient",
        "StoreClient asks Store 5557 put; endless",
    ]


HELPER = """\
import zmq


def ask(socket, message):
    socket.send_json(message)
    return socket.recv_json()


class Client:
    def __init__(self):
        self.s = self.make()

    def make(self):
        socket = c.socket(zmq.REQ)
        {}
        socket.connect("tcp://localhost:5556")
        return socket

    def save(self):
        return ask(self.s, {{"action": "save"}})
"""


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("pass", "Client asks Server 5556 save; endless"),
        ("socket.setsockopt(zmq.RCVTIMEO, 9)", "Client asks Server 5556 save"),
    ],
)
def test_functions_that_give_back_a_socket_and_that_are_handed_one(tmp_path: Path, line: str, found: str) -> None:
    assert edges(tmp_path, {"a.py": server(), "b.py": HELPER.format(line)}) == [found]


@pytest.mark.parametrize(
    ("wait", "endless"),
    [
        ("self.s.recv()", True),
        ("if self.s.poll(100):\n            self.s.recv()", False),
        ("if self.s.poll():\n            self.s.recv()", True),
        ("p = zmq.Poller()\n        p.register(self.s, zmq.POLLIN)\n        p.poll(100)\n        self.s.recv()", False),
        ("p = zmq.Poller()\n        p.register(other, zmq.POLLIN)\n        p.poll(100)\n        self.s.recv()", True),
        ("self.s.recv(zmq.NOBLOCK)", False),
    ],
)
def test_waits_that_end(tmp_path: Path, wait: str, endless: bool) -> None:
    text = client().replace("self.s.recv()", wait)
    (found,) = graph(tmp_path, {"a.py": server(), "b.py": text}).edges()
    assert found.bounded is not endless


@pytest.mark.parametrize(
    ("published", "subscribed", "edge", "orphans"),
    [
        ('f"state {x}"', '"state"', "Press publishes to Reader 5560 state", []),
        ('f"state {x}"', '""', "Press publishes to Reader 5560 state", []),
        ('f"state {x}"', "topic", "Press publishes to Reader 5560 state", []),
        (
            'f"state {x}"',
            '"error"',
            "Press publishes to Reader 5560",
            [
                "Press: publishes 'state', which nobody subscribes to",
                "Reader: subscribed to 'error', which nobody publishes there",
            ],
        ),
        ("text", '"error"', "Press publishes to Reader 5560", []),
    ],
)
def test_topics(tmp_path: Path, published: str, subscribed: str, edge: str, orphans: list[str]) -> None:
    files = {"a.py": PUB.format(published), "b.py": SUB.format(subscribed)}
    assert edges(tmp_path, files) == [edge]
    found = orphans_of(graph(tmp_path, files))
    assert [f"{one.socket.service.name}: {one.why}" for one in found] == orphans


def test_types_that_do_not_fit_do_not_speak(tmp_path: Path) -> None:
    files = {"a.py": PUB.format("x").replace("5560", "5556"), "b.py": client()}
    assert edges(tmp_path, files) == []


def test_push_and_pull_and_a_publisher_that_connects(tmp_path: Path) -> None:
    files = {
        "a.py": server("Sink").replace("REP", "PULL"),
        "b.py": client("Source").replace("REQ", "PUSH"),
        "c.py": PUB.format("x").replace("bind", "connect").replace("*", "localhost"),
        "d.py": SUB.format('""').replace("connect", "bind").replace("localhost", "*"),
    }
    assert edges(tmp_path, files) == ["Press publishes to Reader 5560", "Source pushes to Sink 5556 ping"]


def test_files_that_are_left_out_play_no_part(tmp_path: Path) -> None:
    files = {"a.py": server(), "tests/test_b.py": client()}
    assert graph(tmp_path, files, left_out=lambda path: path.startswith("tests/")).edges() == []
    assert len(graph(tmp_path, files).edges()) == 1


def test_a_file_that_does_not_parse_says_nothing(tmp_path: Path) -> None:
    assert edges(tmp_path, {"a.py": server(), "b.py": client() + "def f(:\n"}) == []


def test_a_helper_that_is_given_an_address_binds_or_connects_by_its_type(tmp_path: Path) -> None:
    files = {
        "a.py": "class A:\n    def run(self):\n        self.s = get_rep_socket('tcp://*:5556').socket\n",
        "b.py": "def f():\n    s = get_req_socket('tcp://localhost:5556').socket\n    s.send(b'x')\n    s.recv()\n",
    }
    assert edges(tmp_path, files) == ["b asks A 5556 x; endless"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_same_with_any_number_of_processes(tmp_path: Path, jobs: int) -> None:
    files = {f"s{at}.py": service(f"S{at}", 5600 + at, {f"s{at + 1}": 5601 + at}) for at in range(12)}
    found = graph(tmp_path, files, jobs=jobs)
    assert [one.client.name for one in found.edges()] == sorted(f"S{at}" for at in range(11))
    assert len(found.regions) == 12
