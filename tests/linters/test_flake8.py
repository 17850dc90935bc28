"""The plugin inside a real flake8, in real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BROAD = "try:\n    work()\nexcept Exception as e:\n    print(e)\n"
SAID = "E900 `except Exception as e` catches every error: name the ones to recover from"
LOADED = """
import atexit, json, sys
@atexit.register
def tell():
    with open({file!r}, "w") as stream:
        json.dump(sorted(sys.modules), stream)
"""


def flake8(
    *arguments: str, cwd: Path, stdin: str | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flake8", *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **(env or {})},
    )


def test_the_command_of_the_playbook(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BROAD)
    (tmp_path / "clean.py").write_text("x = 1\n")
    done = flake8("--select=E900", ".", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (1, f"./a.py:3:1: {SAID}\n", "")


def test_it_is_on_by_default_and_can_be_ignored(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BROAD)
    assert SAID in flake8("a.py", cwd=tmp_path).stdout
    for arguments in (["--extend-ignore=E900"], ["--per-file-ignores=a.py:E900"], ["--select=F"]):
        done = flake8("a.py", *arguments, cwd=tmp_path)
        assert "E900" not in done.stdout
        assert done.stderr == ""
    assert "E900" not in flake8("a.py", "--extend-ignore=E9", cwd=tmp_path).stdout


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_number_of_processes_changes_nothing(tmp_path: Path, jobs: str) -> None:
    for number in range(12):
        (tmp_path / f"f{number:02}.py").write_text(BROAD)
    done = flake8("--select=E9", f"-j{jobs}", ".", cwd=tmp_path)
    assert sorted(done.stdout.splitlines()) == [f"./f{number:02}.py:3:1: {SAID}" for number in range(12)]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_that_inherit_nothing_have_the_settings(tmp_path: Path, method: str) -> None:
    for number in range(4):
        (tmp_path / f"f{number}.py").write_text("try: ...\nexcept Exception: log.exception('x')\n")
    (tmp_path / "unsnarl.toml").write_text("[rules.E900]\nallow-logged-traceback = true\n")
    (tmp_path / "start.py").write_text(
        "import multiprocessing\nfrom flake8.main.cli import main\nif __name__ == '__main__':\n"
        f"    multiprocessing.set_start_method({method!r})\n    raise SystemExit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "start.py", "--select=E900", "-j2", "f0.py", "f1.py", "f2.py", "f3.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_editors_buffer_on_stdin(tmp_path: Path) -> None:
    done = flake8("--select=E9", "--stdin-display-name=pkg/buffer.py", "-", cwd=tmp_path, stdin=f"é = 1\n{BROAD}")
    assert done.stdout == f"pkg/buffer.py:4:1: {SAID}\n"


def test_columns_count_characters(tmp_path: Path) -> None:
    text = "from runtime.safe_executor import SafeExecutor\né = 'ü'; guard = SafeExecutor()\n"
    done = flake8("--select=E903", "-", cwd=tmp_path, stdin=text)
    assert done.stdout.startswith(f"stdin:2:{text.splitlines()[1].index('Safe') + 1}: E903 ")


def test_noqa_is_flake8s_own(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BROAD.replace("as e:", "as e:  # noqa: E900 a reason"))
    assert flake8("--select=E9", "a.py", cwd=tmp_path).stdout == ""
    assert SAID in flake8("--select=E9", "--disable-noqa", "a.py", cwd=tmp_path).stdout


def test_the_comments_are_judged_too(tmp_path: Path) -> None:
    (tmp_path / "unsnarl.toml").write_text("require-reason = true\n")
    (tmp_path / "a.py").write_text(BROAD.replace("as e:", "as e:  # noqa: E900") + "x = 1  # noqa: E903\n")
    done = flake8("--select=E904,E905", "a.py", cwd=tmp_path)
    assert [line.split(" ")[:2] for line in done.stdout.splitlines()] == [
        ["a.py:3:25:", "E904"],
        ["a.py:5:8:", "E904"],
        ["a.py:5:8:", "E905"],
    ]


def test_rules_that_look_across_files_are_not_judged_where_they_are_not_selected(tmp_path: Path) -> None:
    (tmp_path / "unsnarl.toml").write_text('select = ["E9"]\n')
    (tmp_path / "a.py").write_text('a.bind("tcp://*:80")  # noqa: E911\nclass B:\n    sock.bind("tcp://*:80")\n')
    done = flake8("--select=E9", "--extend-ignore=E910", "a.py", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_settings_of_the_project_or_of_a_named_file(tmp_path: Path) -> None:
    text = "try: ...\nexcept Exception: log.exception('x')\n"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "u.toml").write_text("[rules.E900]\nallow-logged-traceback = true\n")
    assert "E900" in flake8("--select=E9", "-", cwd=tmp_path, stdin=text).stdout
    assert flake8("--select=E9", "--unsnarl-config=other/u.toml", "-", cwd=tmp_path, stdin=text).stdout == ""
    (tmp_path / "setup.cfg").write_text("[flake8]\nunsnarl-config = other/u.toml\n")
    assert flake8("--select=E9", "-", cwd=tmp_path, stdin=text).stdout == ""
    (tmp_path / "setup.cfg").unlink()
    (tmp_path / "pyproject.toml").write_text("[tool.unsnarl.rules.E900]\nallow-logged-traceback = true\n")
    assert flake8("--select=E9", "-", cwd=tmp_path, stdin=text).stdout == ""


def test_broken_settings_are_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.unsnarl]\nrequire-reson = true\n")
    done = flake8("--select=E9", "-", cwd=tmp_path, stdin=BROAD)
    assert done.returncode == 1
    assert done.stderr == ""
    assert "pyproject.toml:2: `tool.unsnarl.require-reson`: unknown key; did you mean `require-reason`?" in done.stdout


def test_a_file_that_does_not_parse_is_left_to_flake8(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(:\n" + BROAD)
    done = flake8("--select=E9", "a.py", cwd=tmp_path)
    assert done.returncode == 1
    assert "E999" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_generated_files_are_left_out_as_our_own_runner_does(tmp_path: Path) -> None:
    (tmp_path / "api_pb2.py").write_text(BROAD)
    (tmp_path / "marked.py").write_text(f"# Code generated by x. DO NOT EDIT.\n{BROAD}")
    (tmp_path / "quoting.py").write_text(f'"""DO NOT EDIT"""\n{BROAD}')
    shown = f"quoting.py:4:1: {SAID}\n"
    assert flake8("--select=E9", ".", cwd=tmp_path).stdout == f"./{shown}"
    own = subprocess.run(
        [sys.executable, "-m", "unsnarl", "check", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert own.stdout == shown


def modules_after(tmp_path: Path, *arguments: str) -> set[str]:
    file = tmp_path / "modules.json"
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(LOADED.format(file=str(file)))
    done = flake8(*arguments, cwd=tmp_path, env={"PYTHONPATH": str(site)})
    assert "E900" in done.stdout
    return set(json.loads(file.read_text()))


def test_what_only_the_codemods_and_the_graph_need_is_never_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BROAD + "# noqa: E900\n")
    loaded = modules_after(tmp_path, "-j1", "--select=E9", "a.py")
    assert "linters.broad_except" in loaded
    heavy = {"libcst", "networkx", "rich", "click", "yaml", "pathspec", "sqlite3", "codemods", "runtime"}
    assert not heavy & loaded


OWN = ["analysis", "codemods", "config", "linters", "runtime"]


def shadow(tree: Path) -> None:
    for name in OWN:
        (tree / name).mkdir()
        (tree / name / "__init__.py").write_text("raise RuntimeError('the tree must not be imported')\n")
    (tree / "a.py").write_text(BROAD)


@pytest.mark.parametrize("path", [None, ".", "absolute"])
def test_a_tree_with_packages_of_our_names(tmp_path: Path, path: str | None) -> None:
    shadow(tmp_path)
    env = {} if path is None else {"PYTHONPATH": str(tmp_path) if path == "absolute" else path}
    done = flake8("--select=E9", "a.py", cwd=tmp_path, env=env)
    assert (done.stdout, done.stderr) == (f"a.py:3:1: {SAID}\n", "")


def test_another_plugin_still_finds_its_tree(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "__init__.py").write_text("TEXT = 'X100 from the tree'\n")
    (tmp_path / "local_plugin.py").write_text(
        "import config\nclass Plugin:\n    def __init__(self, tree): pass\n"
        "    def run(self):\n        yield 1, 0, config.TEXT, type(self)\n"
    )
    (tmp_path / "setup.cfg").write_text(
        "[flake8]\nselect = X,E9\n[flake8:local-plugins]\nextension =\n    X = local_plugin:Plugin\npaths = .\n"
    )
    (tmp_path / "a.py").write_text(BROAD)
    done = flake8("a.py", cwd=tmp_path)
    assert done.stdout == f"a.py:1:1: X100 from the tree\na.py:3:1: {SAID}\n"
    assert done.stderr == ""
