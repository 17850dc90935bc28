"""E911 and E912: both sides of a port, over the whole tree."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakKeyDictionary

import msgspec

from analysis import ports
from analysis.collectors.port_literals import PortLiteral, PortLiteralCollector
from analysis.collectors.port_records import Use
from analysis.collectors.ports import PortCollector
from analysis.ports import Row
from analysis.walk import Collector
from config.settings import Settings
from linters.literal_port import is_test
from linters.rule import Example, Finding, TreeRule

if TYPE_CHECKING:
    from analysis.project import Project

_SYSTEM = 1024
"""Ports below it are the same everywhere."""
_SERVICES = frozenset(
    {1433, 1521, 1883, 2181, 2375, 2379, 3000, 3306, 3478, 4222, 4317, 4318, 5044, 5432, 5601, 5672, 5984, 6333, 6334}
    | {6379, 6443, 6650, 6831, 7474, 7687, 8086, 8123, 8125, 8200, 8222, 8300, 8500, 8529, 8883, 8983, 9000, 9042}
    | {9090, 9091, 9092, 9093, 9200, 9300, 9411, 11211, 11434, 14268, 15672, 16686, 19530, 26257, 26379, 27017, 50070}
)
"""Where databases, brokers, monitors and model servers listen that are installed, not written."""
_SERVED_BY_OTHERS = frozenset({"redis", "rediss", "postgres", "postgresql", "nats", "mongodb", "amqp", "amqps", "mqtt"})
_NEAR = re.compile(r"localhost|\b127\.|\b0\.0\.0\.0|::1\b|\b192\.168\.|\b10\.\d|\b172\.(?:1[6-9]|2\d|3[01])\.")
_PUBLIC = re.compile(r"(?i)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}|(?!(?:0|10|127|192|172|169)\.)\d+\.\d+\.\d+\.\d+")
_PROBE = re.compile(
    r"(?i)(?:check|is|find|get|free|avail|probe|test|scan|unused).*ports?|port.*(?:free|avail|use|open)"
)
_NUMBER = re.compile(r"(?<![\w.])\d{4,5}(?![\w.])")
_SHOWN = 3

_MEMORY = 'class MemoryAgent:\n    def run(self):\n        self.sock.bind("tcp://*:5576")\n'

_TABLES: WeakKeyDictionary[Project, list[Row]] = WeakKeyDictionary()


def _table(project: Project, settings: Settings) -> list[Row]:
    """The port table, worked out once for both rules."""
    found = _TABLES.get(project)
    if found is None:
        found = _TABLES[project] = ports.table(project, settings.machines or None)
    return found


class _Places:
    """The uses that the rows of a table were made from."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._uses: dict[str, dict[tuple[int, int], Use]] = {}

    def of(self, row: Row) -> Use:
        known = self._uses.get(row.path)
        if known is None:
            records = self._project.files[row.path].records(PortCollector)
            known = {(use.span.line, use.span.col): use for one in records for use in one.uses}
            self._uses[row.path] = known
        return known[row.line, row.column - 1]


def _listed(items: Sequence[str]) -> str:
    more = len(items) - _SHOWN
    return ", ".join(items[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


class Conflicts(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """Options of E911.

    ``tests``: whether what test files bind counts, too.
    """

    tests: bool = False


class PortConflict(TreeRule):
    """A port that two owners bind on one machine.

    ## What it flags
    Each place that binds a port which another owner binds on the same machine. The owner is the agent: the class that
    binds, a class derived from it that hands its own port up, or the script. The port is followed through names,
    attributes, parameters, imports and defaults, as `unsnarl ports` shows it. Machines are those of the settings
    (`[tool.unsnarl.machines]`), else guessed from the names of the top folders.

    ## Why it matters
    Whichever starts second fails with "address already in use", and only where both are started: not in the tests of
    either, and often not before both run in production. With a retry around the bind it does not even fail, it waits.

    ## Example
    ```python
    class Listener:
        def run(self):
            self.socket.bind("tcp://*:5556")  # Speaker in tts.py binds 5556, too
    ```

    ## Better
    ```python
    class Listener:
        def run(self):
            self.socket.bind(f"tcp://*:{get_port('LISTENER')}")
    ```
    with a number of its own in `config/ports.yaml`.

    ## When it is left alone
    - It runs where it is selected (`select = ["E9"]`, `--select E911`), since it makes a first run read more.
    - flake8 does not report it: it shows a plugin one file at a time. Use `unsnarl check`.
    - Only a part of the tree is named and nothing says where the tree begins, or the source comes from an editor
      without that. The summary then says that it was not looked for.
    - The same agent in several copies (`backups/`): owners are told apart by their names.
    - The main part of a script and the class beside it in the same file.
    - A port that is one of several (`9100 if edge else 9000`), or is known at run time only. Missed alarm.
    - A raw socket that is bound to see whether the port is free.
    - Files that do not parse. Missed alarm.

    ## Options
    `[tool.unsnarl.rules.E911]`

    - `tests` (default `false`): what test files bind counts, too.

    ## References
    - <https://man7.org/linux/man-pages/man2/bind.2.html>
    - <https://12factor.net/port-binding>
    """

    code: ClassVar[str] = "E911"
    name: ClassVar[str] = "port-conflict"
    message: ClassVar[str] = "two owners bind one port on one machine"
    since: ClassVar[str] = "0.1"
    default: ClassVar[bool] = False
    options_type: ClassVar[type[msgspec.Struct]] = Conflicts
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "two agents",
            files={
                "asr.py": 'class Listener:\n    def run(self):\n        self.sock.bind("tcp://*:5556")  # <E911>\n',
                "tts.py": "PORT = 5556\n\n\nclass Speaker:\n    def run(self):\n"
                '        self.sock.bind(f"tcp://*:{PORT}")  # <E911>\n',
            },
        ),
        Example(
            "two agents, each with its own",
            files={
                "asr.py": 'class Listener:\n    def run(self):\n        self.sock.bind("tcp://*:5556")\n',
                "tts.py": 'class Speaker:\n    def run(self):\n        self.sock.bind("tcp://*:5557")\n',
            },
        ),
        Example(
            "through a base class, at the place that binds",
            files={
                "base.py": "class Agent:\n    def __init__(self, port):\n        self.port = port\n\n"
                '    def run(self):\n        self.sock.bind(f"tcp://*:{self.port}")  # <E911> # <E911>\n',
                "asr.py": "from base import Agent\n\n\nclass Listener(Agent):\n"
                "    def __init__(self):\n        super().__init__(port=5556)\n",
                "tts.py": "from base import Agent\n\n\nclass Speaker(Agent):\n"
                "    def __init__(self):\n        super().__init__(port=5556)\n",
            },
        ),
        Example(
            "on two machines",
            files={
                "main_pc_code/asr.py": 'class Listener:\n    def run(self):\n        self.sock.bind("tcp://*:5556")\n',
                "pc2_code/tts.py": 'class Speaker:\n    def run(self):\n        self.sock.bind("tcp://*:5556")\n',
            },
        ),
        Example(
            "on one machine, by the settings",
            options={"machines": {"only": ["asr", "tts"]}},
            files={
                "asr/run.py": 'class Listener:\n    def run(self):\n        self.sock.bind("tcp://*:5556")  # <E911>\n',
                "tts/run.py": 'class Speaker:\n    def run(self):\n        self.sock.bind("tcp://*:5556")  # <E911>\n',
            },
        ),
        Example(
            "copies of one agent, and a test",
            files={
                "asr.py": 'class Listener:\n    def run(self):\n        self.sock.bind("tcp://*:5556")\n',
                "backups/asr.py": 'class Listener:\n    def run(self):\n        self.sock.bind("tcp://*:5556")\n',
                "tests/test_asr.py": 'def test_it():\n    sock.bind("tcp://*:5556")\n',
            },
        ),
        Example(
            "whether a port is free",
            files={
                "asr.py": 'class Listener:\n    def run(self):\n        self.sock.bind("tcp://*:5556")\n',
                "tool.py": "import socket\n\n\ndef is_port_free():\n    with socket.socket() as s:\n"
                '        s.bind(("", 5556))\n',
            },
        ),
    )

    def collectors(self) -> tuple[type[Collector], ...]:
        """What the port table is made from."""
        return (PortCollector,)

    def survey(self, project: Project) -> Iterator[Finding]:
        """Yield each binding of a port that another owner binds on the same machine."""
        options: Conflicts = self.options
        places = _Places(project)
        bound = [
            row
            for row in _table(project, self.settings)
            if row.side == "bind"
            and row.certainty in ("exact", "default")
            and (options.tests or not is_test(row.path))
            and not _is_probe(row, places.of(row))
        ]
        for one in ports.conflicts(bound):
            owners = dict(_without_mains(one.owners))
            for owner, rows in owners.items():
                others = [f"{name} ({its[0].path}:{its[0].line})" for name, its in owners.items() if name != owner]
                for row in rows if others else ():
                    yield self._finding(row, places.of(row), owner, one, others)

    def _finding(self, row: Row, use: Use, owner: str, conflict: ports.Conflict, others: Sequence[str]) -> Finding:
        where = f" on {conflict.machine}" if conflict.machine else ""
        return Finding(
            code=self.code,
            message=f"port {conflict.port}{where} is bound by {owner} here, and by {_listed(others)}",
            path=row.path,
            span=use.span,
            column=use.column,
            scope=use.scope,
            source=f"{conflict.port} {owner}: {use.text}",
        )


def _is_probe(row: Row, use: Use) -> bool:
    return row.by == "socket" and _PROBE.search(use.scope.rpartition(".")[2]) is not None


def _without_mains(owners: Iterable[tuple[str, tuple[Row, ...]]]) -> Iterator[tuple[str, tuple[Row, ...]]]:
    """The owners but those scripts whose file holds another owner: its main part starts what stands beside it."""
    every = list(owners)
    classes = {row.path for owner, rows in every for row in rows if not _is_script(owner, row)}
    for owner, rows in every:
        kept = tuple(row for row in rows if not _is_script(owner, row) or row.path not in classes)
        if kept:
            yield owner, kept


def _is_script(owner: str, row: Row) -> bool:
    return owner == row.path.rpartition("/")[2].removesuffix(".py")


class Unbound(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """Options of E912.

    ``elsewhere``: ports that something outside of the tree serves.
    ``tests``: whether test files are looked at, too.
    """

    elsewhere: tuple[int, ...] = ()
    tests: bool = False


class UnboundConnect(TreeRule):
    """A connection to a port that nothing in the tree binds.

    ## What it flags
    A socket, channel or request that goes to a port whose number is known, when no code of the tree binds that port on
    any machine and no configuration declares it. Where the port is one of several, none of them is bound.

    ## Why it matters
    A ZeroMQ socket connects to nobody without a word and waits: the request gets no answer, the subscription stays
    silent. It is what is left when a service was renumbered or removed and one of its clients was forgotten.

    ## Example
    ```python
    self.memory.connect("tcp://localhost:5557")  # MemoryAgent moved to 5576
    ```

    ## Better
    ```python
    self.memory.connect(f"tcp://localhost:{get_port('MEMORY_AGENT')}")
    ```

    ## When it is left alone
    It rather misses than cries wolf; what is listed here is a missed alarm where the port is dead all the same.

    - It runs where it is selected (`select = ["E9"]`, `--select E912`), since it makes a first run read more.
    - flake8 does not report it: it shows a plugin one file at a time. Use `unsnarl check`.
    - Only a part of the tree is named and nothing says where the tree begins, or the source comes from an editor
      without that. The summary then says that it was not looked for.
    - The number is known at run time only.
    - Ports below 1024, Redis, PostgreSQL, NATS, MongoDB, AMQP and MQTT, and the usual ports of databases, brokers,
      monitors and model servers, which are installed and not written.
    - The tree binds nothing of the kind (ZeroMQ, or anything else): it is a client of something else.
    - The host is a public name or address; for anything but ZeroMQ, it is not known to be local.
    - A file that does not parse holds the number: it may be the one that binds it.
    - Something of the kind is bound to a port that is known at run time only, and the number stands in another file
      that does not connect to it.

    ## Options
    `[tool.unsnarl.rules.E912]`

    - `elsewhere` (default `[]`): ports that something outside of the tree serves.
    - `tests` (default `false`): look at test files, too.

    ## References
    - <https://zguide.zeromq.org/docs/chapter1/#Making-a-Clean-Exit>
    - <https://12factor.net/backing-services>
    """

    code: ClassVar[str] = "E912"
    name: ClassVar[str] = "unbound-connect"
    message: ClassVar[str] = "connection to a port that nothing in the tree binds"
    since: ClassVar[str] = "0.1"
    default: ClassVar[bool] = False
    options_type: ClassVar[type[msgspec.Struct]] = Unbound
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "nobody binds it",
            files={
                "client.py": 'sock.connect("tcp://localhost:5557")  # <E912>\n',
                "server.py": _MEMORY,
            },
        ),
        Example(
            "the tree binds it, on whatever machine",
            files={
                "main_pc_code/client.py": 'sock.connect("tcp://192.168.1.2:5576")\n',
                "pc2_code/server.py": _MEMORY,
            },
        ),
        Example(
            "one of several is bound",
            files={"client.py": 'sock.connect(f"tcp://localhost:{5557 if old else 5576}")\n', "server.py": _MEMORY},
        ),
        Example(
            "none of several is bound",
            files={
                "client.py": 'sock.connect(f"tcp://localhost:{5557 if old else 5558}")  # <E912>\n',
                "server.py": _MEMORY,
            },
        ),
        Example(
            "services that are installed, and a public address",
            files={
                "client.py": "import redis\nimport requests\n\n"
                'cache = redis.Redis(port=6390)\nrequests.get("http://localhost:9090/metrics")\n'
                'requests.get("https://example.com:8443/")\n',
                "server.py": "import uvicorn\n\nuvicorn.run(app, port=8001)\n",
            },
        ),
        Example(
            "the tree binds nothing of the kind",
            files={"client.py": 'sock.connect("tcp://localhost:5557")\n'},
        ),
        Example(
            "a port that is given at run time, and the number in a third file",
            files={
                "client.py": 'sock.connect("tcp://localhost:5557")\n',
                "server.py": "import sys\n\n\nclass MemoryAgent:\n    def run(self):\n"
                '        self.sock.bind(f"tcp://*:{sys.argv[1]}")\n',
                "start.py": 'AGENTS = [{"script": "server.py", "port": 5557}]\n',
            },
        ),
        Example(
            "something else serves it, by the settings",
            options={"rules": {"E912": {"elsewhere": [5557]}}},
            files={"client.py": 'sock.connect("tcp://localhost:5557")\n', "server.py": _MEMORY},
        ),
    )

    def collectors(self) -> tuple[type[Collector], ...]:
        """What the port table is made from, and every number that is a port."""
        return (PortCollector, PortLiteralCollector)

    def survey(self, project: Project) -> Iterator[Finding]:
        """Yield each connection that nobody can answer."""
        options: Unbound = self.options
        rows = _table(project, self.settings)
        bound = [row for row in rows if row.side == "bind"]
        provided = {row.port for row in rows if row.side != "connect"} | set(options.elsewhere) | _SERVICES
        kinds = {_kind(row) for row in bound}
        calls: defaultdict[tuple[str, int, int, str], list[Row]] = defaultdict(list)
        for row in rows:
            if row.side == "connect":
                calls[row.path, row.line, row.column, row.owner].append(row)
        silent = [
            found
            for found in calls.values()
            if all(row.port is not None and row.port >= _SYSTEM and row.port not in provided for row in found)
            and _kind(found[0]) in kinds
            and not any(map(_is_foreign, found))
        ]
        doubts = _Doubts(project, bound, silent)
        places = _Places(project)
        for found in silent:
            row = found[0]
            if (options.tests or not is_test(row.path)) and not any(map(doubts.about, found)):
                yield self._finding(found, places.of(row))

    def _finding(self, rows: Sequence[Row], use: Use) -> Finding:
        numbers = sorted({row.port for row in rows if row.port is not None})
        shown = _listed([str(one) for one in numbers])
        return Finding(
            code=self.code,
            message=f"connects to port {shown}, which nothing in the tree binds: is the service gone or renumbered?",
            path=rows[0].path,
            span=use.span,
            column=use.column,
            scope=use.scope,
            source=f"{shown} {rows[0].owner}: {use.text}",
        )


def _kind(row: Row) -> str:
    """What a connection can be answered by: ZeroMQ by nothing else."""
    return "zmq" if row.by == "zmq" else ""


def _is_foreign(row: Row) -> bool:
    """Whether what answers a connection is not of this tree, or need not be."""
    if row.by in _SERVED_BY_OTHERS or row.transport in _SERVED_BY_OTHERS:
        return True
    if row.by == "zmq":
        return _PUBLIC.fullmatch(row.host) is not None and not _NEAR.search(row.host)
    return not _NEAR.search(row.host)


class _Doubts:
    """Why somebody may bind a number that no row binds."""

    def __init__(self, project: Project, bound: Sequence[Row], silent: Iterable[Sequence[Row]]) -> None:
        self._project = project
        self._open: defaultdict[str, set[str]] = defaultdict(set)
        for row in bound:
            if row.port is None:
                self._open[_kind(row)].add(row.path)
        self._connected: defaultdict[int, set[str]] = defaultdict(set)
        for found in silent:
            for row in found:
                for number in _numbers(row):
                    self._connected[number].add(row.path)
        self._broken = b"\n".join(
            _bytes(project, path) for path, facts in project.files.items() if facts.fault is not None
        )
        self._written: defaultdict[int, set[str]] = defaultdict(set)
        for path, facts in project.files.items():
            literals: Sequence[PortLiteral] = facts.records(PortLiteralCollector)
            for one in literals:
                self._written[one.port].add(path)

    def about(self, row: Row) -> bool:
        """Whether the port of ``row``, or a number that it is worked out from, may be bound unseen."""
        return any(self._about(number, _kind(row)) for number in _numbers(row))

    def _about(self, number: int, kind: str) -> bool:
        if re.search(rb"(?<!\d)%d(?!\d)" % number, self._broken):
            return True
        binders = self._open.get(kind, set())
        written, connected = self._written[number], self._connected[number]
        return bool(binders) and bool(written - connected or written & binders)


def _numbers(row: Row) -> set[int]:
    found = {int(one) for one in _NUMBER.findall(row.expression)}
    return found | ({row.port} if row.port is not None else set())


def _bytes(project: Project, path: str) -> bytes:
    try:
        return project.path(path).read_bytes()
    except OSError:
        return b""
