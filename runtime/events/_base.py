"""What every bus offers, and what all of them share."""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os
import threading
import time
import weakref
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ._call import Call, Subscription, another_kind, failed, told
from ._counters import Counters
from ._dispatch import Answerer, Dispatcher, Lane, name_of, running_loop
from ._errors import BusClosed, DuplicateHandler, NoHandler, RequestTimeout
from ._event import Event, Request, Spec, check_topic, spec_of
from ._workers import waiting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Self

E = TypeVar("E", bound=Event)
R = TypeVar("R")
WhenFull = Literal["wait", "drop"]

_FIRST_PAUSE, _PAUSE, _LAST = 0.01, 0.25, 0.05
"""Seconds between the times that a request is asked when nobody answers: at first, at most, and before the deadline."""
_buses: weakref.WeakSet[Bus] = weakref.WeakSet()


class Bus(ABC):
    """Publishes events, calls the handlers that subscribe to them, and carries requests to whom answers.

    **Handlers** are functions or coroutine functions of one argument, the event. Functions run in threads of the bus,
    coroutines in the event loop that runs where they are registered, or else in one of the bus. One subscription
    handles one event at a time, in the order in which each publisher has published them. A handler that raises is
    logged (logger ``runtime.events``) and counted; it has no effect on the publisher or on other handlers.

    **Requests** have one handler each. Their deadline covers everything: waiting in queues, the handler, and the reply.
    Handlers of requests have threads of their own, and one that waits for a reply itself makes room for another, so
    that services may ask one another in turn.

    All methods may be called from any thread. After a fork the child cannot use its parent's bus.
    """

    def __init__(self, *, name: str, threads: int, queue: int, when_full: WhenFull, publish_timeout: float) -> None:
        if when_full not in {"wait", "drop"}:
            raise ValueError(f"when_full is 'wait' or 'drop', not {when_full!r}")
        for word, number in (("threads", threads), ("queue", queue)):
            if number < 1:
                raise ValueError(f"{word} is a whole number of at least 1, not {number!r}")
        self.name = name
        self._queue = queue
        self._drop = when_full == "drop"
        self._publish_timeout = publish_timeout
        self._dispatcher = Dispatcher(name or "bus", threads, queue, self._drop, self._on_room)
        self._stopped = ""
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._pending: dict[int, Call] = {}
        self._requests = 0
        self._repeated = 0
        self._timeouts = 0
        self._late = 0

    def _made(self) -> None:
        """It can be used now, and is to be closed at the end of the program."""
        _buses.add(self)

    @abstractmethod
    def publish(self, event: Event, *, topic: str | None = None) -> None:
        """Tell everyone who subscribes. It returns before they are told.

        Where the queue is full it waits, in an event loop as well, or drops: see ``when_full`` of the bus.

        Args:
            event: The event.
            topic: Under which topic; None: that of its class.

        Raises:
            BusFull: The queue has been full for the ``publish_timeout`` of the bus.
            BusClosed: The bus has been closed.
            TypeError: It is no event, or holds what msgspec cannot write.
        """

    def subscribe(
        self, kind: type[E], handler: Callable[[E], object | Awaitable[object]], *, topic: str | None = None
    ) -> Subscription:
        """Have ``handler`` called with every event of the class ``kind``.

        It returns at once; `wait_ready` waits until nothing can be missed any more.

        Args:
            kind: The class, by which events are also decoded.
            handler: A function or a coroutine function.
            topic: Of which topic; None: that of the class.

        Raises:
            BusClosed: The bus has been closed.
            TypeError: ``kind`` is no class of events, or ``handler`` cannot be called.
            ValueError: The topic cannot be one, or is subscribed to with another class.
        """
        spec, topic = self._named(kind, topic, handler)
        lane = Lane(self._dispatcher, handler, topic)
        with self._lock:
            self._check()
            self._listen(spec, topic, lane)
        return Subscription(topic, handler, lambda: self._unlisten(topic, lane))

    def handle(
        self, kind: type[Request[R]], handler: Callable[[Any], R | Awaitable[R]], *, topic: str | None = None
    ) -> Subscription:
        """Have ``handler`` answer every request of the class ``kind``; what it returns is the reply.

        Raises:
            DuplicateHandler: The topic has a handler on this bus. That another process has one is told by
                `wait_ready`, and logged.
            BusClosed: The bus has been closed.
            TypeError: ``kind`` is no class of requests, or ``handler`` cannot be called.
            ValueError: The topic cannot be one.
        """
        spec, topic = self._named(kind, topic, handler)
        if not issubclass(spec.kind, Request):
            raise TypeError(f"{spec.kind.__qualname__} is an event, and nobody answers one: derive it from Request")
        answerer = Answerer(self._dispatcher, spec, topic, handler)
        with self._lock:
            self._check()
            other = self._dispatcher.answerers.get(topic)
            if other is not None:
                raise DuplicateHandler(
                    f"requests of `{topic}` are answered by {name_of(other.handler)} already, and cannot be by "
                    f"{name_of(handler)}, too: close the first, or give the request another topic"
                )
            self._dispatcher.answerers[topic] = answerer
            self._offer(topic)
        return Subscription(topic, handler, lambda: self._withdraw(topic, answerer))

    async def request(
        self,
        request: Request[R],
        *,
        timeout: float = 5.0,  # noqa: ASYNC109 - the deadline of all that is done for it, also in other processes
        topic: str | None = None,
        wait_for_handler: bool = True,
    ) -> R:
        """Ask, and wait for the reply without holding up the event loop. Cancelling it forgets the request.

        Args:
            request: The request.
            timeout: Seconds until the deadline, all told.
            topic: Of which topic; None: that of its class.
            wait_for_handler: While nobody answers to the topic, ask again until the deadline, as services that start
                together do not all start first.

        Raises:
            RequestTimeout: There was no reply in time.
            NoHandler: Of these, when nobody answers to the topic.
            RequestFailed: The handler raised, or the reply is not of the type that the request names.
            BusClosed: The bus has been closed, at the latest while this waited.
            TypeError: It is no request, or holds what msgspec cannot write.
        """
        deadline, pause = time.monotonic() + timeout, _FIRST_PAUSE
        again = False
        while True:
            call = self._begin(request, topic, deadline, again=again)
            try:
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    answer: R = await asyncio.wrap_future(call.future)
                    return answer
            except NoHandler as error:
                nobody = error
            except TimeoutError:
                raise self._timed_out(call, timeout, None) from None
            finally:
                self._pending.pop(call.number, None)
            if not wait_for_handler:
                raise self._timed_out(call, timeout, nobody)
            left, wait = _until_again(deadline, pause)
            await asyncio.sleep(wait)
            if wait == left:
                raise self._timed_out(call, timeout, nobody)
            pause, again = min(2 * pause, _PAUSE), True

    def request_sync(
        self, request: Request[R], *, timeout: float = 5.0, topic: str | None = None, wait_for_handler: bool = True
    ) -> R:
        """Ask, and wait for the reply in this thread: otherwise as `request`.

        Raises:
            RuntimeError: The handler is a coroutine of the event loop that runs in this very thread, and could never
                answer.
        """
        deadline, pause = time.monotonic() + timeout, _FIRST_PAUSE
        again = False
        while True:
            call = self._begin(request, topic, deadline, running_loop(), again=again)
            try:
                with waiting():
                    answer: R = call.future.result(max(0.0, deadline - time.monotonic()))
                    return answer
            except NoHandler as error:
                nobody = error
            except TimeoutError:
                raise self._timed_out(call, timeout, None) from None
            finally:
                self._pending.pop(call.number, None)
            if not wait_for_handler:
                raise self._timed_out(call, timeout, nobody)
            left, wait = _until_again(deadline, pause)
            with waiting():
                time.sleep(wait)
            if wait == left:
                raise self._timed_out(call, timeout, nobody)
            pause, again = min(2 * pause, _PAUSE), True

    def wait_ready(self, timeout: float = 10.0) -> None:
        """Wait until what this bus subscribes to and answers is in force, so that nothing more can be missed.

        Raises:
            NotReady: That has not come about in ``timeout`` seconds: what is missing, and at which address.
            DuplicateHandler: Another process answers to a topic of this one.
            BusClosed: The bus has been closed.
        """
        self._check()

    async def ready(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - as above
        """`wait_ready`, without holding up the event loop."""
        await asyncio.get_running_loop().run_in_executor(None, self.wait_ready, timeout)

    @abstractmethod
    def wait_subscribed(self, kind: type[Event], *, topic: str | None = None, timeout: float = 10.0) -> None:
        """Wait until somebody subscribes to the events of ``kind``, here or in another process.

        Raises:
            NotReady: Nobody has in ``timeout`` seconds.
            BusClosed: The bus has been closed.
        """

    @abstractmethod
    def counters(self) -> Counters:
        """What has been counted until now. The figures of one moment may be off by what is under way."""

    def close(self, timeout: float = 5.0) -> None:
        """Send what is queued, end the handlers, and give back sockets and threads.

        Done at the end of the program as well, with the ``timeout`` of one second. A second time it does nothing.

        Args:
            timeout: For how many seconds at most the hub and running handlers are waited for. What is left then is
                thrown away and counted as ``discarded``.
        """
        with self._lock:
            if self._stopped:
                return
            self._stopped = "the bus has been closed"
        # Those that wait for a reply may be handlers, which are waited for.
        for call in list(self._pending.values()):
            self._fail(call.number, BusClosed(f"the bus was closed while a request of `{call.topic}` waited"))
        self._stop(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # In a thread: handlers in this loop have to be able to end.
        await asyncio.get_running_loop().run_in_executor(None, self.close)

    # What the two kinds of bus do differently.

    @abstractmethod
    def _listen(self, spec: Spec, topic: str, lane: Lane) -> None: ...

    @abstractmethod
    def _unlisten(self, topic: str, lane: Lane) -> None: ...

    @abstractmethod
    def _send(self, call: Call, request: Event) -> None:
        """Send a request that no handler of this bus answers."""

    @abstractmethod
    def _stop(self, timeout: float) -> None: ...

    @abstractmethod
    def _on_room(self) -> None:
        """A subscription takes events again."""

    def _offer(self, topic: str) -> None:  # noqa: B027 - nobody else need know within one process
        """Tell others that requests of ``topic`` are answered here."""

    def _unoffer(self, topic: str) -> None:  # noqa: B027 - as above
        """Tell them that they are no more."""

    # What they share.

    def _check(self) -> None:
        if self._stopped:
            raise BusClosed(self._stopped)

    def _named(self, kind: type[Any], topic: str | None, handler: object) -> tuple[Spec, str]:
        spec = spec_of(kind)
        if not callable(handler):
            raise TypeError(f"a handler of {kind.__qualname__} is a function, not {handler!r}")
        return spec, spec.topic if topic is None else check_topic(topic)

    def _withdraw(self, topic: str, answerer: Answerer) -> None:
        with self._lock:
            if self._dispatcher.answerers.get(topic) is answerer:
                del self._dispatcher.answerers[topic]
                if not self._stopped:
                    self._unoffer(topic)

    def _begin(
        self,
        request: Request[Any],
        topic: str | None,
        deadline: float,
        waits_in: asyncio.AbstractEventLoop | None = None,
        *,
        again: bool,
    ) -> Call:
        self._check()
        if not isinstance(request, Request):
            raise TypeError(f"a request is an object of a class derived from runtime.events.Request, not {request!r}")
        spec = spec_of(type(request))
        call = Call(next(self._numbers), spec, spec.topic if topic is None else check_topic(topic), deadline)
        answerer = self._dispatcher.answerers.get(call.topic)
        if answerer is not None and answerer.loop is not None and answerer.loop is waits_in:
            raise RuntimeError(
                f"the handler of `{call.topic}` runs in the event loop of this thread, and request_sync would keep it "
                "from running: use `await bus.request(...)`"
            )
        with self._lock:
            self._requests += not again
            self._repeated += again
        self._pending[call.number] = call
        if answerer is None:
            try:
                self._send(call, request)
            except BaseException:
                self._pending.pop(call.number, None)
                raise
        elif type(request) is not answerer.spec.kind and not isinstance(request, answerer.spec.kind):
            self._fail(call.number, another_kind(call.topic, answerer.spec.kind, type(request)))
        else:
            answerer.call(request, deadline, lambda value, error: self._reply(call, value, error))
        return call

    def _reply(self, call: Call, value: Any, error: Exception | None) -> None:
        if error is not None:
            self._fail(call.number, failed(call.topic, *told(error)))
        elif self._take(call.number) is not None:
            call.future.set_result(value)

    def _fail(self, number: int, error: Exception) -> None:
        call = self._take(number)
        if call is not None:
            call.future.set_exception(error)

    def _take(self, number: int) -> Call | None:
        """The request that a reply is for; None, and counted, when nobody waits for it any more."""
        call = self._pending.pop(number, None)
        if call is None and not self._stopped:
            with self._lock:
                self._late += 1
        return call

    def _timed_out(self, call: Call, timeout: float, nobody: NoHandler | None) -> RequestTimeout:
        with self._lock:
            self._timeouts += 1
        if nobody is not None:
            return nobody
        return RequestTimeout(f"no reply to a request of `{call.topic}` within {timeout:g} s")

    def _base_counts(self) -> dict[str, int]:
        return {
            **self._dispatcher.counts(),
            "requests": self._requests,
            "repeated": self._repeated,
            "timeouts": self._timeouts,
            "late_replies": self._late,
        }


def _until_again(deadline: float, pause: float) -> tuple[float, float]:
    """How many seconds are left, and for how many of them to wait before a request is asked again: all, when it is not.

    What is asked again has `_LAST` seconds at least, or it would end without a word from the hub.
    """
    left = max(0.0, deadline - time.monotonic())
    wait = min(pause, left - _LAST)
    return left, wait if wait >= _FIRST_PAUSE else left


def _after_fork() -> None:
    pid = os.getppid()
    for bus in list(_buses):
        # Its threads are not in the child, and locks may be held by them for ever.
        bus._lock = threading.RLock()
        bus._dispatcher.forked()
        bus._stopped = f"the bus belongs to process {pid}, and a child of a fork needs its own: make one after the fork"


def _at_exit() -> None:
    for bus in list(_buses):
        bus.close(1.0)


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
