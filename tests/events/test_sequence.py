"""Every loss is counted, whatever is lost; restarts and late joins are none."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.events._sequence import Sequences

A, B = b"a\0", b"b\0"
JOINED = 100

# What a publisher sends in one life: batches of a topic, each of which arrives or does not, and tallies.
BATCH = st.tuples(st.sampled_from([A, B]), st.integers(1, 5), st.booleans())
LIVES = st.lists(st.lists(BATCH, max_size=20), min_size=1, max_size=4)


@given(LIVES, st.integers(1, 3), st.data())
def test_what_arrived_and_what_is_missing_is_all_that_was_sent(
    lives: list[list[tuple[bytes, int, bool]]], publishers: int, data: st.DataObject
) -> None:
    sequences = Sequences()
    sequences.listen(A, JOINED)
    sequences.listen(B, JOINED)
    sent = arrived = told = 0
    for life, batches in enumerate(lives):
        publisher, incarnation = life % publishers, JOINED + 1 + life
        last = {A: 0, B: 0}
        for topic, count, arrives in batches:
            if arrives:
                again, gap = sequences.arrived(publisher, incarnation, topic, last[topic] + 1, count)
                assert again == 0
                arrived += count
                told += gap.count if gap else 0
            last[topic] += count
            sent += count
            if data.draw(st.booleans()):
                told += sum(gap.count for gap in sequences.tally(publisher, incarnation, last))
        # The last of its tallies: until then nobody can know what is missing at the end.
        told += sum(gap.count for gap in sequences.tally(publisher, incarnation, last))
        assert arrived + sequences.lost == sent
    assert told == sequences.lost
    assert sequences.duplicates == 0
    assert sequences.publishers == len(lives)
    assert sequences.restarts == max(0, len(lives) - publishers)


@given(st.integers(1, 1000), st.integers(1, 20), st.integers(0, 50))
def test_what_was_sent_before_we_joined_is_no_loss(first: int, count: int, missing: int) -> None:
    sequences = Sequences()
    sequences.listen(A, JOINED)
    assert sequences.arrived(1, JOINED - 50, A, first, count) == (0, None)
    assert sequences.lost == 0
    _, gap = sequences.arrived(1, JOINED - 50, A, first + count + missing, 1)
    assert sequences.lost == missing
    assert (gap is None) == (missing == 0)
    if gap is not None:
        assert (gap.first, gap.count, gap.topic, gap.publisher) == (first + count, missing, "a", f"{1:016x}")


def test_a_tally_is_a_start_for_a_publisher_that_was_there_before() -> None:
    sequences = Sequences()
    sequences.listen(A, JOINED)
    assert sequences.tally(1, JOINED - 50, {A: 70}) == []
    assert sequences.arrived(1, JOINED - 50, A, 74, 2)[1] is not None
    assert sequences.lost == 3


def test_a_tally_of_no_events_is_one_too() -> None:
    sequences = Sequences()
    sequences.listen(A, JOINED)
    assert sequences.tally(1, JOINED - 50, {}) == []
    sequences.arrived(1, JOINED - 50, A, 3, 1)
    assert sequences.lost == 2


def test_topics_that_nobody_listens_to_are_not_counted() -> None:
    sequences = Sequences()
    sequences.listen(A, JOINED)
    assert sequences.tally(1, JOINED + 1, {B: 70}) == []
    assert sequences.lost == 0


def test_a_topic_that_is_listened_to_again_begins_anew() -> None:
    sequences = Sequences()
    sequences.listen(A, JOINED)
    sequences.arrived(1, JOINED + 1, A, 1, 3)
    sequences.forget(A)
    sequences.tally(1, JOINED + 1, {A: 90})
    sequences.listen(A, JOINED + 50)
    sequences.arrived(1, JOINED + 1, A, 95, 1)
    assert sequences.lost == 0
    sequences.arrived(1, JOINED + 1, A, 97, 1)
    assert sequences.lost == 1


@given(st.integers(1, 10), st.integers(1, 10), st.integers(1, 10))
def test_what_comes_again_is_counted_and_not_new(first: int, count: int, second: int) -> None:
    sequences = Sequences()
    sequences.listen(A, JOINED)
    sequences.arrived(1, JOINED + 1, A, 1, count)
    again, gap = sequences.arrived(1, JOINED + 1, A, min(first, count), second)
    assert gap is None
    assert again == sequences.duplicates == min(second, count - min(first, count) + 1)
    assert sequences.lost == 0


@pytest.mark.parametrize("order", [(1, 2, 1, 2), (2, 1, 2, 1)])
def test_two_that_have_one_name_and_both_live(order: Sequence[int]) -> None:
    sequences = Sequences()
    sequences.listen(A, JOINED)
    numbers = {1: 0, 2: 0}
    for life in order:
        numbers[life] += 1
        sequences.arrived(7, JOINED + life, A, numbers[life], 1)
    assert (sequences.lost, sequences.publishers, sequences.restarts) == (0, 2, 1)


def test_those_that_are_long_gone_are_forgotten_and_those_that_live_are_not() -> None:
    sequences = Sequences()
    sequences.listen(A, JOINED)
    sequences.arrived(7, JOINED + 1, A, 1, 5)
    for life in range(200):
        sequences.tally(7, JOINED + 1, {A: 5})
        sequences.arrived(7, JOINED + 2 + life, A, 1, 1)
        sequences.arrived(1000 + life, JOINED + 1, A, 1, 1)
    sequences.arrived(7, JOINED + 1, A, 6, 1)
    assert sequences.lost == 0
    assert len(sequences._lives[7]) == 64
