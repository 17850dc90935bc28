"""Owners that are moved, and the registries that a run finds: in one transaction over code and configuration."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codemods.journal import NAME
from config.registry import parse
from tests.cli.codemod_support import contents
from tests.cli.support import unsnarl, write
from tests.cli.test_get_port import fix, registry
from tests.codemods.support import git

ROOT = Path(__file__).parents[2]
STARTUP = (
    "# Who starts, é\r\n"
    "One:\r\n  script_path: one.py\r\n  port: 5556  # the first\r\n\r\n"
    'Two: {name: "é", script_path: two.py, port: "5556"}   # the second\r\n'
    "Other:\r\n  script_path: other.py\r\n  port: 5580\r\n  retries: 5556"
)


def binds(owner: str, port: int) -> str:
    return f"class {owner}:\n    def run(self):\n        self.sock.bind('tcp://*:{port}')\n"


def committed(root: Path, files: dict[str, str | bytes]) -> Path:
    write(root, files)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "start")
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return committed(
        tmp_path / "tree",
        {
            "one.py": binds("One", 5556),
            "two.py": binds("Two", 5556),
            "other.py": binds("Other", 5580),
            "startup.yaml": STARTUP.encode(),
            "config/ports.yaml": "version: 1\n# ours\nports:\n  ONE: {port: 5556, owner: One}  # stays\n# the end\n",
        },
    )


def test_configuration_moves_with_its_owner_and_keeps_every_other_byte(tree: Path) -> None:
    done = fix("--renumber", ".", cwd=tree)
    assert done.returncode == 0, done.stdout
    found = registry(tree)
    assert found == {"ONE": 5556, "OTHER": 5580, "TWO": 5000}
    text = (tree / "startup.yaml").read_bytes().decode()
    assert text == STARTUP.replace('"5556"', '"5000"')
    made = parse((tree / "config" / "ports.yaml").read_bytes())
    assert [one.purpose for one in made.ports if one.name == "TWO"] == ["(was 5556)"]
    lines = (tree / "config" / "ports.yaml").read_text("utf-8").splitlines()
    assert lines[:4] == ["version: 1", "# ours", "ports:", "  ONE: {port: 5556, owner: One}  # stays"]
    assert lines[-1] == "# the end"


@pytest.mark.parametrize("part", [["--max-files=1", "."], ["--only-under", "b", "."], ["b"]])
def test_no_owner_moves_in_part(tmp_path: Path, part: list[str]) -> None:
    files: dict[str, str | bytes] = {
        "one.py": binds("One", 5556),
        "b/two.py": binds("Two", 5556),
        "z/client.py": "TWO_PORT = 5556\n",
        "config/ports.yaml": "version: 1\nports:\n  ONE: {port: 5556, owner: One}\n",
    }
    tree = committed(tmp_path / "tree", files)
    before = contents(tree)
    done = fix("--renumber", *part, cwd=tree)
    assert done.returncode == 2
    assert "TWO would move, and z/client.py:1 keeps 5556" in done.stderr
    assert "nothing was written" in done.stderr
    assert contents(tree) == before
    whole = fix("--renumber", ".", cwd=tree)
    assert whole.returncode == 0, whole.stdout
    assert (tree / "z/client.py").read_text().endswith('TWO_PORT = get_port("TWO")\n')


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("startup.yaml", "Two:\n  script_path: two.py\n  port: 5_556 # x\n"),
        ("startup.yaml", "Two:\n  command: python two.py --port 5556 --retries 5556\n"),
        ("startup.yaml", "Two:\n  script_path: two.py\n  env: {TWO_PORT: '5556'}\n"),
        ("startup.yaml", "Two:\n  script_path: two.py\n  endpoint: tcp://localhost:5556\n"),
        ("startup.json", '{"Two": {"script_path": "two.py", "port": 5556}}'),
        ("startup.toml", '[Two]\nscript_path = "two.py"\nport = 5_556\n'),
        (
            "docker-compose.yml",
            "services:\n  two:\n    command: python two.py\n    environment:\n      TWO_PORT: ${TWO_PORT:-5556}\n",
        ),
    ],
)
def test_configuration_of_any_kind_moves(tree: Path, name: str, text: str) -> None:
    (tree / "startup.yaml").unlink()
    write(tree, {name: text})
    done = fix("--renumber", "--allow-dirty", ".", cwd=tree)
    assert registry(tree)["TWO"] == 5000, done.stdout
    assert (tree / name).read_text("utf-8") == text.replace("5_556", "5000").replace("5556", "5000", 1)


def test_a_second_run_moves_nothing(tree: Path) -> None:
    fix("--renumber", ".", cwd=tree)
    before = contents(tree)
    done = fix("--renumber", "--allow-dirty", ".", cwd=tree)
    assert (done.returncode, contents(tree)) == (0, before)
    left = unsnarl("check", "--select", "E910,E911", ".", cwd=tree)
    assert (left.returncode, left.stdout) == (0, "")


def test_the_summary_says_who_moved_and_where_to(tree: Path) -> None:
    checked = fix("--renumber", "--check", ".", cwd=tree)
    assert "\n  would move Two: 5556 -> 5000, 2 places\n" in checked.stderr
    found = json.loads(fix("--renumber", "--check", "--format", "json", ".", cwd=tree).stdout)
    assert found["moved"] == ["Two: 5556 -> 5000, 2 places"]
    assert "\n  moved Two: 5556 -> 5000, 2 places\n" in fix("--renumber", ".", cwd=tree).stderr
    assert "moved" not in fix("--renumber", "--allow-dirty", ".", cwd=tree).stderr


def test_who_would_leave_a_client_behind_stays_and_the_client_is_named(tree: Path) -> None:
    write(tree, {"client.py": "def ask(sock):\n    sock.connect('tcp://localhost:5556')\n"})
    done = fix("--renumber", "--allow-dirty", ".", cwd=tree)
    assert "two.py:3:24: E910 declined, port-has-two-owners" in done.stdout
    assert done.stdout.count("; moving Two would leave client.py:2 on 5556\n") == 3
    assert registry(tree) == {"ONE": 5556, "OTHER": 5580}
    assert (tree / "startup.yaml").read_bytes().decode() == STARTUP


@pytest.mark.parametrize("files", [["one.py", "two.py", "other.py"], ["two.py"]])
def test_configuration_beside_files_that_were_asked_for_one_by_one_moves_too(tree: Path, files: list[str]) -> None:
    fix("--renumber", *files, cwd=tree)
    assert registry(tree)["TWO"] == 5000
    assert (tree / "startup.yaml").read_bytes().decode() == STARTUP.replace('"5556"', '"5000"')


def test_a_difference_shows_all_files_and_can_be_applied(tree: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "codemods.get_port", "--renumber", "--diff", "."],
        cwd=tree,
        capture_output=True,
        check=False,
    )
    assert b"+++ b/startup.yaml\n" in done.stdout
    (tree.parent / "it.patch").write_bytes(done.stdout)
    git(tree, "apply", "../it.patch")
    applied = contents(tree)
    git(tree, "checkout", "-q", ".")
    fix("--renumber", ".", cwd=tree)
    assert contents(tree) == applied


def test_without_it_configuration_is_left_alone(tree: Path) -> None:
    done = fix(".", cwd=tree)
    assert done.returncode == 1
    assert (tree / "startup.yaml").read_bytes().decode() == STARTUP
    assert registry(tree) == {"ONE": 5556, "OTHER": 5580}


def test_configuration_with_changes_of_its_own_is_not_written_over(tree: Path) -> None:
    (tree / "startup.yaml").write_bytes(STARTUP.encode() + b"\n# mine\n")
    before = contents(tree)
    done = fix("--renumber", ".", cwd=tree)
    assert done.returncode == 2
    assert "startup.yaml" in done.stderr
    assert contents(tree) == before


def test_an_owner_whose_file_is_put_off_does_not_move(tree: Path) -> None:
    """Neither in the registry nor in what configuration hands it."""
    fix("--renumber", "--max-files", "1", ".", cwd=tree)
    assert registry(tree) == {"ONE": 5556}
    assert (tree / "startup.yaml").read_bytes().decode() == STARTUP


KILLED = """
import os, signal, sys
from codemods.cli import command
real, count, number = os.replace, 0, int(sys.argv[1])
def replace(*arguments, **options):
    global count
    count += 1
    if count == number:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **options)
os.replace = replace
command("get_port").main(["--no-cache", "."], standalone_mode=False)
"""


@pytest.mark.parametrize("number", [2, 3, 4])
def test_a_run_that_is_killed_is_put_back_registry_and_folder_included(tmp_path: Path, number: int) -> None:
    tree = committed(
        tmp_path / "tree", {"a.py": binds("One", 5556), "b.py": binds("Two", 5557), "z.py": "THREE_PORT = 5558\n"}
    )
    before = contents(tree)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(number)],
        cwd=tree,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert (tree / NAME / "plan").exists()
    pending = fix(".", cwd=tree)
    assert pending.returncode == 2
    assert "--recover" in pending.stderr
    told = fix("--recover", cwd=tree)
    assert told.returncode == 0
    assert "put back" in told.stderr
    assert contents(tree) == before
    assert not (tree / "config").exists()
    assert not (tree / NAME).exists()


def test_a_registry_above_the_root_is_completed(tmp_path: Path) -> None:
    tree = committed(
        tmp_path / "tree",
        {
            "config/ports.yaml": "version: 1\nports:\n  A: {port: 5999}\n",
            "sub/pyproject.toml": "[tool.unsnarl]\n",
            "sub/x.py": "X_PORT = 5999\nWEB_PORT = 5556\n",
        },
    )
    done = fix(".", cwd=tree / "sub")
    assert done.returncode in (0, 1), done.stderr
    assert set(registry(tree).values()) == {5999, 5556}
    assert not (tree / "sub" / "config").exists()


def test_a_registry_that_is_a_link_is_completed_where_it_leads(tree: Path) -> None:
    file = tree / "config" / "ports.yaml"
    file.rename(tree / "real.yaml")
    file.symlink_to("../real.yaml")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "link")
    assert fix(".", cwd=tree).returncode == 1
    assert file.is_symlink()
    assert registry(tree) == {"ONE": 5556, "OTHER": 5580}


def test_a_nearer_registry_is_left_alone(tree: Path) -> None:
    write(tree, {"sub/config/ports.yaml": "version: 1\nports:\n", "sub/x.py": "X_PORT = 5999\n"})
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "sub")
    done = fix(".", cwd=tree)
    assert "sub/x.py:1:10: E910 declined" in done.stdout
    assert "`get_port` reads" in done.stdout
    assert (tree / "sub" / "config" / "ports.yaml").read_text("utf-8") == "version: 1\nports:\n"
