"""E910: ports written into the source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from analysis.collectors.port_literals import PortLiteral, PortLiteralCollector
from analysis.testfiles import is_test
from analysis.walk import Collector
from linters.rule import Example, Facts, Finding, Rule


class Ports(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """Options of E910.

    ``lowest``: the first port that is flagged.
    ``tests``: whether test files are looked at, too.
    """

    lowest: int = 1024
    tests: bool = False


class LiteralPort(Rule):
    r"""A port that is written into the source.

    ## What it flags
    A number that something beside it says is a port: the name it is assigned to (`HEALTH_PORT = 5557`), a keyword or
    parameter (`port=5556`), the key of a dict, the default of an environment variable, an option or a configuration
    (`os.getenv("X_PORT", 5556)`), the pair or position that a socket or a server takes it from
    (`sock.bind(("", 8080))`, `start_http_server(8000)`), or the address that it stands in (`"tcp://*:5556"`).

    ## Why it matters
    The other side of the connection has the same number in another file, on another machine. Nobody sees that two
    services want one port until the second of them starts, and a port that is moved is moved in some of the places.

    ## Example
    ```python
    self.socket.bind("tcp://*:5556")
    ```

    ## Better
    ```python
    self.socket.bind(f"tcp://*:{get_port('MEMORY_AGENT')}")
    ```
    with the number, the owner and the purpose in `config/ports.yaml`, once.

    ## When it is left alone
    - Ports below 1024, which are the same everywhere (80, 443, 53), and port 0, which the system fills in.
    - Test files: a folder `test` or `tests`, and `test_*.py`, `*_test.py` and `conftest.py` anywhere.
    - Docstrings and comments, and examples in a schema (`json_schema_extra`, `Field(examples=[...])`).
    - Bounds of ranges: what is called `range` or `ranges`, the entries `min`, `max`, `start` and `end` of a port,
      `end_port`, 65535, and pairs such as `(32768, 65535)` or `(5600, 5699)`. `(5556, 6556)` may be two ports of one
      agent.
    - Addresses in a pattern: the first argument of `re.sub` and the like, and texts with a pattern's signs in them
      (`r"redis://192\.168\..*:6379"`).
    - A number that only its way through other names leads to a socket. `unsnarl ports` follows it. Missed alarm.

    ## Options
    `[tool.unsnarl.rules.E910]`

    - `lowest` (default `1024`): the first port that is flagged.
    - `tests` (default `false`): look at test files, too.

    ## References
    - <https://12factor.net/port-binding>
    - <https://www.iana.org/assignments/service-names-port-numbers>
    """

    code: ClassVar[str] = "E910"
    name: ClassVar[str] = "literal-port"
    message: ClassVar[str] = "port written into the source"
    since: ClassVar[str] = "0.1"
    options_type: ClassVar[type[msgspec.Struct]] = Ports
    examples: ClassVar[tuple[Example, ...]] = (
        Example("from the registry", 'port = get_port("MEMORY_AGENT")\nsock.bind(f"tcp://*:{port}")\n'),
        Example("a name", "HEALTH_PORT = 5557  # <E910>\nself.zmqPort = 5556  # <E910>\n"),
        Example("names that speak of something else", "port_count = 5000\nsupport = 5000\nport_timeout = 3000\n"),
        Example("an address", 'sock.bind("tcp://*:5556")  # <E910>\n'),
        Example("an address with a replacement field", 'sock.connect(f"tcp://{host}:5556")  # <E910>\n'),
        Example("an address whose port is a name", 'sock.connect(f"tcp://{host}:{port}")\n'),
        Example("a keyword", "uvicorn.run(app, port=8001)  # <E910>\nAgent(name, health_port=5557)  # <E910>\n"),
        Example("the default of a parameter", "def serve(host, port=5556):  # <E910>\n    pass\n"),
        Example(
            "the default of the environment",
            'PORT = int(os.getenv("X_PORT", 5556))  # <E910>\nlisten(os.environ.get("X_PORT", "5557"))  # <E910>\n',
        ),
        Example("the default of an option", 'parser.add_argument("--port", type=int, default=5556)  # <E910>\n'),
        Example("a configuration's", 'listen(config.get("health_port", 5557))  # <E910>\n'),
        Example("a key", 'SERVICES = [{"name": "a", "port": 5556}]  # <E910>\n'),
        Example("each of a list", "PORTS = [5556, 5557]  # <E910> # <E910>\n"),
        Example("one or the other", "port = 5556 if main else 5557  # <E910> # <E910>\n"),
        Example("a distance from a port", "port = base_port + 1000\nport = 5000 + number  # <E910>\n"),
        Example("a socket's pair", 's.bind(("", 8080))  # <E910>\nHTTPServer(("", 8000), Handler)  # <E910>\n'),
        Example("a position", "start_http_server(9100)  # <E910>\nopen_connection(host, 7001)  # <E910>\n"),
        Example("the same everywhere", 'port = 443 if secure else 80\nresolver = ("9.9.9.9", 53)\nport = 0\n'),
        Example("numbers that are no ports", "timeout = 5000\nrate = 16000\nsize = 8192\nstatus = 8080\n"),
        Example("documentation", 'def go():\n    """Connects to tcp://localhost:5556."""\n'),
        Example("ranges", 'port_ranges = {"port": (5000, 6000)}\nports = {"dynamic": (49152, 65535)}\n'),
        Example("a pattern", 'hits = re.findall("tcp://localhost:5556", text)\n'),
        Example("an example in a schema", 'url = Field("", examples=["tcp://localhost:5556"])\n'),
        Example(
            "lower ones, by the settings",
            "port = 443  # <E910>\nport = 22\n",
            {"rules": {"E910": {"lowest": 80}}},
        ),
    )

    def collectors(self) -> tuple[type[Collector], ...]:
        """The literals that are known to be ports."""
        return (PortLiteralCollector,)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Yield each literal port."""
        for one, why in self._judged(facts):
            if not why:
                yield self._finding(facts.path, one)

    def left_alone(self, facts: Facts) -> Iterator[tuple[Finding, str]]:
        """Yield the ports that are not objected to, with the reason."""
        for one, why in self._judged(facts):
            if why:
                yield self._finding(facts.path, one), why

    def _judged(self, facts: Facts) -> Iterator[tuple[PortLiteral, str]]:
        options: Ports = self.options
        test = not options.tests and is_test(facts.path)
        for one in facts.records(PortLiteralCollector):
            if one.evidence == "documentation":
                yield one, "documentation"
            elif test:
                yield one, "test-data"
            elif not one.port:
                yield one, "chosen-by-the-system"
            elif one.port < options.lowest:
                yield one, "well-known-port"
            else:
                yield one, ""

    def _finding(self, path: str, one: PortLiteral) -> Finding:
        called = f" as `{one.name}`" if one.name else ""
        return Finding(
            code=self.code,
            message=f"port {one.port} is written into the source{called}: give it a name in the port registry",
            path=path,
            span=one.span,
            column=one.column,
            scope=one.scope,
            source=one.source,
        )
