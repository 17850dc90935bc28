"""``unsnarl sockets`` and E921, as a process."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.support import unsnarl, write
from tests.sockets.support import service

FILES = {
    "unsnarl.toml": 'select = ["E921"]\n',
    "memory.py": service("Memory", 5556, {"model": 5557}),
    "model.py": service("Model", 5557, {"memory": 5556}),
    "press.py": "import zmq\n\np = zmq.Context().socket(zmq.PUB)\np.bind('tcp://*:5560')\np.send_string('state x')\n",
    "reader.py": "import zmq\n\ns = zmq.Context().socket(zmq.SUB)\ns.connect('tcp://localhost:5560')\n"
    "s.subscribe('')\n",
    "lost.py": "import zmq\n\ns = zmq.Context().socket(zmq.REQ)\ns.connect('tcp://localhost:5999')\n"
    "s.send(b'x')\ns.recv()\n",
    "tests/test_it.py": service("Fake", 5570, {"memory": 5556}),
    "broken.py": "def f(:\n",
}
LINE = "memory.py:22"
TEXT = f"""\
Who speaks to whom: 3 edges
  from                  to      what          how                          where
  Memory  asks          Model   5557 look     while it serves, no timeout  memory.py:12
  Model   asks          Memory  5556 look     while it serves, no timeout  model.py:12
  press   publishes to  reader  5560 state x                               press.py:4

What is answered: 2 loops that receive requests
  Memory at 5556, memory.py:16
  Model at 5557, model.py:16

Requests in a circle: 1 circle
  can hang, without any timeout: Memory -> Model -> Memory
    {LINE} Memory asks Model (5557) for look, no timeout
    model.py:22 Model asks Memory (5556) for look, no timeout

Nobody on the other side: 1 socket
  service  socket            why                        where
  lost     REQ connect 5999  asked, and nobody answers  lost.py:4
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(tmp_path, dict(FILES))


def sockets(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return unsnarl("sockets", *arguments, cwd=cwd)


def test_the_whole_graph_as_text(tree: Path) -> None:
    done = sockets(cwd=tree)
    assert done.stdout == TEXT
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "1 file could not be read: `unsnarl sockets --verbose` names it",
        "7 sockets, 3 edges, 3 of them sure",
        "1 circle of requests can hang",
    ]
    assert "broken.py:1: not analysed" in sockets("--verbose", cwd=tree).stderr
    assert sockets("--quiet", cwd=tree).stderr == ""


@pytest.mark.parametrize("arguments", [(), ("--jobs=1",), ("--jobs=2", "--no-cache"), ("--jobs=3",)])
def test_the_same_with_any_number_of_processes(tree: Path, arguments: tuple[str, ...]) -> None:
    assert sockets("--format=json", *arguments, cwd=tree).stdout == sockets("--format=json", cwd=tree).stdout


def test_parts_and_filters(tree: Path) -> None:
    def edges(*arguments: str) -> list[tuple[str, str]]:
        made = json.loads(sockets("--format=json", "--only=edges", *arguments, cwd=tree).stdout)
        assert list(made) == ["edges"]
        return [(one["client"]["name"], one["server"]["name"]) for one in made["edges"]]

    both = [("Memory", "Model"), ("Model", "Memory")]
    assert edges() == [*both, ("press", "reader")]
    assert edges("--kind=publish") == [("press", "reader")]
    assert edges("--port=5556") == [("Model", "Memory")]
    assert edges("--owner=memory") == both
    assert edges("--all") == [("Fake", "Memory"), *both, ("press", "reader")]
    assert edges("press.py") == [("press", "reader")]
    assert sockets("press.py", cwd=tree).returncode == 0
    assert sockets("--only=loops", "--owner=reader", cwd=tree).stdout == "Requests in a circle: none\n"


def test_a_circle_through_a_port_that_two_bind_is_possible(tree: Path) -> None:
    write(tree, {"other.py": service("Other", 5557)})
    done = sockets("--only=loops", cwd=tree)
    assert done.returncode == 0
    assert done.stdout.splitlines()[:2] == [
        "Requests in a circle: 1 circle",
        "  can hang, if it is this service that has the port, without any timeout: Memory -> Model -> Memory",
    ]


def test_what_a_configuration_gives_is_told_with_its_place(tree: Path) -> None:
    served = service("Speaker", 5571).replace("__init__(self):", "__init__(self, config):")
    write(
        tree,
        {
            "speaker.py": served.replace('"tcp://127.0.0.1:5571"', "f\"tcp://*:{config.get('port', 5571)}\""),
            "start.yaml": "agents:\n  Speaker:\n    script_path: speaker.py\n    port: 5999\n",
        },
    )
    done = sockets("--owner=lost", "--only=edges", cwd=tree)
    assert done.stdout.splitlines()[-1].split("  ")[-2:] == [
        "possibly, no timeout",
        "lost.py:4 (5999 by config['port'] in start.yaml:4; 5571 in the source)",
    ]
    (edge,) = json.loads(sockets("--owner=lost", "--only=edges", "--format=json", cwd=tree).stdout)["edges"]
    assert (edge["sure"], edge["given"]) == (False, "5999 by config['port'] in start.yaml:4; 5571 in the source")
    rows = csv.DictReader(io.StringIO(sockets("--owner=Speaker", "--format=csv", "--only=sockets", cwd=tree).stdout))
    assert [(one["port"], one["certainty"], one["given"]) for one in rows] == [
        ("5571", "default", "5999 by config['port'] in start.yaml:4"),
        ("5999", "configured", "5999 by config['port'] in start.yaml:4; 5571 in the source"),
    ]


def test_who_may_be_in_a_file_that_does_not_parse(tree: Path) -> None:
    write(tree, {"broken.py": "import zmq\ns = c.socket(zmq.REP)\ns.bind('tcp://*:5999')\ndef f(:\n"})
    done = sockets("--only=orphans", cwd=tree)
    why = "asked, and nobody answers, unless broken.py:3 does, which does not parse"
    assert done.stdout.splitlines()[-1] == f"  lost     REQ connect 5999  {why}  lost.py:4"
    (one,) = json.loads(sockets("--only=orphans", "--format=json", cwd=tree).stdout)["orphans"]
    assert (one["why"], one["unread"]) == ("asked, and nobody answers", "broken.py:3")


def test_json_has_all_of_it(tree: Path) -> None:
    made = json.loads(sockets("--format=json", cwd=tree).stdout)
    assert list(made) == ["edges", "requests", "loops", "orphans", "sockets"]
    (first, second) = made["loops"]["deadlocks"]
    assert first["endless"]
    step = first["steps"][0]
    assert (step["path"], step["line"], step["function"], step["trail"]) == (
        "memory.py",
        22,
        "Memory.handle",
        ["handle"],
    )
    assert (step["requests"], step["bounded"], step["serving"]) == (["look"], False, True)
    assert second["steps"][0]["client"] == {"machine": "", "name": "Model", "home": "model.py"}
    assert [(one["service"], one["why"]) for one in made["orphans"]] == [("lost", "asked, and nobody answers")]
    assert {one["kind"] for one in made["sockets"]} == {"REQ", "REP", "PUB", "SUB"}


def test_csv_of_edges_and_of_sockets(tree: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(sockets("--format=csv", cwd=tree).stdout)))
    assert [(one["client"], one["kind"], one["server"], one["sure"], one["serving"]) for one in rows] == [
        ("Memory", "request", "Model", "true", "true"),
        ("Model", "request", "Memory", "true", "true"),
        ("press", "publish", "reader", "true", "false"),
    ]
    rows = list(csv.DictReader(io.StringIO(sockets("--format=csv", "--only=sockets", cwd=tree).stdout)))
    assert [(one["service"], one["kind"], one["side"], one["port"]) for one in rows if one["service"] == "Memory"] == [
        ("Memory", "REP", "bind", "5556"),
        ("Memory", "REQ", "connect", "5557"),
    ]


def test_pictures(tree: Path) -> None:
    dot = sockets("--format=dot", cwd=tree).stdout
    assert dot.startswith("digraph sockets {\n")
    assert 'n0 -> n1 [label="5557: look", arrowhead=normal, color=red];' in dot
    assert 'n2 -> n3 [label="5560: state x", arrowhead=vee];' in dot
    mermaid = sockets("--format=mermaid", cwd=tree).stdout
    assert mermaid.splitlines() == [
        "flowchart LR",
        '  subgraph m0["on any machine"]',
        '    n0["Memory"]',
        '    n1["Model"]',
        '    n2["press"]',
        '    n3["reader"]',
        "  end",
        '  n0 -->|"5557: look"| n1',
        '  n1 -->|"5556: look"| n0',
        '  n2 --o|"5560: state x"| n3',
        "  linkStyle 0,1 stroke:red",
    ]


def test_a_service_that_is_not_there(tree: Path) -> None:
    done = sockets("--owner=Memry", cwd=tree)
    assert done.returncode == 2
    assert done.stderr.endswith("--owner Memry: no such service has a socket; did you mean `Memory`?\n")
    assert sockets("gone", cwd=tree).returncode == 2


def test_an_output_file(tree: Path) -> None:
    assert sockets("--output-file=out.txt", "--only=edges", cwd=tree).stdout == ""
    assert (tree / "out.txt").read_text().startswith("Who speaks to whom: 3 edges\n")


CUT = (
    "memory.py:22:9: E921 Memory asks Model (port 5557) for look while it serves, and is asked back: "
    "Memory -> Model -> Memory (model.py:22); no timeout: it can hang for ever\n"
    "model.py:22:9: E921 Model asks Memory (port 5556) for look while it serves, and is asked back: "
    "Model -> Memory -> Model (memory.py:22); no timeout: it can hang for ever\n"
)


def found(tree: Path) -> list[str]:
    """What the rule says of the tree; that one file cannot be parsed comes first."""
    first, *lines = unsnarl("check", cwd=tree).stdout.splitlines(keepends=True)
    assert first.startswith("broken.py:1:7: cannot be parsed")
    return lines


def test_the_rule_tells_each_request_of_a_circle(tree: Path) -> None:
    assert "".join(found(tree)) == CUT
    assert "".join(found(tree)) == CUT


def test_a_timeout_is_told_otherwise(tree: Path) -> None:
    option = "{}.setsockopt(zmq.RCVTIMEO, 500)"
    write(tree, {"model.py": service("Model", 5557, {"memory": 5556}, options=option)})
    first, second = found(tree)
    assert first.endswith("; it can hang until a timeout, and there is none at memory.py:22\n")
    assert second.endswith("; it can hang until a timeout, and there is none at memory.py:22\n")
    write(tree, {"memory.py": service("Memory", 5556, {"model": 5557}, options=option)})
    assert all(line.endswith("; it can hang until a timeout\n") for line in found(tree))


def test_a_comment_silences_one_request(tree: Path) -> None:
    lines = FILES["memory.py"].splitlines(keepends=True)
    lines[21] = lines[21].rstrip() + "  # noqa: E921 answered from another thread\n"
    write(tree, {"memory.py": "".join(lines)})
    assert found(tree) == CUT.splitlines(keepends=True)[1:]


def test_the_services_of_tests_count_where_that_is_asked_for(tree: Path) -> None:
    write(tree, {"tests/test_it.py": service("Fake", 5570, {"own": 5570})})
    assert "".join(found(tree)) == CUT
    write(tree, {"unsnarl.toml": 'select = ["E921"]\n\n[rules.E921]\ntests = true\n'})
    assert "Fake asks itself (port 5570) for look while it serves; no timeout" in "".join(found(tree))
