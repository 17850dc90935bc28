"""What is particular to a bus between processes: poison, losses, full queues, a hub that comes and goes."""

from __future__ import annotations

import logging
import queue
import threading
from typing import Any

import pytest

from runtime.events import Address, BusError, BusFull, DuplicateHandler, Event, Hub, NotReady, ZmqBus

from .conftest import HEARTBEAT, PATIENCE, MakeBus, until
from .samples import Add, Other, Sample

zmq = pytest.importorskip("zmq")


def test_the_first_event_is_not_lost(hub: Hub, make: MakeBus) -> None:
    got: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(20):
        subscriber = make()
        subscriber.subscribe(Sample, lambda event: got.put(event.number))
        subscriber.wait_ready()
        # It publishes at once; nothing else makes sure that the hub knows it.
        publisher = make()
        publisher.publish(Sample(number))
        assert got.get(timeout=PATIENCE) == number
        subscriber.close()
        publisher.close()


def test_what_is_published_before_there_is_a_hub_waits_for_it(address: Address, make: MakeBus) -> None:
    got: queue.SimpleQueue[int] = queue.SimpleQueue()
    bus = make()
    bus.subscribe(Sample, lambda event: got.put(event.number))
    for number in range(100):
        bus.publish(Sample(number))
    assert bus.counters().queued == 100
    with pytest.raises(NotReady, match=r"no hub has answered at tcp://127\.0\.0\.1:"):
        bus.wait_ready(0.01)
    with Hub(address):
        bus.wait_ready()
        assert [got.get(timeout=PATIENCE) for _ in range(100)] == list(range(100))
        bus.close()


def test_a_full_queue_says_that_there_is_no_hub(make: MakeBus) -> None:
    bus = make(queue=10, publish_timeout=0.05)
    for number in range(10):
        bus.publish(Sample(number))
    with pytest.raises(
        BusFull, match=r"10 events are waiting to be sent, and none was for 0\.05 s: no hub has answered"
    ):
        bus.publish(Sample(10))
    bus.close(0.0)
    assert bus.counters().discarded == 10


def test_a_full_queue_may_drop(make: MakeBus) -> None:
    bus = make(queue=10, when_full="drop")
    for number in range(25):
        bus.publish(Sample(number))
    assert (bus.counters().queued, bus.counters().dropped) == (10, 15)


def test_every_loss_at_a_slow_subscriber_is_counted(address: Address, make: MakeBus) -> None:
    gate = threading.Event()
    entered = threading.Event()
    numbers: list[int] = []

    def handle(event: Sample) -> None:
        entered.set()
        assert gate.wait(PATIENCE)
        numbers.append(event.number)

    with Hub(address, when_full="drop", high_water=5):
        slow, quick, publisher = make(queue=100, high_water=5), make(), make()
        slow.subscribe(Sample, handle)
        quick.subscribe(Other, lambda event: None)
        for bus in (slow, quick, publisher):
            bus.wait_ready()
        body = "x" * 5000
        for number in range(20_000):
            publisher.publish(Sample(number, body))
            if number % 1000 == 0:
                publisher.publish(Other(number))
        until(lambda: publisher.counters().queued == 0)
        assert entered.wait(PATIENCE)
        # The others are not held up by it.
        until(lambda: quick.counters().delivered == 20)
        gate.set()
        until(lambda: slow.counters().delivered + slow.counters().lost == 20_000)
        assert slow.counters().lost > 0
        assert numbers == sorted(set(numbers))
        # It keeps up again, and nothing more is lost.
        lost = slow.counters().lost
        publisher.publish(Sample(20_000))
        until(lambda: numbers[-1] == 20_000)
        assert slow.counters().lost == lost
        for bus in (slow, quick, publisher):
            bus.close()


def test_a_subscriber_that_drops_counts_what_it_drops(hub: Hub, make: MakeBus) -> None:
    gate, entered = threading.Event(), threading.Event()
    other_topic: queue.SimpleQueue[int] = queue.SimpleQueue()

    def handle(event: Sample) -> None:
        entered.set()
        assert gate.wait(PATIENCE)

    slow, publisher = make(queue=100, when_full="drop"), make()
    slow.subscribe(Sample, handle)
    slow.subscribe(Other, lambda event: other_topic.put(event.number))
    slow.wait_ready()
    for number in range(5000):
        publisher.publish(Sample(number))
    publisher.publish(Other(1))
    # Other topics go on meanwhile.
    assert other_topic.get(timeout=PATIENCE) == 1
    assert entered.wait(PATIENCE)
    gate.set()
    until(lambda: slow.counters().delivered + slow.counters().overflowed == 5001)
    assert slow.counters().overflowed >= 4000
    assert slow.counters().lost == 0


def test_nothing_is_lost_where_all_wait(hub: Hub, make: MakeBus) -> None:
    numbers: list[int] = []
    done = threading.Event()

    def handle(event: Sample) -> None:
        numbers.append(event.number)
        if event.number == 19_999:
            done.set()

    slow, publisher = make(queue=10, high_water=1), make(queue=10, publish_timeout=PATIENCE)
    slow.subscribe(Sample, handle)
    slow.wait_ready()
    body = "x" * 1000
    for number in range(20_000):
        publisher.publish(Sample(number, body))
    assert done.wait(PATIENCE)
    assert numbers == list(range(20_000))
    assert slow.counters().lost == publisher.counters().dropped == 0


def test_who_joins_late_has_lost_nothing(hub: Hub, make: MakeBus) -> None:
    early, publisher = make(), make()
    early.subscribe(Sample, lambda event: None)
    early.wait_ready()
    for number in range(1000):
        publisher.publish(Sample(number))
    until(lambda: early.counters().delivered == 1000)
    late = make()
    late.subscribe(Sample, lambda event: None)
    late.wait_ready()
    for number in range(10):
        publisher.publish(Sample(number))
    until(lambda: late.counters().delivered == 10 and early.counters().delivered == 1010)
    # A tally, which names all 1010, has come since.
    until(lambda: late.counters().publishers >= 2)
    assert late.counters().lost == early.counters().lost == 0


def test_a_thousand_subscriptions_outlive_the_hub(address: Address, make: MakeBus) -> None:
    got: queue.SimpleQueue[int] = queue.SimpleQueue()
    bus, publisher = make(), make()
    for place in range(1500):
        bus.subscribe(Sample, lambda event: got.put(event.number), topic=f"test.{place}")
    bus.handle(Add, lambda request: request.first)
    for turn in range(3):
        with Hub(address, when_full="wait"):
            bus.wait_ready(PATIENCE)
            publisher.wait_ready(PATIENCE)
            for place in range(1500):
                publisher.publish(Sample(place), topic=f"test.{place}")
            assert sorted(got.get(timeout=PATIENCE) for _ in range(1500)) == list(range(1500))
            assert publisher.request_sync(Add(turn), timeout=PATIENCE) == turn
        until(lambda: not bus._link.online and not publisher._link.online)
    assert bus.counters().reconnects >= 6
    assert bus.counters().lost == 0


def test_losses_while_the_hub_is_away_are_counted(address: Address, make: MakeBus) -> None:
    got: queue.SimpleQueue[int] = queue.SimpleQueue()
    bus, publisher = make(), make(queue=100_000)
    bus.subscribe(Sample, lambda event: got.put(event.number))
    published = 0
    for _ in range(3):
        with Hub(address):
            bus.wait_ready(PATIENCE)
            publisher.wait_ready(PATIENCE)
            for _ in range(3000):
                publisher.publish(Sample(published))
                published += 1
            got.get(timeout=PATIENCE)
        # It was closed with events in it and in front of it.
    with Hub(address):
        bus.wait_ready(PATIENCE)
        until(lambda: publisher.counters().published == published)
        until(lambda: bus.counters().delivered + bus.counters().lost == published)
        for one in (bus, publisher):
            one.close()


def test_two_processes_that_answer_to_one_topic(hub: Hub, make: MakeBus, caplog: pytest.LogCaptureFixture) -> None:
    first, second, asker = make(name="first"), make(name="second"), make()
    first.handle(Add, lambda request: 1)
    first.wait_ready()
    with caplog.at_level(logging.CRITICAL, "runtime.events"):
        second.handle(Add, lambda request: 2)
        with pytest.raises(DuplicateHandler, match=r"requests of `test\.add` are answered by the bus `first` already"):
            second.wait_ready()
    assert asker.request_sync(Add(1)) == second.request_sync(Add(1)) == 1
    assert (second.counters().refused, hub.counters().refused) == (1, 1)
    first.close()
    second.handle(Add, lambda request: 2)
    second.wait_ready()
    assert asker.request_sync(Add(1)) == 2


def test_a_version_of_a_topic_at_a_time(make: MakeBus) -> None:
    class Newer(Event, frozen=True):
        TOPIC = "test.sample"
        VERSION = 2

    bus = make()
    bus.publish(Sample(1))
    with pytest.raises(
        ValueError, match=r"this bus publishes version 1 of `test\.sample`, and cannot publish version 2"
    ):
        bus.publish(Newer())


def test_events_of_older_versions_are_read_where_the_class_says_so(hub: Hub, make: MakeBus) -> None:
    class Newer(Event, frozen=True):
        TOPIC = "test.sample"
        VERSION = 2
        READS = (1,)

        number: int
        more: str = "none"

    got: queue.SimpleQueue[Any] = queue.SimpleQueue()
    new, old, publisher = make(), make(), make()
    new.subscribe(Newer, got.put)
    old.subscribe(Sample, got.put)
    new.wait_ready()
    old.wait_ready()
    publisher.publish(Sample(1, "text"))
    assert {got.get(timeout=PATIENCE), got.get(timeout=PATIENCE)} == {Newer(1), Sample(1, "text")}
    make().publish(Newer(2))
    assert got.get(timeout=PATIENCE) == Newer(2)
    until(lambda: old.counters().decode_errors == 1)


def test_a_second_hub_at_the_same_address(hub: Hub) -> None:
    with pytest.raises(BusError, match=r"cannot bind tcp://127\.0\.0\.1:[0-9]+ \(events\).*is there already"):
        Hub(hub.address).start()


def test_big_events(hub: Hub, make: MakeBus) -> None:
    sizes: queue.SimpleQueue[int] = queue.SimpleQueue()
    bus = make()
    bus.subscribe(Sample, lambda event: sizes.put(len(event.body)))
    bus.wait_ready()
    wanted = [0, 65_535, 65_536, 65_537, 5_000_000, 1, 70_000]
    for size in wanted:
        bus.publish(Sample(1, "x" * size))
    assert [sizes.get(timeout=PATIENCE) for _ in wanted] == wanted


def test_over_sockets_of_the_file_system(tmp_path: Any) -> None:
    if len(str(tmp_path)) > 90:
        pytest.skip("the folder for tests has too long a name for sockets")
    address = Address.ipc(str(tmp_path / "b"))
    got: queue.SimpleQueue[Sample] = queue.SimpleQueue()
    with Hub(address), ZmqBus(address, heartbeat=HEARTBEAT) as bus:
        bus.subscribe(Sample, got.put)
        bus.wait_ready()
        bus.publish(Sample(1))
        assert got.get(timeout=PATIENCE) == Sample(1)


def test_addresses() -> None:
    assert Address.parse("ipc:///run/bus") == Address.ipc("/run/bus")
    assert Address.parse(str(Address.tcp("10.0.0.1", 1, 2, 3))) == Address.tcp("10.0.0.1", 1, 2, 3)
    for text in ("", "tcp://127.0.0.1:5", "a,b,c", "ipc://"):
        with pytest.raises(ValueError, match="is no address of a hub: write its endpoints"):
            Address.parse(text)
    with pytest.raises(ValueError, match="bytes too long for a socket"):
        Address.ipc("/run/" + "x" * 100)


def test_settings_that_cannot_be(address: Address) -> None:
    with pytest.raises(ValueError, match="high_water is more than 0, not 0"):
        ZmqBus(address, high_water=0)
    with pytest.raises(ValueError, match="heartbeat is more than 0, not -1"):
        ZmqBus(address, heartbeat=-1)
    with pytest.raises(ValueError, match="when_full is 'wait' or 'drop', not 'lose'"):
        Hub(address, when_full="lose")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="high_water is a whole number of at least 1"):
        Hub(address, high_water=0)
