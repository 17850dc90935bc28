"""Runs commands and says what they cost, with all the processes that they start."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
JOBS = 2
TREE_BYTES = 14_000_000


class Cost(NamedTuple):
    """Seconds by the clock, seconds of processor time, and the most memory that all its processes held at a time, in
    bytes (0 when it was not watched)."""

    wall: float
    cpu: float
    memory: int
    code: int


def cost(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    watch: bool = False,
    says: str = "",
) -> Cost:
    """Run ``command`` to its end. That it failed is an error, shown with what it said.

    2 is the exit code for a tree with files that do not parse, too: what was done all the same has to say ``says``.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **(env or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    watcher = _Watcher(process.pid) if watch else None
    _, said = process.communicate()
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode not in {0, 1, 2} or says not in said:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{said[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, watcher.end() if watcher else 0, process.returncode)


class _Watcher:
    """Adds up, many times a second, what a process and its descendants hold. Shared pages are shared out among them."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.most = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self) -> None:
        while not self.done.wait(0.01):
            self.most = max(self.most, sum(_held(pid) for pid in _family(self.pid)))

    def end(self) -> int:
        """Stop, and return the most that was seen."""
        self.done.set()
        self.thread.join()
        if not self.most:
            raise RuntimeError("the memory of a process cannot be read here")
        return self.most


def _family(pid: int) -> Iterator[int]:
    yield pid
    for thread in _entries(Path(f"/proc/{pid}/task")):
        for child in _read(thread / "children").split():
            yield from _family(int(child))


def _held(pid: int) -> int:
    for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        # It ended in between.
        return ""


def median_ratio(first: Callable[[], float], second: Callable[[], float], turns: int) -> float:
    """How many times ``second`` ``first`` is: the median over turns of the two, so that a busy machine slows both."""
    return statistics.median(first() / second() for _ in range(turns))


def python(*arguments: str) -> list[str]:
    """A command line for this interpreter."""
    return [sys.executable, *arguments]


def library() -> Iterator[Path]:
    """Python files of the standard library and of what is installed, in a fixed order, without tests."""
    paths = sysconfig.get_paths()
    for folder in dict.fromkeys((Path(paths["stdlib"]), Path(paths["purelib"]))):
        for file in sorted(folder.rglob("*.py")):
            inside = file.relative_to(folder).parts
            if not {"test", "tests", "idle_test", "lib2to3", "site-packages"}.intersection(inside):
                yield file


def make_tree(folder: Path, size: int = TREE_BYTES) -> None:
    """Fill ``folder`` with copies of the library until it holds ``size`` bytes."""
    left = size
    for number, file in enumerate(library()):
        data = file.read_bytes()
        part = folder / f"part{number // 100:02}"
        part.mkdir(parents=True, exist_ok=True)
        (part / f"m{number:04}_{file.name}").write_bytes(data)
        left -= len(data)
        if left <= 0:
            return
    raise RuntimeError(f"the library is {left} bytes too small for a tree of {size}")


def files(tree: Path) -> list[Path]:
    """The Python files of ``tree``."""
    return sorted(tree.rglob("*.py"))
