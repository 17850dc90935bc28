"""The command itself: help, version, unknown commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.support import BROAD, unsnarl, write
from unsnarl.cli import COMMANDS


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
