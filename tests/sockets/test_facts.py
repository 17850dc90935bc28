"""What one file says of sockets and messages."""

from __future__ import annotations

import pytest

from analysis.collectors.socket_records import Act
from tests.sockets.support import facts


def only(text: str, what: str) -> Act:
    (found,) = (act for act in facts(text).acts if act.what == what)
    return found


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("import zmq\ns = zmq.Context().socket(zmq.REQ)\n", (":s", "REQ")),
        ("import zmq\nimport zmq.asyncio\ns = zmq.asyncio.Context.instance().socket(zmq.REP)\n", (":s", "REP")),
        ("from zmq import PUB\ns = context.socket(PUB)\n", (":s", "PUB")),
        ("import zmq\ns = context.socket(zmq.SocketType.PULL)\n", (":s", "PULL")),
        ("import zmq\ndef f():\n    s = make(context, zmq.SUB, server=False)\n", ("f:s", "SUB")),
        ("import zmq\ndef f():\n    with context.socket(zmq.DEALER) as s:\n        pass\n", ("f:s", "DEALER")),
        ("import zmq\nclass A:\n    def f(self):\n        self.s = self.c.socket(zmq.REQ)\n", ("self.s", "REQ")),
        (
            "import zmq\nclass A:\n    def f(self):\n        self.s['x'] = self.c.socket(zmq.REQ)\n",
            ("self.s[x]", "REQ"),
        ),
        ("import zmq\ns = None\ndef f():\n    global s\n    s = c.socket(zmq.REQ)\n", (":s", "REQ")),
        ("import zmq\ndef f(agent):\n    agent.s = agent.c.socket(zmq.REP)\n", ("f:agent.s", "REP")),
        ("async def f():\n    s = await connect(zmq.REQ)\n", ("f:s", "REQ")),
        ("s = get_rep_socket('tcp://*:5556').socket\n", (":s", "REP")),
    ],
)
def test_a_socket_has_a_type_and_a_name(text: str, made: tuple[str, str]) -> None:
    assert [(one.key, one.kind) for one in facts(text).made] == [made]


@pytest.mark.parametrize(
    ("lines", "kinds"),
    [
        (["s = c.socket(zmq.REQ if x else zmq.DEALER)"], ("REQ", "DEALER")),
        (["s = c.socket(zmq.PUB if x else None)"], ("PUB", "?")),
        (["s = c.socket(kind or zmq.PULL)"], ("?", "PULL")),
        (["s = c.socket(None)"], ("?",)),
        (["s = c.socket(kind)"], ("?",)),
        (["s = c.socket(kinds[zmq.PULL])"], ("?",)),
        (["s = c.socket(getattr(zmq, kind))"], ("?",)),
        (["s = c.socket(getattr(zmq, 'PAIR'))"], ("PAIR",)),
        (["s = c.socket(socket_type=zmq.XPUB)"], ("XPUB",)),
        (["kind = zmq.REQ", "s = c.socket(kind)"], ("REQ",)),
        (["kind = zmq.REQ", "if x:", "    kind = zmq.SUB", "s = c.socket(kind)"], ("REQ", "SUB")),
        (["if x:", "    s = c.socket(zmq.SUB)", "else:", "    s = c.socket(zmq.REQ)"], ("SUB", "REQ")),
        (["s = c.socket(zmq.SUB)", "s.connect(other)", "s = c.socket(zmq.REQ)"], ("REQ",)),
        (["s = c.socket(zmq.SUB)", "if x:", "    s = secured_socket(s)"], ("SUB",)),
        (["s = c.socket(zmq.SUB)", "if x:", "    s = make_socket()"], ()),
        (["s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)"], ()),
    ],
)
def test_the_types_that_a_socket_may_have_where_it_is_bound(lines: list[str], kinds: tuple[str, ...]) -> None:
    body = "".join(f"    {line}\n" for line in [*lines, "s.bind(address)"])
    helpers = "def secured_socket(s):\n    return s\n\ndef make_socket():\n    s = c.socket(kind)\n    return s\n\n"
    act = next(one for one in facts(f"{helpers}def f(x, kind):\n{body}").acts if one.what == "bind")
    assert act.kinds == kinds


@pytest.mark.parametrize(
    ("call", "bounded"),
    [
        ("s.recv()", False),
        ("s.recv(zmq.NOBLOCK)", True),
        ("s.recv_json(flags=zmq.DONTWAIT)", True),
        ("s.recv_string(flags=zmq.SNDMORE | zmq.NOBLOCK)", True),
        ("s.recv_json(flags=0)", False),
    ],
)
def test_a_recv_that_does_not_wait(call: str, bounded: bool) -> None:
    assert only(f"import zmq\ns = c.socket(zmq.REQ)\nx = {call}\n", "recv").bounded is bounded


@pytest.mark.parametrize(
    ("line", "bounded"),
    [
        ("s.setsockopt(zmq.RCVTIMEO, 2000)", True),
        ("s.setsockopt(zmq.RCVTIMEO, TIMEOUT)", True),
        ("s.setsockopt(zmq.RCVTIMEO, -1)", False),
        ("s.set(zmq.RCVTIMEO, 2000)", True),
        ("s.RCVTIMEO = 2000", True),
        ("s.rcvtimeo = -1", False),
    ],
)
def test_a_timeout_that_is_set(line: str, bounded: bool) -> None:
    assert only(f"import zmq\ns = c.socket(zmq.REQ)\n{line}\n", "limit").bounded is bounded


def test_other_options_are_no_timeout() -> None:
    options = "s.setsockopt(zmq.LINGER, 0)\ns.setsockopt(zmq.SNDTIMEO, 100)\ns.linger = 0\n"
    assert facts(f"import zmq\ns = c.socket(zmq.REQ)\n{options}").acts == ()


@pytest.mark.parametrize(
    ("call", "bounded"), [("s.poll(100)", True), ("s.poll()", False), ("s.poll(timeout=None)", False)]
)
def test_a_poll_with_a_timeout(call: str, bounded: bool) -> None:
    assert only(f"import zmq\ns = c.socket(zmq.REQ)\nif {call}:\n    pass\n", "poll").bounded is bounded


@pytest.mark.parametrize(
    "text",
    [
        "async def f(s):\n    await asyncio.wait_for(s.recv(), 2)\n",
        "async def f(s):\n    async with asyncio.timeout(2):\n        await s.recv()\n",
    ],
)
def test_a_wait_that_asyncio_ends(text: str) -> None:
    assert only(text, "recv").bounded


@pytest.mark.parametrize(
    ("send", "text"),
    [
        ('s.send_json({"action": "save", "key": 1})', "save"),
        ('s.send_string(json.dumps({"type": "save"}))', "save"),
        ('s.send(json.dumps({"command": "save"}).encode())', "save"),
        ('message = {"request_type": "save"}\ns.send_json(message)', "save"),
        ('message = {"request_type": "save"}\ns.send_string(json.dumps(message))', "save"),
        ('s.send_string("ping")', "ping"),
        ('s.send(b"ping")', "ping"),
        ("s.send_json(message)", None),
        ('s.send_json({"key": 1})', None),
        ("s.send_multipart([b'state', data])", "state"),
        ('s.send_string(f"state {data}")', "state"),
        ('TOPIC = "state"\ns.send_string(f"{TOPIC} {data}")', "state"),
        ('s.send_string("state " + data)', "state "),
        ('s.send_string(f"{data}")', None),
    ],
)
def test_what_is_sent(send: str, text: str | None) -> None:
    assert only(f"import zmq\ns = c.socket(zmq.PUB)\n{send}\n", "send").text == text


@pytest.mark.parametrize(
    ("line", "topic"),
    [
        ('s.setsockopt_string(zmq.SUBSCRIBE, "state")', "state"),
        ('s.setsockopt(zmq.SUBSCRIBE, b"state")', "state"),
        ('s.subscribe("")', ""),
        ('s.subscribe = b"state"', "state"),
        ("s.subscribe(topic)", None),
        ('topic = "state"\ns.subscribe(topic.encode())', "state"),
    ],
)
def test_what_is_subscribed_to(line: str, topic: str | None) -> None:
    assert only(f"import zmq\ns = c.socket(zmq.SUB)\n{line}\n", "subscribe").text == topic


HANDLER = """
    class A:
        def handle(self, message):
            action = message.get("action")
            {}
"""


@pytest.mark.parametrize(
    ("body", "requests"),
    [
        ('if action == "save":\n                self.save()', [("save",)]),
        ('if message["type"] in ("save", "store"):\n                self.save()', [("save", "store")]),
        ('if "save" == message.get("command", "").lower():\n                self.save()', [("save",)]),
        ('if action == "save" and self.ready:\n                self.save()', [("save",)]),
        ('if message["status"] == "save":\n                self.save()', []),
        ('if action != "save":\n                return', []),
        ('match action:\n                case "save" | "store":\n                    self.save()', [("save", "store")]),
        ('{"save": self.save, "load": self.load}[action]()', [("save",), ("load",)]),
        ('table = {"save": self.save}\n            table.get(action)()', [("save",)]),
    ],
)
def test_requests_that_are_told_apart(body: str, requests: list[tuple[str, ...]]) -> None:
    record = facts(HANDLER.format(body))
    assert [one.requests for one in record.handled] == requests
    under = {(one.target, one.place.under) for one in record.calls if one.target in (".save", ".load")}
    for known in requests:
        assert {target for target, each in under if each == known} <= {".save", ".load"}
        assert any(each == known for _, each in under)


def test_what_stands_behind_a_test_is_not_under_it() -> None:
    record = facts(
        """
        class A:
            def handle(self, action):
                if action == "save":
                    self.save()
                else:
                    self.other()
                self.last()
        """
    )
    assert {one.target: one.place.under for one in record.calls} == {".save": ("save",), ".other": (), ".last": ()}


def test_calls_that_wait_and_calls_that_do_not() -> None:
    record = facts(
        """
        import threading
        from app.memory import Memory, look_up

        class A(Memory):
            def __init__(self):
                super().__init__()
                self.memory = Memory(5556)
                threading.Thread(target=self.watch).start()
                asyncio.create_task(self.later())

            async def run(self, request):
                while True:
                    self.memory.save(request)
                    look_up(request)
                    await self.handle(request)
                print(request)
        """
    )
    calls = [(one.target, one.place.scope, one.place.loop) for one in record.calls]
    assert calls == [
        ("^__init__", "A.__init__", 0),
        ("0:app.memory:Memory", "A.__init__", 0),
        ("0:app.memory:Memory().save", "A.run", 13),
        ("0:app.memory:look_up", "A.run", 13),
        (".handle", "A.run", 13),
    ]


def test_the_loop_is_the_outermost_of_the_function() -> None:
    record = facts(
        """
        def f(s):
            s.send(b"a")
            while True:
                for _ in range(3):
                    s.send(b"b")

                def g(s):
                    s.send(b"c")
        """
    )
    assert [(act.text, act.place.loop) for act in record.acts] == [("a", 0), ("b", 4), ("c", 0)]


def test_a_file_without_messages_has_no_record() -> None:
    from analysis.collectors.sockets import SocketCollector
    from analysis.reading import analyse
    from analysis.source import Source

    text = b"# the zmq of others\nx = 1\n\n\ndef f():\n    return x\n"
    assert analyse(Source.from_bytes(text, "one.py"), (SocketCollector,)).records(SocketCollector) == []


def test_text_that_is_put_together_in_many_steps_is_not_followed() -> None:
    lines = "".join(f"    if x:\n        text += f'{{text}} {at}'\n" for at in range(60))
    record = facts(
        f"def f(x):\n    text = ''\n{lines}    text.strip(text)\n    g(text.strip())\n\n\ndef g(x):\n    pass\n"
    )
    assert [one.target for one in record.calls] == ["0::g"]


def test_a_name_that_is_made_from_itself_ends() -> None:
    text = "def f(x):\n    x = sorted(x)\n    g(x)\n\n\ndef g(x):\n    pass\n"
    assert [one.target for one in facts(text).calls] == ["0::g"]
