"""The command line of codemods, as users meet it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codemods.journal import NAME
from tests.cli.codemod_support import CLEAN, GOOD, STAYS, committed, contents, fix
from tests.cli.support import BROKEN, write
from tests.codemods.support import git


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return committed(tmp_path / "tree")


def test_findings_are_rewritten_and_those_that_stay_are_told(tree: Path) -> None:
    done = fix(".", cwd=tree)
    assert done.returncode == 1
    assert done.stdout == (
        "a.py: 1 rewritten\nsub/b.py:3:1: E900 declined, except-star: it is `except*`\n".replace(
            ": it is `except*`", ""
        )
        + "sub/d.py: 1 rewritten\n"
    ) or done.stdout.splitlines()[0::2] == ["a.py: 1 rewritten", "sub/d.py: 1 rewritten"]
    assert done.stdout.splitlines()[1].startswith("sub/b.py:3:1: E900 declined, except-star")
    assert done.stderr.splitlines() == [
        "2 rewritten, 0 narrowed, 1 declined, 0 skipped.",
        "  declined 1: except-star",
        "2 files changed, 2 unchanged.",
    ]
    new = (tree / "a.py").read_text("utf-8")
    assert "with SafeExecutor(recoverable=(Exception,)) as attempt:" in new
    assert (tree / "sub" / "d.py").read_text("utf-8") == new
    assert sorted(git(tree, "status", "--porcelain").split()) == ["M", "M", "a.py", "sub/d.py"]


def test_when_nothing_is_left_to_do_the_exit_code_says_so(tree: Path) -> None:
    first = fix("a.py", cwd=tree)
    assert (first.returncode, first.stdout) == (0, "a.py: 1 rewritten\n")
    # The second run has nothing to write, and so does not mind the uncommitted changes of the first.
    second = fix("a.py", cwd=tree)
    assert (second.returncode, second.stdout) == (0, "")
    assert second.stderr.splitlines()[0] == "0 rewritten, 0 narrowed, 0 declined, 0 skipped."


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_a_dry_run_writes_nothing(tree: Path, option: str) -> None:
    before = contents(tree)
    status = git(tree, "status", "--porcelain", "--ignored")
    done = fix(option, "--no-cache", ".", cwd=tree)
    assert done.returncode == 1
    assert contents(tree) == before
    assert git(tree, "status", "--porcelain", "--ignored") == status
    assert "nothing was written" in done.stderr
    assert fix(option, "sub/c.py", cwd=tree).returncode == 0


def test_the_check_says_what_would_change(tree: Path) -> None:
    done = fix("--check", "a.py", cwd=tree)
    assert (done.returncode, done.stdout) == (1, "a.py: 1 would be rewritten\n")


def test_the_difference_is_all_there_is_on_stdout_and_can_be_applied(tree: Path) -> None:
    done = fix("--diff", ".", cwd=tree)
    assert done.stdout.startswith("--- a/a.py\n+++ b/a.py\n@@ ")
    (tree.parent / "d.patch").write_text(done.stdout, "utf-8")
    git(tree, "apply", "../d.patch")
    applied = contents(tree)
    git(tree, "checkout", "-q", ".")
    fix(".", cwd=tree)
    assert contents(tree) == applied


def test_the_difference_in_json(tree: Path) -> None:
    text = fix("--diff", ".", cwd=tree).stdout
    found = json.loads(fix("--diff", "--format", "json", ".", cwd=tree).stdout)
    assert list(found["differences"]) == found["changed"] == ["a.py", "sub/d.py"]
    assert "".join(found["differences"].values()) == text


def report(*arguments: str, cwd: Path) -> dict[str, Any]:
    done = fix("--format", "json", *arguments, cwd=cwd)
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["summary"]["exit_code"] == done.returncode
    return found


def test_json(tree: Path) -> None:
    (tree / "bad.py").write_text(BROKEN, "utf-8")
    (tree / "e.py").write_text("try:\n    f()\nexcept Exception:  # noqa: E900 plugins\n    pass\n", "utf-8")
    found = report("--check", ".", cwd=tree)
    assert found["version"] == 2
    assert found["codemod"] == "safe_executor"
    assert found["written"] is False
    assert found["changed"] == ["a.py", "sub/d.py"]
    assert [(one["path"], one["line"], one["column"], one["scope"], one["safety"]) for one in found["rewritten"]] == [
        ("a.py", 7, 5, "f", "safe"),
        ("sub/d.py", 7, 5, "f", "safe"),
    ]
    (declined,) = found["declined"]
    assert (declined["path"], declined["line"], declined["code"], declined["reason"]) == (
        "sub/b.py",
        3,
        "E900",
        "except-star",
    )
    (skipped,) = found["skipped"]
    assert (skipped["path"], skipped["reason"]) == ("e.py", "noqa")
    (failed,) = found["failed"]
    assert (failed["path"], failed["line"]) == ("bad.py", 1)
    assert found["summary"] == {
        "rewritten": 2,
        "narrowed": 0,
        "declined": 1,
        "skipped": 1,
        "reasons": {"declined": {"except-star": 1}, "skipped": {"noqa": 1}},
        "files": 5,
        "changed": 2,
        "unchanged": 3,
        "failed": 1,
        "excluded": 0,
        "exit_code": 2,
    }


def test_a_file_that_does_not_parse_is_named_and_the_others_go_on(tree: Path) -> None:
    write(tree, {"bad.py": BROKEN, "binary.py": b"x = 1\n\0"})
    done = fix("--allow-dirty", ".", cwd=tree)
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert any(line.startswith("bad.py:1: failed, ") for line in lines)
    assert "binary.py:2: failed, source code string cannot contain null bytes" in lines
    assert "a.py: 1 rewritten" in lines
    assert (tree / "bad.py").read_text("utf-8") == BROKEN
    assert ", 2 failed" in done.stderr


def test_statistics(tree: Path) -> None:
    done = fix("--check", "--statistics", ".", cwd=tree)
    rows = [line.split("  ") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == ["2", "1"]
    assert done.stdout.splitlines()[0] == "2  rewritten"
    assert done.stdout.splitlines()[1].startswith("1  declined, except-star  ")


def test_a_folder_without_python_files_is_told(tree: Path) -> None:
    write(tree, {"empty/notes.txt": ""})
    done = fix("--check", "empty", cwd=tree)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1] == "No Python files were found in `empty`."
    assert "No Python files" not in fix("--check", "sub/c.py", cwd=tree).stderr
    assert fix("--check", "-q", "empty", cwd=tree).stderr == ""


def test_a_report_goes_into_a_file(tree: Path, tmp_path: Path) -> None:
    done = fix("--check", "--format", "json", "--output-file", tmp_path / "r.json", "-q", ".", cwd=tree)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["changed"] == ["a.py", "sub/d.py"]


def test_what_may_change_the_program_is_counted(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "try:\n    work()\nexcept:\n    pass\ntry:\n    work()\nexcept Exception:\n    pass\n"})
    told = "  1 of these may change what the program does (--unsafe)"
    assert told in fix("--unsafe", "--check", ".", cwd=tmp_path).stderr.splitlines()
    assert told not in fix("--check", ".", cwd=tmp_path).stderr.splitlines()


def test_only_under_a_folder(tree: Path) -> None:
    done = fix("--only-under", "sub", ".", cwd=tree)
    assert "sub/d.py: 1 rewritten" in done.stdout
    assert (tree / "a.py").read_text("utf-8") == GOOD


def test_no_more_than_so_many_files(tree: Path) -> None:
    found = report("--max-files", "1", ".", cwd=tree)
    assert found["changed"] == ["a.py"]
    assert "\n1 file changed, 3 unchanged." in fix("--check", "a.py", "sub", "--max-files=1", cwd=tree).stderr
    assert ("sub/d.py", "max-files-reached") in [(one["path"], one["reason"]) for one in found["declined"]]
    assert (tree / "sub" / "d.py").read_text("utf-8") == GOOD


def test_what_is_beyond_the_number_of_files_is_one_line(tree: Path) -> None:
    write(tree, {"sub/e.py": GOOD + GOOD.replace("def f", "def g")})
    done = fix("--check", "--max-files=1", "a.py", "sub", cwd=tree)
    lines = done.stdout.splitlines()
    assert [lines[0], lines[-1]] == [
        "a.py: 1 would be rewritten",
        "3 findings in 2 files put off, max-files-reached: sub/d.py is the next",
    ]
    assert len(lines) == 3
    assert "sub/b.py:3:1: E900 declined, except-star" in lines[1]
    assert "  declined 3: max-files-reached" in done.stderr.splitlines()
    assert "max-files-reached" not in fix("--check", "a.py", "--max-files=1", cwd=tree).stdout


def test_the_number_of_processes_makes_no_difference(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"p{n % 7}/m{n}.py": GOOD * (n % 5 + 1) + STAYS * (n % 2) for n in range(120)}
    found = []
    for jobs in ("1", "3"):
        tree = write(tmp_path / jobs, files)
        done = fix("--allow-dirty", "--format", "json", "-j", jobs, ".", cwd=tree)
        assert done.returncode == 1, done.stderr
        found.append((json.loads(done.stdout) | {"root": ""}, done.stderr, contents(tree)))
    assert found[0] == found[1]


def test_without_the_index_nothing_is_kept(tree: Path) -> None:
    fix("--no-cache", ".", cwd=tree)
    assert not (tree / ".unsnarl_cache").exists()
    assert not (tree / NAME).exists()


def test_no_progress_where_there_is_no_terminal(tree: Path) -> None:
    assert "\x1b" not in fix(".", cwd=tree).stderr


class TestVersionControl:
    def test_uncommitted_changes(self, tree: Path) -> None:
        (tree / "sub" / "c.py").write_text("x = 2\n", "utf-8")
        before = contents(tree)
        done = fix(".", cwd=tree)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            "Error: there are uncommitted changes: sub/c.py; nothing was written. Commit first, or say --allow-dirty\n"
        )
        assert contents(tree) == before
        assert fix("--allow-dirty", ".", cwd=tree).returncode == 1
        assert contents(tree) != before

    def test_a_file_that_git_does_not_know(self, tree: Path) -> None:
        (tree / "new.py").write_text(GOOD, "utf-8")
        done = fix(".", cwd=tree)
        assert done.returncode == 2
        assert "git does not track new.py" in done.stderr

    def test_no_version_control_at_all(self, tree: Path) -> None:
        shutil.rmtree(tree / ".git")
        before = contents(tree)
        done = fix(".", cwd=tree)
        assert done.returncode == 2
        assert "is not under version control; nothing was written" in done.stderr
        assert "--allow-dirty" in done.stderr
        assert contents(tree) == before

    def test_dry_runs_need_none(self, tree: Path) -> None:
        shutil.rmtree(tree / ".git")
        assert fix("--check", "a.py", cwd=tree).returncode == 1


class TestStream:
    def test_the_new_text_is_on_stdout(self, tmp_path: Path) -> None:
        done = fix("--stdin-filename", "x.py", "-", cwd=tmp_path, stdin=GOOD.encode())
        assert done.returncode == 0
        assert "with SafeExecutor(" in done.stdout
        assert done.stderr.startswith("1 rewritten")
        again = fix("--stdin-filename", "x.py", "-", cwd=tmp_path, stdin=done.stdout.encode())
        assert again.stdout == done.stdout
        assert list(tmp_path.iterdir()) == []

    def test_bytes_are_kept(self, tmp_path: Path) -> None:
        text = b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()
        done = fix("-", cwd=tmp_path, stdin=text)
        raw = subprocess.run(
            [sys.executable, "-m", "codemods.safe_executor", "-q", "-"], input=text, capture_output=True, check=False
        ).stdout
        assert done.returncode == 0
        assert raw.startswith(b"\xef\xbb\xbfimport os\r\n")
        assert raw.count(b"\n") == raw.count(b"\r\n")

    def test_what_stays_comes_out_as_it_went_in(self, tmp_path: Path) -> None:
        done = fix("-", cwd=tmp_path, stdin=STAYS.encode())
        assert (done.returncode, done.stdout) == (1, STAYS)
        done = fix("-", cwd=tmp_path, stdin=CLEAN.encode())
        assert (done.returncode, done.stdout) == (0, CLEAN)

    def test_what_does_not_parse_does_not_come_out_at_all(self, tmp_path: Path) -> None:
        done = fix("--stdin-filename", "x.py", cwd=tmp_path, stdin=BROKEN.encode())
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("x.py:1: failed, ")

    def test_differences_checks_and_reports(self, tmp_path: Path) -> None:
        done = fix("--diff", "--stdin-filename", "x.py", cwd=tmp_path, stdin=GOOD.encode())
        assert done.returncode == 1
        assert done.stdout.startswith("--- a/x.py\n")
        done = fix("--check", "--stdin-filename", "x.py", cwd=tmp_path, stdin=GOOD.encode())
        assert (done.returncode, done.stdout) == (1, "x.py: 1 would be rewritten\n")
        done = fix("--check", "--format", "json", "--stdin-filename", "x.py", cwd=tmp_path, stdin=GOOD.encode())
        assert json.loads(done.stdout)["changed"] == ["x.py"]
        done = fix("--format", "json", "--stdin-filename", "x.py", cwd=tmp_path, stdin=GOOD.encode())
        assert (done.returncode, done.stdout) == (2, "")
        assert "add --check or --diff" in done.stderr

    def test_the_settings_of_the_name_hold(self, tmp_path: Path) -> None:
        write(tmp_path, {"unsnarl.toml": 'safe-executor = "common.errors:Guard"\n'})
        done = fix("--stdin-filename", "sub/x.py", cwd=tmp_path, stdin=GOOD.encode())
        assert "from common.errors import Guard\n" in done.stdout

    def test_what_goes_by_an_excluded_name_comes_out_as_it_went_in(self, tmp_path: Path) -> None:
        write(tmp_path, {"unsnarl.toml": "exclude = ['vendor/']\n"})
        named = ("--force-exclude", "--stdin-filename", "vendor/x.py")
        for text in (GOOD, BROKEN):
            done = fix(*named, cwd=tmp_path, stdin=text.encode())
            assert (done.returncode, done.stdout) == (0, text)
            assert done.stderr.endswith("1 excluded.\n")
        for dry in ("--diff", "--check"):
            done = fix(*named, dry, cwd=tmp_path, stdin=GOOD.encode())
            assert (done.returncode, done.stdout) == (0, "")
        assert fix(*named[1:], cwd=tmp_path, stdin=GOOD.encode()).stdout != GOOD
        assert fix(*named[:2], "x.py", cwd=tmp_path, stdin=GOOD.encode()).stdout != GOOD

    def test_it_goes_with_no_path(self, tmp_path: Path) -> None:
        done = fix("-", ".", cwd=tmp_path, stdin=b"")
        assert (done.returncode, done.stderr) == (2, "Error: `-` (stdin) goes with no other path\n")


class TestTarget:
    def test_a_module_that_is_nowhere_is_warned_of_once(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            {"pyproject.toml": '[tool.unsnarl]\nsafe-executor = "common.erors:Guard"\n', "a.py": GOOD, "b.py": GOOD},
        )
        write(tmp_path, {"common/errors.py": ""})
        done = fix("--allow-dirty", cwd=tmp_path)
        assert done.returncode == 0
        assert "from common.erors import Guard\n" in (tmp_path / "a.py").read_text()
        warning, *rest = done.stderr.splitlines()
        assert warning == (
            f"Warning: {tmp_path}/pyproject.toml:2: `tool.unsnarl.safe-executor`: there is no module `common.erors`, "
            "neither in this tree nor installed here: rewritten files cannot import it. Mend the name, write the "
            "module, or install what has it where the code runs."
        )
        assert not any("Warning" in line for line in rest)
        assert fix("-", cwd=tmp_path, stdin=GOOD.encode()).stderr.startswith("Warning: ")

    @pytest.mark.parametrize("home", ["common/errors.py", "src/common/errors.py", "common/errors/__init__.py"])
    def test_a_module_of_the_tree_is_found_from_any_part_of_it(self, tmp_path: Path, home: str) -> None:
        setting = 'safe-executor = "common.errors:Guard"\n'
        write(tmp_path, {"unsnarl.toml": setting, home: "class Guard: ...\n", "part/a.py": GOOD})
        for done in (
            fix("--check", ".", cwd=tmp_path),
            fix("--check", "part", cwd=tmp_path),
            fix("--stdin-filename=part/a.py", cwd=tmp_path, stdin=GOOD.encode()),
        ):
            assert "Warning" not in done.stderr
            assert "1 rewritten" in done.stderr

    @pytest.mark.parametrize("module", ["json.decoder", "sys", "libcst", "runtime.safe_executor"])
    def test_an_installed_module_is_found(self, tmp_path: Path, module: str) -> None:
        write(tmp_path, {"unsnarl.toml": f'safe-executor = "{module}:Guard"\n', "a.py": GOOD})
        assert "Warning" not in fix("--check", cwd=tmp_path).stderr

    def test_a_module_of_the_tree_without_the_name_is_an_error(self, tmp_path: Path) -> None:
        setting = 'safe-executor = "common.errors:Guard"\n'
        write(tmp_path, {"unsnarl.toml": setting, "common/errors.py": "class Gard: ...\n", "a.py": GOOD})
        done = fix("--allow-dirty", cwd=tmp_path)
        assert done.returncode == 2
        assert "common/errors.py has no `Guard`" in done.stderr
        assert (tmp_path / "a.py").read_text() == GOOD
        for text in ("from other import Guard\n", "from other import *\n", "if x:\n    class Guard: ...\n"):
            (tmp_path / "common/errors.py").write_text(text)
            assert fix("--check", cwd=tmp_path).returncode == 1

    def test_a_folder_is_no_module(self, tmp_path: Path) -> None:
        write(tmp_path, {"unsnarl.toml": 'safe-executor = "common:Guard"\n', "a.py": GOOD, "common/a.py": ""})
        assert "there is no module `common`" in fix("--check", cwd=tmp_path).stderr


class TestBadInput:
    def test_an_empty_path_is_not_the_current_folder(self, tmp_path: Path) -> None:
        write(tmp_path, {"a.py": GOOD})
        done = fix("--allow-dirty", "", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("Error: a path is empty")
        assert (tmp_path / "a.py").read_text() == GOOD

    @pytest.mark.parametrize("dry", ["--check", "--diff"])
    def test_recovering_is_no_dry_run(self, tmp_path: Path, dry: str) -> None:
        done = fix("--recover", dry, cwd=tmp_path)
        assert done.returncode == 2
        assert f"--recover writes, and {dry} says not to" in done.stderr

    def test_no_such_path(self, tmp_path: Path) -> None:
        done = fix("nowhere", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "Error: no such file or folder: nowhere\n"
        assert list(tmp_path.iterdir()) == []

    def test_broken_settings(self, tree: Path) -> None:
        write(tree, {"unsnarl.toml": "\nsafe-executr = 3\n"})
        done = fix(".", cwd=tree)
        assert (done.returncode, done.stdout) == (2, "")
        assert "unsnarl.toml:2: `safe-executr`: unknown key; did you mean `safe-executor`?" in done.stderr

    def test_no_such_folder_to_keep_to(self, tree: Path) -> None:
        done = fix("--only-under", "nowhere", ".", cwd=tree)
        assert (done.returncode, done.stderr) == (2, "Error: --only-under: no such folder: nowhere\n")
        done = fix("--only-under", "sub/d.py", ".", cwd=tree)
        told = "--only-under takes a folder, and sub/d.py is a file: name the folder that it is in"
        assert (done.returncode, done.stderr) == (2, f"Error: {told}\n")
        done = fix("--only-under", "sub", "a.py", cwd=tree)
        told = "Error: --only-under: none of the files that were asked for is below sub\n"
        assert (done.returncode, done.stderr) == (2, told)
        done = fix("--only-under", "..", ".", cwd=tree)
        assert done.returncode == 2
        assert "is not below" in done.stderr

    def test_no_such_option(self, tree: Path) -> None:
        done = fix("--dif", ".", cwd=tree)
        assert done.returncode == 2
        assert "--diff" in done.stderr

    def test_a_read_only_file(self, tree: Path) -> None:
        (tree / "sub" / "d.py").chmod(0o444)
        before = contents(tree)
        done = fix("--allow-dirty", ".", cwd=tree)
        assert (done.returncode, done.stdout) == (2, "")
        assert "read-only: " in done.stderr
        assert "sub/d.py; nothing was written" in done.stderr
        assert contents(tree) == before

    def test_a_file_that_cannot_be_read(self, tree: Path) -> None:
        (tree / "dangling.py").symlink_to("nowhere")
        done = fix("--check", "dangling.py", cwd=tree)
        assert done.returncode == 2
        assert "dangling.py" in done.stdout


SHADOWS = ("analysis", "config", "linters", "runtime", "tests", "unsnarl")


@pytest.mark.parametrize("door", [["codemods.safe_executor"], ["unsnarl", "fix", "safe-executor"]], ids=["-m", "fix"])
@pytest.mark.parametrize("by", ["working folder", "PYTHONPATH"])
def test_a_tree_that_has_packages_of_our_names(tmp_path: Path, door: list[str], by: str) -> None:
    shadows = [name for name in SHADOWS if name != door[0]]
    tree = write(tmp_path / "tree", {f"{name}/__init__.py": "raise SystemExit('shadowed')\n" for name in shadows})
    write(tree, {"a.py": GOOD, "click.py": CLEAN, "unsnarl.toml": 'safe-executor = "common.errors:Guard"\n'})
    env = {"PYTHONPATH": str(tree)} if by == "PYTHONPATH" else {}
    done = subprocess.run(
        [sys.executable, "-m", *door, "--policy", "preserve", "--allow-dirty", str(tree)],
        cwd=tmp_path if env else tree,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **env},
    )
    assert (done.returncode, done.stdout.endswith("a.py: 1 rewritten\n")) == (0, True), done.stderr
    assert "from common.errors import Guard\n" in (tree / "a.py").read_text("utf-8")


def test_a_tree_whose_own_package_would_be_imported_is_told_which_setting(tmp_path: Path) -> None:
    tree = write(tmp_path, {"runtime/__init__.py": "", "a.py": GOOD})
    done = fix("--allow-dirty", ".", cwd=tree)
    assert done.returncode == 1
    assert "a.py:7:5: E900 declined, import-target-is-shadowed: `runtime` of this tree" in done.stdout
    assert "`safe-executor` under [tool.unsnarl]" in done.stdout


def test_help_says_what_there_is(tmp_path: Path) -> None:
    done = fix("--help", cwd=tmp_path)
    assert done.returncode == 0
    for option in ("--check", "--diff", "--unsafe", "--jobs", "--format", "--stdin-filename", "--no-cache"):
        assert option in done.stdout
    for option in ("--allow-dirty", "--policy", "--max-files", "--only-under", "--recover", "--statistics"):
        assert option in done.stdout
