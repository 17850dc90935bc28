"""Handlers: a lane for each subscription, and the answers to requests."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from runtime.safe_executor import SafeExecutor

from ._workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._event import Event, Spec

logger = logging.getLogger("runtime.events")
# How many events of one lane are handled before others that wait for a thread have their turn.
_TURN = 256


def name_of(handler: Callable[..., Any]) -> str:
    """A handler as people know it."""
    module = getattr(handler, "__module__", None)
    name = getattr(handler, "__qualname__", None) or type(handler).__qualname__
    return f"{module}.{name}" if module else str(name)


def is_async(handler: Callable[..., Any]) -> bool:
    """Whether calling ``handler`` gives a coroutine."""
    call = getattr(handler, "__call__", None)  # noqa: B004 - what it is, not whether it is there
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call)


class Loops:
    """The event loops that coroutine handlers run in: the one they were registered in, or else one in a thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._own: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def choose(self) -> asyncio.AbstractEventLoop:
        """The loop that runs in this thread, or the one of the bus."""
        running = running_loop()
        if running is not None:
            return running
        with self._lock:
            if self._own is None:
                self._own = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._own.run_forever, name=f"{self._name}-asyncio", daemon=True)
                self._thread.start()
            return self._own

    def close(self, timeout: float) -> None:
        """End the loop of the bus, if there is one: what runs in it is cancelled."""
        with self._lock:
            loop, thread, self._own = self._own, self._thread, None
        if loop is None:
            return
        assert thread is not None
        loop.call_soon_threadsafe(loop.create_task, _end(loop))
        if thread is not threading.current_thread():
            thread.join(timeout)
        if not thread.is_alive():
            loop.close()


async def _end(loop: asyncio.AbstractEventLoop) -> None:
    tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    loop.stop()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this thread, if one does."""
    return asyncio._get_running_loop()


class Lane:
    """The events of one subscription that wait for its handler, which handles one at a time and in order.

    ``delivered``, ``errors`` and ``discarded`` are changed by one thread at a time, so that nothing is locked for a
    single event.
    """

    def __init__(self, dispatcher: Dispatcher, handler: Callable[[Any], object], what: str) -> None:
        self.queue: deque[Any] = deque()
        self.handler = handler
        self.what = what
        self.delivered = 0
        self.errors = 0
        self.overflowed = 0
        self.discarded = 0
        self.closed = False
        self.stalled = False
        self._dispatcher = dispatcher
        self._busy = False
        self._lock = threading.Lock()
        self._loop = dispatcher.loops.choose() if is_async(handler) else None
        self._task: asyncio.Task[None] | None = None

    def push(self, events: Sequence[Any]) -> None:
        """Put events at the end. Not from several threads at a time."""
        if self.closed:
            # As when its event loop is over.
            self.discarded += len(events)
            return
        self.queue.extend(events)
        if not self._busy:
            self._start()

    def _start(self) -> None:
        with self._lock:
            # It may have been started, or closed, in between.
            if self.closed:
                self._discard()
            if self._busy or self.closed:
                return
            self._busy = True
        self._schedule()

    def close(self) -> None:
        """Handle nothing more after what is being handled now."""
        with self._lock:
            self.closed = True
            if not self._busy:
                self._discard()

    def _discard(self) -> None:
        self.discarded += len(self.queue)
        self.queue.clear()

    def _schedule(self) -> None:
        if self._loop is None:
            taken = self._dispatcher.workers.submit(self._run)
        else:
            try:
                self._loop.call_soon_threadsafe(self._spawn)
                taken = True
            except RuntimeError:
                taken = False
                if not self.closed:
                    logger.error(
                        "the event loop of %s has been closed: %s gets no more", name_of(self.handler), self.what
                    )
        if not taken:
            with self._lock:
                self.closed = True
                self._busy = False
                self._discard()
            self._relieve()

    def _spawn(self) -> None:
        assert self._loop is not None
        self._task = self._loop.create_task(self._run_async())

    def _run(self) -> None:
        queue, handler, left, ended = self.queue, self.handler, _TURN, True
        try:
            while left and queue and not self.closed:
                ended = False
                # Once for a run of events, and once more behind each that fails: entering it costs next to nothing.
                with SafeExecutor(recoverable=(Exception,)) as attempt:  # noqa: E903 handlers may raise anything
                    while left and queue and not self.closed:
                        left -= 1
                        handler(queue.popleft())
                        self.delivered += 1
                ended = True
                if attempt.error is not None:
                    self._failed(attempt.error)
                del attempt
        finally:
            self._done(ended)

    async def _run_async(self) -> None:
        queue, handler, left, ended = self.queue, self.handler, _TURN, True
        try:
            while left and queue and not self.closed:
                ended = False
                with SafeExecutor(recoverable=(Exception,)) as attempt:  # noqa: E903 handlers may raise anything
                    while left and queue and not self.closed:
                        left -= 1
                        await handler(queue.popleft())  # type: ignore[misc]
                        self.delivered += 1
                ended = True
                if attempt.error is not None:
                    self._failed(attempt.error)
                del attempt
        finally:
            self._done(ended)

    def _failed(self, error: Exception) -> None:
        self.errors += 1
        logger.error("the handler %s failed on an event of %s", name_of(self.handler), self.what, exc_info=error)

    def _done(self, ended: bool) -> None:
        if not ended:
            # Something that no executor holds back, or recovery is switched off.
            self.errors += 1
        with self._lock:
            again = bool(self.queue) and not self.closed
            self._busy = again
            if self.closed:
                self._discard()
        if again:
            self._schedule()
        self._relieve()

    def _relieve(self) -> None:
        if self.stalled and len(self.queue) <= self._dispatcher.limit // 2:
            self.stalled = False
            self._dispatcher.relieved(self)


class Answerer:
    """The handler of the requests of one topic."""

    def __init__(self, dispatcher: Dispatcher, spec: Spec, topic: str, handler: Callable[[Any], object]) -> None:
        self.spec = spec
        self.topic = topic
        self.handler = handler
        self.loop = dispatcher.loops.choose() if is_async(handler) else None
        self._dispatcher = dispatcher
        self._tasks: set[asyncio.Task[None]] = set()

    def call(self, request: Event, deadline: float, reply: Callable[[Any, Exception | None], None]) -> None:
        """Have ``request`` answered, unless ``deadline`` (of `time.monotonic`) has passed when its turn comes."""
        if self.loop is None:
            self._dispatcher.answering.submit(lambda: self._run(request, deadline, reply))
            return
        try:
            self.loop.call_soon_threadsafe(self._spawn, request, deadline, reply)
        except RuntimeError as problem:
            reply(None, problem)

    def _spawn(self, request: Event, deadline: float, reply: Callable[[Any, Exception | None], None]) -> None:
        assert self.loop is not None
        task = self.loop.create_task(self._run_async(request, deadline, reply))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _run(self, request: Event, deadline: float, reply: Callable[[Any, Exception | None], None]) -> None:
        if self._dispatcher.too_late(deadline):
            return
        value = None
        with SafeExecutor(recoverable=(Exception,)) as attempt:  # noqa: E903 handlers may raise anything
            value = self.handler(request)
        reply(value, attempt.error)

    async def _run_async(self, request: Event, deadline: float, reply: Callable[[Any, Exception | None], None]) -> None:
        if self._dispatcher.too_late(deadline):
            return
        value = None
        with SafeExecutor(recoverable=(Exception,)) as attempt:  # noqa: E903 handlers may raise anything
            value = await self.handler(request)  # type: ignore[misc]
        reply(value, attempt.error)


class Dispatcher:
    """The subscriptions and handlers of one bus, and the threads that they run in."""

    def __init__(self, name: str, threads: int, limit: int, drop: bool, on_room: Callable[[], object]) -> None:
        self.limit = limit
        self.drop = drop
        self.workers = Workers(f"{name}-events", threads)
        self.answering = Workers(f"{name}-requests", threads)
        self.loops = Loops(name)
        # Replaced and never changed, so that it is read without the lock.
        self.lanes: dict[str, tuple[Lane, ...]] = {}
        self.answerers: dict[str, Answerer] = {}
        self.answered = 0
        self.expired = 0
        self._on_room = on_room
        self._lock = threading.Lock()
        self._all: list[Lane] = []
        self._gone = [0, 0, 0, 0]
        self._stalled: set[Lane] = set()

    def add(self, topic: str, lane: Lane) -> bool:
        """Give ``lane`` the events of ``topic`` from now on. Whether it is the first to get them."""
        with self._lock:
            before = self.lanes.get(topic, ())
            self.lanes = {**self.lanes, topic: (*before, lane)}
            self._all.append(lane)
        return not before

    def remove(self, topic: str, lane: Lane) -> bool:
        """Give ``lane`` nothing more. Whether nobody gets the events of ``topic`` now."""
        lane.close()
        with self._lock:
            before = self.lanes.get(topic, ())
            if lane not in before:
                return False
            after = tuple(one for one in before if one is not lane)
            self.lanes = {key: one for key, one in {**self.lanes, topic: after}.items() if one}
        self.relieved(lane)
        return not after

    def deliver(self, lanes: Sequence[Lane], events: Sequence[Any]) -> None:
        """Put events into lanes, or count them where those are full. Not from several threads at a time."""
        for lane in lanes:
            space = self.limit - len(lane.queue)
            if space >= len(events):
                lane.push(events)
            elif self.drop:
                lane.overflowed += len(events) - max(0, space)
                if space > 0:
                    lane.push(events[:space])
            else:
                lane.push(events)
                with self._lock:
                    lane.stalled = True
                    self._stalled.add(lane)
                # It may have become empty in between.
                lane._relieve()

    @property
    def stalled(self) -> bool:
        """Whether a lane is so full that nothing more is to be delivered."""
        return bool(self._stalled)

    def relieved(self, lane: Lane) -> None:
        """Note that ``lane`` takes events again."""
        with self._lock:
            self._stalled.discard(lane)
        self._on_room()

    def forked(self) -> None:
        """In the child of a fork: a thread that is not there may have had the lock."""
        self._lock = threading.Lock()

    def too_late(self, deadline: float) -> bool:
        """Whether a request need not be answered any more; counts it."""
        late = time.monotonic() > deadline
        with self._lock:
            if late:
                self.expired += 1
            else:
                self.answered += 1
        return late

    def counts(self) -> dict[str, int]:
        """What has been counted here, by the names of `Counters`."""
        with self._lock:
            lanes = list(self._all)
            names = ("delivered", "handler_errors", "overflowed", "discarded")
            totals = [
                sum(values)
                for values in zip(
                    self._gone,
                    *((one.delivered, one.errors, one.overflowed, one.discarded) for one in lanes),
                    strict=True,
                )
            ]
            # Those that can change no more are added up once.
            for lane in lanes:
                if lane.closed and not lane._busy:
                    self._all.remove(lane)
                    for place, value in enumerate((lane.delivered, lane.errors, lane.overflowed, lane.discarded)):
                        self._gone[place] += value
            waiting = sum(len(one.queue) for one in lanes)
            return {
                **dict(zip(names, totals, strict=True)),
                "waiting": waiting,
                "answered": self.answered,
                "expired": self.expired,
            }

    def close(self, timeout: float) -> None:
        """End everything: handlers that run are waited for up to ``timeout`` seconds."""
        until = time.monotonic() + timeout
        for lane in list(self._all):
            lane.close()
        self.workers.close(timeout)
        self.answering.close(max(0.0, until - time.monotonic()))
        self.loops.close(max(0.1, until - time.monotonic()))
