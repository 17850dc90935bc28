"""The table of ports of small trees: every row is told by place, side, number, certainty, and what it is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis import ports
from analysis.ports import Row
from tests.analysis.tables import table


def told(rows: list[Row]) -> list[str]:
    """The rows in short: ``a.py:3 bind zmq REP 5556 exact``."""
    found = []
    for row in rows:
        number = row.port if row.port is not None else f"<{row.expression}>"
        parts = (f"{row.path}:{row.line}", row.side, row.by, row.socket, str(number), row.certainty)
        found.append(" ".join(filter(None, parts)))
    return found


ONE_FILE = {
    "a ZeroMQ socket": (
        """\
        import zmq
        s = zmq.Context().socket(zmq.REP)
        s.bind("tcp://*:5556")
        """,
        ["a.py:3 bind zmq REP 5556 exact"],
    ),
    "its type, behind an attribute": (
        """\
        class A:
            def __init__(self):
                self.out = self.context.socket(zmq.PUB)
            def run(self):
                self.out.connect(f"tcp://{self.host}:5556")
        """,
        ["a.py:5 connect zmq PUB 5556 exact"],
    ),
    "inside the process": ('s = c.socket(zmq.PUB)\ns.bind("inproc://x")\n', []),
    "a free port": ('s = c.socket(zmq.PUB)\ns.bind_to_random_port("tcp://*")\n', ["a.py:2 bind zmq PUB 0 exact"]),
    "a socket of the standard library": (
        """\
        import socket
        s = socket.socket()
        s.bind(("", 8080))
        s.connect_ex((host, PORT))
        PORT = 9000
        """,
        ["a.py:3 bind socket 8080 exact", "a.py:4 connect socket 9000 exact"],
    ),
    "a pair that has a name": (
        'import socket\nADDRESS = ("127.0.0.1", 8080)\nsocket.create_connection(ADDRESS)\n',
        ["a.py:3 connect socket 8080 exact"],
    ),
    "a web server": ("import uvicorn\nuvicorn.run(app, port=8001)\n", ["a.py:2 bind http 8001 exact"]),
    "a web server's own port": ("import uvicorn\nuvicorn.run(app)\n", ["a.py:2 bind http 8000 exact"]),
    "Flask": ('app.run(host="0.0.0.0", port=int(os.getenv("P_PORT", 5000)))\n', ["a.py:1 bind http 5000 default"]),
    "http.server": ('HTTPServer(("", 8000), Handler).serve_forever()\n', ["a.py:1 bind http 8000 exact"]),
    "prometheus": ("start_http_server(9100)\n", ["a.py:1 bind prometheus 9100 exact"]),
    "gRPC": (
        'server.add_insecure_port("[::]:50051")\ngrpc.insecure_channel("localhost:50052")\n',
        ["a.py:1 bind grpc 50051 exact", "a.py:2 connect grpc 50052 exact"],
    ),
    "Redis": (
        """\
        redis.Redis(host="r", port=6380)
        redis.Redis()
        redis.from_url("redis://r:6381/0")
        redis.from_url("redis://r")
        """,
        [
            "a.py:1 connect redis 6380 exact",
            "a.py:2 connect redis 6379 exact",
            "a.py:3 connect redis 6381 exact",
            "a.py:4 connect redis 6379 exact",
        ],
    ),
    "asyncio": (
        "await asyncio.start_server(go, host, 7000)\nawait asyncio.open_connection(host, 7001)\n",
        ["a.py:1 bind socket 7000 exact", "a.py:2 connect socket 7001 exact"],
    ),
    "a URL": (
        'requests.get(f"http://{host}:8080/health")\nrequests.get("https://example.org/x")\nrows.get("a")\n',
        ["a.py:1 connect http 8080 exact", "a.py:2 connect http 443 exact"],
    ),
    "a database file": ('sqlite3.connect("x.db")\nsqlite3.connect(path)\n', []),
    "an event of a window": ('self.text.bind("<Key>", self.on_key)\nself.bind("<Up>", lambda e: None)\n', []),
    "a client that takes host and port": (
        "client.connect(host, 1883)\nclient.connect(host, mqtt_port)\nclient.connect(host, other)\n",
        ["a.py:1 connect socket 1883 exact", "a.py:2 connect socket <mqtt_port> unknown"],
    ),
    "a signal": ("button.clicked.connect(self.go)\nsignals.connect(go)\n", []),
    "what the environment decides": (
        'PORT = int(os.environ.get("X_PORT", "5556"))\nsock.bind(f"tcp://*:{PORT}")\n',
        ["a.py:2 bind zmq 5556 default"],
    ),
    "what only the environment says": (
        'sock.bind("tcp://*:" + os.environ["X_PORT"])\n',
        ["a.py:1 bind zmq <$X_PORT> expression"],
    ),
    "one of several": (
        'for port in (5556, 5557):\n    sock.connect(f"tcp://h:{port}")\n',
        ["a.py:2 connect zmq 5556 choice", "a.py:2 connect zmq 5557 choice"],
    ),
    "one of two addresses": (
        'a = "tcp://h:5556" if x else "tcp://g:5557"\nsock.connect(a)\n',
        ["a.py:2 connect zmq 5556 choice", "a.py:2 connect zmq 5557 choice"],
    ),
    "one port of two hosts": (
        'a = "tcp://h:5556" if x else "tcp://g:5556"\nsock.connect(a)\n',
        ["a.py:2 connect zmq 5556 exact"],
    ),
    "an address from the environment": (
        'a = os.getenv("X_ADDR", "tcp://h:5556")\nsock.connect(a)\n',
        ["a.py:2 connect zmq 5556 default"],
    ),
    "a class that is given its port in the file": (
        """\
        class A:
            def __init__(self, port=5000):
                self.sock.bind(f"tcp://*:{port + 1}")
        A(port=5556)
        A()
        """,
        ["a.py:3 bind zmq 5557 choice", "a.py:3 bind zmq 5001 choice"],
    ),
    "nothing that is known": ("thing.bind(make())\n", []),
    "a connection that makes its protocol": (
        "loop.create_connection(lambda: p, host, 7000)\nredis.Redis(connection_pool=pool)\n",
        ["a.py:1 connect socket 7000 exact"],
    ),
    "a socket that may be any": ("sock.bind(address)\n", ["a.py:1 bind socket <address> unknown"]),
    "a socket of which nothing is known": (
        "s = c.socket(zmq.PUB)\ns.bind(make())\n",
        ["a.py:2 bind zmq PUB <make()> unknown"],
    ),
}


@pytest.mark.parametrize(("program", "expected"), ONE_FILE.values(), ids=ONE_FILE)
def test_a_file(tmp_path: Path, program: str, expected: list[str]) -> None:
    assert told(table(tmp_path, {"a.py": program})) == expected


USE = 'import settings\nsock.bind(f"tcp://*:{settings.PORT}")\n'
TREES = {
    "a constant of another module": (
        {"a.py": USE, "settings.py": "PORT = 5556\n"},
        ["a.py:2 bind zmq 5556 exact"],
    ),
    "that has it from a third": (
        {"a.py": USE, "settings.py": "from ports import API as PORT\n", "ports.py": "API = 5000 + 556\n"},
        ["a.py:2 bind zmq 5556 exact"],
    ),
    "through a star": (
        {"a.py": USE, "settings.py": "from ports import *\n", "ports.py": "PORT = 5556\n"},
        ["a.py:2 bind zmq 5556 exact"],
    ),
    "an entry of a dict there": (
        {
            "a.py": 'from pkg.settings import PORTS\nsock.bind("tcp://*:%d" % PORTS["api"])\n',
            "pkg/__init__.py": "",
            "pkg/settings.py": 'PORTS = {"api": 5556}\n',
        },
        ["a.py:2 bind zmq 5556 exact"],
    ),
    "what a function there gives": (
        {
            "a.py": 'from net import api_port\nsock.bind(f"tcp://*:{api_port()}")\n',
            "net.py": "def api_port():\n    return 5556\n",
        },
        ["a.py:2 bind zmq 5556 exact"],
    ),
    "an attribute of a base class there": (
        {
            "a.py": "from base import Base\nclass A(Base):\n    def go(self):\n"
            '        self.sock.bind(f"tcp://*:{self.port}")\n',
            "base.py": "class Base:\n    port = 5556\n",
        },
        ["a.py:4 bind zmq 5556 exact"],
    ),
    "a base class that binds for each derived one": (
        {
            "base.py": "class Base:\n    def __init__(self, name, port=None):\n        self.port = port\n"
            '    def go(self):\n        self.sock.bind(f"tcp://*:{self.port}")\n',
            "a.py": "from base import Base\nclass A(Base):\n    def __init__(self):\n"
            '        super().__init__("a", 5001)\n',
            "b.py": "from base import Base\nclass B(Base):\n    def __init__(self, port=5002):\n"
            '        super().__init__(name="b", port=port)\n',
        },
        ["base.py:5 bind zmq 5001 exact", "base.py:5 bind zmq 5002 default"],
    ),
    "a base class that is called by its name": (
        {
            "base.py": "class Base:\n    def __init__(self, name, port=5000):\n"
            '        self.sock.bind(f"tcp://*:{port}")\n',
            "a.py": "from base import Base\nclass A(Base):\n    def __init__(self):\n"
            '        Base.__init__(self, "a", 5001)\n',
        },
        ["base.py:3 bind zmq 5001 exact"],
    ),
    "a function with the port among its arguments": (
        {
            "a.py": 'from net import address\nsock.connect(address("h", port=5556))\nsock.bind(address("*"))\n',
            "net.py": 'def address(host, port=5000):\n    return f"tcp://{host}:{port}"\n',
        },
        ["a.py:2 connect zmq 5556 exact", "a.py:3 bind zmq 5000 exact"],
    ),
    "a list of services": (
        {
            "a.py": 'S = [{"name": "a", "port": 5001}, {"name": "b", "port": 5002}]\nfor s in S:\n'
            "    sock.connect(f\"tcp://h:{s['port']}\")\n"
        },
        ["a.py:3 connect zmq 5001 choice", "a.py:3 connect zmq 5002 choice"],
    ),
    "keywords that are handed on": (
        {
            "base.py": "class Base:\n    def __init__(self, **kwargs):\n"
            '        self.port = kwargs.get("port", 5000)\n        self.sock.bind(f"tcp://*:{self.port}")\n',
            "a.py": "from base import Base\nclass A(Base):\n    def __init__(self):\n"
            '        super().__init__(name="a", port=5001)\n',
        },
        ["base.py:4 bind zmq 5001 exact"],
    ),
    "what callers in other files pass": (
        {
            "net.py": 'def listen(port):\n    sock.bind(f"tcp://*:{port}")\n',
            "a.py": "import net\nnet.listen(5001)\n",
            "b.py": "from net import listen\nlisten(port=5002)\n",
        },
        ["net.py:2 bind zmq 5001 choice", "net.py:2 bind zmq 5002 choice"],
    ),
    "what a test passes beside others": (
        {
            "net.py": 'def listen(port=5000):\n    sock.bind(f"tcp://*:{port}")\n',
            "a.py": "import net\nnet.listen(5001)\n",
            "tests/test_net.py": "from net import listen\nlisten(5999)\n",
        },
        ["net.py:2 bind zmq 5001 exact"],
    ),
    "what a test alone passes in the place of a default": (
        {
            "agent.py": "class Agent:\n    def __init__(self, port=5000):\n        self.port = port\n"
            '        self.sock.bind(f"tcp://*:{self.port}")\n',
            "test_agent.py": "from agent import Agent\nAgent(port=5999)\n",
        },
        ["agent.py:4 bind zmq 5000 default"],
    ),
    "what a test alone passes where there is no default": (
        {
            "net.py": 'def listen(port):\n    sock.bind(f"tcp://*:{port}")\n',
            "conftest.py": "import net\nnet.listen(5999)\n",
        },
        ["net.py:2 bind zmq <listen(port)> expression"],
    ),
    "what a test passes to a function of the tests": (
        {
            "tests/net.py": 'def listen(port=5000):\n    sock.bind(f"tcp://*:{port}")\n',
            "tests/test_net.py": "from tests.net import listen\nlisten(5999)\n",
        },
        ["tests/net.py:2 bind zmq 5999 exact"],
    ),
    "what a test passes on to another function": (
        {
            "net.py": 'def listen(port):\n    sock.bind(f"tcp://*:{port}")\n\n'
            "def start(port=5000):\n    listen(port)\n",
            "tests/test_net.py": "from net import start\nstart(5999)\n",
        },
        ["net.py:2 bind zmq 5000 default"],
    ),
    "a class that only a test derives another from": (
        {
            "agent.py": "class Agent:\n    def __init__(self, port=5000):\n        self.port = port\n"
            '        self.sock.bind(f"tcp://*:{self.port}")\n',
            "test_agent.py": "from agent import Agent\nclass Fake(Agent):\n    def __init__(self):\n"
            "        super().__init__(5999)\n",
        },
        ["agent.py:4 bind zmq 5000 default", "agent.py:4 bind zmq 5999 exact"],
    ),
    "modules that name each other": (
        {"a.py": "from b import PORT\nsock.bind(f'tcp://*:{PORT}')\n", "b.py": "from a import PORT\n"},
        ["a.py:2 bind zmq <b.PORT> expression"],
    ),
}


@pytest.mark.parametrize(("files", "expected"), TREES.values(), ids=TREES)
def test_a_tree(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    assert sorted(told(table(tmp_path, files))) == sorted(expected)


@pytest.mark.timeout(60)
def test_names_that_are_bound_in_many_places_come_to_an_end(tmp_path: Path) -> None:
    added = "".join(f"    if c == {number}:\n        text += str({number})\n" for number in range(60))
    program = (
        f"import zmq\ns = zmq.Context().socket(zmq.REP)\n\ndef f(c):\n    text = 'tcp://*:'\n{added}    s.bind(text)\n"
    )
    files = {"a.py": program, "b.py": "import zmq\ns = zmq.Context().socket(zmq.REP)\nx = sorted(x)\ns.bind(x)\n"}
    assert [one.certainty for one in table(tmp_path, files)] == ["unknown"] * 2


def test_owners_and_purposes(tmp_path: Path) -> None:
    text = """\
    class Health(Base):
        def go(self):
            self.health_socket.bind("tcp://*:5556")
    sub_sock.connect("tcp://localhost:5556")
    """
    rows = table(tmp_path, {"main_pc_code/agent.py": text})
    assert [(row.owner, row.purpose, row.machine) for row in rows] == [
        ("Health", "health", "main_pc"),
        ("agent", "sub", "main_pc"),
    ]


def test_two_owners_of_one_port_are_a_conflict(tmp_path: Path) -> None:
    bind = 'class {}:\n    def go(self):\n        self.sock.bind("tcp://*:{}")\n'
    files = {
        "main_pc_code/a.py": bind.format("A", 5556),
        "main_pc_code/b.py": bind.format("B", 5556),
        "main_pc_code/old/a.py": bind.format("A", 5556),
        "main_pc_code/c.py": bind.format("C", 5557),
        "pc2_code/d.py": bind.format("D", 5557),
    }
    (one,) = ports.conflicts(table(tmp_path, files))
    assert (one.machine, one.port, [name for name, _ in one.owners]) == ("main_pc", 5556, ["A", "B"])
    assert [row.path for row in one.owners[0][1]] == ["main_pc_code/a.py", "main_pc_code/old/a.py"]
    assert ports.conflicts(table(tmp_path, files), most=2) == []


@pytest.mark.parametrize(
    ("paths", "machines"),
    [
        (
            ["main_pc_code/a.py", "pc2_code/b.py", "docs/x.py", "a.py"],
            {"main_pc": ("main_pc_code",), "pc2": ("pc2_code",)},
        ),
        (["src/a.py", "tests/b.py"], {}),
        (["gpu_server/a.py"], {"gpu_server": ("gpu_server",)}),
    ],
)
def test_machines_are_guessed_from_the_top_folders(paths: list[str], machines: dict[str, tuple[str, ...]]) -> None:
    assert ports.guessed(paths) == machines


REGISTRY = (
    "version: 1\nmachines:\n  pc1: {paths: [one]}\n  pc2: {paths: [two]}\nports:\n"
    "  MEMORY: {port: 5556, machine: pc1}\n"
    "  HEALTH:\n    - {port: 6000, machine: pc1}\n    - {port: 6001, machine: pc2}\n"
)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("sock.bind(f\"tcp://*:{get_port('MEMORY')}\")\n", [(5556, "bind", "exact")]),
        ("sock.connect(f\"tcp://h:{get_port('HEALTH')}\")\n", [(6001, "connect", "exact")]),
        ("sock.connect(f\"tcp://h:{get_port('HEALTH', machine='pc1')}\")\n", [(6000, "connect", "exact")]),
        ('P = int(os.getenv("P", get_port("MEMORY")))\nsock.bind(f"tcp://*:{P}")\n', [(5556, "bind", "default")]),
        ('serve(app, port=get_port("MEMORY"))\n', [(5556, "bind", "exact")]),
        ("sock.connect(f\"tcp://h:{get_port('OTHER')}\")\n", [(None, "connect", "expression")]),
        ('sock = bind_socket("MEMORY")\n', [(5556, "bind", "exact")]),
        ('lease = claim("MEMORY")\n', [(5556, "bind", "exact")]),
        ('def bind_socket(name):\n    pass\nsock = bind_socket("MEMORY")\n', []),
    ],
)
def test_what_is_looked_up_has_the_number_of_the_registry(
    tmp_path: Path, program: str, expected: list[tuple[int | None, str, str]]
) -> None:
    imports = "import os\nfrom runtime.ports import bind_socket, claim, get_port\n"
    rows = table(tmp_path, {"config/ports.yaml": REGISTRY, "two/a.py": imports + program})
    found = [(row.port, row.side, row.certainty) for row in rows if row.side != "declare"]
    assert found == expected
    assert {row.machine for row in rows if row.side != "declare"} <= {"pc2"}
