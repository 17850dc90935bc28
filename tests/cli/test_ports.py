"""``unsnarl ports`` and ``python -m analysis.check_port_conflicts``, as processes."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.support import write

FILES = {
    "main_pc_code/tts.py": """\
import os
import zmq


class Speaker:
    def __init__(self, port=5556):
        self.port = int(os.getenv("TTS_PORT", port))
        self.reply_socket = zmq.Context().socket(zmq.REP)

    def run(self):
        self.reply_socket.bind(f"tcp://*:{self.port}")
""",
    "main_pc_code/asr.py": """\
class Listener:
    def run(self):
        self.out_socket = self.context.socket(zmq.PUB)
        self.out_socket.bind("tcp://*:5556")
        self.out_socket.connect("tcp://localhost:" + self.config["port"])
""",
    "pc2_code/client.py": 'sock.connect("tcp://main:5556")\n',
    "pc2_code/broken.py": "def f(:\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def run(folder: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def ports(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "unsnarl", "ports", *arguments)


def test_the_table(tree: Path) -> None:
    done = ports(tree)
    lines = [re.split(r"  +", line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert lines[0] == ["port", "side", "by", "socket", "machine", "owner", "purpose", "certainty", "place", "from"]
    first = ["5556", "bind", "zmq", "PUB", "main_pc", "Listener", "out", "exact", "main_pc_code/asr.py:4:9"]
    assert lines[1][:9] == first
    assert [line[0] for line in lines[1:]] == ["5556", "5556", "?", "5556"]
    assert "$TTS_PORT or Speaker.__init__(port) or 5556" in done.stdout
    assert done.stderr.splitlines() == [
        "1 file could not be read: `unsnarl ports --verbose` names it",
        "4 rows, 3 with a number",
    ]


def test_what_could_not_be_read_is_one_line_in_every_format_and_named_when_asked(tree: Path) -> None:
    (tree / "pc2_code" / "second.py").write_text("def f(:\n")
    (tree / "broken.yaml").write_text("a: [1\n")
    for style in ("text", "csv", "json", "dot", "mermaid"):
        said = ports(tree, "--format", style).stderr.splitlines()
        assert said[0] == "3 files could not be read: `unsnarl ports --verbose` names them"
        assert not any("not analysed" in line for line in said)
    assert ports(tree, "--verbose").stderr.splitlines() == [
        "broken.yaml:2: not analysed: did not find expected ',' or ']'",
        "pc2_code/broken.py:1: not analysed: invalid syntax",
        "pc2_code/second.py:1: not analysed: invalid syntax",
        "4 rows, 3 with a number",
    ]
    assert ports(tree, "-q").stderr == ""


def test_the_summary_writes_both_numbers_alike(tree: Path) -> None:
    (tree / "many.py").write_text("".join(f'a.bind("tcp://*:{port}")\n' for port in range(6000, 7100)))
    assert ports(tree).stderr.splitlines()[-1] == "1,104 rows, 1,103 with a number"


def test_one_side_of_one_port(tree: Path) -> None:
    done = ports(tree, "--side", "connect", "--port", "5556", "-q")
    assert [line.split()[0:2] for line in done.stdout.splitlines()[1:]] == [["5556", "connect"]]
    assert done.stderr == ""


def test_csv_and_json_say_the_same(tree: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(ports(tree, "--format", "csv").stdout)))
    objects = json.loads(ports(tree, "--format", "json").stdout)
    assert rows == [{key: "" if value is None else str(value) for key, value in one.items()} for one in objects]
    assert [one["port"] for one in objects] == [5556, None, 5556, 5556]


def test_a_file_of_its_own(tree: Path) -> None:
    done = ports(tree, "--format", "csv", "--output-file", "ports.csv")
    assert done.stdout == ""
    assert len((tree / "ports.csv").read_text().splitlines()) == 5


def test_conflicts(tree: Path) -> None:
    done = run(tree, "analysis.check_port_conflicts")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "port 5556 on main_pc: 2 owners",
        "  Listener: main_pc_code/asr.py:4:9: 'tcp://*:5556'",
        "  Speaker: main_pc_code/tts.py:11:9: f'tcp://*:{self.port}'",
    ]
    assert done.stderr.splitlines() == [
        "1 file could not be read: `unsnarl ports --verbose` names it",
        "1 conflict",
    ]


def test_as_many_owners_as_are_allowed(tree: Path) -> None:
    done = run(tree, "analysis.check_port_conflicts", "--max-count", "2")
    assert (done.returncode, done.stdout) == (0, "")


def test_max_count_says_what_it_counts(tree: Path) -> None:
    said = " ".join(run(tree, "analysis.check_port_conflicts", "--help").stdout.split())
    assert "how many owners one port of one machine may have" in said
    assert "not a budget of conflicts" in said
    for wrong in ("0", "-1", "many"):
        done = run(tree, "analysis.check_port_conflicts", f"--max-count={wrong}")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"`{wrong}` is no number of owners" in done.stderr
    assert run(tree, "analysis.check_port_conflicts", "--max-count", "1").returncode == 1


COMPOSE = 'services: {{{}: {{image: x, ports: ["9000:9000"]}}}}\n'


def test_folders_of_configuration_that_are_called_after_a_machine(tree: Path) -> None:
    for folder, service in (("mainpc", "primary"), ("pc2", "forwarder")):
        (tree / "docker" / folder / "config").mkdir(parents=True)
        (tree / "docker" / folder / "compose.yaml").write_text(COMPOSE.format(service))
    (tree / "docker" / "mainpc" / "config" / "agent.yaml").write_text("port: 7007\n")
    rows = json.loads(ports(tree, "--format", "json", "docker", "main_pc_code", "pc2_code").stdout)
    machines = {(one["path"], one["machine"]) for one in rows if one["path"].startswith("docker/")}
    assert machines == {
        ("docker/mainpc/compose.yaml", "main_pc"),
        ("docker/mainpc/config/agent.yaml", "main_pc"),
        ("docker/pc2/compose.yaml", "pc2"),
    }
    assert "9000" not in run(tree, "analysis.check_port_conflicts").stdout
    (tree / "docker" / "pc2" / "more.compose.yaml").write_text(COMPOSE.format("second"))
    assert "port 9000 on pc2: 2 owners" in run(tree, "analysis.check_port_conflicts").stdout
    # Settings say it all.
    (tree / "unsnarl.toml").write_text('[machines]\npc2 = ["pc2_code"]\n')
    rows = json.loads(ports(tree, "--format", "json", "--side", "publish").stdout)
    assert {one["machine"] for one in rows} == {""}


def test_what_a_container_publishes_may_be_bound_by_what_it_runs(tree: Path) -> None:
    (tree / "docker" / "pc2").mkdir(parents=True)
    (tree / "pc2_code" / "hub.py").write_text('class Hub:\n    def run(self):\n        self.s.bind("tcp://*:9000")\n')
    compose = tree / "docker" / "pc2" / "compose.yaml"
    for text in (COMPOSE.format("hub"), "services: {hub: {image: x, ports: [{target: 9000, published: 9000}]}}\n"):
        compose.write_text(text)
        assert "9000" not in run(tree, "analysis.check_port_conflicts").stdout
    compose.write_text(COMPOSE.format("hub").replace("9000:9000", "9000:80"))
    assert "port 9000 on pc2: 2 owners" in run(tree, "analysis.check_port_conflicts").stdout


def test_another_root(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    done = run(tmp_path_factory.mktemp("elsewhere"), "analysis.check_port_conflicts", "--root", str(tree), "--no-cache")
    assert done.returncode == 1
    assert "  Listener: main_pc_code/asr.py:4:9" in done.stdout


def test_no_such_path(tree: Path) -> None:
    done = run(tree, "analysis.check_port_conflicts", "nowhere")
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert ports(tree, "nowhere").returncode == 2


def test_machines_of_the_settings(tree: Path) -> None:
    (tree / "unsnarl.toml").write_text('[machines]\nfirst = ["main_pc_code/tts.py"]\nsecond = ["main_pc_code"]\n')
    assert run(tree, "analysis.check_port_conflicts").returncode == 0
    rows = json.loads(ports(tree, "--format", "json").stdout)
    assert [one["machine"] for one in rows] == ["second", "second", "first", ""]


def test_settings_that_are_wrong(tree: Path) -> None:
    (tree / "unsnarl.toml").write_text('machines = "main"\n')
    done = run(tree, "analysis.check_port_conflicts")
    assert done.returncode == 2
    assert "unsnarl.toml:1: `machines`" in done.stderr


CONFIGURATION = {
    "compose.yaml": 'services: {a: {image: x, ports: ["7000:80"]}, b: {image: x, ports: ["7000:81"]}}\n',
    "agents.yaml": 'Speaker:\n  script_path: main_pc_code/tts.py\n  port: "${PORT_OFFSET}+7200"\n',
    "broken.yaml": "a: [1\n",
}


def test_configuration_files(tree: Path) -> None:
    for name, text in CONFIGURATION.items():
        (tree / name).write_text(text)
    for _ in range(2):
        rows = json.loads(ports(tree, "--format", "json", "--side", "declare").stdout)
        assert [(one["path"], one["owner"], one["machine"], one["expression"]) for one in rows] == [
            ("agents.yaml", "Speaker", "main_pc", "$PORT_OFFSET + 7200"),
            ("compose.yaml", "a", "", "80"),
            ("compose.yaml", "b", "", "81"),
        ]
    done = ports(tree, "--side", "publish", "--verbose")
    assert "7000  publish  compose" in done.stdout
    assert any(line.startswith("broken.yaml:2: not analysed: ") for line in done.stderr.splitlines())
    assert done.stderr.splitlines()[-1] == "2 rows, 2 with a number"
    conflicts = run(tree, "analysis.check_port_conflicts").stdout.splitlines()
    assert conflicts[:3] == [
        "port 7000: 2 owners",
        "  a: compose.yaml:1:35: services.a.ports[0]",
        "  b: compose.yaml:1:70: services.b.ports[0]",
    ]


def test_a_configuration_file_that_is_named(tree: Path) -> None:
    (tree / "agents.yaml").write_text("A: {port: 5556}\nB: {port: 5557}\n")
    (tree / "unsnarl.toml").touch()
    done = ports(tree, "agents.yaml")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == ["5556", "5557"]
    assert done.stderr.splitlines()[-1] == "2 rows, 2 with a number"


PARTS = {
    "base/agent.py": "class Agent:\n    def __init__(self, port=5000):\n        self.port = port\n\n"
    "    def run(self):\n        self.sock.bind(f'tcp://*:{self.port}')\n",
    "agents/speaker.py": "from base.agent import Agent\n\n\nclass Speaker(Agent):\n    def __init__(self, config):\n"
    "        super().__init__(config.get('port', 5624))\n",
    "agents/net.py": "def listen(port=5001):\n    sock.bind(f'tcp://*:{port}')\n",
    "main.py": "from agents.net import listen\n\nlisten(5002)\nother.connect('tcp://localhost:5624')\n",
    "start.yaml": "Speaker:\n  script: agents/speaker.py\n  port: 7200\n",
}


def test_a_part_of_a_tree_has_the_rows_that_the_whole_tree_has_of_it(tmp_path: Path) -> None:
    write(tmp_path, {**PARTS, "unsnarl.toml": 'exclude = ["old"]\n', "old/net.py": PARTS["agents/net.py"]})

    def rows(*paths: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(ports(tmp_path, *paths, "--format", "json").stdout)
        return found

    every = rows()
    assert len(every) == 5
    mine = [
        row
        for row in every
        if str(row["path"]).startswith("agents/") or (row["home"] == "agents/speaker.py" and row["side"] == "bind")
    ]
    assert rows("agents") == mine
    assert sorted((str(row["port"]), row["certainty"], row["owner"]) for row in mine) == [
        ("5002", "exact", "net"),
        ("5624", "default", "Speaker"),
        ("7200", "configured", "Speaker"),
    ]
    assert rows("main.py") == [row for row in every if row["path"] == "main.py"]
    assert rows("start.yaml") == [row for row in every if row["path"] == "start.yaml"]
    # What is no part of the tree unless it is named.
    assert [(row["path"], row["port"]) for row in rows("old/net.py")] == [("old/net.py", 5001)]


def test_a_part_of_what_nobody_knows_the_beginning_of(tmp_path: Path) -> None:
    write(tmp_path, PARTS)
    done = ports(tmp_path, "agents")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == ["5001"]
    note, summary = done.stderr.splitlines()
    assert note == (
        f"Only {tmp_path / 'agents'} was looked at: a caller, a base class or a configuration elsewhere is not known. "
        "Name the whole tree, or mark where it begins with an unsnarl.toml or a repository"
    )
    assert summary == "1 row, 1 with a number"


def test_what_configurations_hand_out(tmp_path: Path) -> None:
    (tmp_path / "start.yaml").write_text('Speaker:\n  script: tts.py\n  port: "${PORT_OFFSET}+7200"\n')
    (tmp_path / "tts.py").write_text("PORT = config.get('port', 5624)\nsock.bind(f'tcp://*:{PORT}')\n")
    rows = json.loads(ports(tmp_path, "--format", "json", "--side", "bind").stdout)
    said = [(row["port"], row["expression"], row["certainty"], row["line"], row["given"]) for row in rows]
    assert said == [
        (5624, "config['port'] or 5624", "default", 2, ""),
        (None, "$PORT_OFFSET + 7200", "configured", 2, "config['port'] in start.yaml:3; 5624 in the source"),
    ]
    (line,) = csv.DictReader(ports(tmp_path, "--format", "csv", "--side", "declare").stdout.splitlines())
    assert (line["owner"], line["expression"], line["given"]) == ("tts", "$PORT_OFFSET + 7200", "")
