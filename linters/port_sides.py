"""E911 and E912: both sides of a port, over the whole tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec

from analysis.testfiles import is_test
from analysis.walk import Collector
from linters.rule import Example, Finding, TreeRule

if TYPE_CHECKING:
    from analysis.port_sides import Place
    from analysis.project import Project

_SHOWN = 3
_MEMORY = 'class MemoryAgent:\n    def run(self):\n        self.sock.bind("tcp://*:5576")\n'


def _listed(items: Sequence[str]) -> str:
    more = len(items) - _SHOWN
    return ", ".join(items[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _where(place: Place) -> str:
    """Where an owner binds, and where it is defined when a base class binds for it."""
    row = place.rows[0]
    return f"{row.home}, in {row.path}:{row.line}" if row.home != row.path else f"{row.path}:{row.line}"


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
    - flake8 reports it where its own code or `E91` is selected there: `E9` is what flake8 calls the whole plugin.
    - Only a part of the tree is named and nothing says where the tree begins, or the source comes from an editor
      without that. The summary then says that it was not looked for.
    - The same agent in several copies (`backups/`): owners are told apart by their names.
    - The main part of a script and the class beside it in the same file.
    - A port that is one of several (`9100 if edge else 9000`), or is known at run time only. Missed alarm.
    - A raw socket that is bound to see whether the port is free.
    - What test files bind, or the classes of test files through a base class.
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
            "a class of the tests, through a base class",
            files={
                "base.py": "class Agent:\n    def __init__(self, port):\n        self.port = port\n\n"
                '    def run(self):\n        self.sock.bind(f"tcp://*:{self.port}")\n',
                "asr.py": "from base import Agent\n\n\nclass Listener(Agent):\n"
                "    def __init__(self):\n        super().__init__(port=5556)\n",
                "tests/test_base.py": "from base import Agent\n\n\nclass Fake(Agent):\n"
                "    def __init__(self):\n        super().__init__(port=5556)\n",
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
        # Not at the top: what this rule needs would be loaded where it is not selected, too.
        from analysis.collectors.ports import PortCollector

        return (PortCollector,)

    def survey(self, project: Project) -> Iterator[Finding]:
        """Yield each binding of a port that another owner binds on the same machine."""
        from analysis.port_sides import disputes

        options: Conflicts = self.options
        for one in disputes(project, self.settings.machines or None, None if options.tests else is_test):
            where = f" on {one.machine}" if one.machine else ""
            for owner, places in one.owners:
                others = [f"{name} ({_where(its[0])})" for name, its in one.owners if name != owner]
                for place in places:
                    row = place.rows[0]
                    derived = f" ({row.home})" if row.home != row.path else ""
                    message = f"port {one.port}{where} is bound by {owner}{derived} here, and by {_listed(others)}"
                    yield _finding(self.code, message, place, f"{one.port} {owner}")


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
    A socket, channel or request that goes to a port whose number is known, when nothing that `unsnarl ports` shows
    binds or declares that port, on any machine. Where the port is one of several, none of them is bound.

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
    - flake8 reports it where its own code or `E91` is selected there: `E9` is what flake8 calls the whole plugin.
    - Only a part of the tree is named and nothing says where the tree begins, or the source comes from an editor
      without that. The summary then says that it was not looked for.
    - The number is known at run time only.
    - Ports below 1024, Redis, PostgreSQL, NATS, MongoDB, AMQP and MQTT, and the usual ports of databases, brokers,
      monitors and model servers, which are installed and not written.
    - The tree binds nothing of the kind (ZeroMQ, or anything else): it is a client of something else.
    - The host is a public name or address; for anything but ZeroMQ, it is not known to be local.
    - A file that does not parse holds the number: it may be the one that binds it. So may any file that cannot be read.
    - Something of the kind is bound to a port that is known at run time only, and the number, or a look-up of its name
      (`get_port("MEMORY_AGENT")`), stands in another file that does not connect to it.

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
        """What the port table is made from, and every number and name that is a port."""
        from analysis.collectors.port_literals import PortLiteralCollector
        from analysis.collectors.port_lookups import PortLookupCollector
        from analysis.collectors.ports import PortCollector

        return (PortCollector, PortLiteralCollector, PortLookupCollector)

    def survey(self, project: Project) -> Iterator[Finding]:
        """Yield each connection that nobody can answer."""
        from analysis.port_sides import unanswered

        options: Unbound = self.options
        for place in unanswered(project, self.settings.machines or None, options.elsewhere):
            if options.tests or not is_test(place.rows[0].path):
                shown = _listed([str(one) for one in sorted({row.port for row in place.rows if row.port is not None})])
                message = f"connects to port {shown}, which nothing in the tree binds: is the service gone or moved?"
                yield _finding(self.code, message, place, f"{shown} {place.rows[0].owner}")


def _finding(code: str, message: str, place: Place, known: str) -> Finding:
    return Finding(
        code=code,
        message=message,
        path=place.rows[0].path,
        span=place.span,
        column=place.column,
        scope=place.scope,
        source=f"{known}: {place.text}",
    )
