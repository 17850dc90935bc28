"""Services that wait for each other."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.request_loops import Loop, Loops, circles, loops_of
from tests.sockets.support import graph, service, way

TIMEOUT = "{}.setsockopt(zmq.RCVTIMEO, 500)"


def loops(folder: Path, files: dict[str, str]) -> Loops:
    return loops_of(graph(folder, files))


def pair(options: str = "", **other: object) -> dict[str, str]:
    return {
        "a.py": service("A", 5556, {"b": 5557}, options=options),
        "b.py": service("B", 5557, {"a": 5556}, options=options),
    }


@pytest.mark.parametrize(
    ("options", "ending"),
    [
        ("", "endless"),
        (TIMEOUT, "until a timeout"),
        ("{}.setsockopt(zmq.RCVTIMEO, -1)", "endless"),
        ("{}.setsockopt(zmq.LINGER, 0)", "endless"),
        ("{}.RCVTIMEO = 500", "until a timeout"),
    ],
)
def test_two_that_ask_each_other(tmp_path: Path, options: str, ending: str) -> None:
    found = loops(tmp_path, pair(options))
    assert [way(one) for one in found.deadlocks] == [f"A B: {ending}", f"B A: {ending}"]
    assert found.coupled == ()
    first, second = found.deadlocks[0].steps
    assert (first.ask.path, first.port, first.server.name, first.ask.requests) == ("a.py", 5557, "B", ("look",))
    assert first.ask.trail == ("handle",)
    assert (second.ask.path, second.port, second.server.name) == ("b.py", 5556, "A")


def test_one_timeout_on_the_way_ends_it_for_all(tmp_path: Path) -> None:
    files = pair() | {"b.py": service("B", 5557, {"a": 5556}, options=TIMEOUT)}
    (loop, _) = loops(tmp_path, files).deadlocks
    assert [step.ask.bounded for step in loop.steps] == [False, True]
    assert not loop.endless


def test_the_shortest_way_round_is_told(tmp_path: Path) -> None:
    files = {
        "a.py": service("A", 5556, {"b": 5557}),
        "b.py": service("B", 5557, {"c": 5558, "a": 5556}),
        "c.py": service("C", 5558, {"a": 5556}),
    }
    assert [way(one) for one in loops(tmp_path, files).deadlocks] == [
        "A B: endless",
        "B A: endless",
        "B C A: endless",
        "C A B: endless",
    ]


def test_who_asks_before_it_serves_is_coupled(tmp_path: Path) -> None:
    files = pair() | {"b.py": service("B", 5557, before={"a": 5556})}
    found = loops(tmp_path, files)
    assert found.deadlocks == ()
    assert [way(one) for one in found.coupled] == ["A B: endless"]
    assert [step.serving for step in found.coupled[0].steps] == [True, False]


def test_who_asks_in_a_thread_of_its_own_is_coupled(tmp_path: Path) -> None:
    files = pair()
    files["b.py"] = files["b.py"].replace("self.handle(request)", "threading.Thread(target=self.handle).start()")
    found = loops(tmp_path, files)
    assert (found.deadlocks, [way(one) for one in found.coupled]) == ((), ["A B: endless"])


def test_another_socket_that_another_loop_answers(tmp_path: Path) -> None:
    text = service("B", 5557, {"a": 5556})
    text = text.replace(
        "    def run(self):",
        '        self.health = context.socket(zmq.REP)\n        self.health.bind("tcp://127.0.0.1:5559")\n\n'
        "    def tell(self):\n        while True:\n"
        "            self.health.recv()\n            self.health.send(b'')\n\n"
        "    def run(self):",
    )
    files = {"a.py": service("A", 5556, {"b": 5559}), "b.py": text}
    found = loops(tmp_path, files)
    assert found.deadlocks == ()
    assert [way(one) for one in found.coupled] == ["A B: endless"]
    # The same loop answers both.
    one_loop = text.replace(
        "    def tell(self):\n        while True:\n            self.health.recv()\n            self.health.send(b'')\n",
        "",
    ).replace(
        "        while True:\n            request",
        "        while True:\n            self.health.recv()\n            request",
    )
    assert len(loops(tmp_path, files | {"b.py": one_loop}).deadlocks) == 2


def test_the_loop_may_be_around_the_function_that_receives(tmp_path: Path) -> None:
    text = service("A", 5556, {"b": 5557}).replace(
        "            request = self.replies.recv_json()\n", "            request = self.next()\n"
    )
    text = text.replace(
        "    def handle", "    def next(self):\n        return self.replies.recv_json()\n\n    def handle"
    )
    assert len(loops(tmp_path, pair() | {"a.py": text}).deadlocks) == 2


def test_what_runs_behind_the_loop_is_not_asked_while_serving(tmp_path: Path) -> None:
    text = service("A", 5556).replace(
        "\n    def handle",
        "\n        self.stop()\n\n    def stop(self):\n        s = zmq.Context().socket(zmq.REQ)\n"
        '        s.connect("tcp://127.0.0.1:5557")\n        s.send(b"bye")\n        s.recv()\n\n    def handle',
        1,
    )
    found = loops(tmp_path, pair() | {"a.py": text})
    assert (found.deadlocks, len(found.coupled)) == ((), 1)


def test_a_service_that_asks_itself(tmp_path: Path) -> None:
    (loop,) = loops(tmp_path, {"a.py": service("A", 5556, {"own": 5556})}).deadlocks
    assert way(loop) == "A: endless"


def test_a_port_that_two_bind_is_not_certain(tmp_path: Path) -> None:
    files = pair() | {"c.py": service("C", 5557)}
    found = loops(tmp_path, files)
    assert (found.deadlocks, found.coupled) == ((), ())
    assert [way(one) for one in found.possible] == ["A B: endless", "B A: endless"]


def test_a_circle_is_told_once_from_its_first_request_on(tmp_path: Path) -> None:
    found = loops(tmp_path, pair())
    assert [way(one) for one in circles(found.deadlocks)] == ["A B: endless"]
    assert circles(reversed(found.deadlocks)) == circles(found.deadlocks)
    twice = pair()["a.py"].replace("        return answers", '        self.b.send(b"more")\n        self.b.recv()\n')
    again = loops(tmp_path, {**pair(), "a.py": twice})
    assert [one.steps[0].ask.span.line for one in circles(again.deadlocks)] == [22, 24]


def test_a_circle_through_a_port_that_a_configuration_changes_is_possible(tmp_path: Path) -> None:
    given = service("B", 5557, {"a": 5556}).replace("__init__(self)", "__init__(self, port=5557)")
    given = given.replace('"tcp://127.0.0.1:5557"', 'f"tcp://*:{port}"').replace("B().run()", "pass")
    files = {**pair(), "b.py": given.partition("if __name__")[0]}
    assert len(loops(tmp_path, files).deadlocks) == 2
    files["start.yaml"] = "agents:\n  B: {script_path: b.py, port: 7200}\n"
    found = loops(tmp_path, files)
    assert found.deadlocks == ()
    assert [way(one) for one in circles(found.possible)] == ["A B: endless"]


def test_asynchronous_services(tmp_path: Path) -> None:
    files = {
        name: text.replace("zmq.Context.instance()", "zmq.asyncio.Context()")
        .replace("def run", "async def run")
        .replace("def handle", "async def handle")
        .replace("self.handle(", "await self.handle(")
        .replace("self.replies.recv_json()", "await self.replies.recv_json()")
        .replace("self.b.recv_json()", "await self.b.recv_json()")
        .replace("self.a.recv_json()", "await self.a.recv_json()")
        for name, text in pair().items()
    }
    assert [way(one) for one in loops(tmp_path, files).deadlocks] == ["A B: endless", "B A: endless"]
    files["b.py"] = files["b.py"].replace("await self.a.recv_json()", "await asyncio.wait_for(self.a.recv_json(), 2)")
    assert [way(one) for one in loops(tmp_path, files).deadlocks] == ["A B: until a timeout", "B A: until a timeout"]


def test_a_router_whose_loop_asks(tmp_path: Path) -> None:
    files = {name: text.replace("zmq.REP", "zmq.ROUTER") for name, text in pair().items()}
    assert len(loops(tmp_path, files).deadlocks) == 2


def test_a_dealer_need_not_wait(tmp_path: Path) -> None:
    files = {name: text.replace("zmq.REQ", "zmq.DEALER") for name, text in pair().items()}
    assert loops(tmp_path, files) == Loops((), (), ())


TREES = st.integers(1, 5).flatmap(
    lambda number: st.dictionaries(
        st.tuples(st.integers(0, number - 1), st.integers(0, number - 1)), st.sampled_from(["serving", "before"])
    ).map(lambda asks: (number, asks))
)


@settings(max_examples=60, deadline=None)
@given(TREES, st.randoms(use_true_random=False))
def test_what_is_flagged_is_what_lies_in_a_strong_component(
    tree: tuple[int, dict[tuple[int, int], str]], random: object
) -> None:
    number, asks = tree
    serving = nx.DiGraph([pair for pair, when in asks.items() if when == "serving"])
    every = nx.DiGraph(list(asks))
    expected = {
        (f"S{one}", f"S{other}")
        for component in nx.strongly_connected_components(serving)
        for one, other in serving.subgraph(component).edges
    }
    files = {}
    for at in range(number):
        chosen = {
            when: {f"s{to}": 5600 + to for (by, to), each in asks.items() if by == at and each == when}
            for when in ("serving", "before")
        }
        files[f"s{at}.py"] = service(f"S{at}", 5600 + at, chosen["serving"], before=chosen["before"])
    with tempfile.TemporaryDirectory() as folder:
        found = loops(Path(folder), files)
    assert {(one.steps[0].client.name, one.steps[0].server.name) for one in found.deadlocks} == expected
    inside = {name for each in expected for name in each}
    for loop in (*found.deadlocks, *found.coupled):
        names = [one.client.name for one in loop.steps]
        assert [one.server.name for one in loop.steps] == [*names[1:], names[0]]
        assert len(set(names)) == len(names)
    told = circles(found.deadlocks)
    assert {_turned(one) for one in told} == {_turned(one) for one in found.deadlocks}
    assert len({_turned(one) for one in told}) == len(told)
    for loop in found.deadlocks:
        start, end = loop.steps[0].client.name, loop.steps[0].server.name
        back = nx.shortest_path_length(serving, int(end[1:]), int(start[1:]))
        assert len(loop.steps) == back + 1
        assert all((one.client.name, one.server.name) in expected for one in loop.steps)
    tangled = {
        f"S{one}"
        for component in nx.strongly_connected_components(every)
        if len(component) > 1 or every.has_edge(*(list(component) * 2))
        for one in component
    }
    coupled = {one.name for loop in found.coupled for one in loop.services}
    assert tangled - inside <= coupled <= tangled


def _turned(loop: Loop) -> tuple[tuple[str, int], ...]:
    """The places of the requests of a circle from the first by name on."""
    places = [(one.ask.path, one.ask.span.line) for one in loop.steps]
    start = places.index(min(places))
    return (*places[start:], *places[:start])


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(4)))
def test_neither_the_names_of_files_nor_their_order_matter(order: list[int]) -> None:
    ports = list(range(5600, 5604))
    texts = [service(f"S{at}", port, {"next": ports[(at + 1) % 4]}) for at, port in enumerate(ports)]
    with tempfile.TemporaryDirectory() as folder:
        found = loops(Path(folder), {f"f{place}.py": texts[at] for place, at in enumerate(order)})
    rounds = {tuple(one.name for one in loop.services) for loop in found.deadlocks}
    start = ["S0", "S1", "S2", "S3"]
    assert rounds == {(*start[at:], *start[:at]) for at in range(4)}
    for loop in found.deadlocks:
        assert all(
            int(second.client.name[1]) == (int(first.client.name[1]) + 1) % 4 for first, second in pairwise(loop.steps)
        )
