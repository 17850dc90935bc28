"""The layout of messages, and how events are written and read."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.events import Event, Request, memory_events, model_events
from runtime.events._event import check_topic, encode, spec_of
from runtime.events._wire import (
    MOST_EVENTS,
    Damaged,
    Tally,
    decode_tally,
    encode_tally,
    pack,
    topic_bytes,
    topic_of,
    unpack,
)

from .samples import Add, Ask, Sample

U64 = st.integers(0, 2**64 - 1)
KINDS = [
    kind
    for module in (model_events, memory_events)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind not in {Event, Request}
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = st.floats(allow_nan=False)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**63), 2**64 - 1),
    float: NUMBER,
    bool: st.booleans(),
    list[str]: st.lists(TEXT, max_size=3),
    dict[str, Any]: st.dictionaries(TEXT, st.none() | TEXT | st.booleans() | st.integers(-5, 5), max_size=3),
    model_events.Pressure: st.sampled_from(["normal", "high", "critical"]),
}
VALUES[memory_events.Interaction] = st.builds(
    memory_events.Interaction, role=TEXT, content=TEXT, when=NUMBER, metadata=VALUES[dict[str, Any]]
)


TOPIC = topic_bytes("test.sample")


@given(st.integers(0, 0xFFFF), U64, U64, U64, U64, st.lists(st.binary(max_size=40), min_size=1, max_size=300))
def test_a_message_is_read_as_it_was_written(
    version: int, publisher: int, incarnation: int, first: int, sent: int, payloads: list[bytes]
) -> None:
    message = pack(TOPIC, version, publisher, incarnation, first, sent, payloads)
    assert topic_of(message) == TOPIC
    head = unpack(message, len(TOPIC))
    assert head[:5] == (version, publisher, incarnation, first, sent)
    assert head.lengths == tuple(map(len, payloads))
    assert message[head.begin :] == b"".join(payloads)


@given(st.binary(max_size=160))
def test_whatever_comes_is_read_or_damaged(message: bytes) -> None:
    topic = topic_of(message)
    assert topic == b"" or topic.endswith(b"\0")
    try:
        head = unpack(message, len(topic))
    except Damaged:
        return
    assert sum(head.lengths) == len(message) - head.begin


@given(st.data())
def test_a_message_that_is_cut_off_or_of_another_format_is_damaged(data: st.DataObject) -> None:
    message = pack(TOPIC, 1, 2, 3, 4, 5, [b"abc", b""])
    with pytest.raises(Damaged):
        unpack(message[: data.draw(st.integers(len(TOPIC), len(message) - 1))], len(TOPIC))
    with pytest.raises(Damaged, match="format 9, and this reads format 1"):
        unpack(b"\x09" + message[len(TOPIC) + 1 :], 0)
    with pytest.raises(Damaged, match="4 bytes of payload where 3 were announced"):
        unpack(message + b"d", len(TOPIC))


def test_as_many_events_as_a_message_may_have() -> None:
    message = pack(TOPIC, 1, 2, 3, 4, 5, [b"x"] * MOST_EVENTS)
    assert len(unpack(message, len(TOPIC)).lengths) == MOST_EVENTS


@given(st.dictionaries(st.binary(max_size=20), U64) | st.none(), U64, U64, st.booleans())
def test_tallies(last: dict[bytes, int] | None, publisher: int, incarnation: int, asks: bool) -> None:
    tally = Tally(publisher, incarnation, last, asks)
    assert decode_tally(encode_tally(tally)) == tally


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=25)
@given(data=st.data())
def test_every_event_of_ours_is_read_as_it_was_written(kind: type[Event], data: st.DataObject) -> None:
    fields = msgspec.structs.fields(kind)
    event = kind(**{one.name: data.draw(VALUES[one.type], label=one.name) for one in fields})
    assert spec_of(kind).decode(encode(event)) == event


def test_topics_of_ours_are_all_different_and_documented() -> None:
    topics = [spec_of(kind).topic for kind in KINDS]
    assert len(set(topics)) == len(topics) > 20
    for kind in KINDS:
        text = inspect.getdoc(kind) or ""
        assert [one.name for one in msgspec.structs.fields(kind) if f"\n    {one.name}: " not in text] == []


@given(st.dictionaries(TEXT.filter(lambda name: name not in {"number", "body"}), st.none() | TEXT, max_size=5))
def test_unknown_fields_are_ignored_and_missing_ones_filled_in(unknown: dict[str, Any]) -> None:
    assert spec_of(Sample).decode(msgspec.msgpack.encode({**unknown, "number": 5})) == Sample(5, "")


@pytest.mark.parametrize(
    "payload", [b"", b"\xc1", encode([1]), encode({"number": "five"}), encode({}), encode({"number": 5})[:-1]]
)
def test_what_is_of_another_type_is_refused(payload: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        spec_of(Sample).decode(payload)


def test_topic_and_version() -> None:
    class Bare(Event, frozen=True):
        x: int = 0

    class Derived(Sample, frozen=True):
        VERSION = 3
        READS = (1, 2)

    assert (spec_of(Bare).topic, spec_of(Bare).version) == ("Bare", 1)
    # A topic is not inherited: those who subscribe to Sample could not read what is derived from it.
    assert (spec_of(Derived).topic, spec_of(Derived).versions) == ("Derived", {1, 2, 3})
    assert spec_of(Sample).topic == "test.sample"
    assert spec_of(Sample) is spec_of(Sample)


def test_the_answer_of_a_request_is_the_type_in_the_brackets() -> None:
    assert spec_of(Add).decode_reply(encode(5)) == 5
    with pytest.raises(msgspec.ValidationError):
        spec_of(Add).decode_reply(encode("five"))
    assert spec_of(Ask).decode_reply(encode({"a": [1, None]})) == {"a": [1, None]}
    got = spec_of(memory_events.GetMemory).decode_reply(encode(memory_events.Memory("1", "text")))
    assert got == memory_events.Memory("1", "text")


@pytest.mark.parametrize("topic", ["", "a" * 251, "a\0b", "tab\t"])
def test_what_is_no_topic(topic: str) -> None:
    with pytest.raises(ValueError, match=r"the topic .* is empty, longer than 250 bytes, or has control characters"):
        check_topic(topic)


@given(TEXT.filter(lambda text: 0 < len(text.encode()) <= 250 and all(ord(one) >= 32 for one in text)))
def test_no_topic_is_the_beginning_of_another(topic: str) -> None:
    wire = topic_bytes(check_topic(topic))
    assert not topic_bytes(f"{topic}.more").startswith(wire)
    assert not wire.startswith(b"\xff")


def test_errors_of_a_class_name_it() -> None:
    class Wrong(Event, frozen=True):
        VERSION = 70000

    class Numbered(Event, frozen=True):
        TOPIC = 5  # type: ignore[assignment]

    with pytest.raises(ValueError, match=r"Wrong: a version is 0 to 65535, not 70000"):
        spec_of(Wrong)
    with pytest.raises(TypeError, match=r"Numbered\.TOPIC: a topic is a string such as 'model\.loaded', not 5"):
        spec_of(Numbered)
    for kind in (int, Event, Request, "Sample"):
        with pytest.raises(TypeError, match="is not a class of events: derive it from"):
            spec_of(kind)  # type: ignore[arg-type]
