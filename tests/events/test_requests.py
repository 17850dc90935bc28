"""Requests: replies, deadlines, errors, and that nobody waits for himself."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from runtime.events import (
    Bus,
    BusClosed,
    DuplicateHandler,
    LocalBus,
    NoHandler,
    Request,
    RequestFailed,
    RequestTimeout,
)

from .conftest import PATIENCE, MakeBus, until
from .samples import Add, Ask, Back, Sample

Sides = tuple[Bus, Bus]


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()


def test_a_reply_comes_to_who_asked(sides: Sides) -> None:
    one, other = sides
    other.handle(Add, lambda request: request.first + request.second)
    for number in range(200):
        assert one.request_sync(Add(number, 1)) == number + 1
    # And where it is answered, too.
    assert other.request_sync(Add(1, 2)) == 3
    assert other.counters().answered == 201
    assert one.counters().timeouts == 0


def test_replies_are_told_apart(sides: Sides) -> None:
    one, other = sides

    async def add(request: Add) -> int:
        await asyncio.sleep(0.001 * (request.first % 5))
        return request.first + request.second

    other.handle(Add, add)

    async def main() -> list[int]:
        return await asyncio.gather(*(one.request(Add(number, 1000)) for number in range(100)))

    assert asyncio.run(main()) == [number + 1000 for number in range(100)]


@pytest.mark.parametrize("value", [None, 5, "text", [1, {"a": None}], {"key": [True]}])
def test_any_answer(sides: Sides, value: object) -> None:
    one, other = sides
    other.handle(Ask, lambda request: value)
    assert one.request_sync(Ask()) == value


def test_an_error_of_the_handler_is_told(sides: Sides) -> None:
    one, other = sides

    def answer(request: Ask) -> None:
        raise ConnectionError("no memory agent")

    async def add(request: Add) -> int:
        raise KeyError(request.first)

    other.handle(Ask, answer)
    other.handle(Add, add)
    whose = r"^the handler of `test\.ask` raised ConnectionError: no memory agent$"
    with pytest.raises(RequestFailed, match=whose) as caught:
        one.request_sync(Ask())
    assert (caught.value.error_type, caught.value.detail) == ("ConnectionError", "no memory agent")
    with pytest.raises(RequestFailed, match=r"^the handler of `test\.add` raised KeyError: 5$"):
        one.request_sync(Add(5))


def test_the_deadline_and_the_late_reply(sides: Sides, gate: threading.Event) -> None:
    one, other = sides
    entered = threading.Event()

    def answer(request: Ask) -> str:
        entered.set()
        gate.wait(PATIENCE)
        return request.what

    other.handle(Ask, answer)
    other.wait_ready()
    with pytest.raises(RequestTimeout, match=r"no reply to a request of `test\.ask` within 0\.3 s"):
        one.request_sync(Ask("late"), timeout=0.3)
    assert entered.wait(PATIENCE)
    gate.set()
    until(lambda: one.counters().late_replies == 1)
    # Nothing is locked up: the next one is answered, and with its own reply.
    assert one.request_sync(Ask("next")) == "next"
    assert one.counters().timeouts == 1


def test_the_deadline_covers_the_queue(sides: Sides, gate: threading.Event) -> None:
    one, other = sides
    done: list[str] = []
    busy = threading.Semaphore(0)

    def answer(request: Ask) -> None:
        busy.release()
        gate.wait(PATIENCE)
        done.append(request.what)

    other.handle(Ask, answer)
    other.wait_ready()

    async def main() -> list[object]:
        # Eight threads; the rest has to wait for them, and is not begun once nobody waits for it any more.
        asks = [one.request(Ask("slow"), timeout=0.3) for _ in range(20)]
        answers = await asyncio.gather(*asks, return_exceptions=True)
        # On the other side the deadline comes later by the time that a request is under way.
        return [*answers, *await asyncio.gather(one.request(Ask("last"), timeout=0.3), return_exceptions=True)]

    assert [type(answer) for answer in asyncio.run(main())] == [RequestTimeout] * 21
    gate.set()
    until(lambda: other.counters().expired >= 12 and len(done) >= 8)
    assert [what for what in done if what != "last"] == ["slow"] * 8


def test_nobody_answers(sides: Sides) -> None:
    one, _ = sides
    one.wait_ready()
    with pytest.raises(NoHandler, match=r"nobody answers to requests of `test\.add`"):
        one.request_sync(Add(1), wait_for_handler=False)
    with pytest.raises(NoHandler, match=r"nobody answers to requests of `test\.add`"):
        one.request_sync(Add(1), timeout=0.1)
    with pytest.raises(TimeoutError):
        asyncio.run(one.request(Add(1), timeout=0.1))


@pytest.mark.parametrize("timeout", [0.0, 0.02, 0.3])
def test_that_nobody_answers_is_told_at_the_deadline(sides: Sides, timeout: float) -> None:
    one, _ = sides
    one.wait_ready()
    began = time.monotonic()
    with pytest.raises(RequestTimeout):
        one.request_sync(Add(1), timeout=timeout)
    assert time.monotonic() - began >= timeout
    began = time.monotonic()
    with pytest.raises(RequestTimeout):
        asyncio.run(one.request(Add(1), timeout=timeout))
    assert time.monotonic() - began >= timeout


def test_a_request_waits_for_its_handler(sides: Sides) -> None:
    one, other = sides
    one.wait_ready()
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(one.request_sync(Add(1, 2), timeout=PATIENCE)))
    thread.start()
    until(lambda: one.counters().repeated >= 2)
    other.handle(Add, lambda request: request.first + request.second)
    thread.join()
    assert answers == [3]
    # However often it was asked.
    assert (one.counters().requests, other.counters().answered) == (1, 1)


def test_requests_are_counted_once_however_often_they_are_asked(sides: Sides) -> None:
    one, _ = sides
    one.wait_ready()
    for _ in range(3):
        with pytest.raises(NoHandler):
            one.request_sync(Add(1), timeout=0.2)
    with pytest.raises(NoHandler):
        asyncio.run(one.request(Add(1), timeout=0.2))
    assert one.counters().requests == one.counters().timeouts == 4
    assert one.counters().repeated >= 4
    with pytest.raises(NoHandler):
        one.request_sync(Add(1), wait_for_handler=False)
    assert one.counters().requests == 5


def test_a_second_handler_is_refused(sides: Sides) -> None:
    one, other = sides
    with other.handle(Add, lambda request: 1):
        with pytest.raises(DuplicateHandler, match=r"requests of `test\.add` are answered by .*<lambda> already"):
            other.handle(Add, lambda request: 2)
        assert one.request_sync(Add(1)) == 1
    # It has been taken away: now another may.
    other.handle(Add, lambda request: 2)
    assert one.request_sync(Add(1)) == 2


@pytest.mark.parametrize("threads", [1, 8])
def test_services_that_ask_one_another_in_turn(request: pytest.FixtureRequest, threads: int) -> None:
    request.getfixturevalue("hub")
    make: MakeBus = request.getfixturevalue("make")
    one, other = make(name="one", threads=threads), make(name="other", threads=threads)

    def back(asker: Bus, topic: str) -> object:
        return lambda asked: 0 if asked.depth == 0 else 1 + asker.request_sync(Back(asked.depth - 1), topic=topic)

    one.handle(Back, back(one, "other"), topic="one")  # type: ignore[arg-type]
    other.handle(Back, back(other, "one"), topic="other")  # type: ignore[arg-type]
    one.wait_ready()
    other.wait_ready()
    assert one.request_sync(Back(30), topic="other", timeout=PATIENCE) == 30

    async def many() -> list[int]:
        return await asyncio.gather(*(one.request(Back(6), topic="other", timeout=PATIENCE) for _ in range(30)))

    assert asyncio.run(many()) == [6] * 30


def test_a_handler_that_asks_in_its_own_process() -> None:
    with LocalBus(threads=1) as bus:
        bus.handle(Back, lambda asked: asked.depth and 1 + bus.request_sync(Back(asked.depth - 1)))
        assert bus.request_sync(Back(40), timeout=PATIENCE) == 40
        # Those that were started meanwhile go.
        until(lambda: len(bus._dispatcher.answering._threads) <= 1)


def test_coroutines_that_ask_one_another_in_one_loop(sides: Sides) -> None:
    one, other = sides

    async def main() -> int:
        async def back(asked: Back) -> int:
            return asked.depth and 1 + await one.request(Back(asked.depth - 1))

        other.handle(Back, back)
        return await one.request(Back(20), timeout=PATIENCE)

    assert asyncio.run(main()) == 20


def test_an_event_handler_may_ask(sides: Sides) -> None:
    one, other = sides
    answers: list[int] = []
    other.handle(Add, lambda request: request.first + 1)
    other.subscribe(Sample, lambda event: answers.append(one.request_sync(Add(event.number))))
    one.wait_ready()
    other.wait_ready()
    one.publish(Sample(1))
    until(lambda: answers == [2])


def test_asking_a_coroutine_of_this_very_loop_and_blocking_it_is_an_error() -> None:
    async def main() -> None:
        with LocalBus() as bus:

            async def answer(request: Ask) -> None:
                return None

            bus.handle(Ask, answer)
            with pytest.raises(RuntimeError, match=r"use `await bus\.request"):
                bus.request_sync(Ask())
            assert await bus.request(Ask()) is None

    asyncio.run(main())


def test_cancelling_a_request_forgets_it(sides: Sides, gate: threading.Event) -> None:
    one, other = sides
    entered = threading.Event()

    def answer(request: Ask) -> str:
        entered.set()
        gate.wait(PATIENCE)
        return "late"

    other.handle(Ask, answer)
    other.handle(Add, lambda request: request.first)

    async def main() -> None:
        task = asyncio.create_task(one.request(Ask(), timeout=PATIENCE))
        await asyncio.get_running_loop().run_in_executor(None, entered.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not one._pending
        # The next reply is that of the next request.
        assert await one.request(Add(7)) == 7
        gate.set()
        await asyncio.get_running_loop().run_in_executor(None, until, lambda: one.counters().late_replies == 1)
        assert await one.request(Add(8)) == 8

    asyncio.run(main())


def test_a_timeout_round_a_request_is_that_of_the_caller(sides: Sides, gate: threading.Event) -> None:
    one, other = sides
    other.handle(Ask, lambda request: gate.wait(PATIENCE))

    async def main() -> None:
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.05):
                await one.request(Ask(), timeout=PATIENCE)
        assert not isinstance(caught.value, RequestTimeout)

    asyncio.run(main())


def test_an_interrupt_ends_the_wait_and_not_the_bus(sides: Sides, gate: threading.Event) -> None:
    one, other = sides

    def answer(request: Ask) -> str:
        if request.what == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
            gate.wait(PATIENCE)
        return request.what

    other.handle(Ask, answer)
    with pytest.raises(KeyboardInterrupt):
        one.request_sync(Ask("interrupt"), timeout=PATIENCE)
    assert one.request_sync(Ask("next"), timeout=PATIENCE) == "next"


def test_a_signal_that_is_handled_does_not_end_the_wait(sides: Sides) -> None:
    one, other = sides
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    try:

        def answer(request: Ask) -> str:
            os.kill(os.getpid(), signal.SIGUSR1)
            return request.what

        other.handle(Ask, answer)
        assert one.request_sync(Ask("text"), timeout=PATIENCE) == "text"
        until(lambda: seen)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_closing_ends_the_wait(sides: Sides, gate: threading.Event) -> None:
    one, other = sides
    entered = threading.Event()

    def answer(request: Ask) -> None:
        entered.set()
        gate.wait(PATIENCE)

    other.handle(Ask, answer)
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            one.request_sync(Ask(), timeout=PATIENCE)
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert entered.wait(PATIENCE)
    began = time.monotonic()
    one.close(0.1)
    thread.join()
    assert time.monotonic() - began < PATIENCE
    assert [type(error) for error in failed] == [BusClosed]
    with pytest.raises(BusClosed):
        one.request_sync(Ask())


def test_another_class_than_the_handler_expects(sides: Sides) -> None:
    one, other = sides

    class Text(Request[int], frozen=True):
        TOPIC = "test.add"

        first: str

    class Newer(Request[int], frozen=True):
        TOPIC = "test.add"
        VERSION = 2

        first: int

    other.handle(Add, lambda request: request.first)
    other.wait_ready()
    for request in (Text("five"), Newer(5)):
        with pytest.raises(RequestFailed):
            one.request_sync(request)


def test_fields_are_held_to_their_types_between_processes_only(sides: Sides) -> None:
    one, other = sides
    other.handle(Add, lambda request: 5 if request.first == "1" else 0)
    other.wait_ready()
    wrong = Add("1", 2)  # type: ignore[arg-type]
    if one is other:
        assert one.request_sync(wrong) == 5
    else:
        with pytest.raises(RequestFailed, match=r"the request cannot be read as Add: Expected `int`, got `str`"):
            one.request_sync(wrong)


def test_what_is_no_request(sides: Sides) -> None:
    one, _ = sides
    with pytest.raises(TypeError, match="Sample is an event, and nobody answers one: derive it from Request"):
        one.handle(Sample, print)  # type: ignore[type-var]
    with pytest.raises(TypeError, match=r"a request is an object of a class derived from runtime\.events\.Request"):
        one.request_sync(Sample(1))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a request is an object of a class"):
        asyncio.run(one.request(Sample(1)))  # type: ignore[arg-type]
