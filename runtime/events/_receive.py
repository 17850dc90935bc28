"""What arrives from the hub: numbers are checked, events are decoded and put into the lanes of their subscriptions."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from runtime.safe_executor import SafeExecutor

from ._sequence import Sequences
from ._wire import TALLIES, Damaged, Head, decode_tally, topic_bytes, topic_of, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._counters import Gap
    from ._dispatch import Dispatcher
    from ._event import Spec

logger = logging.getLogger("runtime.events")
_MOST_COMPLAINTS = 1000


class Reader:
    """How the events of one topic are read."""

    __slots__ = ("decode", "kind", "topic", "versions")

    def __init__(self, spec: Spec, topic: str) -> None:
        self.kind = spec.kind
        self.decode = spec.decode
        self.versions = spec.versions
        self.topic = topic


class Receiver:
    """Takes messages, in the thread that owns the sockets."""

    def __init__(self, dispatcher: Dispatcher, incarnation: int, on_gap: Callable[[Gap], object]) -> None:
        self.sequences = Sequences()
        self.readers: dict[bytes, Reader] = {}
        self.decode_errors = 0
        self.asked = False
        # Events that were taken and not delivered yet.
        self.collected = 0
        self._ready: list[tuple[str, list[Any]]] = []
        self._dispatcher = dispatcher
        self._incarnation = incarnation
        self._on_gap = on_gap
        self._complained: set[tuple[bytes, int, str]] = set()

    def read(self, topic: str, spec: Spec) -> None:
        """Decode the events of ``topic`` from now on."""
        self.readers[topic_bytes(topic)] = Reader(spec, topic)

    def ignore(self, topic: str) -> None:
        """Decode the events of ``topic`` no more."""
        wire = topic_bytes(topic)
        self.readers.pop(wire, None)
        self.sequences.forget(wire)

    def take(self, frames: Sequence[bytes]) -> None:
        """One message."""
        message = frames[0]
        topic = topic_of(message)
        if topic == TALLIES:
            self._tally(message)
            return
        reader = self.readers.get(topic)
        if reader is None:
            # It was sent before the hub knew that the subscription is over.
            return
        try:
            if len(frames) != 1:
                raise Damaged(f"a message of {len(frames)} frames, and not of one")
            head = unpack(message, len(topic))
        except Damaged as problem:
            # How many events it was is not known; if it had numbers, they will be found missing.
            self._undecodable(topic, 0, 1, str(problem))
            return
        again, gap = self.sequences.arrived(head.publisher, head.incarnation, topic, head.first, len(head.lengths))
        if gap is not None:
            self._on_gap(gap)
        if head.version not in reader.versions:
            known = ", ".join(map(str, sorted(reader.versions)))
            why = f"version {head.version}, and {reader.kind.__qualname__} reads {known}"
            self._undecodable(topic, head.publisher, len(head.lengths) - again, why)
            return
        events = self._decode(reader, topic, head, message, again)
        self._ready.append((reader.topic, events))
        self.collected += len(events)

    def deliver(self) -> None:
        """Give what was taken to the subscriptions.

        For many messages at a time: a handler that is woken for each of them would want the interpreter's lock just
        when the next one is received.
        """
        for topic, events in self._ready:
            lanes = self._dispatcher.lanes.get(topic)
            if lanes and events:
                self._dispatcher.deliver(lanes, events)
        self._ready.clear()
        self.collected = 0

    def _decode(self, reader: Reader, topic: bytes, head: Head, message: bytes, again: int) -> list[Any]:
        events: list[Any] = []
        decode, lengths, view = reader.decode, head.lengths, memoryview(message)
        place, start, count = again, head.begin + sum(lengths[:again]), len(lengths)
        while place < count:
            # What a class does in __post_init__ may raise anything. One that fails is left out, and the next begun.
            with SafeExecutor(recoverable=(Exception,)) as attempt:  # noqa: E903 see above
                for place in range(place, count):  # noqa: B020 - it goes on where it was
                    end = start + lengths[place]
                    events.append(decode(view[start:end]))
                    start = end
            if attempt.error is not None:
                self._undecodable(topic, head.publisher, 1, f"{type(attempt.error).__name__}: {attempt.error}")
                start += lengths[place]
            place += 1
            del attempt
        return events

    def _tally(self, message: bytes) -> None:
        try:
            tally = decode_tally(memoryview(message)[len(TALLIES) :])
        except msgspec.DecodeError as problem:
            self._undecodable(TALLIES, 0, 1, str(problem))
            return
        if tally.asks and tally.incarnation != self._incarnation:
            self.asked = True
        if tally.last is not None:
            for gap in self.sequences.tally(tally.publisher, tally.incarnation, tally.last):
                self._on_gap(gap)

    def _undecodable(self, topic: bytes, publisher: int, count: int, problem: str) -> None:
        self.decode_errors += count
        about = (topic, publisher, problem.partition(":")[0])
        if about in self._complained or len(self._complained) >= _MOST_COMPLAINTS:
            return
        self._complained.add(about)
        logger.warning(
            "an event of %s from publisher %016x cannot be decoded, and is left out: %s (told once of each kind)",
            topic.rstrip(b"\0").decode(errors="replace"),
            publisher,
            problem,
        )
