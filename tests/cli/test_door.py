"""The command itself: help, version, unknown commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import unsnarl
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
