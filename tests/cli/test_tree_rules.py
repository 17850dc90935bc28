"""E911 and E912 in ``unsnarl check`` and its neighbours, as processes: rules that need the whole tree."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.support import unsnarl, write

LISTENER = 'class Listener:\n    def run(self):\n        self.sock.bind("tcp://*:5556")\n'
SPEAKER = 'class Speaker:\n    def run(self):\n        self.sock.bind(f"tcp://*:{PORT}")\n\n\nPORT = 5556\n'
CLIENT = 'sock.connect("tcp://localhost:5557")\n'
FILES: dict[str, str | bytes] = {"a/asr.py": LISTENER, "b/tts.py": SPEAKER, "b/client.py": CLIENT}
SETTINGS = 'select = ["E9"]\nignore = ["E910"]\n'
SAID = [
    "a/asr.py:3:9: E911 port 5556 is bound by Listener here, and by Speaker (b/tts.py:3)",
    "b/client.py:1:1: E912 connects to port 5557, which nothing in the tree binds: is the service gone or moved?",
    "b/tts.py:3:9: E911 port 5556 is bound by Speaker here, and by Listener (a/asr.py:3)",
]
NOTE = (
    "Not looked for: E911, E912, which take the whole tree. Name its folder, or mark where it begins with a "
    "pyproject.toml that has [tool.unsnarl], an unsnarl.toml or a repository.\n"
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(tmp_path, {**FILES, "unsnarl.toml": SETTINGS})


def test_they_run_where_they_are_selected(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    assert unsnarl("check", "--ignore=E910", cwd=tmp_path).returncode == 0
    for codes in ("E911,E912", "E91"):
        done = unsnarl("check", f"--select={codes}", "--ignore=E910", cwd=tmp_path)
        assert done.stdout.splitlines() == SAID
        assert (done.returncode, done.stderr) == (1, "3 findings in 3 files.\n")


def test_the_settings_select_them_for_metrics_too(tree: Path) -> None:
    done = unsnarl("metrics", "--no-record", "--format=json", cwd=tree)
    counts = json.loads(done.stdout)["rules"]
    assert (counts["E911"]["findings"], counts["E912"]["findings"]) == (2, 1)


def test_every_format_shows_them(tree: Path) -> None:
    made = json.loads(unsnarl("check", "--format=json", cwd=tree).stdout)
    assert [(one["path"], one["line"], one["column"], one["code"], one["scope"]) for one in made["findings"]] == [
        ("a/asr.py", 3, 9, "E911", "Listener.run"),
        ("b/client.py", 1, 1, "E912", "<module>"),
        ("b/tts.py", 3, 9, "E911", "Speaker.run"),
    ]
    (run,) = json.loads(unsnarl("check", "--format=sarif", cwd=tree).stdout)["runs"]
    assert [one["ruleId"] for one in run["results"]] == ["E911", "E912", "E911"]
    assert unsnarl("check", "--format=github", cwd=tree).stdout.count("E911") == 2
    assert "2  E911  port-conflict" in unsnarl("check", "--statistics", cwd=tree).stdout


def test_processes_and_the_index_make_no_difference(tree: Path) -> None:
    for options in ((), (), ("-j1", "--no-cache"), ("-j2", "--no-cache")):
        assert unsnarl("check", *options, cwd=tree).stdout.splitlines() == SAID


def test_a_part_of_the_tree_is_judged_by_all_of_it(tree: Path) -> None:
    done = unsnarl("check", "a/asr.py", cwd=tree)
    assert done.stdout.splitlines() == SAID[:1]
    assert done.stderr == "1 finding in 1 file.\n"
    assert unsnarl("check", "b", cwd=tree).stdout.splitlines() == SAID[1:]
    write(tree, {"c/memory.py": LISTENER.replace("Listener", "Memory").replace("5556", "5557")})
    assert unsnarl("check", "b/client.py", cwd=tree).stdout == ""


def test_a_part_of_who_knows_what_is_not_judged(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "a/asr.py": LISTENER.replace("\n", "  # noqa: E911\n")})
    for part in ("a/asr.py", "b"):
        done = unsnarl("check", part, "--select=E905,E911,E912", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.endswith(NOTE)
    done = unsnarl("check", "--select=E912", "-", cwd=tmp_path, stdin=CLIENT)
    assert (done.stdout, done.stderr) == ("", "0 findings in 1 file.\n" + NOTE.replace("E911, ", ""))


def test_what_was_not_looked_for_is_not_stale(tree: Path) -> None:
    unsnarl("baseline", "--accept-new", cwd=tree)
    (tree / "unsnarl.toml").unlink()
    options = ("--select=E911,E912", "--baseline=.unsnarl-baseline.jsonl")
    done = unsnarl("check", "a/asr.py", *options, cwd=tree)
    assert (done.returncode, done.stdout) == (0, "")
    assert unsnarl("check", *options, cwd=tree).returncode == 0


def test_what_stands_in_the_editor_goes_before_what_was_saved(tree: Path) -> None:
    options = ("--stdin-filename=a/asr.py", "-")
    assert unsnarl("check", *options, cwd=tree, stdin=LISTENER).stdout.splitlines() == SAID[:1]
    assert unsnarl("check", *options, cwd=tree, stdin=LISTENER.replace("5556", "5558")).stdout == ""
    moved = unsnarl("check", "--stdin-filename=b/client.py", "-", cwd=tree, stdin="\n" + CLIENT)
    assert moved.stdout.startswith("b/client.py:2:1: E912")
    assert unsnarl("check", *options, cwd=tree, stdin="def f(:\n").returncode == 2
    index = tree / ".unsnarl_cache"
    shutil.rmtree(index)
    assert unsnarl("check", "--no-cache", *options, cwd=tree, stdin=LISTENER).returncode == 1
    assert not index.exists()
    new = unsnarl("check", "--stdin-filename=a/new.py", "-", cwd=tree, stdin=LISTENER.replace("Listener", "New"))
    assert new.stdout == (
        "a/new.py:3:9: E911 port 5556 is bound by New here, and by Listener (a/asr.py:3), Speaker (b/tts.py:3)\n"
    )


def test_noqa(tree: Path) -> None:
    write(tree, {"a/asr.py": LISTENER[:-1] + "  # noqa: E911 never started with the speaker\n"})
    assert unsnarl("check", cwd=tree).stdout.splitlines() == SAID[1:]
    write(tree, {"b/tts.py": "x = 1\n"})
    done = unsnarl("check", "a", cwd=tree)
    assert done.stdout == "a/asr.py:3:41: E905 suppression of E911 silences nothing\n"


def test_per_file_ignores(tree: Path) -> None:
    write(tree, {"unsnarl.toml": SETTINGS + '[per-file-ignores]\n"b/*" = ["E911"]\n'})
    assert unsnarl("check", cwd=tree).stdout.splitlines() == SAID[:2]


def test_the_baseline_does_not_mind_what_happens_elsewhere(tree: Path) -> None:
    assert unsnarl("baseline", "--accept-new", cwd=tree).returncode == 0
    before = (tree / ".unsnarl-baseline.jsonl").read_text()
    write(
        tree,
        {
            "a/asr.py": f"import zmq\n\n\n{LISTENER}",
            "b/new.py": LISTENER.replace("Listener", "New").replace("5556", "5600"),
            "b/client.py": f"import zmq\n\n{CLIENT}",
        },
    )
    done = unsnarl("check", cwd=tree)
    assert (done.returncode, done.stdout) == (0, "")
    # A third owner is a finding of its own and makes none of the others new.
    write(tree, {"b/new.py": LISTENER.replace("Listener", "New")})
    assert [line.split()[0] for line in unsnarl("check", cwd=tree).stdout.splitlines()] == ["b/new.py:3:9:"]
    unsnarl("baseline", "--update", cwd=tree)
    assert (tree / ".unsnarl-baseline.jsonl").read_text() == before


@pytest.mark.parametrize(("text", "found"), [("bind(:5557)\n", 0), ("bind(:55571)\n", 1)])
def test_a_file_that_does_not_parse_may_hold_the_binder(tree: Path, text: str, found: int) -> None:
    write(tree, {"b/broken.py": text})
    done = unsnarl("check", "--select=E912", cwd=tree)
    assert done.stdout.count("E912") == found


def test_a_file_that_does_not_parse_in_what_was_not_named(tree: Path) -> None:
    write(tree, {"a/broken.py": "bind(:5557)\n"})
    assert unsnarl("check", "--select=E912", "b", cwd=tree).stdout == ""


def test_a_file_that_cannot_be_read_may_hold_the_binder(tree: Path) -> None:
    (tree / "b" / "gone.py").symlink_to(tree / "nowhere.py")
    done = unsnarl("check", "--select=E912", cwd=tree)
    assert (done.returncode, done.stdout.count("E912")) == (2, 0)


def test_a_file_that_is_named_though_it_is_excluded_is_no_part_of_the_tree(tree: Path) -> None:
    write(tree, {"unsnarl.toml": SETTINGS + 'exclude = ["b/"]\n', "b/tts.py": f"{SPEAKER[:-1]}  # noqa: E911\n"})
    assert unsnarl("check", "--select=E905,E911,E912", "b/tts.py", cwd=tree).stdout == ""


SERVER = "import sys\n\n\nclass Memory:\n    def run(self):\n        self.sock.bind(f'tcp://*:{sys.argv[1]}')\n"
STARTED: dict[str, str | bytes] = {
    "b/client.py": CLIENT,
    "a/memory.py": SERVER,
    "a/start.py": 'AGENTS = [{"name": "Memory", "script": "memory.py", "port": 5557}]\n',
}


def test_a_port_that_got_a_name_is_the_port_that_it_was(tmp_path: Path) -> None:
    write(tmp_path, {**STARTED, "unsnarl.toml": SETTINGS})
    before = unsnarl("check", cwd=tmp_path)
    assert (before.returncode, before.stdout) == (0, "")
    unsnarl("fix", "get_port", "--allow-dirty", ".", cwd=tmp_path)
    assert "5557" not in (tmp_path / "a" / "start.py").read_text()
    after = unsnarl("check", cwd=tmp_path)
    assert (after.returncode, after.stdout) == (0, "")
    write(tmp_path, {"a/start.py": "x = 1\n"})
    assert unsnarl("check", cwd=tmp_path).stdout.count("E912") == 1


@pytest.mark.parametrize(
    ("look_up", "found"),
    [
        ('from runtime.ports import get_port\n\nPORT = get_port("MEMORY")\n', 0),
        ('from runtime.ports import get_port as one\n\n\ndef f(port=one("MEMORY")):\n    pass\n', 0),
        ('from runtime import ports\n\nports.claim("MEMORY", "worker")\n', 0),
        ('from runtime.ports import get_port\n\nPORT = get_port("MEMORY", machine="first")\n', 0),
        ('from runtime.ports import get_port\n\nPORT = get_port("MEMORY", "second")\n', 1),
        ('from runtime.ports import get_port\n\nPORT = get_port("OTHER")\n', 1),
        ("from runtime.ports import get_port\n\nPORT = get_port(NAME)\n", 1),
    ],
)
def test_a_look_up_of_its_name_is_the_number(tmp_path: Path, look_up: str, found: int) -> None:
    registry = (
        "version: 1\nmachines:\n  first: {paths: [a]}\n  second: {paths: [b]}\nports:\n"
        "  MEMORY: {port: 5557, machine: first}\n  OTHER: {port: 5558, machine: first}\n"
    )
    write(tmp_path, {**STARTED, "a/start.py": look_up, "config/ports.yaml": registry})
    done = unsnarl("check", "--select=E912", cwd=tmp_path)
    assert done.stdout.count("E912") == found


def test_machines(tree: Path) -> None:
    write(tree, {"unsnarl.toml": SETTINGS + '[machines]\nfirst = ["a"]\nsecond = ["b"]\n'})
    assert unsnarl("check", cwd=tree).stdout.splitlines() == SAID[1:2]


def test_options(tree: Path) -> None:
    write(tree, {"unsnarl.toml": SETTINGS + "[rules.E912]\nelsewhere = [5557]\n"})
    assert "E912" not in unsnarl("check", cwd=tree).stdout
    write(tree, {"unsnarl.toml": SETTINGS + "[rules.E911]\nelsewhere = [5557]\n"})
    done = unsnarl("check", cwd=tree)
    assert (done.returncode, done.stdout) == (2, "")
    assert "unsnarl.toml:4: `rules.E911.elsewhere`" in done.stderr


def test_their_pages_say_where_flake8_has_them(tmp_path: Path) -> None:
    done = unsnarl("check", "--explain", "E911", cwd=tmp_path)
    assert done.stdout.startswith("# E911 port-conflict\n\nA port that two owners bind on one machine.\n")
    assert (
        "Off by default: it runs where it is selected. In flake8 where its code is selected: it looks across files."
        in done.stdout
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("        self.bind_all([5557])\n\n    def bind_all(self, ports):\n        for p in ports:\n{bind}{p}')\n", 0),
        ("        self.bind_all([5559])\n\n    def bind_all(self, ports):\n        for p in ports:\n{bind}{p}')\n", 1),
        ("        for i in range(3):\n{bind}{5556 + i}')\n", 0),
        ("        for i in range(3):\n{bind}{6000 + i}')\n", 1),
    ],
)
def test_a_port_that_is_worked_out_may_be_the_one(tmp_path: Path, text: str, found: int) -> None:
    server = "class Server:\n    def run(self):\n" + text.replace("{bind}", "            self.sock.bind(f'tcp://*:")
    write(tmp_path, {"unsnarl.toml": 'select = ["E912"]\n', "server.py": server, "client.py": CLIENT})
    assert unsnarl("check", cwd=tmp_path).stdout.count("E912") == found


CIRCLE = {
    "unsnarl.toml": 'select = ["E920"]\n',
    "memory.py": "import session\n\n\ndef f():\n    return session.g()\n",
    "session.py": "import memory\n\nx = memory.f\n",
}
CUT = "memory.py:1:1: E920 session.py imports this file back: session is used in f() only\n"


def test_an_import_cycle_is_told_at_the_import_to_cut(tmp_path: Path) -> None:
    write(tmp_path, CIRCLE)
    assert unsnarl("check", cwd=tmp_path).stdout == CUT
    assert unsnarl("check", cwd=tmp_path).stdout == CUT
    write(tmp_path, {"memory.py": CIRCLE["memory.py"].replace("\n", "  # noqa: E920 known\n", 1)})
    assert unsnarl("check", cwd=tmp_path).stdout == ""


def test_an_import_cycle_that_is_not_saved_yet(tmp_path: Path) -> None:
    write(tmp_path, CIRCLE | {"memory.py": "x = 1\n"})
    assert unsnarl("check", cwd=tmp_path).stdout == ""
    for name in ("memory.py", "new.py"):
        text = {"session.py": CIRCLE["session.py"].replace("memory", name[:-3])}
        write(tmp_path, text)
        done = unsnarl("check", f"--stdin-filename={name}", "-", cwd=tmp_path, stdin=CIRCLE["memory.py"])
        assert done.stdout == CUT.replace("memory.py", name)
