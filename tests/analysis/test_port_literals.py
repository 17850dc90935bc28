"""Which numbers of a file are taken for ports, by what, and where they stand."""

from __future__ import annotations

import pytest

from analysis.collectors.port_entries import ENTRIES
from analysis.collectors.port_literals import PortLiteralCollector, speaks_of_port
from analysis.collectors.port_records import Passed, Ports
from analysis.collectors.ports import PortCollector
from analysis.source import Source
from analysis.walk import collect
from linters.literal_port import LiteralPort


def found(text: str) -> list[tuple[int, str, str]]:
    source = Source.from_bytes(text.encode(), "sample.py")
    tree = source.parse()
    assert tree is not None
    records = collect(source, tree, (PortLiteralCollector,))[PortLiteralCollector.topic]
    return [(one.port, one.evidence, one.name) for one in records]


@pytest.mark.parametrize(
    ("text", "around"),
    [
        ('self.tts_socket.connect("tcp://a:5556")\n', ("tts_socket",)),
        ('socks["tts"].connect(f"tcp://{host}:5556")\n', ("tts",)),
        ('x = {"tts": {"name": "Voice", "url": "tcp://a:5556"}}\n', ("url", "Voice", "tts")),
        ('self.tts_url = "tcp://a:5556"\n', ("tts_url",)),
        ('x, y_url = "tcp://a:5556", "b"\n', ()),
        ('urls = ["tcp://a:5556"]\n', ()),
        ('u = os.getenv("TTS_URL", "tcp://a:5556")\n', ("TTS_URL", "u")),
        ('c = api.Client("tcp://a:5556", name="tts")\n', ("tts", "Client", "c")),
        ('c = get(tts_url="tcp://a:5556")\n', ("tts_url", "c")),
        ('add(name="TTS", port=5556)\n', ("port", "TTS")),
        ("def check_tts(port=5556): ...\n", ("port", "check_tts")),
        ('if ask("tcp://a:5556"): ...\n', ()),
    ],
)
def test_what_stands_around_is_noted_the_nearest_first(text: str, around: tuple[str, ...]) -> None:
    source = Source.from_bytes(text.encode(), "sample.py")
    tree = source.parse()
    assert tree is not None
    (one,) = collect(source, tree, (PortLiteralCollector,))[PortLiteralCollector.topic]
    assert tuple(filter(None, (one.name, *one.around))) == around


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HEALTH_PORT = 5557\n", [(5557, "name", "HEALTH_PORT")]),
        ('x["api_port"] = 5557\n', [(5557, "name", "api_port")]),
        ("run(app, port=5556)\n", [(5556, "keyword", "port")]),
        ("def f(port=5556):\n    pass\n", [(5556, "parameter", "port")]),
        ('S = {"port": "5556"}\n', [(5556, "key", "port")]),
        ('x = os.getenv("X_PORT", 5556)\n', [(5556, "environment", "X_PORT")]),
        ('x = config.get("http_port", 5556)\n', [(5556, "setting", "http_port")]),
        ('p.add_argument("-p", "--port", default=5556)\n', [(5556, "option", "--port")]),
        ('s.bind(("", 5556))\n', [(5556, "socket", "")]),
        ('s.connect(f"tcp://{host}:5556")\n', [(5556, "address", "")]),
        ('s.connect("redis://u:5556@h:6379/0")\n', [(6379, "address", "")]),
        ('s.connect(f"redis://:5556@{host}:6379/0")\n', [(6379, "address", "")]),
        ('s.connect("tcp://[::1]:5556")\n', [(5556, "address", "")]),
        ("port = 70000\nport = True\n", []),
        ("port = 0\n", [(0, "name", "port")]),
        ('def f():\n    """Sends to tcp://h:5556 now."""\n', [(5556, "documentation", "")]),
        ("timeout = 5556\nx = 5556  # the port\n", []),
        ("import this\n" * 3, []),
        # Ranges.
        ('PORTS = {"ephemeral": (32768, 65535), "ours": [5600, 5699], "low": (1024, 60999)}\n', []),
        (
            'ports = {"agent": (5556, 6556), "other": (5557, 5558)}\n',
            [(one, "name", "agent") for one in (5556, 6556)] + [(one, "name", "other") for one in (5557, 5558)],
        ),
        ('port_ranges = {"port": 5556, "more": [{"health_port": 5557}]}\n', []),
        ('x = {"ranges": {"port": [5000, 6000]}, "port": 5556}\n', [(5556, "key", "port")]),
        (
            'x = {"port": {"minimum": 5000, "maximum": 6000, "start": 1, "end": 2, "api": 5556}}\n',
            [(5556, "key", "api")],
        ),
        ("f(port_range=(5000, 6000), ranges=[{'port': 5556}])\n", []),
        ("for port in range(5000, 6000):\n    ports = list(range(5000, 6000))\n", []),
        ("def f(start_port=5000, end_port=6000, last_port=65535):\n    pass\n", [(5000, "parameter", "start_port")]),
        ("FRONT_END_PORT = 5556\n", [(5556, "name", "FRONT_END_PORT")]),
        ("highest_port = 65535\nport = 65535 if x else 5556\n", [(5556, "name", "port")]),
        ("s.bind(('', 65535))\n", [(65535, "socket", "")]),
        # Patterns.
        ('P = re.compile(r"redis://192\\.168\\..*:6379")\n', []),
        ('x = re.sub("tcp://localhost:5556", "tcp://localhost:5557", y)\n', [(5557, "address", "")]),
        ('x = re.search(pattern="tcp://localhost:5556", string="tcp://h:5557")\n', [(5557, "address", "")]),
        ("""PAIRS = [(r'"redis://localhost:6379/?\\d*"', "x"), (r"redis://10\\.0\\.0\\.1:6379", "y")]\n""", []),
        ('P = rf"tcp://{host}:5556\\b"\n', []),
        ('PAGE = """a. **b**\n\\d tcp://localhost:5556\n"""\n', [(5556, "address", "")]),
        ('s.bind("tcp://*:5556")\ns.connect("tcp://$HOST:5557")\n', [(5556, "address", ""), (5557, "address", "")]),
        # Examples.
        ('class A:\n    json_schema_extra = {"x": {"port": 5556, "url": "tcp://h:5557"}}\n', []),
        ('model_config = ConfigDict(schema_extra={"port": 5556})\n', []),
        ('x: int = Field(5556, example={"port": 5557}, examples=["tcp://h:5558"])\n', []),
        ("port: int = Field(5556, examples=[5557])\n", [(5556, "name", "port")]),
        ('x = {"example": {"port": 5557}, "api": {"port": 5556}}\n', [(5556, "key", "api.port")]),
        ("example = Server(port=5556)\n", [(5556, "keyword", "port")]),
    ],
)
def test_a_number_is_a_port_by(text: str, expected: list[tuple[int, str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize("name", ["PORT", "ports", "zmqPort", "--health-port", "X_PORT_NUMBER", "HTTPPort", "port2"])
def test_names_of_ports(name: str) -> None:
    assert speaks_of_port(name)


@pytest.mark.parametrize(
    "name", ["support", "report", "port_count", "PORT_TIMEOUT", "viewport", "portfolio", "", "import"]
)
def test_names_of_other_things(name: str) -> None:
    assert not speaks_of_port(name)


def test_a_number_is_taken_once() -> None:
    assert len(found('run(port=int(os.getenv("X_PORT", 5556)))\n')) == 1


def test_the_rule_and_the_collector_agree_on_the_topic() -> None:
    assert LiteralPort.options_type().lowest == 1024  # type: ignore[attr-defined]
    assert all(entry.side in ("bind", "connect") for entry in ENTRIES.values())


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_every_entry_point_gives_a_row(name: str) -> None:
    entry = ENTRIES[name]
    given = ["None"] * 3
    if entry.port is not None:
        given[entry.port] = "7001"
    call = f"{name}({', '.join(given[: (entry.port or 0) + 1])})" if entry.port is not None else f"{name}(port=7001)"
    if entry.port is None and entry.address is not None:
        call = f'{name}("http://h:7001")' if entry.side == "connect" else f'{name}(("h", 7001))'
    (use,) = ports_of(f"x = {call}\n").uses
    assert (use.side, use.by) == (entry.side, entry.by)
    assert "7001" in f"{use.address} {use.port}"


def test_what_is_passed_on_is_noted() -> None:
    (passed,) = ports_of("from agents import Agent\nAgent(5556, name='a')\n").passed
    assert isinstance(passed, Passed)
    assert (passed.target, [key for key, _ in passed.values]) == ("0:agents:Agent", [0])


def ports_of(text: str) -> Ports:
    source = Source.from_bytes(text.encode(), "sample.py")
    tree = source.parse()
    assert tree is not None
    (record,) = collect(source, tree, (PortCollector,))[PortCollector.topic]
    assert isinstance(record, Ports)
    return record


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Beside a port.
        ('ports = [{"port": 8081, "timeout": 5000, "backlog": 1025}]\n', [8081]),
        ('PORTS = {"api": {"port": 8080, "max_connections": 2000, "ttl": 3600}, "web": 8090}\n', [8080, 8090]),
        # Sums.
        ("port2 = base_port + 2002\n", []),
        ("port3 = 5000 + 3000\n", []),
        ('port = 5100 + int(os.getenv("OFFSET", 1700))\n', []),
        ("port = 5100 + offset\n", [5100]),
        ("port = 5100 + 1\n", [5100]),
        # Schemes without ports.
        *(
            (f'x = "{scheme}://name:5556"\n', [])
            for scheme in ("inproc", "ipc", "file", "docker", "s3", "sha256", "git+file")
        ),
        ('x = f"inproc://{name}:5556"\n', []),
        ('x = "postgresql+asyncpg://h:5556"\n', [5556]),
        # What a port has.
        *(
            (f"{name} = 3600\n", [])
            for name in ("port_ttl", "port_mtu", "PORT_BYTES", "port_retry_backoff", "view_port")
        ),
        *(
            (f"{name} = 3600\n", [])
            for name in ("PORT_ERROR_CODE", "EXIT_PORT_IN_USE", "port_token", "latency_by_port")
        ),
        *(
            (f"{name} = 3600\n", [3600])
            for name in ("error_port", "token_port", "error_bus_port_pub", "port_http", "PORT")
        ),
        # Source.
        ("if \"bind('tcp://0.0.0.0:5563')\" not in text: ...\n", []),
        # Pairs.
        ("canvas.connect((100, 4000))\n", []),
        ('sock.sendto(b"x", ("localhost", 5603))\n', [5603]),
        ("sock.connect((host, 5603))\n", [5603]),
    ],
)
def test_what_stands_near_a_port_is_none(text: str, expected: list[int]) -> None:
    assert [port for port, _, _ in found(text)] == expected
