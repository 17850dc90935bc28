"""Threads that handlers run in, apart from the thread that owns the sockets."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

from contextlib import contextmanager

_MOST = 512
_here = threading.local()


class Workers:
    """Threads that are started as they are needed, ``limit`` of them, not counting those that wait for a reply.

    A handler that asks another service waits, and that service may ask back: with a fixed number of threads, as many
    such handlers as there are threads would wait for one another. So one that waits makes room for another thread, up
    to 512 in all; beyond that the deadlines of the requests decide.
    """

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._jobs: deque[Callable[[], object]] = deque()
        self._lock = threading.Lock()
        self._wanted = threading.Condition(self._lock)
        self._threads: set[threading.Thread] = set()
        self._idle = 0
        self._blocked = 0
        self._closed = False
        self._started = 0

    def submit(self, job: Callable[[], object]) -> bool:
        """Have ``job`` run by one of the threads. False: they have been closed. What it raises ends no thread."""
        with self._lock:
            if self._closed:
                return False
            self._jobs.append(job)
            if self._idle:
                self._wanted.notify()
            self._grow()
        return True

    def _grow(self) -> None:
        if len(self._jobs) <= self._idle or len(self._threads) - self._blocked >= self._limit:
            return
        if len(self._threads) >= _MOST:
            return
        self._started += 1
        # Daemons: a handler that never ends must not keep the process; `close` waits for the others.
        thread = threading.Thread(target=self._run, name=f"{self._name}-{self._started}", daemon=True)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            # The interpreter is shutting down, or the system has no more: those that are there go on.
            self._threads.discard(thread)

    def _run(self) -> None:
        _here.workers = self
        try:
            while (job := self._next()) is not None:
                job()
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())
                if not self._closed and self._jobs:
                    # This one was ended by an error; what it is has been printed by the hook of the threads.
                    self._grow()

    def _next(self) -> Callable[[], object] | None:
        with self._lock:
            # Threads beyond the limit were started for those that waited, and go when these go on.
            while not self._jobs:
                if self._closed or len(self._threads) - self._blocked > self._limit:
                    return None
                self._idle += 1
                self._wanted.wait()
                self._idle -= 1
            return None if self._closed else self._jobs.popleft()

    def close(self, timeout: float) -> None:
        """Throw away what has not begun, and wait up to ``timeout`` seconds for what has."""
        import time

        until = time.monotonic() + timeout
        with self._lock:
            self._closed = True
            self._jobs.clear()
            self._wanted.notify_all()
            threads = self._threads - {threading.current_thread()}
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        with self._lock:
            self._blocked += 1
            self._grow()
        try:
            yield
        finally:
            with self._lock:
                self._blocked -= 1


@contextmanager
def waiting() -> Iterator[None]:
    """Around a wait for a reply: where a worker waits, another may take its place."""
    workers: Workers | None = getattr(_here, "workers", None)
    if workers is None:
        yield
    else:
        with workers._waiting():
            yield
