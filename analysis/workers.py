"""Processes that read files. Only paths go out to them and only encoded facts come back.

A worker is given some files at a time and answers for all of them at once. When it dies over them, each is given out
anew by itself: the one that a worker dies over alone is reported, the others have lost nothing.
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
from typing import Any

import msgspec

from analysis.facts import Fault
from analysis.reading import Reading, State, Task, read_file
from analysis.walk import Collector

_CHUNK_BYTES = 256 << 10
_CHUNK_FILES = 32
_STILLBORN = 4
_READY = b"ready"
SERIAL_BYTES = 256 << 10
"""Below this many bytes in all, starting processes costs more than it saves."""

_encode = msgspec.msgpack.Encoder().encode


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
    """One process. ``ready`` once it has reported for work; ``pending``: what it was given and has not answered."""

    def __init__(self, context: Any, collectors: Sequence[type[Collector]], others: list[Connection]) -> None:
        self.pipe, theirs = context.Pipe()
        self.ready = False
        self.pending: list[int] = []
        # A forked process inherits the parent's ends of all pipes; while it holds them the others never see an end.
        inherited = [*others, self.pipe] if context.get_start_method() == "fork" else []
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
        pipe.send_bytes(_READY)
        while request := pipe.recv_bytes():
            readings = [
                read_file(os.fsdecode(path), named, [collectors[i] for i in asked])
                for path, named, asked in decode(request)
            ]
            pipe.send_bytes(_encode(readings))
    # Nothing is left to do, and taking the interpreter down in order would only cost time.
    os._exit(0)


class _Crew:
    """The workers, and the parts of the work that none of them has been given yet."""

    def __init__(self, tasks: Sequence[Task], collectors: Sequence[type[Collector]], jobs: int) -> None:
        self.tasks = tasks
        self.collectors = collectors
        self.jobs = jobs
        self.workers: list[_Worker] = []
        self.stillborn = 0
        self.waiting = deque(_chunks(tasks, jobs))
        self.decode: Callable[[bytes], list[Reading]] = msgspec.msgpack.Decoder(list[Reading]).decode

    def run(self) -> Iterator[tuple[int, Reading]]:
        try:
            for _ in range(min(self.jobs, len(self.waiting))):
                self.start()
            while self.workers:
                yield from self.answers()
        finally:
            self.stop()
        # Where no process can be had, as in a program that was typed in, the work is done here.
        for position in (position for chunk in self.waiting for position in chunk):
            task = self.tasks[position]
            yield position, read_file(task.path, task.named, [self.collectors[i] for i in task.asked])

    def start(self) -> None:
        try:
            self.workers.append(_Worker(_context(), self.collectors, [other.pipe for other in self.workers]))
        except OSError:
            self.stillborn += 1

    def give(self, worker: _Worker) -> None:
        """Give ``worker`` the next part, or let it go. It must have answered all: then no send can wait for ever."""
        if not self.waiting:
            self.workers.remove(worker)
            worker.pipe.close()
            worker.process.join()
            return
        worker.pending = self.waiting.popleft()
        tasks = [self.tasks[position] for position in worker.pending]
        request = [(os.fsencode(task.path), task.named, task.asked) for task in tasks]
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
            if not worker.ready:
                worker.ready = True
                self.stillborn = 0
                self.give(worker)
                continue
            positions, worker.pending = worker.pending, []
            self.give(worker)
            yield from zip(positions, self.decode(answer), strict=True)

    def bury(self, worker: _Worker) -> Iterator[tuple[int, Reading]]:
        """Take leave of a dead worker: report the file it died over, or find out which of several it was."""
        self.workers.remove(worker)
        worker.pipe.close()
        worker.process.join()
        if not worker.ready:
            self.stillborn += 1
        if len(worker.pending) > 1:
            self.waiting.extendleft([position] for position in reversed(worker.pending))
        elif worker.pending:
            fault = Fault("crashed", f"the process that read it died ({_end(worker.process.exitcode)})")
            yield worker.pending[0], Reading(b"", None, State(fault, ""))
        if self.waiting and self.stillborn < _STILLBORN:
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
    """Cut the positions of ``tasks`` into parts, the largest files first, so that no worker waits long at the end."""
    total = sum(task.size for task in tasks)
    most = min(_CHUNK_BYTES, total // (jobs * 4) + 1)
    chunk: list[int] = []
    size = 0
    for position in sorted(range(len(tasks)), key=lambda each: -tasks[each].size):
        chunk.append(position)
        size += tasks[position].size
        if size >= most or len(chunk) >= _CHUNK_FILES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
