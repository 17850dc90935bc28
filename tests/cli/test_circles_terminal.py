"""Cutting circles on a terminal: how far it has come, and what an interrupt leaves."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codemods.journal import NAME
from tests.cli.codemod_support import contents
from tests.cli.support import write

FILES = 120
SECONDS = 120


def module(number: int) -> str:
    """A module that imports six others, and uses one of them in a function and the rest while it is imported."""
    others = [(number * 7 + step * step + 1) % FILES for step in range(6)]
    lines = [f"from app.m{one} import C{one}" for one in dict.fromkeys(others) if one != number]
    used = [line.rpartition(" ")[2] for line in lines]
    return "\n".join(
        [*lines, f"def f{number}():", f"    return {used[0]}", f"class C{number}:", f"    all = {used}", ""]
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree whose circles take far longer than it takes to show that they are being cut."""
    files: dict[str, str | bytes] = {f"app/m{number}.py": module(number) for number in range(FILES)}
    pair = {
        "one.py": "import two\n\n\ndef f():\n    return two\n",
        "two.py": "import one\n\n\ndef f():\n    return one\n",
    }
    return write(tmp_path, {"app/__init__.py": "", **files, **pair})


@contextmanager
def on_terminal(tree: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """``event_bus``, with stderr on a terminal: the process, and what that terminal shows."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "codemods.event_bus", "--no-cache", "--jobs", "1", *arguments]
    environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm"}
    process = subprocess.Popen(command, cwd=tree, stdout=subprocess.DEVNULL, stderr=slave, env=environment)
    os.close(slave)
    try:
        yield process, master
    finally:
        process.kill()
        process.wait()
        os.close(master)


def shown(master: int, until: str = "") -> str:
    """What the terminal shows until something like ``until`` has come, or to the end."""
    data = b""
    while not (until and re.search(until, plain(data))):
        ready, _, _ = select.select([master], [], [], SECONDS)
        assert ready, plain(data)
        try:
            read = os.read(master, 65536)
        except OSError:
            break
        if not read:
            break
        data += read
    return plain(data)


def plain(data: bytes) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode("utf-8", "replace"))


def test_an_interrupt_while_circles_are_cut_leaves_the_tree_as_it_was(tree: Path) -> None:
    before = contents(tree)
    with on_terminal(tree, "--allow-dirty", ".") as (process, master):
        text = shown(master, r"circle 1 of 2: imports .*?[1-9]\d*/\d+")
        assert re.search(r"circle 1 of 2: imports", text), text
        process.send_signal(signal.SIGINT)
        said = shown(master)
        assert process.wait(SECONDS) == 2
    assert said.splitlines()[-1] == "Error: interrupted; the tree is as it was"
    assert contents(tree) == before
    assert not (tree / NAME).exists()
