"""E921 request loop: services that wait for each other's answers while they serve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import msgspec

from analysis.testfiles import is_test
from analysis.walk import Collector
from linters.rule import Example, Finding, TreeRule

if TYPE_CHECKING:
    from analysis.project import Project
    from analysis.request_loops import Loop, Step


def _service(name: str, own: int, other: int, mark: str, options: str = "") -> str:
    """A service that serves one port, and asks another while it handles a request."""
    return (
        f"import zmq\n\n\nclass {name}:\n    def __init__(self):\n        context = zmq.Context()\n"
        f'        self.replies = context.socket(zmq.REP)\n        self.replies.bind("tcp://*:{own}")\n'
        f"        self.other = context.socket(zmq.REQ)\n{options}"
        f'        self.other.connect("tcp://localhost:{other}")\n\n    def run(self):\n        while True:\n'
        "            request = self.replies.recv_json()\n            self.replies.send_json(self.handle(request))\n\n"
        f"    def handle(self, request):\n        self.other.send_json(request){mark}\n"
        "        return self.other.recv_json()\n"
    )


_MARK = "  # <E921>"
_TIMEOUT = "        self.other.setsockopt(zmq.RCVTIMEO, 2000)\n"
_MEMORY = _service("Memory", 5556, 5557, _MARK)
_MODEL = _service("Model", 5557, 5556, _MARK)
_HEALTH = (
    "import threading\n\nimport zmq\n\n\nclass Model:\n    def __init__(self):\n        context = zmq.Context()\n"
    '        self.health = context.socket(zmq.REP)\n        self.health.bind("tcp://*:5557")\n'
    '        self.work = context.socket(zmq.REP)\n        self.work.bind("tcp://*:5558")\n'
    "        self.memory = context.socket(zmq.REQ)\n"
    '        self.memory.connect("tcp://localhost:5556")\n'
    "        threading.Thread(target=self.tell).start()\n\n    def tell(self):\n        while True:\n"
    '            self.health.recv()\n            self.health.send(b"well")\n\n    def run(self):\n        while True:\n'
    "            self.memory.send(self.work.recv())\n            self.work.send(self.memory.recv())\n"
)
_STARTING = (
    "import zmq\n\n\nclass Model:\n    def __init__(self):\n        context = zmq.Context()\n"
    '        self.replies = context.socket(zmq.REP)\n        self.replies.bind("tcp://*:5557")\n'
    '        self.memory = context.socket(zmq.REQ)\n        self.memory.connect("tcp://localhost:5556")\n\n'
    '    def run(self):\n        self.memory.send(b"here I am")\n        self.memory.recv()\n        while True:\n'
    "            self.replies.send(self.replies.recv())\n"
)
_ITSELF = (
    'import zmq\n\ncontext = zmq.Context()\nreplies = context.socket(zmq.REP)\nreplies.bind("tcp://*:5556")\n\n\n'
    'def look_up(key):\n    with context.socket(zmq.REQ) as socket:\n        socket.connect("tcp://localhost:5556")\n'
    "        socket.send(key)  # <E921>\n        return socket.recv()\n\n\nwhile True:\n"
    "    replies.send(look_up(replies.recv()))\n"
)


class Options(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """Options of E921.

    ``tests``: whether what test files bind and ask counts, too.
    """

    tests: bool = False


class RequestLoop(TreeRule):
    """Services that wait for each other's answers while they serve.

    ## What it flags
    A request that a service sends, and waits for the answer of, from the loop that serves its own requests, when the
    service that is asked does the same, directly or through others, and so comes back to the first. Each request of
    such a circle is flagged, with the whole way round; `unsnarl sockets` shows the same as a graph.

    What runs in the loop is followed through calls: methods of the class and its base classes, functions and objects of
    other files, tables of handlers. Which service answers a port is told by the port table (`unsnarl ports`).

    ## Why it matters
    A REP socket answers one request at a time. When each of two services asks the other before it has answered, both
    wait for ever: no error, no log line, no load. It takes a request that comes back, or two at the same moment, so few
    tests show it. With a timeout on the waiting sockets both fail after it instead, and a REQ socket that timed out has
    to be made anew.

    ## Example
    ```python
    class Memory:
        def run(self):
            while True:
                request = self.replies.recv_json()
                self.model.send_json({"action": "embed"})  # Model asks Memory while it handles "embed"
                self.replies.send_json(self.model.recv_json())
    ```

    ## Better
    Send what the other side needs along with the request, so that it need not ask back; or publish the result as an
    [event](../events.md), which nobody waits for; or ask from a thread of its own and answer when the reply is there.
    The message names waits without a timeout: `socket.setsockopt(zmq.RCVTIMEO, 2000)` ends the wait, not the loop.

    ## When it is left alone
    - It runs where it is selected (`select = ["E9"]`, `--select E921`), since it makes a first run read more.
    - flake8 reports it where its own code or `E92` is selected there: `E9` is what flake8 calls the whole plugin.
    - Only a part of the tree is named and nothing says where the tree begins. The summary then says so.
    - What a service asks at other times: before its loop, or in another thread. `unsnarl sockets` calls it coupled.
    - A health socket that a loop of its own answers.
    - A port of which it is not certain who answers: the number is one of several, services of several names bind it, or
      a configuration gives the service another number. `unsnarl sockets` shows these edges as possible.
    - DEALER sockets, whose answers need not be waited for.
    - What test files bind and ask.
    - Files that do not parse; addresses that are looked up while the program runs. Missed alarm.

    ## Options
    `[tool.unsnarl.rules.E921]`

    - `tests` (default `false`): what test files bind and ask counts, too.

    ## References
    - <https://zguide.zeromq.org/docs/chapter4/#Client-Side-Reliability-Lazy-Pirate-Pattern>
    - <https://zguide.zeromq.org/docs/chapter3/#The-Request-Reply-Mechanisms>
    """

    code: ClassVar[str] = "E921"
    name: ClassVar[str] = "request-loop"
    message: ClassVar[str] = "services wait for each other's answers while they serve"
    since: ClassVar[str] = "0.1"
    default: ClassVar[bool] = False
    options_type: ClassVar[type[msgspec.Struct]] = Options
    examples: ClassVar[tuple[Example, ...]] = (
        Example("two services that ask each other", files={"memory.py": _MEMORY, "model.py": _MODEL}),
        Example(
            "three in a circle, each with a timeout: it fails where the others hang",
            files={
                "a.py": _service("A", 5556, 5557, _MARK, _TIMEOUT),
                "b.py": _service("B", 5557, 5558, _MARK, _TIMEOUT),
                "c.py": _service("C", 5558, 5556, _MARK, _TIMEOUT),
            },
        ),
        Example("a service that asks itself", files={"cache.py": _ITSELF}),
        Example(
            "one asks the other, which asks nobody",
            files={"memory.py": _service("Memory", 5556, 5557, ""), "model.py": _service("Model", 5557, 5559, "")},
        ),
        Example(
            "the health socket is served by another thread",
            files={"memory.py": _service("Memory", 5556, 5557, ""), "model.py": _HEALTH},
        ),
        Example(
            "asked before it serves",
            files={"memory.py": _service("Memory", 5556, 5557, ""), "model.py": _STARTING},
        ),
        Example(
            "two services bind the port: it is not certain which one is asked",
            files={
                "memory.py": _service("Memory", 5556, 5557, ""),
                "model.py": _service("Model", 5557, 5556, ""),
                "other.py": _service("Other", 5557, 5559, ""),
            },
        ),
    )

    def collectors(self) -> tuple[type[Collector], ...]:
        """What the graph of messages is made from."""
        # Not at the top: what this rule needs would be loaded where it is not selected, too.
        from analysis.sockets import COLLECTORS

        return COLLECTORS

    def survey(self, project: Project) -> Iterator[Finding]:
        """Yield each request that closes a circle."""
        from analysis.request_loops import loops_of
        from analysis.sockets import Graph

        graph = Graph(project, self.settings.machines or None, None if self.options.tests else is_test)
        seen: set[tuple[str, int, int]] = set()
        for loop in loops_of(graph).deadlocks:
            ask = loop.steps[0].ask
            place = ask.path, ask.span.line, ask.span.col
            if place not in seen:
                seen.add(place)
                yield Finding(
                    code=self.code,
                    message=_message(loop),
                    path=ask.path,
                    span=ask.span,
                    column=ask.column,
                    scope=ask.scope or "<module>",
                    source=f"asks {loop.steps[0].server.name} {','.join(ask.requests)}".strip(),
                )


def _message(loop: Loop) -> str:
    first, *others = loop.steps
    asked = f" for {', '.join(first.ask.requests)}" if first.ask.requests else ""
    where = f"port {first.port}" if first.port else first.address
    asked = f"{asked} while it serves"
    if not others:
        begin = f"{first.client.name} asks itself ({where}){asked}"
    else:
        way = " -> ".join([first.client.name, first.server.name, *map(_onward, others)])
        begin = f"{first.client.name} asks {first.server.name} ({where}){asked}, and is asked back: {way}"
    endless = [f"{one.ask.path}:{one.ask.span.line}" for one in loop.steps if not one.ask.bounded]
    if loop.endless:
        return f"{begin}; no timeout: it can hang for ever"
    if endless:
        return f"{begin}; it can hang until a timeout, and there is none at {', '.join(endless)}"
    return f"{begin}; it can hang until a timeout"


def _onward(step: Step) -> str:
    return f"{step.server.name} ({step.ask.path}:{step.ask.span.line})"
