"""Ports get their names in the registry: the command as users meet it, and the programs that it rewrites at work."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from codemods.journal import NAME
from config.registry import parse
from tests.cli.codemod_support import contents
from tests.cli.support import unsnarl, write
from tests.codemods.support import git

SERVER = '''\
"""Echoes in capitals."""

import socket

HEALTH_PORT = 5601  # nobody asks yet


class EchoServer:
    def run(self):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", 5600))
            sock.listen()
            print("ready", flush=True)
            peer, _ = sock.accept()
            with peer:
                peer.sendall(peer.recv(100).upper())


if __name__ == "__main__":
    EchoServer().run()
'''
CLIENT = """\
import socket
from urllib.parse import urlsplit

url = urlsplit("tcp://127.0.0.1:5600")  # the echo
with socket.create_connection((url.hostname, url.port)) as sock:
    sock.sendall(b"hello")
    print(sock.recv(100).decode(), sock.getpeername()[1])
"""
TWO = """\
class Listener:
    def run(self):
        self.sock.bind("tcp://*:5700")


class Speaker:
    def run(self):
        self.sock.bind("tcp://*:5700")
"""
REGISTRY = "# ours\nversion: 1\nports:\n  ECHO:  # the one\n    port: 5600\n    owner: EchoServer\n"


def fix(*arguments: str, cwd: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """``python -m codemods.get_port`` in the folder ``cwd``."""
    return subprocess.run(
        [sys.executable, "-m", "codemods.get_port", *arguments],
        cwd=cwd,
        input=stdin or "",
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A committed tree with both sides of a connection, a conflict, a test and a file without ports."""
    root = write(
        tmp_path / "tree",
        {
            "app/server.py": SERVER,
            "client.py": CLIENT,
            "two.py": TWO,
            "tests/test_it.py": "PORT = 5600\n",
            "plain.py": "x = 1\n",
        },
    )
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "start")
    return root


def registry(tree: Path) -> dict[str, int]:
    return {one.name: one.port for one in parse((tree / "config" / "ports.yaml").read_bytes()).ports}


def test_ports_get_a_name_and_a_registry_is_made(tree: Path) -> None:
    done = fix(".", cwd=tree)
    assert done.returncode == 1
    assert registry(tree) == {"ECHO_SERVER": 5600, "SERVER_HEALTH": 5601}
    server, client = (tree / "app" / "server.py").read_text("utf-8"), (tree / "client.py").read_text("utf-8")
    assert 'sock.bind(("127.0.0.1", get_port("ECHO_SERVER")))\n' in server
    assert 'HEALTH_PORT = get_port("SERVER_HEALTH")  # nobody asks yet\n' in server
    assert "urlsplit(f\"tcp://127.0.0.1:{get_port('ECHO_SERVER')}\")  # the echo\n" in client
    assert (tree / "two.py").read_text("utf-8") == TWO
    assert (tree / "tests" / "test_it.py").read_text("utf-8") == "PORT = 5600\n"
    assert done.stdout.count("E910 declined, port-has-two-owners: 5700 is bound by Listener (two.py:3), Speaker") == 2
    assert not (tree / NAME).exists()


@pytest.mark.parametrize("ignored", ["config/", "*.yaml"])
def test_a_registry_that_git_would_ignore_is_not_made(tree: Path, ignored: str) -> None:
    (tree / ".gitignore").write_text(f"{ignored}\n")
    before = contents(tree)
    done = fix(".", cwd=tree)
    assert done.returncode == 2
    assert "git ignores config/ports.yaml: the program would run here and fail in every clone" in done.stderr
    assert contents(tree) == before


def test_a_registry_is_not_made_outside_of_the_tree(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tree / "config").symlink_to(tmp_path / "elsewhere")
    done = fix(".", cwd=tree)
    assert done.returncode == 2
    assert "outside of the tree" in done.stderr
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_folder_that_would_stop_setuptools_from_finding_packages_is_not_made(tree: Path) -> None:
    (tree / "app" / "__init__.py").touch()
    (tree / "tests" / "__init__.py").touch()
    project = '[build-system]\nrequires = ["setuptools"]\n\n[project]\nname = "app"\nversion = "1"\n'
    (tree / "pyproject.toml").write_text(project)
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "packaged")
    done = fix(".", cwd=tree)
    assert done.returncode == 2
    assert 'Say `packages = ["app"]` under [tool.setuptools] in pyproject.toml first' in done.stderr
    (tree / "pyproject.toml").write_text(f'{project}\n[tool.setuptools]\npackages = ["app"]\n')
    git(tree, "commit", "-qam", "says so")
    assert fix(".", cwd=tree).returncode == 1
    assert registry(tree)


def test_a_second_run_changes_nothing(tree: Path) -> None:
    fix(".", cwd=tree)
    before = contents(tree)
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "rewritten")
    done = fix(".", cwd=tree)
    assert done.returncode == 1
    assert contents(tree) == before
    assert "0 rewritten" in done.stderr


def test_a_check_tells_and_writes_nothing(tree: Path) -> None:
    before = contents(tree)
    done = fix("--check", ".", cwd=tree)
    assert done.returncode == 1
    assert contents(tree) == before
    assert "client.py: 1 would be rewritten" in done.stdout
    assert "config/ports.yaml" in done.stdout


def test_the_difference_can_be_applied_new_file_included(tree: Path) -> None:
    before = contents(tree)
    done = fix("--diff", ".", cwd=tree)
    assert contents(tree) == before
    assert "--- /dev/null\n+++ b/config/ports.yaml\n" in done.stdout
    (tree.parent / "it.patch").write_text(done.stdout, "utf-8")
    git(tree, "apply", "../it.patch")
    applied = contents(tree)
    git(tree, "checkout", "-q", ".")
    git(tree, "clean", "-fdq")
    assert contents(tree) == before
    fix(".", cwd=tree)
    assert contents(tree) == applied


def test_the_difference_to_a_registry_that_is_there(tree: Path) -> None:
    write(tree, {"config/ports.yaml": REGISTRY})
    done = fix("--diff", ".", cwd=tree)
    (tree.parent / "it.patch").write_text(done.stdout, "utf-8")
    git(tree, "apply", "../it.patch")
    text = (tree / "config" / "ports.yaml").read_text("utf-8")
    assert text.startswith(REGISTRY)
    assert registry(tree) == {"ECHO": 5600, "SERVER_HEALTH": 5601}


def test_json(tree: Path) -> None:
    done = fix("--format", "json", "--diff", ".", cwd=tree)
    found = json.loads(done.stdout)
    assert found["summary"]["exit_code"] == done.returncode == 1
    assert found["changed"] == ["app/server.py", "client.py", "config/ports.yaml"]
    assert found["differences"]["config/ports.yaml"].startswith("--- /dev/null\n")


def test_statistics(tree: Path) -> None:
    done = fix("--statistics", ".", cwd=tree)
    assert done.returncode == 1
    assert "port-has-two-owners" in done.stdout
    assert registry(tree) == {"ECHO_SERVER": 5600, "SERVER_HEALTH": 5601}


def test_what_is_put_off_gets_no_name_yet(tree: Path) -> None:
    done = fix("--max-files", "1", "two.py", "client.py", "app", cwd=tree)
    assert done.returncode == 1
    assert registry(tree) == {"ECHO_SERVER": 5600, "SERVER_HEALTH": 5601}
    assert (tree / "client.py").read_text("utf-8") == CLIENT
    fix("--allow-dirty", ".", cwd=tree)
    assert "get_port('ECHO_SERVER')" in (tree / "client.py").read_text("utf-8")
    assert registry(tree) == {"ECHO_SERVER": 5600, "SERVER_HEALTH": 5601}


def test_only_under_a_folder(tree: Path) -> None:
    fix("--only-under", "app", ".", cwd=tree)
    assert git(tree, "status", "--porcelain").splitlines() == [" M app/server.py", "?? config/"]


def test_one_file_gets_the_names_of_the_whole_tree(tree: Path) -> None:
    done = fix("client.py", cwd=tree)
    assert (done.returncode, registry(tree)) == (0, {"ECHO_SERVER": 5600})
    assert git(tree, "status", "--porcelain").splitlines() == [" M client.py", "?? config/"]


def test_what_e910_reports_afterwards_is_what_was_declined(tree: Path) -> None:
    done = fix("--format", "json", ".", cwd=tree)
    declined = sorted((one["path"], one["line"]) for one in json.loads(done.stdout)["declined"])
    left = subprocess.run(
        [sys.executable, "-m", "flake8", "--isolated", "--select=E910", "."],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    found = sorted((line.split(":")[0][2:], int(line.split(":")[1])) for line in left.stdout.splitlines())
    assert found == declined == [("two.py", 3), ("two.py", 8)]


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("version: 1\nports:\n  A: {port: 70000}\n", 3, "70000 is not a port"),
        ("version: 1\nports:\n  A: {port: 5600}\n  B: {port: 5600}\n", 4, "is that of `A`"),
        ("- a\n", 1, "expected a mapping"),
        ("version: 1\nports: [\n", 3, "is not valid YAML"),
    ],
)
@pytest.mark.parametrize("stdin", [False, True])
def test_a_broken_registry_ends_it(tree: Path, text: str, line: int, told: str, stdin: bool) -> None:
    write(tree, {"config/ports.yaml": text})
    os.utime(tree / "config" / "ports.yaml", (1, 1))
    before = contents(tree)
    arguments = ("--stdin-filename", "client.py", "-") if stdin else (".",)
    done = fix(*arguments, cwd=tree, stdin=CLIENT)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"config/ports.yaml:{line}: " in done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(tree) == before
    assert not (tree / NAME).exists()


def test_a_registry_that_cannot_be_added_to_ends_it(tree: Path) -> None:
    write(tree, {"config/ports.yaml": "{version: 1, ports: }\n"})
    before = contents(tree)
    done = fix(".", cwd=tree)
    assert (done.returncode, done.stdout) == (2, "")
    assert "config/ports.yaml: `ports`: is written in a way that cannot be added to" in done.stderr
    assert contents(tree) == before


def test_stdin_takes_names_that_are_there_and_makes_none(tree: Path) -> None:
    write(tree, {"config/ports.yaml": REGISTRY})
    done = fix("--stdin-filename", "client.py", "-", cwd=tree, stdin=CLIENT + "OTHER_PORT = 5999\n")
    assert done.returncode == 1
    assert "urlsplit(f\"tcp://127.0.0.1:{get_port('ECHO')}\")  # the echo\n" in done.stdout
    assert "OTHER_PORT = 5999\n" in done.stdout
    assert (tree / "config" / "ports.yaml").read_text("utf-8") == REGISTRY
    assert (tree / "client.py").read_text("utf-8") == CLIENT
    none = fix("--stdin-filename", "client.py", "-", cwd=tree, stdin="OTHER_PORT = 5999\n")
    assert (none.returncode, none.stdout) == (1, "OTHER_PORT = 5999\n")


def test_a_registry_with_changes_of_its_own_is_not_written_over(tree: Path) -> None:
    write(tree, {"config/ports.yaml": REGISTRY})
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "registry")
    (tree / "config" / "ports.yaml").write_text(REGISTRY + "# mine\n", "utf-8")
    before = contents(tree)
    done = fix(".", cwd=tree)
    assert done.returncode == 2
    assert "config/ports.yaml" in done.stderr
    assert contents(tree) == before


def test_unsnarl_fix_does_the_same(tree: Path) -> None:
    done = unsnarl("fix", "get-port", ".", cwd=tree)
    assert done.returncode == 1
    assert registry(tree) == {"ECHO_SERVER": 5600, "SERVER_HEALTH": 5601}


def test_renumbering_settles_the_conflict(tree: Path) -> None:
    done = fix("--renumber", ".", cwd=tree)
    assert done.returncode == 0
    found = registry(tree)
    assert found["LISTENER"] == 5700
    assert found["SPEAKER"] == 5000
    left = unsnarl("check", "--select", "E910,E911", ".", cwd=tree)
    assert (left.returncode, left.stdout) == (0, "")


# The programs at work


def free_pair(apart: int) -> int:
    """A port that is free, and another that is free so far above it."""
    while True:
        with ExitStack() as stack:
            one, other = (stack.enter_context(socket.socket()) for _ in range(2))
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            try:
                other.bind(("127.0.0.1", port + apart))
            except (OSError, OverflowError):
                continue
            return port


def exchange(tree: Path, **environment: str) -> str:
    """What the client prints when both sides run."""
    env = {**{name: value for name, value in os.environ.items() if not name.startswith("UNSNARL_")}, **environment}
    with subprocess.Popen([sys.executable, "app/server.py"], cwd=tree, env=env, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            done = subprocess.run(
                [sys.executable, "client.py"], cwd=tree, env=env, capture_output=True, text=True, check=True, timeout=60
            )
            server.wait(60)
        finally:
            server.kill()
    assert server.returncode == 0
    return done.stdout


def test_both_sides_meet_as_before_and_move_together(tree: Path) -> None:
    port = free_pair(7)
    for name in ("app/server.py", "client.py"):
        text = (tree / name).read_text("utf-8")
        (tree / name).write_text(text.replace("5600", str(port)), "utf-8")
    before = exchange(tree)
    assert before == f"HELLO {port}\n"
    assert fix("--allow-dirty", ".", cwd=tree).returncode == 1
    assert registry(tree)["ECHO_SERVER"] == port
    for name in ("app/server.py", "client.py"):
        assert str(port) not in (tree / name).read_text("utf-8")
    assert exchange(tree) == before
    assert exchange(tree, UNSNARL_PORT_OFFSET="7") == f"HELLO {port + 7}\n"
    file = tree / "config" / "ports.yaml"
    file.write_text(file.read_text("utf-8").replace(str(port), str(port + 7)), "utf-8")
    assert exchange(tree) == f"HELLO {port + 7}\n"
