"""Between processes: 200,000 events, and processes that are killed."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable

import pytest

from runtime.events import Address, Hub

from .conftest import PATIENCE, MakeBus, Program, Start, until
from .samples import Add, Sample

pytest.importorskip("zmq")

HEAD = """
import os, sys, time
from runtime.events import Event, Request, ZmqBus, Hub, Address
class Sample(Event, frozen=True):
    TOPIC = "test.sample"
    number: int
    body: str = ""
class Add(Request[int], frozen=True):
    TOPIC = "test.add"
    first: int
    second: int = 0
class Ask(Request[object], frozen=True):
    TOPIC = "test.ask"
    what: str = ""
def say(*words):
    # In one piece: a forked child writes to the same pipe.
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())
"""
# Publishes as many as it is told, line by line, and says when they have been sent.
PUBLISHER = (
    HEAD
    + """
bus = ZmqBus(name="publisher", heartbeat=0.05, publish_timeout=60)
bus.wait_ready(60)
say("ready")
number = 0
for line in sys.stdin:
    for _ in range(int(line)):
        bus.publish(Sample(number, "x" * 1000))
        number += 1
    while bus.counters().queued:
        time.sleep(0.001)
    say("sent", bus.counters().published)
bus.close()
"""
)
SUBSCRIBER = (
    HEAD
    + """
bus = ZmqBus(name="subscriber", heartbeat=0.05)
bus.subscribe(Sample, lambda event: say(event.number))
bus.wait_ready(60)
say("ready")
input()
say("counted", bus.counters().lost, bus.counters().publishers)
"""
)
ANSWERER = (
    HEAD
    + """
bus = ZmqBus(name="answerer", heartbeat=0.05)
def answer(request):
    say("asked")
    time.sleep(60)
bus.handle(Ask, answer)
bus.handle(Add, lambda request: request.first + request.second)
bus.wait_ready(60)
say("ready")
input()
"""
)
HUB = (
    HEAD
    + """
with Hub(Address.from_ports(), when_full=sys.argv[1] if len(sys.argv) > 1 else "drop", high_water=5):
    say("ready")
    sys.stdin.read()
"""
)


class Received:
    """A handler that keeps the numbers."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.changed = threading.Condition()

    def __call__(self, event: Sample) -> None:
        with self.changed:
            self.numbers.append(event.number)
            self.changed.notify_all()

    def wait(self, true: Callable[[list[int]], object]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: true(self.numbers), PATIENCE), "it has not come"


def started(start: Start, source: str) -> Program:
    program = start(source)
    assert program.line() == "ready"
    return program


def test_two_hundred_thousand_events(hub: Hub, make: MakeBus, start: Start) -> None:
    numbers: list[int] = []
    done = threading.Event()

    def handle(event: Sample) -> None:
        assert len(event.body) == 1000
        numbers.append(event.number)
        if event.number == 199_999:
            done.set()

    bus = make(heartbeat=1.0)
    bus.subscribe(Sample, handle)
    bus.wait_ready()
    publisher = started(start, PUBLISHER)
    publisher.say("200000")
    assert publisher.line() == "sent 200000"
    assert done.wait(PATIENCE)
    assert numbers == list(range(200_000))
    until(lambda: bus.counters().delivered == 200_000)
    counters = bus.counters()
    assert (counters.lost, counters.handler_errors, counters.duplicates, counters.decode_errors) == (0, 0, 0, 0)


def test_a_publisher_that_is_killed_and_started_again(hub: Hub, make: MakeBus, start: Start) -> None:
    received = Received()
    bus = make()
    bus.subscribe(Sample, received)
    bus.wait_ready()
    for turn in range(1, 4):
        publisher = started(start, PUBLISHER)
        publisher.say("500")
        assert publisher.line() == "sent 500"
        received.wait(lambda numbers, turn=turn: len(numbers) == 500 * turn)
        publisher.kill()
    assert received.numbers == list(range(500)) * 3
    # Its numbers began again at 1, twice: that is no loss, and nothing came twice.
    counters = bus.counters()
    assert (counters.lost, counters.duplicates, counters.publisher_restarts) == (0, 0, 2)


def test_a_publisher_that_is_killed_while_it_publishes(hub: Hub, make: MakeBus, start: Start) -> None:
    received = Received()
    bus = make()
    bus.subscribe(Sample, received)
    bus.wait_ready()
    first = started(start, PUBLISHER)
    first.say("10000000")
    received.wait(lambda numbers: len(numbers) > 5000)
    first.kill()
    second = started(start, PUBLISHER)
    second.say("500")
    assert second.line() == "sent 500"
    received.wait(lambda numbers: numbers[-1] == 499 and numbers[-500:] == list(range(500)))
    # What it has sent has come without a gap, whole messages only; what it had still to send nobody can know.
    assert received.numbers[:-500] == list(range(len(received.numbers) - 500))
    assert bus.counters().lost == 0


def test_a_subscriber_that_is_killed_and_started_again(hub: Hub, make: MakeBus, start: Start) -> None:
    kept = Received()
    other, publisher = make(), make(publish_timeout=PATIENCE)
    other.subscribe(Sample, kept)
    other.wait_ready()
    first = started(start, SUBSCRIBER)
    for number in range(1000):
        publisher.publish(Sample(number))
        if number == 500:
            assert first.line() == "0"
            first.kill()
    second = started(start, SUBSCRIBER)
    for number in range(1000, 1010):
        publisher.publish(Sample(number))
    # From the first one after it was ready, and none of what came before is a loss.
    assert [second.line() for _ in range(10)] == [str(number) for number in range(1000, 1010)]
    second.say()
    assert second.line().startswith("counted 0 ")
    kept.wait(lambda numbers: len(numbers) == 1010)
    assert kept.numbers == list(range(1010))
    assert other.counters().lost == 0


def test_a_subscriber_that_is_stopped_and_killed_does_not_hold_up_others_for_ever(
    hub: Hub, make: MakeBus, start: Start
) -> None:
    # The hub waits for it while it lives, as it was told.
    kept = Received()
    other, publisher = make(), make(publish_timeout=PATIENCE)
    other.subscribe(Sample, kept)
    other.wait_ready()
    stuck = started(start, SUBSCRIBER)
    stuck.process.send_signal(signal.SIGSTOP)
    body = "x" * 60_000
    thread = threading.Thread(target=lambda: [publisher.publish(Sample(number, body)) for number in range(6000)])
    thread.start()
    kept.wait(lambda numbers: len(numbers) > 100)
    stuck.process.kill()
    thread.join()
    kept.wait(lambda numbers: len(numbers) == 6000)
    assert kept.numbers == list(range(6000))


def test_a_hub_that_is_killed_and_started_again(address: Address, make: MakeBus, start: Start) -> None:
    received = Received()
    bus, publisher = make(), make(publish_timeout=PATIENCE)
    bus.subscribe(Sample, received)
    bus.handle(Add, lambda request: request.first + request.second)
    first = started(start, HUB)
    bus.wait_ready(PATIENCE)
    publisher.wait_ready(PATIENCE)
    for number in range(20_000):
        publisher.publish(Sample(number, "x" * 100))
        if number == 10_000:
            received.wait(lambda numbers: numbers)
            first.kill()
            second = started(start, HUB)
    bus.wait_ready(PATIENCE)
    publisher.wait_ready(PATIENCE)
    # What was in the hub and on the way is gone, and counted.
    until(lambda: bus.counters().delivered + bus.counters().lost == 20_000)
    assert received.numbers == sorted(set(received.numbers))
    assert publisher.request_sync(Add(1, 2), timeout=PATIENCE) == 3
    assert bus.counters().reconnects >= 3
    second.kill()


def test_a_subscriber_that_was_stuck_when_the_hub_was_killed(address: Address, start: Start, make: MakeBus) -> None:
    # libzmq used to end the process here, so it has one of its own.
    first = started(start, HUB)
    stuck = start(
        HEAD
        + """
import threading
gate, count = threading.Event(), 0
def handle(event):
    global count
    gate.wait()
    count += 1
bus = ZmqBus(name="stuck", queue=10, high_water=2, heartbeat=0.05)
bus.subscribe(Sample, handle)
bus.wait_ready(60)
say("ready")
input()
gate.set()
while bus.counters().delivered + bus.counters().lost != int(input()):
    say("not yet")
say("counted")
"""
    )
    assert stuck.line() == "ready"
    publisher = make(publish_timeout=PATIENCE)
    published = 0
    for _ in range(3):
        publisher.wait_ready(PATIENCE)
        for _ in range(3000):
            publisher.publish(Sample(published, "x" * 5000))
            published += 1
        until(lambda: publisher.counters().queued == 0)
        first.kill()
        first = started(start, HUB)
    publisher.wait_ready(PATIENCE)
    stuck.say()
    stuck.say(str(published))
    while (line := stuck.line()) != "counted":
        assert line == "not yet"
        stuck.say(str(published))


def test_an_answerer_that_is_killed_makes_room_for_the_next(hub: Hub, make: MakeBus, start: Start) -> None:
    asker = make()
    first = started(start, ANSWERER)
    assert asker.request_sync(Add(1, 2), timeout=PATIENCE) == 3
    first.kill()
    # It waits for the next one to be there.
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(asker.request_sync(Add(3, 4), timeout=PATIENCE)))
    thread.start()
    second = started(start, ANSWERER)
    thread.join()
    assert answers == [7]
    # One that is stopped does not answer that it lives, and loses its topics.
    second.process.send_signal(signal.SIGSTOP)
    started(start, ANSWERER)
    assert asker.request_sync(Add(5, 6), timeout=PATIENCE) == 11
    assert hub.counters().taken_over >= 1
    assert hub.counters().refused == 0


def test_what_is_published_last_is_sent_at_the_end_of_the_program(hub: Hub, make: MakeBus, start: Start) -> None:
    received = Received()
    bus = make()
    bus.subscribe(Sample, received)
    bus.wait_ready()
    program = start(HEAD + "bus = ZmqBus()\nfor number in range(5000):\n    bus.publish(Sample(number))\n")
    assert program.process.wait(PATIENCE) == 0
    received.wait(lambda numbers: len(numbers) == 5000)
    assert received.numbers == list(range(5000))


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise SystemExit(3)", "import os; os.kill(os.getpid(), 2)"])
def test_a_program_ends_without_a_hub_and_with_requests_under_way(address: Address, start: Start, end: str) -> None:
    program = start(
        HEAD
        + f"""
import asyncio, threading
bus = ZmqBus()
bus.publish(Sample(1))
async def handle(event): await asyncio.sleep(60)
bus.subscribe(Sample, handle)
bus.handle(Add, lambda request: 1)
threading.Thread(target=lambda: bus.request_sync(Ask("x"), timeout=60), daemon=True).start()
{end}
"""
    )
    _, errors = program.process.communicate(timeout=PATIENCE)
    assert program.process.returncode == (0 if not end else -2 if "kill" in end else 3)
    assert "Fatal" not in errors
    assert "KeyboardInterrupt" in errors if "kill" in end else True


def test_a_forked_child_needs_a_bus_of_its_own(hub: Hub, start: Start) -> None:
    program = start(
        HEAD
        + """
import os, warnings
from runtime.events import BusClosed, LocalBus, configure, get_bus
warnings.simplefilter("ignore", DeprecationWarning)
bus = configure(ZmqBus(heartbeat=0.05))
bus.handle(Add, lambda request: request.first)
got = []
bus.subscribe(Sample, lambda event: (got.append(event.number), say("parent got", event.number)))
bus.wait_ready()
pid = os.fork()
if pid == 0:
    for use in (lambda: bus.publish(Sample(1)), lambda: bus.request_sync(Add(1)), lambda: bus.wait_ready()):
        try:
            use()
        except BusClosed as error:
            say(error)
    bus.close()
    own = ZmqBus(name="child", heartbeat=0.05)
    say("child got", own.request_sync(Add(5), timeout=60))
    own.publish(Sample(7))
    own.close()
    os.environ["UNSNARL_EVENTS"] = "local"
    say(type(get_bus()).__name__)
    os._exit(0)
os.waitpid(pid, 0)
while not got:
    time.sleep(0.001)
bus.publish(Sample(8))
while len(got) < 2:
    time.sleep(0.001)
"""
    )
    lines = [program.line() for _ in range(5)]
    assert lines[0].startswith("the bus belongs to process ")
    assert lines[0].endswith("and a child of a fork needs its own: make one after the fork")
    assert lines[0] == lines[1] == lines[2]
    assert lines[3] == "child got 5"
    rest = {lines[4], program.line(), program.line()}
    assert rest == {"LocalBus", "parent got 7", "parent got 8"}
    assert program.process.wait(PATIENCE) == 0


def test_signals_do_not_disturb_the_thread_of_the_sockets(hub: Hub, make: MakeBus, start: Start) -> None:
    got: queue.SimpleQueue[int] = queue.SimpleQueue()
    bus = make()
    bus.subscribe(Sample, lambda event: got.put(event.number))
    bus.wait_ready()
    program = start(
        HEAD
        + """
import signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
bus = ZmqBus(publish_timeout=60)
for number in range(20000):
    bus.publish(Sample(number, "x" * 100))
bus.close()
signal.setitimer(signal.ITIMER_REAL, 0)
"""
    )
    assert [got.get(timeout=PATIENCE) for _ in range(20_000)] == list(range(20_000))
    assert program.process.wait(PATIENCE) == 0
