"""Requests over the hub: those of this bus and their replies, and those of others and ours."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from runtime.safe_executor import SafeExecutor

from . import _zmq
from ._call import failed, told
from ._errors import DuplicateHandler, NoHandler, RequestFailed
from ._event import encode

_zmq.load()

import zmq  # noqa: E402 - behind the sentence that tells what to install

from ._hub import (  # noqa: E402
    ANSWERS,
    ANSWERS_NOT,
    ASK,
    BUSY,
    CHECK,
    GRANTED,
    HELLO,
    LIVES,
    NOBODY,
    REFUSED,
    REPLY,
    WELCOME,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._call import Call
    from ._dispatch import Dispatcher

logger = logging.getLogger("runtime.events")
_DONE, _FAILED, _NO_HANDLER = b"0", b"1", b"2"
_decode_failure = msgspec.msgpack.Decoder(tuple[str, str]).decode


class Requests:
    """The requests of one bus, in the thread that owns the sockets."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        bus: bytes,
        name: str,
        *,
        do: Callable[..., None],
        take: Callable[[int], Call | None],
    ) -> None:
        self.socket: zmq.Socket[bytes] | None = None
        # What waits for a connection: until when it is of use, and what makes the frames.
        self.waiting: deque[tuple[float, Callable[[], tuple[bytes, ...] | None]]] = deque()
        self.refused = 0
        self.problems: dict[str, DuplicateHandler] = {}
        self._dispatcher = dispatcher
        self._hello = (HELLO, bus, name.encode())
        self._do = do
        self._take = take
        # Topic to whether the hub has agreed.
        self._offers: dict[str, bool] = {}
        self._hub: bytes | None = None
        self._leaving = False

    def missing(self) -> str:
        """As `Link.missing`."""
        waiting = [topic for topic, granted in self._offers.items() if not granted]
        if waiting:
            return f"the hub has not confirmed that requests of `{waiting[0]}` are answered here"
        return "" if self._hub else "no hub has answered at the endpoint for requests"

    # Commands.

    def offer(self, topic: str) -> None:
        """Tell the hub that requests of ``topic`` are answered here."""
        self._offers[topic] = False
        self.problems.pop(topic, None)
        if self._hub is not None:
            self._send(ANSWERS, topic.encode())

    def withdraw(self, topic: str) -> None:
        """Tell it that they are no more."""
        self.problems.pop(topic, None)
        if self._offers.pop(topic, None) is not None:
            self._send(ANSWERS_NOT, topic.encode())

    def take_leave(self) -> None:
        """Withdraw everything."""
        self._leaving = True
        for topic in list(self._offers):
            self.withdraw(topic)

    def ask(self, call: Call, payload: bytes) -> None:
        """Send a request."""

        def frames() -> tuple[bytes, ...] | None:
            left = int((call.deadline - time.monotonic()) * 1000)
            if left <= 0:
                return None
            return (
                ASK,
                call.number.to_bytes(8, "big"),
                call.topic.encode(),
                min(left, 0xFFFFFFFF).to_bytes(4, "big"),
                call.spec.version.to_bytes(2, "big"),
                payload,
            )

        self.waiting.append((call.deadline, frames))

    def answer(self, until: float, *frames: bytes) -> None:
        """Send a reply."""
        self.waiting.append((until, lambda: (REPLY, *frames)))

    # Connection.

    def connected(self, up: bool) -> None:
        """The connection was made, or is gone."""
        if up:
            self.hello()
        else:
            self._hub = None

    def hello(self) -> None:
        """A sign of life."""
        if not self._leaving:
            self._send(*self._hello)

    def _send(self, *frames: bytes) -> bool:
        if self.socket is None:
            return False
        try:
            self.socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def flush(self, now: float) -> None:
        """Send what waits, and throw away what is of no use any more."""
        waiting = self.waiting
        while waiting:
            until, make = waiting[0]
            frames = make()
            # A reply is sent even when it is late: whoever asked counts it.
            if frames is not None and not self._send(*frames) and until > now:
                return
            waiting.popleft()

    # What comes.

    def receive(self) -> None:
        """Take what the hub has sent."""
        assert self.socket is not None
        for _ in range(64):
            try:
                kind, *rest = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if kind == REPLY and len(rest) == 3:
                self._replied(*rest)
            elif kind == ASK and len(rest) == 6:
                self._asked(*rest)
            elif kind in {NOBODY, BUSY} and len(rest) == 1:
                self._unanswered(kind, rest[0])
            elif kind == WELCOME and len(rest) == 2:
                self._welcome(*rest)
            elif kind == CHECK:
                self._send(LIVES)
            elif kind == GRANTED and rest:
                topic = rest[0].decode(errors="replace")
                if topic in self._offers:
                    self._offers[topic] = True
            elif kind == REFUSED and len(rest) == 2:
                self._refuse(rest[0].decode(errors="replace"), rest[1].decode(errors="replace"))

    def _welcome(self, hub: bytes, known: bytes) -> None:
        if hub == self._hub and known == b"1":
            return
        self._hub = hub
        if known != b"1":
            self._send(*self._hello)
        for topic in self._offers:
            self._offers[topic] = False
            self._send(ANSWERS, topic.encode())

    def _refuse(self, topic: str, owner: str) -> None:
        if self._offers.pop(topic, None) is None:
            return
        self.refused += 1
        who = f"the bus `{owner}`" if owner else "another process"
        problem = DuplicateHandler(
            f"requests of `{topic}` are answered by {who} already, and not by this one, too: end that process, or give "
            "the request another topic"
        )
        self.problems[topic] = problem
        self._dispatcher.answerers.pop(topic, None)
        logger.error("%s", problem)

    def _unanswered(self, kind: bytes, number: bytes) -> None:
        call = self._take(int.from_bytes(number, "big"))
        if call is None:
            return
        if kind == NOBODY:
            call.future.set_exception(NoHandler(f"nobody answers to requests of `{call.topic}`"))
        else:
            call.future.set_exception(
                RequestFailed(f"the process that answers to `{call.topic}` has too many requests waiting", "busy")
            )

    def _replied(self, number: bytes, status: bytes, payload: bytes) -> None:
        call = self._take(int.from_bytes(number, "big"))
        if call is None:
            return
        if status == _NO_HANDLER:
            call.future.set_exception(NoHandler(f"nobody answers to requests of `{call.topic}`"))
            return
        value: Any = None
        with SafeExecutor(recoverable=(Exception,)) as attempt:  # noqa: E903 a class may raise anything when it is made
            value = (call.spec.decode_reply if status == _DONE else _decode_failure)(payload)
        if attempt.error is not None:
            call.future.set_exception(
                RequestFailed(f"the reply to `{call.topic}` is not what the request names: {attempt.error}")
            )
        elif status == _DONE:
            call.future.set_result(value)
        else:
            name, text = value
            call.future.set_exception(failed(call.topic, name, text))

    def _asked(self, asker: bytes, number: bytes, topic: bytes, left: bytes, version: bytes, payload: bytes) -> None:
        deadline = time.monotonic() + int.from_bytes(left[:4], "big") / 1000
        answerer = self._dispatcher.answerers.get(topic.decode(errors="replace"))
        if answerer is None:
            self.answer(deadline, asker, number, _NO_HANDLER, b"")
            return
        spec = answerer.spec
        request: Any = None
        if int.from_bytes(version, "big") not in spec.versions:
            known = ", ".join(map(str, sorted(spec.versions)))
            text = f"version {int.from_bytes(version, 'big')}, and {spec.kind.__qualname__} reads {known}"
            self.answer(deadline, asker, number, _FAILED, encode(("version", text)))
            return
        with SafeExecutor(recoverable=(Exception,)) as attempt:  # noqa: E903 a class may raise anything when it is made
            request = spec.decode(payload)
        if attempt.error is not None:
            text = f"the request cannot be read as {spec.kind.__qualname__}: {attempt.error}"
            self.answer(deadline, asker, number, _FAILED, encode(("msgspec.ValidationError", text)))
            return

        def reply(value: Any, error: Exception | None) -> None:
            if error is None:
                with SafeExecutor(recoverable=(Exception,)) as writing:  # noqa: E903 whatever it is, the asker is told
                    self._do(self.answer, deadline, asker, number, _DONE, encode(value))
                    return
                error = writing.error
            assert error is not None
            self._do(self.answer, deadline, asker, number, _FAILED, encode(told(error)))

        answerer.call(request, deadline, reply)
