"""The bus within one process.

Code that publishes, subscribes and asks does not know which bus it has: `LocalBus`, or
`runtime.events.zmq_bus.ZmqBus` between processes.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ._base import Bus, WhenFull
from ._call import Call, Subscription, another_kind
from ._counters import Counters
from ._dispatch import name_of
from ._errors import BusFull, NoHandler, NotReady
from ._event import Event, check_topic, spec_of
from ._workers import waiting

if TYPE_CHECKING:
    from ._dispatch import Lane
    from ._event import Spec

__all__ = ["Bus", "LocalBus", "Subscription"]


class LocalBus(Bus):
    """The bus within one process: events go to the handlers as they are, without being written as bytes.

    Args:
        name: For log records and threads.
        threads: How many handlers may run at a time, of events and of requests each.
        queue: How many events may wait for one subscription.
        when_full: What `publish` does then: wait, or drop the event for that subscription and count it.
        publish_timeout: For how many seconds at most it waits before it raises `BusFull`.
    """

    def __init__(
        self,
        *,
        name: str = "local",
        threads: int = 8,
        queue: int = 10_000,
        when_full: WhenFull = "wait",
        publish_timeout: float = 5.0,
    ) -> None:
        super().__init__(name=name, threads=threads, queue=queue, when_full=when_full, publish_timeout=publish_timeout)
        self._published = 0
        self._kinds: dict[str, type[Event]] = {}
        self._changed = threading.Condition(self._lock)
        self._room = threading.Condition()
        self._made()

    def publish(self, event: Event, *, topic: str | None = None) -> None:  # noqa: D102 - see Bus
        spec = spec_of(type(event))
        topic = spec.topic if topic is None else check_topic(topic)
        if self._dispatcher.stalled:
            self._wait_for_room(topic)
        with self._lock:
            self._check()
            self._published += 1
            lanes = self._dispatcher.lanes.get(topic)
            if lanes:
                if not isinstance(event, self._kinds[topic]):
                    raise TypeError(str(another_kind(topic, self._kinds[topic], type(event))))
                self._dispatcher.deliver(lanes, (event,))

    def _wait_for_room(self, topic: str) -> None:
        def room() -> bool:
            return bool(self._stopped) or not any(one.stalled for one in self._dispatcher.lanes.get(topic, ()))

        with self._room, waiting():
            if not self._room.wait_for(room, self._publish_timeout):
                full = next((one for one in self._dispatcher.lanes.get(topic, ()) if one.stalled), None)
                who = name_of(full.handler) if full else "a subscription"
                raise BusFull(
                    f"{who} has {self._queue} events of `{topic}` waiting, and took none for "
                    f"{self._publish_timeout:g} s: it is too slow, or stuck; see `queue` and `when_full`"
                )

    def wait_subscribed(  # noqa: D102 - see Bus
        self, kind: type[Event], *, topic: str | None = None, timeout: float = 10.0
    ) -> None:
        topic = spec_of(kind).topic if topic is None else check_topic(topic)
        with self._changed:
            if not self._changed.wait_for(lambda: self._stopped or topic in self._dispatcher.lanes, timeout):
                raise NotReady(f"nobody has subscribed to `{topic}` within {timeout:g} s")
            self._check()

    def counters(self) -> Counters:  # noqa: D102 - see Bus
        return Counters(published=self._published, **self._base_counts())

    def _listen(self, spec: Spec, topic: str, lane: Lane) -> None:
        kind = self._kinds.setdefault(topic, spec.kind)
        if kind is not spec.kind:
            raise ValueError(str(another_kind(topic, kind, spec.kind)))
        self._dispatcher.add(topic, lane)
        self._changed.notify_all()

    def _unlisten(self, topic: str, lane: Lane) -> None:
        with self._lock:
            if self._dispatcher.remove(topic, lane):
                self._kinds.pop(topic, None)

    def _send(self, call: Call, request: Event) -> None:
        self._fail(call.number, NoHandler(f"nobody answers to requests of `{call.topic}` on this bus"))

    def _on_room(self) -> None:
        with self._room:
            self._room.notify_all()

    def _stop(self, timeout: float) -> None:
        self._on_room()
        with self._lock:
            self._changed.notify_all()
        self._dispatcher.close(timeout)
