"""The bus between processes, over ZeroMQ. Needs pyzmq: ``pip install 'unsnarl[runtime]'``.

Every process has a `ZmqBus`, and all of them connect to one `Hub`: a process of its own
(``python -m runtime.events.proxy``), or a thread of one of them.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING

from . import _zmq
from ._address import Address
from ._base import Bus, WhenFull
from ._call import Call
from ._counters import Counters, Gap
from ._dispatch import Lane
from ._errors import BusClosed, BusFull, DuplicateHandler, NotReady
from ._event import Event, Spec, check_topic, encode, spec_of
from ._receive import Receiver
from ._wire import topic_bytes
from ._workers import waiting

_zmq.load()

from ._hub import Hub, HubCounters  # noqa: E402 - behind the sentence that tells what to install
from ._link import Link  # noqa: E402
from ._requests import Requests  # noqa: E402
from ._send import Channel, Sender  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Address", "Hub", "HubCounters", "ZmqBus"]


class ZmqBus(Bus):
    """A bus of one process, connected to a hub.

    **Events are delivered at most once**, and every loss is counted. What is published before the hub is there waits in
    the queue. Each publisher numbers the events of each topic; a subscriber counts the numbers that are missing, and
    tells ``on_gap``. Publishers say every second how far they are, so that losses at the end are found as well.

    Sockets belong to one thread. `publish` encodes the event and puts it into a queue; the thread sends what waits,
    many events of a topic in one message.

    Args:
        address: Where the hub is. None: `Address.from_ports`.
        name: What others are told, as when two processes answer to one topic; also for log records and threads. By
            its name a publisher is known again after a restart.
        threads: How many handlers may run at a time, of events and of requests each.
        queue: How many events may wait to be sent, and how many for one subscription.
        when_full: What a full queue does. ``wait``: `publish` waits for the hub, and nothing more is taken from the hub
            until a slow subscription has caught up; the hub then does what it was told (`Hub`). ``drop``: what comes is
            dropped, and counted as ``dropped`` and ``overflowed``.
        publish_timeout: For how many seconds at most `publish` waits before it raises `BusFull`.
        high_water: How many messages may wait in the socket that receives; see `Hub`.
        heartbeat: Seconds between two signs of life.
        linger: For how many seconds `close` waits for what the socket has still to send.
        on_gap: Called with every `Gap` that is found, in a thread of the bus.

    Raises:
        ValueError: One of the numbers cannot be.
        runtime.ports.UnknownPort: As `Address.from_ports` has it.
    """

    def __init__(
        self,
        address: Address | None = None,
        *,
        name: str = "",
        threads: int = 8,
        queue: int = 10_000,
        when_full: WhenFull = "wait",
        publish_timeout: float = 5.0,
        high_water: int = 5000,
        heartbeat: float = 1.0,
        linger: float = 1.0,
        on_gap: Callable[[Gap], object] | None = None,
    ) -> None:
        for word, number in (("high_water", high_water), ("heartbeat", heartbeat)):
            if not number > 0:
                raise ValueError(f"{word} is more than 0, not {number!r}")
        self.address = Address.from_ports() if address is None else address
        super().__init__(name=name, threads=threads, queue=queue, when_full=when_full, publish_timeout=publish_timeout)
        self._sender = Sender(name, queue)
        self._channels: dict[object, Channel] = {}
        self._by_topic: dict[tuple[str, int], Channel] = {}
        self._kinds: dict[str, type[Event]] = {}
        self._dropped = 0
        self._gaps = None if on_gap is None else Lane(self._dispatcher, on_gap, "gaps")
        self._receiver = Receiver(self._dispatcher, self._sender.incarnation, self._on_gap)
        self._asking = Requests(self._dispatcher, os.urandom(8), name, do=self._do, take=self._take)
        self._link = Link(
            self.address,
            self._sender,
            self._receiver,
            self._asking,
            name=name,
            high_water=high_water,
            heartbeat=heartbeat,
            linger=linger,
            stalled=lambda: self._dispatcher.stalled,
            failed=self._failed,
        )
        self._outbox = self._sender.outbox
        self._link.thread.start()
        self._made()

    def publish(self, event: Event, *, topic: str | None = None) -> None:  # noqa: D102 - see Bus
        channel = self._channels.get(type(event) if topic is None else (type(event), topic))
        if channel is None:
            channel = self._channel(type(event), topic)
        if self._stopped:
            self._check()
        payload = encode(event)
        outbox = self._outbox
        if len(outbox) >= self._queue and not self._has_room():
            return
        outbox.append((channel, payload))
        if self._link.sleeping:
            self._link.wake()

    def _channel(self, kind: type[Event], topic: str | None) -> Channel:
        spec = spec_of(kind)
        name = spec.topic if topic is None else check_topic(topic)
        with self._lock:
            # One for all classes of a topic: its events are numbered together.
            channel = self._by_topic.get((name, spec.version))
            if channel is None:
                for other, version in self._by_topic:
                    if other == name:
                        raise ValueError(
                            f"this bus publishes version {version} of `{name}`, and cannot publish version "
                            f"{spec.version} of it, too: {kind.__qualname__} needs a topic of its own"
                        )
                channel = self._by_topic[name, spec.version] = Channel(topic_bytes(name), spec.version)
                self._sender.channels.append(channel)
            self._channels[kind if topic is None else (kind, topic)] = channel
        return channel

    def _has_room(self) -> bool:
        """Wait for room in the queue. False: there is none, and the event is to be dropped."""
        link = self._link
        if self._drop:
            with self._lock:
                self._dropped += 1
            return False
        link.wake()
        with self._sender.room, waiting():
            room = self._sender.room.wait_for(
                lambda: bool(self._stopped) or len(self._outbox) < self._queue, self._publish_timeout
            )
        self._check()
        if not room:
            why = (
                link.missing()
                or f"the hub at {self.address.publish} takes nothing: one of its subscribers may be stuck"
            )
            raise BusFull(
                f"{self._queue} events are waiting to be sent, and none was for {self._publish_timeout:g} s: {why}"
            )
        return True

    def wait_ready(self, timeout: float = 10.0) -> None:  # noqa: D102 - see Bus
        self._check()
        waiter: Future[None] = Future()
        self._do(self._link.tell_when_ready, waiter)
        try:
            with waiting():
                waiter.result(timeout)
        except TimeoutError:
            self._check()
            self._raise_refusal()
            raise NotReady(f"{self._link.missing() or 'the hub has not answered'} (waited {timeout:g} s)") from None
        except CancelledError:
            self._check()
            raise BusClosed("the bus was closed meanwhile") from None
        self._raise_refusal()

    def _raise_refusal(self) -> None:
        # Told once: whoever goes on all the same has other things to wait for.
        problems = self._asking.problems
        for topic in list(problems):
            problem = problems.pop(topic, None)
            if problem is not None:
                raise DuplicateHandler(*problem.args)

    def wait_subscribed(  # noqa: D102 - see Bus
        self, kind: type[Event], *, topic: str | None = None, timeout: float = 10.0
    ) -> None:
        name = spec_of(kind).topic if topic is None else check_topic(topic)
        wire, link = topic_bytes(name), self._link
        with link.changed, waiting():
            told = link.changed.wait_for(lambda: bool(self._stopped) or wire in link.subscribed, timeout)
        self._check()
        if not told:
            why = link.missing() or "nobody has subscribed to it"
            raise NotReady(f"no subscriber of `{name}` within {timeout:g} s: {why}")

    def counters(self) -> Counters:  # noqa: D102 - see Bus
        link, receiver = self._link, self._receiver
        counts = self._base_counts()
        counts["discarded"] += link.discarded
        return Counters(
            **counts,
            published=self._sender.published,
            queued=self._sender.queued,
            dropped=self._dropped,
            lost=receiver.sequences.lost,
            gaps=receiver.sequences.gaps,
            duplicates=receiver.sequences.duplicates,
            decode_errors=receiver.decode_errors,
            publishers=receiver.sequences.publishers,
            publisher_restarts=receiver.sequences.restarts,
            reconnects=link.reconnects,
            refused=self._asking.refused,
        )

    def _failed(self, error: BaseException) -> None:
        self._stopped = f"the thread of the bus has failed: {error!r}"
        for call in list(self._pending.values()):
            self._fail(call.number, BusClosed(self._stopped))

    def _do(self, command: Callable[..., object], *words: object) -> None:
        self._link.do(command, *words)

    def _on_gap(self, gap: Gap) -> None:
        if self._gaps is not None:
            self._gaps.push((gap,))

    def _on_room(self) -> None:
        self._link.wake()

    def _listen(self, spec: Spec, topic: str, lane: Lane) -> None:
        kind = self._kinds.setdefault(topic, spec.kind)
        if kind is not spec.kind:
            raise ValueError(
                f"`{topic}` is subscribed to as {kind.__qualname__}, and cannot be as {spec.kind.__qualname__}, too: "
                "give one of them another TOPIC"
            )
        if self._dispatcher.add(topic, lane):
            # In the order in which they were wanted: it may just have been given up.
            self._do(self._receiver.read, topic, spec)
            self._do(self._link.subscribe, topic_bytes(topic))

    def _unlisten(self, topic: str, lane: Lane) -> None:
        with self._lock:
            if self._dispatcher.remove(topic, lane) and not self._stopped:
                self._kinds.pop(topic, None)
                self._do(self._link.unsubscribe, topic_bytes(topic))
                self._do(self._receiver.ignore, topic)

    def _offer(self, topic: str) -> None:
        self._do(self._asking.offer, topic)

    def _unoffer(self, topic: str) -> None:
        self._do(self._asking.withdraw, topic)

    def _send(self, call: Call, request: Event) -> None:
        self._do(self._asking.ask, call, encode(request))

    def _stop(self, timeout: float) -> None:
        until = time.monotonic() + timeout
        self._do(self._link.close, until)
        self._link.thread.join(timeout + self._link._linger + 1.0)
        self._dispatcher.close(max(0.0, until - time.monotonic()))
        if self._gaps is not None:
            self._gaps.close()
