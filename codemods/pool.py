"""Rewrites many files in several processes. Facts go out, edits and answers come back."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, NamedTuple, Self

from analysis.facts import FileFacts
from analysis.source import Source
from codemods.codemod import load
from codemods.engine import Engine, outcome_of
from codemods.outcome import Outcome, Refusal
from config.settings import Settings

_CHUNK = 12
_SERIAL_FILES = 24
"""Up to this many files, starting processes costs more than it saves."""


class Setup(NamedTuple):
    """What every worker needs to know: the codemod's name, the settings, and the options of the command line."""

    codemod: str
    settings: Settings
    options: Mapping[str, Any]


class Job(NamedTuple):
    """One file: ``path`` absolute, its facts, what ``Codemod.prepare`` made for it, why it may not import anything."""

    path: str
    facts: FileFacts
    prepared: bytes | None
    refusal: Refusal | None


def rewrite_all(setup: Setup, jobs: Sequence[Job], processes: int) -> Iterator[Outcome]:
    """The outcome of each job, in no certain order. Closing the iterator ends the workers."""
    if processes <= 1 or len(jobs) <= _SERIAL_FILES:
        collecting = gc.isenabled()
        gc.disable()
        try:
            engine = _engine_of(setup)
            for job in jobs:
                yield _rewrite(engine, job)
        finally:
            if collecting:
                gc.enable()
        return
    # What takes long comes first, so that no worker is at it when the others have nothing left.
    jobs = sorted(jobs, key=lambda job: -sum(map(len, job.facts.blobs.values())))
    chunks = [jobs[at : at + _CHUNK] for at in range(0, len(jobs), _CHUNK)]
    left = {id(chunk): chunk for chunk in chunks}
    try:
        with _Pool(setup, min(processes, len(chunks))) as pool:
            for chunk, outcomes in pool.run(chunks):
                del left[id(chunk)]
                yield from outcomes
    except BrokenProcessPool:
        # One of these files is more than its process could take (a stack overflow in a parser ends it): the file
        # is found by giving each a process of its own.
        for job in [job for chunk in left.values() for job in chunk]:
            yield _alone(setup, job)


class _Pool:
    """Worker processes that take chunks; a few are handed out at a time, so that an end comes soon."""

    def __init__(self, setup: Setup, processes: int) -> None:
        self.processes = processes
        self.executor = ProcessPoolExecutor(processes, context(), _begin, (setup,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.executor.shutdown(wait=True, cancel_futures=True)

    def run(self, chunks: Sequence[Sequence[Job]]) -> Iterator[tuple[Sequence[Job], list[Outcome]]]:
        todo = iter(chunks)
        pending: dict[Future[list[Outcome]], Sequence[Job]] = {}
        while True:
            for chunk in todo:
                pending[self.executor.submit(_work, chunk)] = chunk
                if len(pending) >= 2 * self.processes:
                    break
            if not pending:
                return
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for one in done:
                yield pending.pop(one), one.result()


def _alone(setup: Setup, job: Job) -> Outcome:
    try:
        with _Pool(setup, 1) as pool:
            return next(iter(pool.run([[job]])))[1][0]
    except BrokenProcessPool:
        return Outcome(job.facts.path, fault="the process that was rewriting it died")


def context() -> BaseContext:
    """The way to start workers: what was chosen for this program, else fork where it is safe, as it costs least."""
    chosen: str = multiprocessing.get_start_method(allow_none=True) or "fork"
    # Threads do not survive a fork, but the locks that they hold do.
    if chosen == "fork" and (sys.platform != "linux" or threading.active_count() > 1):
        chosen = "spawn"
    return multiprocessing.get_context(chosen)


_engines: list[Engine] = []
"""The engine of this worker process."""


def _begin(setup: Setup) -> None:
    # The terminal sends an interrupt to every process; the parent alone decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    gc.disable()
    gc.freeze()
    _engines[:] = [_engine_of(setup)]


def _end_with_parent() -> None:
    # A worker waits for work on a pipe that its siblings hold open too, so it would wait for ever after a kill.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _work(jobs: Sequence[Job]) -> list[Outcome]:
    return [_rewrite(_engines[0], job) for job in jobs]


def _engine_of(setup: Setup) -> Engine:
    return Engine(load(setup.codemod), setup.settings, setup.options)


def _rewrite(engine: Engine, job: Job) -> Outcome:
    source = Source.read(Path(job.path))
    return outcome_of(engine, source, job.facts, job.prepared, job.refusal)
