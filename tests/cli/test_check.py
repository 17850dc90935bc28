"""``unsnarl check`` as users run it: exit code, stdout and stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codemods.edits import Reason, SkipReason
from tests.cli.support import BROAD, BROKEN, SAID, unsnarl, write
from tests.codemods.support import git
from unsnarl.commands import explain


def test_findings_on_stdout_and_the_summary_on_stderr(tmp_path: Path) -> None:
    write(tmp_path, {"pkg/b.py": BROAD, "a.py": BROAD, "clean.py": "x = 1\n"})
    done = unsnarl("check", cwd=tmp_path)
    assert done.stdout == f"a.py:3:1: {SAID}\npkg/b.py:3:1: {SAID}\n"
    assert done.stderr == "2 findings in 3 files.\n"
    assert done.returncode == 1


def test_a_clean_tree(tmp_path: Path) -> None:
    done = unsnarl("check", cwd=write(tmp_path, {"a.py": "x = 1\n"}))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "0 findings in 1 file.\n")


def test_nothing_at_all_is_no_error(tmp_path: Path) -> None:
    done = unsnarl("check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "0 findings in 0 files.\nNo Python files were found in `.`.\n"


def test_where_everything_is_excluded_what_was_left_out_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"unsnarl.toml": "exclude = ['old/']\n", "old/a.py": BROAD, "x/.venv/b.py": BROAD})
    done = unsnarl("check", "old", "x", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        "0 findings in 0 files.\nNo Python files were found in `old`, `x`: "
        "2 files or folders are left out, old/a.py first (excluded by a pattern of the settings).\n"
    )
    done = unsnarl("check", "--force-exclude", "old/a.py", cwd=tmp_path)
    assert "1 file or folder is left out, old/a.py first (excluded by" in done.stderr
    assert unsnarl("check", "-q", "old", cwd=tmp_path).stderr == ""
    write(tmp_path, {"old/b.py": BROAD, "c.py": "x = 1\n"})
    assert unsnarl("check", cwd=tmp_path).stderr == "0 findings in 1 file.\n"
    for name in "abcd":
        write(tmp_path, {f"{name}/notes.txt": ""})
    assert unsnarl("check", *"abcd", cwd=tmp_path).stderr.endswith(
        "No Python files were found in `a`, `b`, `c` and 1 more.\n"
    )


def test_what_git_ignores_is_told_where_there_is_nothing_else(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    write(tmp_path, {".gitignore": "a.py\n", "a.py": BROAD})
    done = unsnarl("check", cwd=tmp_path)
    assert done.stderr.endswith("1 file or folder is left out, a.py first (ignored by git).\n")


def test_quiet_and_exit_zero(tmp_path: Path) -> None:
    done = unsnarl("check", "-q", "--exit-zero", cwd=write(tmp_path, {"a.py": BROAD}))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"a.py:3:1: {SAID}\n", "")


def test_a_second_run_and_one_without_the_index_say_the_same(tmp_path: Path) -> None:
    write(tmp_path, {f"f{number}.py": BROAD for number in range(30)})
    first = unsnarl("check", cwd=tmp_path)
    assert (tmp_path / ".unsnarl_cache").is_dir()
    for arguments in ([], ["--no-cache"], ["-j1"], ["-j2", "--no-cache"]):
        again = unsnarl("check", *arguments, cwd=tmp_path)
        assert (again.stdout, again.stderr, again.returncode) == (first.stdout, first.stderr, first.returncode)


def test_no_cache_writes_nothing(tmp_path: Path) -> None:
    unsnarl("check", "--no-cache", cwd=write(tmp_path, {"a.py": BROAD}))
    assert [file.name for file in tmp_path.iterdir()] == ["a.py"]


def test_a_change_is_seen_at_once(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD})
    assert unsnarl("check", cwd=tmp_path).returncode == 1
    (tmp_path / "a.py").write_text(BROAD.replace("Exception as e", "ValueError as e"))
    assert unsnarl("check", cwd=tmp_path).returncode == 0


def test_a_file_that_does_not_parse_is_never_clean_and_stops_nothing(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"a.py": BROAD, "b.py": BROKEN, "c.py": b"x = '\xff'\n", "d.py": b"x = 1\0\n", "z.py": BROAD},
    )
    done = unsnarl("check", cwd=tmp_path)
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert lines[0] == f"a.py:3:1: {SAID}"
    assert lines[1].startswith("b.py:1:7: cannot be parsed (syntax): ")
    assert lines[2].startswith("c.py:1: cannot be parsed (encoding): ")
    assert lines[3].startswith("d.py:1: cannot be parsed (null-byte): ")
    assert lines[4] == f"z.py:3:1: {SAID}"
    assert done.stderr == "2 findings in 2 files. 3 files could not be analysed.\n"
    assert unsnarl("check", "--exit-zero", cwd=tmp_path).returncode == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD})
    (tmp_path / "a.py").chmod(0)
    done = unsnarl("check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "a.py: cannot be read: permission denied\n")


def test_a_link_to_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").symlink_to("nowhere.py")
    done = unsnarl("check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "a.py: cannot be read: a link to something that is not there\n")


def test_no_such_path(tmp_path: Path) -> None:
    done = unsnarl("check", "nowhere", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: no such file or folder: nowhere\n"


def test_select_and_ignore(tmp_path: Path) -> None:
    text = "from runtime.safe_executor import SafeExecutor\nwith SafeExecutor(): ...\n" + BROAD
    write(tmp_path, {"a.py": text})

    def codes(*arguments: str) -> list[str]:
        return [line.split()[1] for line in unsnarl("check", *arguments, cwd=tmp_path).stdout.splitlines()]

    assert codes() == ["E903", "E900"]
    assert codes("--select", "E900") == ["E900"]
    assert codes("--select=E9,E903", "--ignore=E90") == ["E903"]
    assert codes("--ignore", "E900") == ["E903"]
    write(tmp_path, {"unsnarl.toml": "ignore = ['E903']\n"})
    assert codes() == ["E900"]
    assert codes("--select=E903") == ["E903"], "the command line stands in for the settings"


@pytest.mark.parametrize("option", ["--select", "--ignore"])
def test_an_unknown_code_names_the_nearest(tmp_path: Path, option: str) -> None:
    done = unsnarl("check", f"{option}=E900,E9003", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: {option}: unknown rule code `E9003`; did you mean `E903`?\n"


def test_per_file_ignores_and_exclude(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pyproject.toml": "[tool.unsnarl]\nexclude = ['old/']\nper-file-ignores = { 'tests/*' = ['E900'] }\n",
            "old/a.py": BROAD,
            "tests/a.py": BROAD + "x = 1  # noqa: E900\n",
            "a.py": BROAD,
        },
    )
    assert unsnarl("check", cwd=tmp_path).stdout == f"a.py:3:1: {SAID}\n"
    assert unsnarl("check", "old/a.py", cwd=tmp_path).stdout == f"old/a.py:3:1: {SAID}\n", "named itself"
    assert unsnarl("check", "--force-exclude", "old/a.py", cwd=tmp_path).stdout == ""


def test_broken_settings(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": "[tool.unsnarl]\nexlude = []\n", "a.py": BROAD})
    done = unsnarl("check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    file = tmp_path / "pyproject.toml"
    assert done.stderr == f"Error: {file}:2: `tool.unsnarl.exlude`: unknown key; did you mean `exclude`?\n"


def test_settings_that_are_named(tmp_path: Path) -> None:
    write(tmp_path, {"other.toml": "ignore = ['E900']\n", "a.py": BROAD})
    assert unsnarl("check", "--config", "other.toml", cwd=tmp_path).returncode == 0
    done = unsnarl("check", "--config", "nowhere.toml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "Error: nowhere.toml: cannot be read: No such file or directory\n")


def test_noqa_with_and_without_reason(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.py": BROAD.replace("as e:", "as e:  # noqa: E900"),
            "b.py": BROAD.replace("as e:", "as e:  # noqa: E900 plugins may raise anything"),
            "c.py": "x = 1  # noqa: E900\n",
        },
    )
    done = unsnarl("check", cwd=tmp_path)
    assert done.stdout == "c.py:1:8: E905 suppression of E900 silences nothing\n"
    assert done.stderr == "1 finding in 3 files (2 silenced by noqa).\n"
    write(tmp_path, {"unsnarl.toml": "require-reason = true\n"})
    assert unsnarl("check", cwd=tmp_path).stdout.splitlines() == [
        "a.py:3:25: E904 suppression of E900 does not say why",
        "c.py:1:8: E904 suppression of E900 does not say why",
        "c.py:1:8: E905 suppression of E900 silences nothing",
    ]


def test_a_rule_that_does_not_run_judges_no_comment(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1  # noqa: E900\n"})
    assert unsnarl("check", "--select=E905,E903", cwd=tmp_path).returncode == 0
    assert unsnarl("check", "--select=E905,E900", cwd=tmp_path).returncode == 1


def test_stdin(tmp_path: Path) -> None:
    write(tmp_path, {"pkg/unsnarl.toml": "per-file-ignores = { 'skip.py' = ['E900'] }\n"})
    done = unsnarl("check", "-", cwd=tmp_path, stdin=BROAD)
    assert (done.returncode, done.stdout) == (1, f"stdin:3:1: {SAID}\n")
    done = unsnarl("check", "-", "--stdin-filename", "pkg/new.py", cwd=tmp_path, stdin=BROAD)
    assert (done.returncode, done.stdout) == (1, f"pkg/new.py:3:1: {SAID}\n")
    done = unsnarl("check", "--stdin-filename=pkg/skip.py", cwd=tmp_path, stdin=BROAD)
    assert (done.returncode, done.stdout) == (0, "")
    done = unsnarl("check", "-", cwd=tmp_path, stdin=BROKEN)
    assert (done.returncode, done.stdout[:38]) == (2, "stdin:1:7: cannot be parsed (syntax): ")
    done = unsnarl("check", "-", "pkg", cwd=tmp_path, stdin=BROAD)
    assert (done.returncode, done.stderr) == (2, "Error: `-` (stdin) goes with no other path\n")


def test_stdin_that_goes_by_an_excluded_name(tmp_path: Path) -> None:
    write(tmp_path, {"unsnarl.toml": "exclude = ['vendor/', '/gen_*.py']\n"})
    for name in ("vendor/a.py", "sub/vendor/deep/a.py", "gen_a.py", str(tmp_path / "vendor/a.py")):
        done = unsnarl("check", "-", "--force-exclude", "--stdin-filename", name, cwd=tmp_path, stdin=BROAD)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "0 findings in 0 files.\n"), name
        done = unsnarl("check", "-", "--stdin-filename", name, cwd=tmp_path, stdin=BROAD)
        assert done.returncode == 1
    for name in ("a.py", "sub/gen_a.py"):
        done = unsnarl("check", "-", "--force-exclude", "--stdin-filename", name, cwd=tmp_path, stdin=BROAD)
        assert (done.returncode, done.stdout) == (1, f"{name}:3:1: {SAID}\n")


def test_stdin_in_another_encoding(tmp_path: Path) -> None:
    text = "# coding: latin-1\nfrom runtime.safe_executor import SafeExecutor\né = 'ü'; x = SafeExecutor()\n"
    done = unsnarl("check", "-", cwd=tmp_path, stdin=text.encode("latin-1"))
    assert done.stdout.startswith("stdin:3:14: E903 ")


def test_statistics(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD * 2 + "x = 1  # noqa: E903\n", "b.py": BROKEN})
    done = unsnarl("check", "--statistics", cwd=tmp_path)
    assert done.returncode == 2
    assert [line.split(maxsplit=3) for line in done.stdout.splitlines()] == [
        ["2", "E900", "broad-except", "handler catches every error"],
        ["1", "E905", "unused-suppression", "suppression silences nothing"],
        ["1", "-", "unparseable", "file could not be analysed"],
    ]


def test_statistics_in_a_format_without_a_place_for_them(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD})
    for style in ("sarif", "github"):
        done = unsnarl("check", "--statistics", "--format", style, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"Error: --format {style} has no place for --statistics: leave one of them out\n"
    done = unsnarl("check", "--statistics", "--format=json", cwd=tmp_path)
    assert json.loads(done.stdout)["summary"]["rules"]["E900"] == 1


def test_output_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD})
    done = unsnarl("check", "--output-file=out.txt", cwd=tmp_path, env={"FORCE_COLOR": "1"})
    assert (done.returncode, done.stdout) == (1, "")
    assert (tmp_path / "out.txt").read_text() == f"a.py:3:1: {SAID}\n"
    done = unsnarl("check", "--output-file=none/out.txt", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "Error: none/out.txt: cannot be written: No such file or directory\n")


@pytest.mark.parametrize("command", [["check"], ["exceptions"], ["ledger"], ["fix", "safe-executor", "--check"]])
def test_results_take_the_place_of_no_source_file(tmp_path: Path, command: list[str]) -> None:
    write(tmp_path, {"a.py": BROAD, "stub.pyi": "", "script": BROAD, "out.txt": "old"})
    (tmp_path / "link.txt").symlink_to("a.py")
    for file in ("a.py", "./a.py", "stub.pyi", "script", "link.txt"):
        done = unsnarl(*command, "--output-file", file, ".", "script", cwd=tmp_path)
        said = f"Error: --output-file {file}: the results would overwrite a source file: name another file\n"
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
    assert (tmp_path / "a.py").read_text() == (tmp_path / "script").read_text() == BROAD
    for file in ("out.txt", "new.py", "/dev/stdout"):
        assert "overwrite" not in unsnarl(*command, "--output-file", file, "a.py", cwd=tmp_path).stderr
    assert (tmp_path / "out.txt").read_text() != "old"


def test_colours_only_where_they_are_wanted(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD})
    assert "\x1b[" not in unsnarl("check", cwd=tmp_path).stdout
    assert "\x1b[" in unsnarl("check", cwd=tmp_path, env={"FORCE_COLOR": "1"}).stdout
    assert "\x1b[" not in unsnarl("check", cwd=tmp_path, env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout


def test_paths_are_shown_from_where_one_stands(tmp_path: Path) -> None:
    write(tmp_path, {"unsnarl.toml": "", "pkg/a.py": BROAD, "b.py": BROAD})
    (tmp_path / "elsewhere").mkdir()
    assert unsnarl("check", cwd=tmp_path / "pkg").stdout == f"a.py:3:1: {SAID}\n"
    done = unsnarl("check", "../pkg", cwd=tmp_path / "elsewhere")
    assert done.stdout == f"{tmp_path}/pkg/a.py:3:1: {SAID}\n"


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.py"))).write_text(BROAD)
    for style in ("text", "json", "sarif", "github"):
        done = unsnarl("check", f"--format={style}", "--no-cache", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (1, "1 finding in 1 file.\n")
        assert "E900" in done.stdout


def test_explain(tmp_path: Path) -> None:
    done = unsnarl("check", "--explain", "e900", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# E900 broad-except\n\nA handler that catches every error.\n\n## What it flags\n")
    assert done.stdout == unsnarl("explain", "E900", cwd=tmp_path).stdout
    done = unsnarl("check", "--explain", "E90O", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: unknown rule code `E90O`; did you mean `E9")
    listed = unsnarl("explain", cwd=tmp_path).stdout.splitlines()
    assert [line.split()[0] for line in listed] == [
        "E900",
        "E903",
        "E904",
        "E905",
        "E910",
        "E911",
        "E912",
        "E920",
        "E921",
        "E922",
    ]


def test_explain_a_reason_of_a_codemod(tmp_path: Path) -> None:
    done = unsnarl("explain", "port-of-several-machines", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "# port-of-several-machines\n\nWhich machine is meant cannot be told, or it is none that has the port.\n\n"
        "Why a finding was left as it was (declined).\n"
    )
    for one in (*Reason, *SkipReason):
        assert one.meaning in explain.document(one.value.upper())
    done = unsnarl("explain", "port-of-several-machine", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: unknown reason `port-of-several-machine`; did you mean `port-of-several-machines`?\n"
    )


def test_explain_a_rule_without_the_codemods(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom unsnarl.commands.explain import document\ndocument('E900')\n"
        "print('codemods' in sys.modules)\ndocument('noqa')\n"
        "print('codemods.edits' in sys.modules, 'libcst' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.split() == ["False", "True", "False"]


def test_what_the_rules_leave_alone_has_a_reason_that_is_known(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": 'port = 0\nport = 80\n"""tcp://h:5556"""\n', "tests/a.py": "port = 5556\n"})
    done = unsnarl("fix", "get_port", "--check", "--allow-dirty", "--format=json", ".", cwd=tmp_path)
    reasons = {one["reason"] for one in json.loads(done.stdout)["skipped"]}
    assert reasons == {"documentation", "test-data", "chosen-by-the-system", "well-known-port"}
    assert reasons <= {one.value for one in SkipReason}


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    write(tmp_path, {f"f{number}.py": BROAD * 400 for number in range(10)})
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m unsnarl check -q | head -n 1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.stdout, done.stderr) == (f"f0.py:3:1: {SAID}\n", "")


@pytest.mark.parametrize("door", [["-m", "unsnarl"], ["-c", "from unsnarl.cli import main; main()"]])
def test_a_tree_with_packages_of_our_names(tmp_path: Path, door: list[str]) -> None:
    trap = "raise RuntimeError('the tree must not be imported')\n"
    names = ("analysis", "codemods", "config", "linters", "runtime")
    write(tmp_path, {f"{name}/__init__.py": trap for name in names} | {"a.py": BROAD, "unsnarl.toml": ""})
    for number in range(40):
        write(tmp_path, {f"many/f{number}.py": BROAD})
    done = subprocess.run(
        [sys.executable, *door, "check", "-q", "-j2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (len(done.stdout.splitlines()), done.stderr, done.returncode) == (41, "", 1)


def test_what_is_not_needed_is_not_loaded(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD})
    code = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
        "from unsnarl.cli import main\nsys.argv = ['unsnarl', 'check', '-q']\nmain()\n"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )
    loaded = set(json.loads(done.stderr))
    assert "linters.broad_except" in loaded
    heavy = {"libcst", "networkx", "rich", "yaml", "pathspec", "flake8", "importlib.metadata", "codemods", "runtime"}
    assert not heavy & loaded
