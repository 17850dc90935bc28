"""A tree with a registry, programs that run in it, and leases that nobody outside the test sees."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime import ports
from runtime.ports._leases import release_below

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = """\
version: 1
machines:
  main_pc:
    paths: [main_pc_code]
    range: 21000-21999
  pc2:
    paths: [pc2_code]
    range: 21000-21999
ports:
  MEMORY_AGENT:
    port: 21556
    machine: main_pc
    owner: MemoryAgent
    purpose: requests
  TASK_ROUTER: {port: 21557, machine: main_pc}
  TRANSLATOR: {port: 21556, machine: pc2}
  HEALTH:
    - {port: 21600, machine: main_pc}
    - {port: 21700, machine: pc2}
"""

Start = Callable[..., "subprocess.Popen[str]"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


class Tree:
    """A folder with ``config/ports.yaml``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "config" / "ports.yaml"

    def write(self, text: str) -> Path:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(text)
        # As old as a file is that nobody is writing: what is new is waited for.
        os.utime(self.file, (1, 1))
        return self.file

    def script(self, path: str, source: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
        return file


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in [name for name in os.environ if name.startswith("UNSNARL_")]:
        monkeypatch.delenv(name)
    leases = tmp_path / "leases"
    monkeypatch.setenv("UNSNARL_LEASES", str(leases))
    ports.reload()
    yield leases
    release_below(str(leases))
    ports.reload()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "tree")
    tree.write(REGISTRY)
    return tree


@pytest.fixture
def here(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """This process looks into the tree's registry."""
    monkeypatch.setenv("UNSNARL_PORTS", str(tree.file))
    ports.reload()
    return tree


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **changes}


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a Python program that is ended with the test: words, then variables."""
    started: list[subprocess.Popen[str]] = []

    def begin(*words: str | Path, cwd: Path | None = None, **changes: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *words],
            env=environment(**changes),
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def run() -> Run:
    """Run a Python program to its end: words, then variables."""

    def to_its_end(*words: str | Path, cwd: Path | None = None, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            env=environment(**changes),
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return to_its_end
