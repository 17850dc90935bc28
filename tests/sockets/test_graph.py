"""Who speaks to whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.message_edges import orphans_of
from tests.sockets.support import edges, graph, said, service

REP = (
    "import zmq\n\n\nclass {name}:\n    def run(self):\n        self.s = c.socket(zmq.REP)\n"
    '        self.s.bind("{address}")\n'
)
REQ = (
    "import zmq\n\n\nclass {name}:\n    def run(self):\n        self.s = c.socket(zmq.REQ)\n"
    '        self.s.connect("{address}")\n        self.s.send(b"ping")\n        self.s.recv()\n'
)
MACHINES = {"one": ["one"], "two": ["two"]}


def server(name: str = "Server", address: str = "tcp://*:5556") -> str:
    return REP.format(name=name, address=address)


def client(name: str = "Client", address: str = "tcp://localhost:5556") -> str:
    return REQ.format(name=name, address=address)


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


PUB = (
    "import zmq\n\n\nclass Press:\n    def run(self):\n        self.p = c.socket(zmq.PUB)\n"
    '        self.p.bind("tcp://*:5560")\n        self.p.send_string({})\n'
)
SUB = (
    "import zmq\n\n\nclass Reader:\n    def run(self):\n        self.p = c.socket(zmq.SUB)\n"
    '        self.p.connect("tcp://localhost:5560")\n        self.p.setsockopt_string(zmq.SUBSCRIBE, {})\n'
)


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


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (client(), "asked, and nobody answers"),
        (SUB.format('""'), "subscribed to, and nobody publishes"),
        (PUB.format("x"), "published, and nobody subscribes"),
        (client().replace("REQ", "PUSH"), "pushed, and nobody pulls"),
        (server().replace("REP", "PULL"), "pulled, and nobody pushes"),
    ],
)
def test_nobody_on_the_other_side(tmp_path: Path, text: str, why: str) -> None:
    assert [one.why for one in orphans_of(graph(tmp_path, {"a.py": text}))] == [why]


def test_a_socket_of_a_type_that_is_not_known_may_be_the_other_side(tmp_path: Path) -> None:
    files = {"a.py": client(), "b.py": server().replace("zmq.REP", "kind")}
    assert orphans_of(graph(tmp_path, files)) == []
    files["b.py"] = server().replace("zmq.REP", "kind").replace("bind", "connect")
    assert len(orphans_of(graph(tmp_path, files))) == 1


@pytest.mark.parametrize(
    ("kind", "owner", "alone"), [("PUB", "Server", 0), ("PULL", "Server", 1), ("PUB", "Another", 1)]
)
def test_a_number_that_is_not_known_may_be_the_one_that_the_service_binds_otherwise(
    tmp_path: Path, kind: str, owner: str, alone: int
) -> None:
    lines = f"        self.p = c.socket(zmq.{kind})\n        self.p.bind(f'tcp://*:{{number}}')\n"
    begin = "" if owner == "Server" else f"\n\nclass {owner}:\n    def run(self):\n"
    files = {"a.py": SUB.format('""').replace("5560", "5556"), "b.py": f"{server()}{begin}{lines}"}
    assert len([one for one in orphans_of(graph(tmp_path, files)) if one.socket.kind == "SUB"]) == alone


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("import zmq\ns = c.socket(zmq.REP)\nPORT = 5556\ndef f(:\n", "b.py:3"),
        ("s = get_rep_socket('tcp://*:5556')\ndef f(:\n", "b.py:1"),
        ("import zmq\ns = c.socket(zmq.SUB)\nPORT = 5556\ndef f(:\n", ""),
        ("import zmq\ns = c.socket(zmq.REP)\n# PORT = 5556\nwidth = 5556\nPORT = 55561\ndef f(:\n", ""),
        ("PORT = 5556\ndef f(:\n", ""),
    ],
)
def test_the_other_side_may_be_in_a_file_that_does_not_parse(tmp_path: Path, text: str, place: str) -> None:
    (one,) = orphans_of(graph(tmp_path, {"a.py": client(), "b.py": text}))
    assert (one.why, one.unread) == ("asked, and nobody answers", place)


def test_the_type_of_a_socket_that_is_handed_to_a_method(tmp_path: Path) -> None:
    text = (
        "import zmq\n\n\nclass A:\n    def run(self):\n"
        "        self.s = c.socket(zmq.REP)\n        self.p = c.socket(zmq.PUB)\n"
        "        self.start(self.s, 5556)\n        self.start(socket=self.p, port=5557)\n\n"
        "    def start(self, socket, port):\n        socket.bind(f'tcp://*:{port}')\n"
    )
    found = graph(tmp_path, {"a.py": text, "b.py": client()})
    assert sorted((one.kind, one.port, one.kinds) for one in found.sockets if one.side == "bind") == [
        ("PUB", 5556, ("PUB", "REP")),
        ("PUB", 5557, ("PUB", "REP")),
        ("REP", 5556, ("PUB", "REP")),
        ("REP", 5557, ("PUB", "REP")),
    ]
    assert [said(one) for one in found.edges()] == ["Client asks A 5556 ping; possibly, endless"]


def test_what_a_configuration_gives_to_what_a_method_is_handed_may_be_of_each_type(tmp_path: Path) -> None:
    text = (
        "import zmq\n\n\nclass A:\n    def __init__(self, config):\n"
        "        self.s = c.socket(zmq.REP)\n        self.p = c.socket(zmq.PUB)\n"
        "        self.start(self.s, config.get('port', 5556))\n"
        "        self.start(self.p, config.get('pub_port', 5557))\n\n"
        "    def start(self, socket, port):\n        socket.bind(f'tcp://*:{port}')\n"
    )
    files = {
        "a.py": text,
        "start.yaml": "agents:\n  A: {script_path: a.py, port: 7200, pub_port: 7201}\n",
        "b.py": client(address="tcp://localhost:7201"),
        "d.py": client("Source", "tcp://localhost:7200").replace("REQ", "PUSH"),
    }
    found = graph(tmp_path, files)
    assert found.edges() == []
    # Nobody subscribes to what is published, on whichever port that is, and nobody pulls.
    assert [(one.socket.service.name, one.socket.kind) for one in orphans_of(found)] == [
        ("A", "PUB"),
        ("A", "PUB"),
        ("Source", "PUSH"),
    ]


def test_who_waits_to_be_asked_is_no_orphan_nor_is_what_is_known_at_run_time(tmp_path: Path) -> None:
    files = {"a.py": server(), "b.py": client().replace('"tcp://localhost:5556"', "address")}
    assert orphans_of(graph(tmp_path, files)) == []


@pytest.mark.parametrize(
    ("kind", "found", "alone"),
    [
        ("zmq.REQ if x else zmq.DEALER", ["Client asks Server 5556 ping; possibly, endless"], 2),
        ("zmq.REQ if x else zmq.SUB", ["Client asks Server 5556 ping; possibly, endless"], 2),
        ("zmq.REQ if x else None", ["Client asks Server 5556 ping; possibly, endless"], 0),
        ("None", [], 0),
        ("kind", [], 0),
    ],
)
def test_a_socket_of_one_of_several_types(tmp_path: Path, kind: str, found: list[str], alone: int) -> None:
    files = {"b.py": client().replace("zmq.REQ", kind)}
    assert len(orphans_of(graph(tmp_path, files))) == alone
    files["a.py"] = server()
    assert edges(tmp_path, files) == found
    assert orphans_of(graph(tmp_path, files)) == []


def test_a_type_that_is_not_known_is_not_taken_from_another_function(tmp_path: Path) -> None:
    text = (
        "class A:\n    def one(self):\n        self.s = c.socket(None)\n        self.s.bind('tcp://*:5556')\n\n"
        "    def other(self):\n        self.s = c.socket(zmq.REP)\n        self.s.bind('tcp://*:5557')\n\n"
        "    def third(self):\n        self.s.bind('tcp://*:5558')\n"
    )
    found = graph(tmp_path, {"a.py": f"import zmq\n\n{text}"}).sockets
    assert [(one.port, one.kind) for one in found] == [(5556, ""), (5557, "REP"), (5558, ""), (5558, "REP")]


STARTED = (
    "import zmq\n\n\nclass Speaker:\n    def __init__(self, config):\n        self.s = c.socket(zmq.REP)\n"
    "        self.s.bind(f\"tcp://*:{config.get('port', 5556)}\")\n"
)


@pytest.mark.parametrize(
    ("port", "asked", "found"),
    [
        ("5556", 5556, [("Client asks Speaker 5556 ping; endless", "")]),
        (
            "7200",
            5556,
            [("Client asks Speaker 5556 ping; possibly, endless", "7200 by config['port'] in start.yaml:4")],
        ),
        (
            '"${OFFSET}+5556"',
            5556,
            [("Client asks Speaker 5556 ping; possibly, endless", "$OFFSET + 5556 by config['port'] in start.yaml:4")],
        ),
        (
            "7200",
            7200,
            [
                (
                    "Client asks Speaker 7200 ping; possibly, endless",
                    "7200 by config['port'] in start.yaml:4; 5556 in the source",
                )
            ],
        ),
    ],
)
def test_what_a_configuration_gives_to_the_server(
    tmp_path: Path, port: str, asked: int, found: list[tuple[str, str]]
) -> None:
    files = {
        "speaker.py": STARTED,
        "start.yaml": f"agents:\n  Speaker:\n    script_path: speaker.py\n    port: {port}\n",
        "b.py": client(address=f"tcp://localhost:{asked}"),
    }
    made = graph(tmp_path, files)
    assert [(said(one), one.given) for one in made.edges()] == found
    assert orphans_of(made) == []


def test_what_a_configuration_gives_leaves_a_doubt_about_another_server_of_that_port(tmp_path: Path) -> None:
    files = {
        "speaker.py": STARTED,
        "start.yaml": "agents:\n  Speaker: {script_path: speaker.py, port: 7200}\n",
        "other.py": server("Other", "tcp://*:7200"),
        "b.py": client(address="tcp://localhost:7200"),
    }
    assert edges(tmp_path, files) == [
        "Client asks Other 7200 ping; possibly, endless",
        "Client asks Speaker 7200 ping; possibly, endless",
    ]


def test_who_publishes_on_a_port_that_a_configuration_changes_is_alone_on_none_of_them(tmp_path: Path) -> None:
    files = {
        "speaker.py": STARTED.replace("REP", "PUB"),
        "start.yaml": "agents:\n  Speaker: {script_path: speaker.py, port: 7200}\n",
    }
    assert [one.socket.port for one in orphans_of(graph(tmp_path, files))] == [5556]
    files["b.py"] = SUB.format('""').replace("5560", "7200")
    assert orphans_of(graph(tmp_path, files)) == []


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
