"""The command itself: help, version, unknown commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.support import BROAD, unsnarl, write
from unsnarl.cli import COMMANDS

ROOT = Path(__file__).parents[2]


def test_help_lists_every_command(tmp_path: Path) -> None:
    done = unsnarl("--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    section = done.stdout.split("Commands:\n")[1]
    assert [line.split()[0] for line in section.splitlines() if line.startswith("  ") and line[2] != " "] == list(
        COMMANDS
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_refuses_what_it_does_not_know(tmp_path: Path, name: str) -> None:
    done = unsnarl(name, "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: unsnarl {name} ")
    done = unsnarl(name, "--no-such-option", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such option" in done.stderr


def test_an_unknown_command_names_the_nearest(tmp_path: Path) -> None:
    done = unsnarl("chek", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "Error: no such command `chek`; did you mean `check`?"


def test_version(tmp_path: Path) -> None:
    done = unsnarl("--version", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("unsnarl ")


def test_fix_lists_its_codemods_and_names_the_nearest(tmp_path: Path) -> None:
    listed = unsnarl("fix", "--help", cwd=tmp_path).stdout.split("Commands:\n")[1]
    assert "safe-executor" in listed
    done = unsnarl("fix", "safe-executr", ".", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "Error: no such codemod `safe-executr`; did you mean `safe-executor`?"


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (["--check", "."], "unsnarl fix CODEMOD --check ."),
        (["--max-files=3", "-j2", "."], "unsnarl fix CODEMOD --max-files=3 -j2 ."),
        (["-j2", "."], "unsnarl fix CODEMOD -j2 ."),
        (["."], "unsnarl fix CODEMOD ."),
        (["--check", "safe_executor", "a b"], "unsnarl fix safe_executor --check 'a b'"),
    ],
)
def test_fix_without_its_codemod_says_what_to_write(tmp_path: Path, arguments: list[str], call: str) -> None:
    done = unsnarl("fix", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == (
        f"Error: the codemod comes first: write `{call}`; the codemods are `event-bus`, `get-port`, `safe-executor`"
    )


@pytest.mark.parametrize("name", ["safe-executor", "safe_executor"])
def test_fix_is_the_codemod(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"a.py": BROAD})
    done = unsnarl("fix", name, "--check", ".", cwd=tmp_path)
    module = subprocess.run(
        [sys.executable, "-m", "codemods.safe_executor", "--check", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (module.returncode, module.stdout, module.stderr)
    assert done.returncode == 1
    assert (tmp_path / "a.py").read_text() == BROAD


def test_an_interruption_is_no_finding(tmp_path: Path) -> None:
    # A named pipe as the file for results holds the run where it can be interrupted.
    write(tmp_path, {"a.py": BROAD})
    os.mkfifo(tmp_path / "out")
    process = subprocess.Popen(
        [sys.executable, "-m", "unsnarl", "check", "--output-file=out"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not (tmp_path / ".unsnarl_cache").exists():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (2, "", "\nInterrupted.\n")


WAITING = "import pathlib, time\npathlib.Path({ready!r}).touch()\ntime.sleep(60)\n"


@pytest.mark.parametrize("module", ["unsnarl", "codemods.safe_executor"])
def test_an_interruption_of_the_imports_is_told_as_any_other(tmp_path: Path, module: str) -> None:
    # A module of theirs that does not come to an end holds the imports where they can be interrupted.
    ready = tmp_path / "ready"
    write(tmp_path, {"slow/click.py": WAITING.format(ready=str(ready))})
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path / "slow"), str(ROOT)))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not ready.exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (2, "", "\nInterrupted.\n")


def test_another_error_of_the_imports_is_shown_whole(tmp_path: Path) -> None:
    write(tmp_path, {"odd/click.py": "1 / 0\n"})
    done = unsnarl("--version", cwd=tmp_path, env={"PYTHONPATH": os.pathsep.join((str(tmp_path / "odd"), str(ROOT)))})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Traceback ")
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_a_defect_is_no_finding(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD})
    code = (
        "import sys\nfrom unsnarl.cli import main\nimport linters.runner\nlinters.runner.check = None\n"
        "sys.argv = ['unsnarl', 'check']\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "TypeError: 'NoneType' object is not callable" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: this is a defect of unsnarl")
