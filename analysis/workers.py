"""Processes that read files. Only paths go out to them and only encoded facts come back.

A worker answers file by file, in the order it was given, so that when one dies it is known which file it died of: that
file is reported, the others are given to a new worker.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from sys import platform
from typing import Any, NamedTuple

import msgspec

from analysis.facts import Fault
from analysis.reading import Reading, State, read_file
from analysis.walk import Collector

_CHUNK_BYTES = 256 << 10
_CHUNK_FILES = 32
SERIAL_BYTES = 256 << 10
"""Below this many bytes in all, starting processes costs more than it saves."""

_encode = msgspec.msgpack.Encoder().encode


class Task(NamedTuple):
    """A file to read: ``path`` absolute, ``asked`` the positions of the collectors to run, ``size`` in bytes."""

    path: str
    named: bool
    asked: tuple[int, ...]
    size: int


def read_all(
    tasks: Sequence[Task], collectors: Sequence[type[Collector]], jobs: int
) -> Generator[tuple[int, Reading], None, None]:
    """Read every task, in ``jobs`` processes where that pays; yield its position and what came of it, as they come.

    Closing the iterator ends the workers at once.
    """
    total = sum(task.size for task in tasks)
    if jobs <= 1 or len(tasks) < 2 or total < SERIAL_BYTES:
        collecting = gc.isenabled()
        # Trees hold no cycles, and looking for them takes a fifth of the time.
        gc.disable()
        try:
            for position, task in enumerate(tasks):
                yield position, read_file(task.path, task.named, [collectors[i] for i in task.asked])
        finally:
            if collecting:
                gc.enable()
        return
    yield from _Crew(tasks, collectors, min(jobs, len(tasks))).run()


def usable_cpus() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def _context() -> BaseContext:
    """The way to start workers: what was chosen for this program, else fork where it is safe, as it costs least."""
    chosen: str = multiprocessing.get_start_method(allow_none=True) or "fork"
    ways = multiprocessing.get_all_start_methods()
    if chosen != "fork":
        return multiprocessing.get_context(chosen)
    # Threads do not survive a fork, but the locks that they hold do. On macOS the system's own libraries have threads.
    if "fork" in ways and platform != "darwin" and threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("forkserver" if "forkserver" in ways and platform != "darwin" else None)


class _Worker:
    """One process, and the positions of the tasks that it has been given and has not answered yet."""

    def __init__(self, context: Any, collectors: Sequence[type[Collector]], others: list[Connection]) -> None:
        self.pipe, theirs = context.Pipe()
        forked = context.get_start_method() == "fork"
        self.pending: deque[int] = deque()
        # A forked process inherits the parent's ends of all pipes; while it holds them the others never see an end.
        inherited = [*others, self.pipe] if forked else []
        self.process = context.Process(target=_work, args=(theirs, list(collectors), inherited), daemon=True)
        self.process.start()
        theirs.close()


def _work(pipe: Connection, collectors: list[type[Collector]], inherited: list[Connection]) -> None:
    # The terminal sends an interrupt to every process; the parent alone decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    gc.disable()
    gc.freeze()
    for end in inherited:
        end.close()
    decode = msgspec.msgpack.Decoder(list[tuple[bytes, bool, tuple[int, ...]]]).decode
    with contextlib.suppress(EOFError, OSError):
        while request := pipe.recv_bytes():
            for path, named, asked in decode(request):
                reading = read_file(os.fsdecode(path), named, [collectors[i] for i in asked])
                pipe.send_bytes(_encode(reading))
    # Nothing is left to do, and taking the interpreter down in order would only cost time.
    os._exit(0)


class _Crew:
    def __init__(self, tasks: Sequence[Task], collectors: Sequence[type[Collector]], jobs: int) -> None:
        self.tasks = tasks
        self.collectors = collectors
        self.jobs = jobs
        self.context = _context()
        self.workers: list[_Worker] = []
        self.waiting = deque(_chunks(tasks, jobs))
        self.decode: Callable[[bytes], Reading] = msgspec.msgpack.Decoder(Reading).decode

    def run(self) -> Iterator[tuple[int, Reading]]:
        left = len(self.tasks)
        try:
            for _ in range(min(self.jobs, len(self.waiting))):
                self.start()
            while left:
                for answer in self.answers():
                    left -= 1
                    yield answer
        finally:
            self.stop()

    def start(self) -> None:
        worker = _Worker(self.context, self.collectors, [other.pipe for other in self.workers])
        self.workers.append(worker)
        # Two parts at a time: the next one is there when the first is done.
        self.give(worker)
        self.give(worker)

    def give(self, worker: _Worker) -> None:
        if not self.waiting:
            return
        chunk = self.waiting.popleft()
        request = [(os.fsencode(t.path), t.named, t.asked) for t in (self.tasks[i] for i in chunk)]
        worker.pending.extend(chunk)
        # A worker that is dead is noticed, and dealt with, where its answers are read.
        with contextlib.suppress(OSError):
            worker.pipe.send_bytes(_encode(request))

    def answers(self) -> Iterator[tuple[int, Reading]]:
        by_pipe = {worker.pipe: worker for worker in self.workers}
        for pipe in wait(list(by_pipe)):
            worker = by_pipe[pipe]
            try:
                answer = worker.pipe.recv_bytes()
            except (EOFError, OSError):
                yield from self.bury(worker)
                continue
            position = worker.pending.popleft()
            if len(worker.pending) < _CHUNK_FILES // 2:
                self.give(worker)
            yield position, self.decode(answer)

    def bury(self, worker: _Worker) -> Iterator[tuple[int, Reading]]:
        """Take leave of a dead worker: report the file it died of, and have the rest of its files read by another."""
        self.workers.remove(worker)
        worker.pipe.close()
        worker.process.join()
        if worker.pending:
            position = worker.pending.popleft()
            if worker.pending:
                self.waiting.appendleft(list(worker.pending))
            fault = Fault("crashed", f"the process that read it died ({_end(worker.process.exitcode)})")
            yield position, Reading(b"", None, State(fault, ""))
        if self.waiting:
            self.start()

    def stop(self) -> None:
        for worker in self.workers:
            worker.process.kill()
        for worker in self.workers:
            worker.process.join()
            worker.pipe.close()


def _end(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"


def _chunks(tasks: Sequence[Task], jobs: int) -> Iterator[list[int]]:
    """Cut the positions of ``tasks`` into parts of like size, small enough that no worker waits long at the end."""
    total = sum(task.size for task in tasks)
    most = min(_CHUNK_BYTES, total // (jobs * 4) + 1)
    chunk: list[int] = []
    size = 0
    for position, task in enumerate(tasks):
        chunk.append(position)
        size += task.size
        if size >= most or len(chunk) >= _CHUNK_FILES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
