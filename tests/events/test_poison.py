"""Messages that nobody of ours would send, and other things that go wrong."""

from __future__ import annotations

import logging
import queue
import socket

import pytest

from runtime.events import Address, BusError, Event, Gap, Hub, NotReady
from runtime.events._event import encode
from runtime.events._wire import pack, topic_bytes

from .conftest import PATIENCE, MakeBus, until
from .samples import Add, Sample

zmq = pytest.importorskip("zmq")

SAMPLE = topic_bytes("test.sample")


class Raw:
    """A publisher that says what it likes."""

    def __init__(self, address: Address) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.XPUB)
        self.socket.linger = 1000
        self.socket.connect(address.publish)
        assert self.socket.poll(int(PATIENCE * 1000)), "the hub wants nothing"

    def send(self, *frames: bytes) -> None:
        self.socket.send_multipart(frames)

    def sample(self, number: int, first: int, version: int = 1, incarnation: int = 5) -> None:
        self.send(pack(SAMPLE, version, 1, incarnation, first, 0, [encode(Sample(number))]))

    def close(self) -> None:
        self.socket.close()
        self.context.term()


def test_poison_is_counted_and_left_out(hub: Hub, make: MakeBus, caplog: pytest.LogCaptureFixture) -> None:
    got: queue.SimpleQueue[int] = queue.SimpleQueue()

    class Fussy(Event, frozen=True):
        TOPIC = "test.fussy"

        number: int

        def __post_init__(self) -> None:
            if self.number % 2:
                raise LookupError(self.number)

    bus = make()
    bus.subscribe(Sample, lambda event: got.put(event.number))
    bus.subscribe(Fussy, lambda event: got.put(event.number))
    bus.wait_ready()
    raw = Raw(hub.address)
    with caplog.at_level(logging.WARNING, "runtime.events"):
        raw.sample(1, 1)
        raw.send(SAMPLE)  # damaged
        raw.send(SAMPLE, b"", b"")
        raw.send(SAMPLE + b"\x07" * 40 + b"xy")
        raw.send(pack(SAMPLE, 1, 1, 5, 2, 0, [b"abc"]) + b"d")
        raw.sample(2, 2, version=9)
        payloads = [encode(Sample(3)), b"\xc1", encode({"number": "x"}), encode(Sample(4)), b"", encode([5])]
        raw.send(pack(SAMPLE, 1, 1, 5, 3, 0, payloads))
        payloads = [encode({"number": number}) for number in range(5)]
        raw.send(pack(topic_bytes("test.fussy"), 1, 1, 5, 1, 0, payloads))
        raw.send(b"\xfftally\0\xc1")
        raw.sample(6, 9)
        raw.sample(7, 10)
        assert sorted(got.get(timeout=PATIENCE) for _ in range(8)) == [0, 1, 2, 3, 4, 4, 6, 7]
    raw.close()
    counters = bus.counters()
    assert counters.decode_errors == 4 + 1 + 4 + 2 + 1
    assert (counters.lost, counters.handler_errors) == (0, 0)
    told = "\n".join(record.getMessage() for record in caplog.records)
    assert "an event of test.sample from publisher 0000000000000001 cannot be decoded" in told
    assert "version 9, and Sample reads 1" in told
    assert "LookupError" in told


def test_gaps_are_told_and_counted_and_restarts_are_none(hub: Hub, make: MakeBus) -> None:
    gaps: queue.SimpleQueue[Gap] = queue.SimpleQueue()
    got: queue.SimpleQueue[int] = queue.SimpleQueue()
    bus = make(on_gap=gaps.put)
    bus.subscribe(Sample, lambda event: got.put(event.number))
    bus.wait_ready()
    raw = Raw(hub.address)
    for number in (4, 5, 9, 9, 10):
        raw.sample(number, number)
    for number in (1, 2, 4):
        raw.sample(number, number, incarnation=6)
    assert [got.get(timeout=PATIENCE) for _ in range(7)] == [4, 5, 9, 10, 1, 2, 4]
    # That a handler was called is counted after it has returned, and the first is known before the others.
    assert gaps.get(timeout=PATIENCE) == Gap(f"{1:016x}", 5, "test.sample", 6, 3)
    assert gaps.get(timeout=PATIENCE) == Gap(f"{1:016x}", 6, "test.sample", 3, 1)
    raw.close()
    counters = bus.counters()
    assert (counters.lost, counters.gaps, counters.duplicates, counters.publisher_restarts) == (4, 2, 1, 1)


def test_what_nobody_of_ours_has_sent_harms_no_hub(hub: Hub, make: MakeBus) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.linger = 0
        dealer.connect(hub.address.requests)
        for frames in (
            [b""],
            [b"H"],
            [b"H", b"", b"\xff"],
            [b"Q", b"", b"\xff", b"x" * 500, b"", b""],
            [b"P", b"nobody", b"", b"", b""],
            [b"P", b"", b"", b"", b""],
            [b"R", b"test.add"],
            [b"U", b"never"],
            [b"R", b"\xff" * 1000],
            [b"L"],
            [b"?", b"x"] * 20,
            [b"Q", b"x" * 8, b"test.add", b"\xff" * 400, b"", b"\xc1"],
        ):
            dealer.send_multipart(frames)
        asker, answerer = make(), make()
        answerer.handle(Add, lambda request: request.first, topic="mine")
        assert asker.request_sync(Add(5), topic="mine") == 5
        dealer.send_multipart([b"Q", b"x" * 8, b"mine", b"\xff" * 400, b"\x00\x01", b"\xc1"])
        dealer.send_multipart([b"Q", b"x" * 8, b"mine", b"\xff" * 400, b"\xff" * 50, b""])
        for _ in range(20):
            assert asker.request_sync(Add(6), topic="mine") == 6
    assert answerer.counters().answered == 21


def test_something_else_listens_there_and_closes_every_connection(address: Address, make: MakeBus) -> None:
    got: queue.SimpleQueue[int] = queue.SimpleQueue()
    servers = [
        socket.create_server(("127.0.0.1", int(endpoint.rpartition(":")[2])))
        for endpoint in (address.events, address.publish, address.requests)
    ]
    bus = make()
    bus.subscribe(Sample, lambda event: got.put(event.number))
    bus.publish(Sample(1))
    for server in servers:
        for _ in range(3):
            server.accept()[0].close()
    with pytest.raises(NotReady, match="no hub has answered"):
        bus.wait_ready(0.01)
    for server in servers:
        server.close()
    with Hub(address):
        bus.wait_ready(PATIENCE)
        assert got.get(timeout=PATIENCE) == 1


def test_a_thread_that_fails_takes_the_bus_with_it(hub: Hub, make: MakeBus, caplog: pytest.LogCaptureFixture) -> None:
    bus = make()
    bus.wait_ready()

    def fail() -> None:
        raise MemoryError("no more")

    with caplog.at_level(logging.CRITICAL, "runtime.events"):
        bus._do(fail)
        until(lambda: not bus._link.thread.is_alive())
        with pytest.raises(BusError, match=r"the thread of the bus has failed: MemoryError\('no more'\)"):
            bus.publish(Sample(1))
        with pytest.raises(BusError, match="has failed"):
            bus.wait_ready(0.5)
    assert "the thread of a bus has failed" in caplog.text
