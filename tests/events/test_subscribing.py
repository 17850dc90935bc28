"""What every bus keeps to about events, within one process and between buses."""

from __future__ import annotations

import asyncio
import gc
import logging
import queue
import threading
from typing import Any

import pytest

from runtime import safe_executor
from runtime.events import Bus, BusClosed, Event, LocalBus

from .conftest import PATIENCE, until
from .samples import Other, Sample

Sides = tuple[Bus, Bus]


def taken(events: queue.SimpleQueue[Any], count: int) -> list[Any]:
    return [events.get(timeout=PATIENCE) for _ in range(count)]


def test_events_come_to_all_who_subscribe_and_in_order(sides: Sides) -> None:
    one, other = sides
    first: queue.SimpleQueue[Sample] = queue.SimpleQueue()
    second: queue.SimpleQueue[Sample] = queue.SimpleQueue()
    elsewhere: queue.SimpleQueue[Other] = queue.SimpleQueue()
    other.subscribe(Sample, first.put)
    one.subscribe(Sample, second.put)
    other.subscribe(Other, elsewhere.put)
    one.wait_ready()
    other.wait_ready()
    for number in range(5000):
        one.publish(Sample(number, "body"))
        if number % 10 == 0:
            one.publish(Other(number))
    assert taken(first, 5000) == taken(second, 5000) == [Sample(number, "body") for number in range(5000)]
    assert taken(elsewhere, 500) == [Other(number) for number in range(0, 5000, 10)]


def test_coroutine_functions_run_in_the_loop_that_they_were_registered_in(sides: Sides) -> None:
    one, other = sides

    async def main() -> list[int]:
        numbers: list[int] = []
        loops = set()
        done = asyncio.Event()

        async def handle(event: Sample) -> None:
            loops.add(asyncio.get_running_loop())
            await asyncio.sleep(0)
            numbers.append(event.number)
            if len(numbers) == 1000:
                done.set()

        other.subscribe(Sample, handle)
        await other.ready()
        await one.ready()
        for number in range(1000):
            one.publish(Sample(number))
        await asyncio.wait_for(done.wait(), PATIENCE)
        assert loops == {asyncio.get_running_loop()}
        return numbers

    assert asyncio.run(main()) == list(range(1000))


def test_coroutine_functions_run_without_a_loop_too(sides: Sides) -> None:
    one, other = sides
    got: queue.SimpleQueue[int] = queue.SimpleQueue()

    class Handler:
        async def __call__(self, event: Sample) -> None:
            await asyncio.sleep(0)
            got.put(event.number)

    other.subscribe(Sample, Handler())
    other.wait_ready()
    one.wait_ready()
    for number in range(100):
        one.publish(Sample(number))
    assert taken(got, 100) == list(range(100))


def test_a_handler_that_raises_is_logged_and_counted_and_harms_nobody(
    sides: Sides, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = sides
    got: queue.SimpleQueue[int] = queue.SimpleQueue()
    later: queue.SimpleQueue[int] = queue.SimpleQueue()

    def handle(event: Sample) -> None:
        if event.number % 3 == 0:
            raise KeyError(event.number)
        got.put(event.number)

    async def handle_later(event: Sample) -> None:
        handle_other(event)

    def handle_other(event: Sample) -> None:
        if event.number % 3 == 1:
            raise OSError
        later.put(event.number)

    other.subscribe(Sample, handle)
    other.subscribe(Sample, handle_later)
    one.wait_ready()
    other.wait_ready()
    with caplog.at_level(logging.ERROR, "runtime.events"):
        for number in range(30):
            one.publish(Sample(number))
        assert taken(got, 20) == [number for number in range(30) if number % 3]
        assert taken(later, 20) == [number for number in range(30) if number % 3 != 1]
        until(lambda: (other.counters().handler_errors, other.counters().delivered) == (20, 40))
    told = [one for one in caplog.records if one.name == "runtime.events"]
    for name, count in (("handle", 10), ("handle_later", 10)):
        text = f".{name} failed on an event of test.sample"
        assert len([one for one in told if text in one.getMessage() and one.exc_info is not None]) == count


def test_an_error_lives_no_longer_than_it_is_told(sides: Sides) -> None:
    one, other = sides
    alive: list[int] = []

    class Big:
        def __init__(self) -> None:
            alive.append(1)

        def __del__(self) -> None:
            alive.pop()

    def handle(event: Sample) -> None:
        big = Big()
        raise ValueError(big is None)

    logging.getLogger("runtime.events").disabled = True
    try:
        other.subscribe(Sample, handle)
        one.wait_ready()
        other.wait_ready()
        one.publish(Sample(1))
        until(lambda: other.counters().handler_errors)
        until(lambda: gc.collect() >= 0 and not alive)
    finally:
        logging.getLogger("runtime.events").disabled = False


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_handlers_go_on_where_recovery_is_switched_off(sides: Sides) -> None:
    one, other = sides
    got: queue.SimpleQueue[int] = queue.SimpleQueue()

    def handle(event: Sample) -> None:
        got.put(event.number)
        raise ValueError(event.number)

    other.subscribe(Sample, handle)
    one.wait_ready()
    other.wait_ready()
    safe_executor.set_active(False)
    try:
        for number in range(5):
            one.publish(Sample(number))
        assert taken(got, 5) == list(range(5))
        until(lambda: other.counters().handler_errors == 5)
    finally:
        safe_executor.set_active(True)


def test_a_handler_that_is_taken_away_gets_nothing_more(sides: Sides) -> None:
    one, other = sides
    got: queue.SimpleQueue[int] = queue.SimpleQueue()
    kept: queue.SimpleQueue[int] = queue.SimpleQueue()
    with other.subscribe(Sample, lambda event: got.put(event.number)) as gone:
        other.subscribe(Sample, lambda event: kept.put(event.number))
        one.wait_ready()
        other.wait_ready()
        one.publish(Sample(1))
        assert taken(got, 1) == [1]
    gone.close()
    one.publish(Sample(2))
    assert taken(kept, 2) == [1, 2]
    assert got.empty()
    assert repr(gone).startswith("<Subscription of test.sample by ")


def test_a_topic_may_be_given_up_and_taken_again_at_once(sides: Sides) -> None:
    one, other = sides
    got: queue.SimpleQueue[int] = queue.SimpleQueue()
    for _ in range(50):
        other.subscribe(Sample, print).close()
    with other.subscribe(Sample, lambda event: got.put(event.number)):
        other.wait_ready()
        one.wait_ready()
        one.publish(Sample(5))
        assert taken(got, 1) == [5]

    class Same(Event, frozen=True):
        TOPIC = "test.sample"

        number: int

    other.subscribe(Same, lambda event: got.put(-event.number))
    other.wait_ready()
    one.publish(Same(6) if one is other else Sample(6))
    assert taken(got, 1) == [-6]


def test_one_handler_handles_one_event_at_a_time(sides: Sides) -> None:
    one, other = sides
    inside = threading.Lock()
    clashes: list[int] = []
    got: queue.SimpleQueue[int] = queue.SimpleQueue()

    def handle(event: Sample) -> None:
        if not inside.acquire(blocking=False):
            clashes.append(event.number)
            return
        got.put(event.number)
        inside.release()

    other.subscribe(Sample, handle)
    other.wait_ready()
    one.wait_ready()
    threads = [
        threading.Thread(target=lambda: [one.publish(Sample(number)) for number in range(500)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = taken(got, 2000)
    assert clashes == []
    assert sorted(numbers) == sorted(list(range(500)) * 4)


def test_a_slow_handler_does_not_hold_up_others(sides: Sides) -> None:
    one, other = sides
    gate = threading.Event()
    got: queue.SimpleQueue[int] = queue.SimpleQueue()
    other.subscribe(Sample, lambda event: gate.wait(PATIENCE))
    other.subscribe(Sample, lambda event: got.put(event.number))
    one.wait_ready()
    other.wait_ready()
    try:
        for number in range(100):
            one.publish(Sample(number))
        assert taken(got, 100) == list(range(100))
        assert other.counters().waiting == 99
    finally:
        gate.set()


def test_handlers_may_publish_and_subscribe(sides: Sides) -> None:
    one, other = sides
    got: queue.SimpleQueue[int] = queue.SimpleQueue()

    def forward(event: Sample) -> None:
        if event.number == 0:
            other.subscribe(Other, lambda more: got.put(-more.number))
            other.wait_ready()
        other.publish(Other(event.number))

    one.subscribe(Other, lambda event: got.put(event.number))
    other.subscribe(Sample, forward)
    one.wait_ready()
    other.wait_ready()
    for number in range(10):
        one.publish(Sample(number))
    assert sorted(taken(got, 20)) == sorted([*range(10), *(-number for number in range(10))])


def test_a_thousand_topics(sides: Sides) -> None:
    one, other = sides
    got: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
    for place in range(1000):
        other.subscribe(Sample, lambda event, place=place: got.put((place, event.number)), topic=f"test.{place}")
    one.wait_ready()
    other.wait_ready()
    for number in range(5):
        for place in range(1000):
            one.publish(Sample(number), topic=f"test.{place}")
    by_topic: dict[int, list[int]] = {}
    for place, number in taken(got, 5000):
        by_topic.setdefault(place, []).append(number)
    assert by_topic == {place: list(range(5)) for place in range(1000)}
    assert other.counters().lost == 0


def test_what_cannot_be_published_or_subscribed_to(sides: Sides) -> None:
    one, _ = sides

    class Holder(Event, frozen=True):
        TOPIC = "test.sample"

        what: object = None

    with pytest.raises(TypeError, match="is not a class of events"):
        one.publish("Sample")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a handler of Sample is a function, not None"):
        one.subscribe(Sample, None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the topic '' is empty"):
        one.subscribe(Sample, print, topic="")
    with pytest.raises(ValueError, match="the topic '' is empty"):
        one.publish(Sample(1), topic="")
    one.subscribe(Sample, print)
    with pytest.raises(ValueError, match=r"test\.sample.* another TOPIC"):
        one.subscribe(Holder, print)


def test_a_closed_bus_says_so(sides: Sides) -> None:
    one, _ = sides
    one.close()
    one.close()
    for use in (
        lambda: one.publish(Sample(1)),
        lambda: one.subscribe(Sample, print),
        lambda: one.wait_ready(),
        lambda: one.wait_subscribed(Sample),
    ):
        with pytest.raises(BusClosed, match="the bus has been closed"):
            use()
    assert one.counters().published == 0


def test_wait_subscribed(sides: Sides) -> None:
    one, other = sides
    with pytest.raises(TimeoutError, match=r"test\.sample"):
        one.wait_subscribed(Sample, timeout=0.01)
    thread = threading.Thread(target=one.wait_subscribed, args=(Sample,), kwargs={"timeout": PATIENCE})
    thread.start()
    other.subscribe(Sample, print)
    thread.join()


def test_a_loop_that_is_over_holds_up_nobody(sides: Sides, caplog: pytest.LogCaptureFixture) -> None:
    one, other = sides
    got: queue.SimpleQueue[int] = queue.SimpleQueue()

    async def main() -> None:
        async def handle(event: Sample) -> None:
            return None

        other.subscribe(Sample, handle)

    asyncio.run(main())
    other.subscribe(Sample, lambda event: got.put(event.number))
    one.wait_ready()
    other.wait_ready()
    for number in range(25_000):
        one.publish(Sample(number))
    assert taken(got, 25_000) == list(range(25_000))
    until(lambda: other.counters().discarded == 25_000)
    assert len([one for one in caplog.records if "the event loop of" in one.getMessage()]) == 1


def test_async_with() -> None:
    async def main() -> LocalBus:
        async with LocalBus() as bus:
            done = asyncio.Event()

            async def handle(event: Sample) -> None:
                done.set()

            bus.subscribe(Sample, handle)
            bus.publish(Sample(1))
            await asyncio.wait_for(done.wait(), PATIENCE)
        return bus

    with pytest.raises(BusClosed):
        asyncio.run(main()).publish(Sample(1))


def test_a_handler_may_close_its_bus(sides: Sides) -> None:
    one, other = sides
    closed = threading.Event()

    def handle(event: Sample) -> None:
        other.close(0.5)
        closed.set()

    other.subscribe(Sample, handle)
    one.wait_ready()
    other.wait_ready()
    one.publish(Sample(1))
    assert closed.wait(PATIENCE)
