"""The rules that look across files inside a real flake8, in real processes."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.support import unsnarl, write

from .test_flake8 import LOADED, flake8

CIRCLE: dict[str, str | bytes] = {
    "memory.py": "import session\n\n\ndef f():\n    return session.g()\n",
    "session.py": "import memory\n\nx = memory.f\n",
    "other.py": "x = 1\n",
}
CUT = "memory.py:1:1: E920 session.py imports this file back: session is used in f() only\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(tmp_path, {**CIRCLE, "unsnarl.toml": ""})


def test_a_cycle_is_told_as_unsnarl_check_tells_it(tree: Path) -> None:
    own = unsnarl("check", "--select=E920", cwd=tree).stdout
    done = flake8("--select=E920", ".", cwd=tree)
    assert (done.returncode, done.stdout, done.stderr) == (1, f"./{own}", "")
    assert own == CUT
    # A file by itself is judged by all of the tree, from wherever flake8 is called.
    assert flake8("--select=E920", "memory.py", "other.py", cwd=tree).stdout == CUT
    (tree / "deep").mkdir()
    assert flake8("--select=E92", "../memory.py", cwd=tree / "deep").stdout == f"../{CUT}"


def test_every_rule_that_looks_across_files(tree: Path) -> None:
    listener = 'class {0}:\n    def run(self):\n        self.sock.bind("tcp://*:5556")\n'
    rules = '[contracts.one]\nlayers = ["other", "third"]\n'
    write(
        tree,
        {
            "asr.py": listener.format("Asr"),
            "tts.py": listener.format("Tts"),
            "client.py": 'sock.connect("tcp://localhost:5557")\n',
            "third.py": "import other\n",
            "unsnarl.toml": rules,
        },
    )
    said = {tuple(line.split()[:2]) for line in flake8("--select=E91,E92", ".", cwd=tree).stdout.splitlines()}
    across = {(place, code) for place, code in said if code != "E910"}
    assert across == {
        ("./asr.py:3:9:", "E911"),
        ("./tts.py:3:9:", "E911"),
        ("./client.py:1:1:", "E912"),
        ("./memory.py:1:1:", "E920"),
        ("./third.py:1:1:", "E922"),
    }


def test_noqa_and_whether_it_is_used(tree: Path) -> None:
    write(tree, {"memory.py": f"import session  # noqa: E920 known\n{CIRCLE['memory.py'][15:]}"})
    assert flake8("--select=E920,E905", ".", cwd=tree).stdout == ""
    assert "E920" in flake8("--select=E920", "--disable-noqa", ".", cwd=tree).stdout
    write(tree, {"session.py": "import os  # noqa: E920\n"})
    unused = ["./memory.py:1:17: E905 suppression of E920 silences nothing"]
    unused += ["./session.py:1:12: E905 suppression of E920 silences nothing"]
    assert flake8("--select=E920,E905", ".", cwd=tree).stdout.splitlines() == unused
    # Who does not look for it does not judge it.
    assert flake8("--select=E905", ".", cwd=tree).stdout == ""


@pytest.mark.parametrize("name", ["memory.py", "new.py"])
def test_what_stands_in_the_editor_counts(tree: Path, name: str) -> None:
    write(tree, {"memory.py": "x = 1\n", "session.py": f"import {name[:-3]}\n\nx = {name[:-3]}.f\n"})
    assert flake8("--select=E920", ".", cwd=tree).stdout == ""
    options = ("--select=E920", f"--stdin-display-name={name}", "-")
    assert flake8(*options, cwd=tree, stdin=str(CIRCLE["memory.py"])).stdout == CUT.replace("memory.py", name)
    assert flake8(*options, cwd=tree, stdin="x = 2\n").stdout == ""
    noqa = str(CIRCLE["memory.py"]).replace("\n", "  # noqa: E920\n", 1)
    assert flake8(*options, cwd=tree, stdin=noqa).stdout == ""
    broken = flake8(*options, cwd=tree, stdin="def f(:\n")
    assert (broken.stdout, broken.stderr) == ("", "")


def test_what_is_not_saved_leaves_no_graph_behind(tree: Path) -> None:
    flake8("--select=E920", ".", cwd=tree)
    before = graph(tree)
    for text in ("import session\n", "import session, other\n"):
        flake8("--select=E920", "--stdin-display-name=memory.py", "-", cwd=tree, stdin=text)
    assert graph(tree) == before


def test_one_graph_is_kept(tree: Path) -> None:
    seen = set()
    for number in range(3):
        write(tree, {"other.py": f"import memory\nx = {number}\n"})
        assert flake8("--select=E920", ".", cwd=tree).stdout == f"./{CUT}"
        seen.add(graph(tree))
    assert len(seen) == 3


def graph(tree: Path) -> bytes:
    """The one graph that is kept."""
    with closing(sqlite3.connect(tree / ".unsnarl_cache" / "index.sqlite")) as base:
        ((kept,),) = base.execute("SELECT blob FROM fact JOIN topic ON id = topic WHERE key LIKE 'import-graph%'")
        return bytes(kept)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes(tree: Path, method: str) -> None:
    for number in range(8):
        write(tree, {f"a{number}.py": f"import b{number}\n", f"b{number}.py": f"import a{number}\n"})
    (tree / "start.py").write_text(
        "import multiprocessing\nfrom flake8.main.cli import main\nif __name__ == '__main__':\n"
        f"    multiprocessing.set_start_method({method!r})\n    raise SystemExit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "start.py", "--select=E920", "-j2", "."],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stderr == ""
    assert sorted(line.split()[0] for line in done.stdout.splitlines()) == [
        *(f"./a{number}.py:1:1:" for number in range(8)),
        "./memory.py:1:1:",
    ]


COUNTED = """
import atexit, os
import analysis.reading
read = analysis.reading.read_file
def counting(*arguments):
    with open({file!r}, "a") as stream:
        print(os.getpid(), file=stream)
    return read(*arguments)
analysis.reading.read_file = counting
"""


def test_a_tree_is_read_once_whatever_the_number_of_processes(tree: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(COUNTED.format(file=str(log)))
    env = {"PYTHONPATH": f"{site}{os.pathsep}{Path(__file__).parents[2]}"}
    (tree / ".gitignore").write_text("site/\n")
    counts = []
    for _ in range(3):
        done = flake8("--select=E920", "-j2", "memory.py", "session.py", "other.py", cwd=tree, env=env)
        assert done.stdout == CUT
        counts.append(log.read_text().splitlines())
        log.write_text("")
    # memory.py and session.py twice, as how they use what they import is asked later.
    assert len(counts[0]) == 3 + 2
    assert len(set(counts[0])) == 1
    assert counts[2] == []


def test_an_index_that_cannot_be_written(tree: Path) -> None:
    (tree / ".unsnarl_cache").write_text("in the way")
    assert flake8("--select=E920", ".", cwd=tree).stdout == f"./{CUT}"
    assert (
        flake8("--select=E920", "--stdin-display-name=memory.py", "-", cwd=tree, stdin=str(CIRCLE["memory.py"])).stdout
        == CUT
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_tree_that_may_only_be_read(tree: Path) -> None:
    tree.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        done = flake8("--select=E920", "-j2", ".", cwd=tree)
    finally:
        tree.chmod(stat.S_IRWXU)
    assert (done.stdout, done.stderr) == (f"./{CUT}", "")


def test_a_tree_without_settings_is_looked_at_when_it_is_given_whole(tmp_path: Path) -> None:
    write(tmp_path, CIRCLE)
    assert flake8("--select=E920", cwd=tmp_path).stdout == f"./{CUT}"
    assert flake8("--select=E920", str(tmp_path), cwd=tmp_path).stdout == f"{tmp_path}/{CUT}"
    assert flake8("--select=E920", "memory.py", cwd=tmp_path).stdout == ""
    (tmp_path / ".git").mkdir()
    assert flake8("--select=E920", "memory.py", cwd=tmp_path).stdout == CUT


def test_each_file_by_its_own_tree(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name, {**CIRCLE, "unsnarl.toml": ""})
    write(tmp_path / "two", {"unsnarl.toml": 'exclude = ["memory.py"]\n'})
    done = flake8("--select=E920", "one/memory.py", "two/memory.py", "two/session.py", cwd=tmp_path)
    assert done.stdout == f"one/{CUT}"


@pytest.mark.parametrize("asked", ["--select=E9", "--select=E900,E905", "--extend-select=E90", "--extend-ignore=E900"])
def test_nobody_pays_who_does_not_ask(tree: Path, asked: str) -> None:
    file, site = tree / "modules.json", tree / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(LOADED.format(file=str(file)))
    done = flake8("-j1", asked, ".", cwd=tree, env={"PYTHONPATH": str(site)})
    assert "E920" not in done.stdout
    assert not (tree / ".unsnarl_cache").exists()
    loaded = set(json.loads(file.read_text()))
    assert "linters.import_cycle" in loaded
    assert not {"networkx", "sqlite3", "click", "analysis.project", "unsnarl.session"} & loaded


def test_settings_that_do_not_fit_the_tree_are_told_without_a_traceback(tree: Path) -> None:
    write(tree, {"unsnarl.toml": '[contracts.one]\nlayers = ["other", "thrid"]\n'})
    for arguments in (("--select=E922", "-j2", "."), ("--select=E922", "--stdin-display-name=a.py", "-")):
        done = flake8(*arguments, cwd=tree, stdin="x = 1\n")
        assert (done.returncode, done.stderr) == (1, "")
        assert 'unsnarl.toml:2: `contracts.one.layers`: "thrid" matches no file of the tree' in done.stdout
    assert flake8("--select=E920", "other.py", cwd=tree).stdout == ""


def test_a_tree_with_packages_of_our_names(tree: Path) -> None:
    for name in ("analysis", "config", "linters"):
        write(tree, {f"{name}/__init__.py": "raise RuntimeError('the tree must not be imported')\n"})
    for path in ("", str(tree)):
        done = flake8("--select=E920", "memory.py", cwd=tree, env={"PYTHONPATH": path})
        assert (done.stdout, done.stderr) == (CUT, "")
