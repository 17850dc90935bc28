"""Full queues within one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from runtime.events import BusFull, LocalBus

from .conftest import PATIENCE, until
from .samples import Other, Sample


class Gate:
    """A handler that waits until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()
        self.numbers: list[int] = []

    def __call__(self, event: Sample) -> None:
        self.entered.set()
        assert self.open.wait(PATIENCE)
        self.numbers.append(event.number)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


def test_publish_waits_and_then_says_who_is_slow(gate: Gate) -> None:
    with LocalBus(queue=10, publish_timeout=0.05) as bus:
        bus.subscribe(Sample, gate)
        who = r"Gate has 10 events of `test\.sample` waiting, and took none for 0\.05 s"
        with pytest.raises(BusFull, match=who):  # noqa: PT012 - whichever of them it is
            for number in range(100):
                bus.publish(Sample(number))
        # Another topic goes on.
        bus.publish(Other(1))
        gate.open.set()
        until(lambda: bus.counters().waiting == 0)
        bus.publish(Sample(100))
        until(lambda: bus.counters().waiting == 0)
    assert gate.numbers == [*range(bus.counters().published - 2), 100]


def test_publish_goes_on_when_there_is_room(gate: Gate) -> None:
    with LocalBus(queue=10, publish_timeout=PATIENCE) as bus:
        bus.subscribe(Sample, gate)
        thread = threading.Thread(target=lambda: [bus.publish(Sample(number)) for number in range(1000)])
        thread.start()
        assert gate.entered.wait(PATIENCE)
        gate.open.set()
        thread.join()
        until(lambda: bus.counters().delivered == 1000)
    assert gate.numbers == list(range(1000))


def test_what_is_dropped_is_counted(gate: Gate) -> None:
    with LocalBus(queue=10, when_full="drop") as bus:
        bus.subscribe(Sample, gate)
        bus.publish(Sample(0))
        assert gate.entered.wait(PATIENCE)
        for number in range(1, 100):
            bus.publish(Sample(number))
        gate.open.set()
        until(lambda: bus.counters().waiting == 0 and bus.counters().delivered == 11)
        counters = bus.counters()
    assert (counters.published, counters.delivered, counters.overflowed) == (100, 11, 89)
    assert gate.numbers == list(range(11))


def test_what_is_left_when_it_is_closed_is_counted(gate: Gate) -> None:
    bus = LocalBus()
    subscription = bus.subscribe(Sample, gate)
    for number in range(20):
        bus.publish(Sample(number))
    assert gate.entered.wait(PATIENCE)
    subscription.close()
    gate.open.set()
    bus.close(PATIENCE)
    counters = bus.counters()
    assert (counters.delivered, counters.discarded, counters.waiting) == (1, 19, 0)


def test_those_who_wait_for_room_are_told_that_it_was_closed(gate: Gate) -> None:
    bus = LocalBus(queue=1, publish_timeout=PATIENCE)
    bus.subscribe(Sample, gate)
    failed: list[BaseException] = []

    def publish() -> None:
        try:
            for number in range(10):
                bus.publish(Sample(number))
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=publish)
    thread.start()
    until(lambda: bus._dispatcher.stalled)
    bus.close(0.01)
    thread.join()
    assert [str(error) for error in failed] == ["the bus has been closed"]


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="when_full is 'wait' or 'drop', not 'lose'"):
        LocalBus(when_full="lose")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="queue is a whole number of at least 1, not 0"):
        LocalBus(queue=0)
    with pytest.raises(ValueError, match="threads is a whole number of at least 1, not 0"):
        LocalBus(threads=0)
