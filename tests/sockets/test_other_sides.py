"""Who may be on the other side of a socket: of which type it is, what a configuration gives, and who has nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.message_edges import orphans_of
from tests.sockets.support import PUB, SUB, client, edges, graph, said, server


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
