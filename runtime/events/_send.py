"""What goes to the hub: events are numbered, and those that wait go out many at a time."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from hashlib import blake2b

from . import _zmq
from ._wire import pack

_zmq.load()

import zmq  # noqa: E402 - behind the sentence that tells what to install

_MOST_EVENTS = 256
_MOST_BYTES = 16_384
# How many events are sorted by topic at a time, and how often before others have their turn.
_SORTED = 1024
_TURNS = 64
# For how many milliseconds the socket may wait for room: nothing else is done meanwhile.
WAIT = 2


class Channel:
    """One topic as it is published: ``last`` is the number of the last event."""

    __slots__ = ("last", "version", "wire")

    def __init__(self, wire: bytes, version: int) -> None:
        self.wire = wire
        self.version = version
        self.last = 0


class Sender:
    """Sends what stands in ``outbox``. Anybody may add to that; the rest belongs to the thread of the sockets.

    Attributes:
        publisher: Who this is.
        incarnation: Which of its lives: when it was made, in nanoseconds since the epoch.
        outbox: Encoded events that wait.
        channels: Every topic that anything was published under.
        published: Events that were numbered.
        room: Told when the outbox is half empty again.
    """

    def __init__(self, name: str, queue: int) -> None:
        self.socket: zmq.Socket[bytes] | None = None
        # With a name it is the same after a restart, and the incarnation another.
        self.publisher = int.from_bytes(
            blake2b(name.encode(), digest_size=8).digest() if name else os.urandom(8), "big"
        )
        self.incarnation = time.time_ns()
        self.outbox: deque[tuple[Channel, bytes]] = deque()
        self.channels: list[Channel] = []
        self.published = 0
        self.room = threading.Condition()
        self._half = queue // 2
        # Messages that the socket did not take, and how many events are in each.
        self._unsent: deque[tuple[bytes, int]] = deque()
        self._unsent_events = 0
        # Taken from the outbox, and not sent yet.
        self._in_hand = 0

    @property
    def blocked(self) -> bool:
        """Whether the socket has no room."""
        return bool(self._unsent)

    @property
    def pending(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.outbox or self._unsent)

    @property
    def queued(self) -> int:
        """How many events there are to send; some may be counted twice while they are sent."""
        return len(self.outbox) + self._unsent_events + self._in_hand

    def send(self, message: bytes, flags: int = zmq.NOBLOCK) -> bool:
        """Send a message. False: the queue for the hub is full."""
        assert self.socket is not None
        try:
            self.socket.send(message, flags)
        except zmq.Again:
            return False
        return True

    def send_events(self) -> bool:
        """Send what waits, as far as the socket takes it. Whether there was anything new."""
        unsent, outbox, any_new = self._unsent, self.outbox, False
        while unsent:
            message, events = unsent[0]
            # Nothing else tells when there is room again; the socket waits for it no longer than `WAIT`.
            if not self.send(message, 0):
                return False
            unsent.popleft()
            self._unsent_events -= events
        for _ in range(_TURNS):
            count = min(len(outbox), _SORTED)
            if not count or unsent:
                break
            any_new = True
            self._in_hand = count
            groups: dict[Channel, list[bytes]] = {}
            for _ in range(count):
                channel, payload = outbox.popleft()
                group = groups.get(channel)
                if group is None:
                    groups[channel] = [payload]
                else:
                    group.append(payload)
            for channel, payloads in groups.items():
                self._send_group(channel, payloads)
            self._in_hand = 0
            if len(outbox) <= self._half:
                with self.room:
                    self.room.notify_all()
        return any_new

    def _send_group(self, channel: Channel, payloads: list[bytes]) -> None:
        start, size = 0, 0
        for place, payload in enumerate(payloads):
            size += len(payload)
            if place > start and (size > _MOST_BYTES or place - start == _MOST_EVENTS):
                self._send_batch(channel, payloads[start:place])
                start, size = place, len(payload)
        self._send_batch(channel, payloads[start:] if start else payloads)

    def _send_batch(self, channel: Channel, payloads: list[bytes]) -> None:
        first = channel.last + 1
        message = pack(channel.wire, channel.version, self.publisher, self.incarnation, first, time.time_ns(), payloads)
        channel.last += len(payloads)
        self.published += len(payloads)
        if self._unsent or not self.send(message):
            self._unsent.append((message, len(payloads)))
            self._unsent_events += len(payloads)

    def tally(self) -> dict[bytes, int]:
        """Topic to the number of the last event."""
        return {channel.wire: channel.last for channel in tuple(self.channels) if channel.last}

    def discard(self) -> int:
        """Throw away what waits, and return how many events that is."""
        queued = self.queued
        self.outbox.clear()
        self._unsent.clear()
        self._unsent_events = self._in_hand = 0
        with self.room:
            self.room.notify_all()
        return queued
