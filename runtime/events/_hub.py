"""The hub that the buses of many processes connect to: it passes events on, and finds who answers a request."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from runtime.safe_executor import SafeExecutor

from . import _zmq
from ._errors import BusError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from ._address import Address

_zmq.load()

import zmq  # noqa: E402 - behind the sentence that tells what to install

logger = logging.getLogger("runtime.events")
# Kinds of messages between a bus and the hub. From a bus:
HELLO, LIVES, ANSWERS, ANSWERS_NOT, ASK, REPLY = b"H", b"L", b"R", b"U", b"Q", b"P"
# From the hub:
WELCOME, GRANTED, REFUSED, NOBODY, BUSY, CHECK = b"O", b"A", b"X", b"N", b"B", b"?"
_TICK = 100


def keep_alive(socket: zmq.Socket[bytes]) -> None:
    """Have the system find out when the other host is gone without a word.

    Not with the heartbeats of ZeroMQ: with those a receiver whose queue is full is taken for gone, and then libzmq ends
    the process (zeromq/libzmq#3937, #4767).
    """
    for option, value in (
        (zmq.TCP_KEEPALIVE, 1),
        (zmq.TCP_KEEPALIVE_IDLE, 10),
        (zmq.TCP_KEEPALIVE_INTVL, 5),
        (zmq.TCP_KEEPALIVE_CNT, 3),
    ):
        socket.setsockopt(option, value)


class HubCounters(msgspec.Struct, frozen=True, kw_only=True):
    """What a hub has counted since it was started.

    Attributes:
        requests: Passed on to a handler.
        replies: Passed back.
        no_handler: Requests that nobody answers to.
        busy: Requests that could not be passed on, as the queue of the handler's process was full.
        refused: Handlers that were refused, as another process has the topic.
        taken_over: Topics that were given to another process, as the one before did not live any more.
        buses: That are connected, now.
        handlers: Topics that somebody answers to, now.
    """

    requests: int = 0
    replies: int = 0
    no_handler: int = 0
    busy: int = 0
    refused: int = 0
    taken_over: int = 0
    buses: int = 0
    handlers: int = 0


class _Peer:
    """A connected bus: its id, which lasts over reconnections, its name, and when it was heard last."""

    __slots__ = ("bus", "heard", "name", "topics")

    def __init__(self, bus: bytes, name: str, heard: float) -> None:
        self.bus = bus
        self.name = name
        self.heard = heard
        self.topics: set[bytes] = set()


class _Claim:
    """A wish to answer to a topic that another has; the other is asked whether it lives."""

    __slots__ = ("claimant", "until")

    def __init__(self, claimant: bytes, until: float) -> None:
        self.claimant = claimant
        self.until = until


class Hub:
    """Passes events from publishers to subscribers, and requests to their handlers and back.

    Events go through ZeroMQ's own proxy, in a thread that needs no interpreter. One hub has three endpoints, which it
    binds; buses connect.

    Args:
        address: The endpoints.
        when_full: What is done when ``high_water`` messages wait for one subscriber. ``drop``: what comes is not sent
            to that one, which counts it as lost. ``wait``: nothing is taken from publishers until there is room, so
            that nothing is lost and one subscriber that is stuck holds up all.
        high_water: How many messages may wait for each subscriber here; as many again wait on its side. A message has
            one event, or up to 256 that were waiting when it was sent, of at most 16 KiB in all.
        silence: After how many seconds without a sign of life a bus is taken for gone.
        takeover: How many seconds the process that answers to a topic has to show that it lives, when another claims
            the topic.
        settle: For how many seconds after the start subscribers are let in before publishers are: those that outlived
            a hub find the next one at different moments.
        sockets: Descriptors of sockets that are bound and listen already, by the name of the endpoint.
    """

    def __init__(
        self,
        address: Address,
        *,
        when_full: Literal["drop", "wait"] = "drop",
        high_water: int = 5000,
        silence: float = 30.0,
        takeover: float = 2.0,
        settle: float = 0.0,
        sockets: Mapping[str, int] | None = None,
    ) -> None:
        if when_full not in {"wait", "drop"}:
            raise ValueError(f"when_full is 'wait' or 'drop', not {when_full!r}")
        if high_water < 1:
            raise ValueError(f"high_water is a whole number of at least 1, not {high_water!r}")
        self.address = address
        self._wait = when_full == "wait"
        self._high_water = high_water
        self._silence = silence
        self._takeover = takeover
        self._settle = settle
        self._given = dict(sockets or {})
        self._context: zmq.Context[Any] | None = None
        self._threads: list[threading.Thread] = []
        self._ended = threading.Event()
        self._peers: dict[bytes, _Peer] = {}
        self._owners: dict[bytes, bytes] = {}
        self._claims: dict[bytes, list[_Claim]] = {}
        self._counts = dict.fromkeys(("requests", "replies", "no_handler", "busy", "refused", "taken_over"), 0)
        self._id = time.time_ns().to_bytes(8, "big")

    def start(self) -> Self:
        """Bind the endpoints, and pass on what comes, in threads.

        Raises:
            BusError: An endpoint cannot be bound: which, and why.
        """
        context = zmq.Context()
        try:
            events = context.socket(zmq.XPUB)
            events.linger = 1000
            events.sndhwm = self._high_water
            # Subscriptions are never dropped: a reconnected bus sends all of its own at once.
            events.rcvhwm = 0
            if self._wait:
                events.setsockopt(zmq.XPUB_NODROP, 1)
            self._bind(events, "events")
            requests = context.socket(zmq.ROUTER)
            requests.linger = 1000
            requests.setsockopt(zmq.ROUTER_MANDATORY, 1)
            self._bind(requests, "requests")
            publish = context.socket(zmq.XSUB)
            publish.linger = 0
            # The queues that are meant to fill are those of subscribers and of publishers.
            publish.rcvhwm = min(1000, self._high_water)
            publish.sndhwm = 0
            # Everything is asked of publishers, whoever subscribes: so a publisher is ready when the hub is, and who
            # gets what is decided in one place.
            publish.send(b"\x01")
            if not self._settle:
                self._bind(publish, "publish")
        except BaseException:
            context.destroy(linger=0)
            raise
        self._context = context
        for name, run, sockets in (
            ("events", self._pass_events, (events, publish)),
            ("requests", self._pass_requests, (requests,)),
        ):
            thread = threading.Thread(target=run, args=sockets, name=f"hub-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def close(self) -> None:
        """End the threads and give the endpoints back. A second time it does nothing."""
        context, self._context = self._context, None
        self._ended.set()
        if context is not None:
            # Wakes both threads, which close their sockets, and waits for that.
            context.term()
        for thread in self._threads:
            thread.join()

    def counters(self) -> HubCounters:
        """What has been counted until now."""
        return HubCounters(**self._counts, buses=len(self._peers), handlers=len(self._owners))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _bind(self, socket: zmq.Socket[bytes], word: str) -> None:
        endpoint = getattr(self.address, word)
        if word in self._given:
            socket.setsockopt(zmq.USE_FD, self._given[word])
        keep_alive(socket)
        try:
            socket.bind(endpoint)
        except zmq.ZMQError as problem:
            more = ": another hub, or another program, is there already" if problem.errno == zmq.EADDRINUSE else ""
            raise BusError(f"the hub cannot bind {endpoint} ({word}): {problem}{more}") from None

    # Events.

    def _pass_events(self, events: zmq.Socket[bytes], publish: zmq.Socket[bytes]) -> None:
        try:
            if self._settle and not self._ended.wait(self._settle):
                self._let_in(events, publish)
            zmq.proxy(publish, events)
        except zmq.ContextTerminated:
            pass
        finally:
            publish.close()
            events.close()

    def _let_in(self, events: zmq.Socket[bytes], publish: zmq.Socket[bytes]) -> None:
        # What has come meanwhile is taken note of by the socket itself, and told to publishers when they connect.
        while events.poll(0):
            publish.send(events.recv())
        self._bind(publish, "publish")

    # Requests.

    def _pass_requests(self, router: zmq.Socket[bytes]) -> None:
        swept = time.monotonic()
        try:
            while True:
                ready = router.poll(_TICK)
                now = time.monotonic()
                while ready:
                    frames = router.recv_multipart()
                    # A message that nobody of ours has sent may be anything.
                    with SafeExecutor(recoverable=(Exception,)) as attempt:  # noqa: E903 see above
                        self._take(router, frames, now)
                    if isinstance(attempt.error, zmq.ContextTerminated):
                        raise attempt.error
                    if attempt.error is not None:
                        logger.error("the hub has left out a message", exc_info=attempt.error)
                    del attempt
                    ready = router.poll(0)
                if self._claims:
                    self._decide(router, now)
                if now - swept > 1.0:
                    swept = now
                    for peer in [one for one, about in self._peers.items() if now - about.heard > self._silence]:
                        self._gone(peer)
        except zmq.ContextTerminated:
            pass
        finally:
            router.close()

    def _take(self, router: zmq.Socket[bytes], frames: list[bytes], now: float) -> None:
        sender, kind, *rest = frames if len(frames) > 1 else (*frames, b"")
        peer = self._peers.get(sender)
        if peer is not None:
            peer.heard = now
        if kind == HELLO and len(rest) == 2:
            known = b"1" if peer is not None else b"0"
            if peer is None:
                self._peers[sender] = _Peer(rest[0], rest[1].decode(errors="replace"), now)
            self._send(router, sender, WELCOME, self._id, known)
        elif kind == REPLY and len(rest) == 4:
            asker, *reply = rest
            if self._send(router, asker, REPLY, *reply):
                self._counts["replies"] += 1
        elif kind == ASK and len(rest) == 5:
            # Also from one that has not said who it is: that may come behind.
            self._ask(router, sender, *rest)
        elif peer is None:
            # Its HELLO comes, or came before it was taken for gone: then it says everything again.
            self._send(router, sender, WELCOME, self._id, b"0")
        elif kind == LIVES:
            self._lives(router, peer)
        elif kind == ANSWERS and len(rest) == 1:
            self._claim(router, sender, rest[0], now)
        elif kind == ANSWERS_NOT and len(rest) == 1:
            if self._owners.get(rest[0]) == sender:
                self._release(sender, rest[0])
            self._claims[rest[0]] = [one for one in self._claims.get(rest[0], ()) if one.claimant != sender]

    def _ask(
        self,
        router: zmq.Socket[bytes],
        sender: bytes,
        number: bytes,
        topic: bytes,
        left: bytes,
        version: bytes,
        payload: bytes,
    ) -> None:
        owner = self._owners.get(topic)
        if owner is None:
            self._counts["no_handler"] += 1
            self._send(router, sender, NOBODY, number)
            return
        sent = self._send(router, owner, ASK, sender, number, topic, left, version, payload)
        if sent:
            self._counts["requests"] += 1
        elif sent is None:
            self._counts["busy"] += 1
            self._send(router, sender, BUSY, number)
        else:
            self._counts["no_handler"] += 1
            self._send(router, sender, NOBODY, number)

    def _send(self, router: zmq.Socket[bytes], *frames: bytes) -> bool | None:
        """Whether it was sent. None: the queue of the receiver is full. False: there is no such receiver any more."""
        try:
            router.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            return None
        except zmq.ZMQError as problem:
            if problem.errno != zmq.EHOSTUNREACH:
                raise
            self._gone(frames[0])
            return False
        return True

    def _claim(self, router: zmq.Socket[bytes], sender: bytes, topic: bytes, now: float) -> None:
        owner = self._owners.get(topic)
        if owner is None or owner == sender or self._peers[owner].bus == self._peers[sender].bus:
            self._grant(router, sender, topic)
        elif self._send(router, owner, CHECK) is False:
            self._counts["taken_over"] += 1
            self._grant(router, sender, topic)
        else:
            self._claims.setdefault(topic, []).append(_Claim(sender, now + self._takeover))

    def _grant(self, router: zmq.Socket[bytes], sender: bytes, topic: bytes) -> None:
        before = self._owners.get(topic)
        if before is not None and before in self._peers:
            self._peers[before].topics.discard(topic)
        if sender in self._peers and self._send(router, sender, GRANTED, topic) is not False:
            self._owners[topic] = sender
            self._peers[sender].topics.add(topic)

    def _lives(self, router: zmq.Socket[bytes], peer: _Peer) -> None:
        """Refuse whoever claims a topic of ``peer``, which has answered that it lives."""
        for topic in peer.topics & self._claims.keys():
            for one in self._claims.pop(topic):
                self._counts["refused"] += 1
                self._send(router, one.claimant, REFUSED, topic, peer.name.encode())

    def _decide(self, router: zmq.Socket[bytes], now: float) -> None:
        """Give topics whose owner has not shown that it lives to the first who claimed them."""
        for topic, claims in list(self._claims.items()):
            if not claims:
                del self._claims[topic]
            elif topic not in self._owners or claims[0].until < now:
                self._counts["taken_over"] += 1
                del self._claims[topic]
                self._grant(router, claims[0].claimant, topic)
                for one in claims[1:]:
                    if one.claimant in self._peers:
                        self._claim(router, one.claimant, topic, now)

    def _gone(self, sender: bytes) -> None:
        peer = self._peers.pop(sender, None)
        if peer is not None:
            for topic in list(peer.topics):
                self._release(sender, topic)

    def _release(self, sender: bytes, topic: bytes) -> None:
        if self._owners.get(topic) == sender:
            del self._owners[topic]
        if sender in self._peers:
            self._peers[sender].topics.discard(topic)
