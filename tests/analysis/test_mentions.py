"""Where names stand in the bytes of a file."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from analysis.collectors.mentions import Words, marked, places

TEXT = st.lists(st.sampled_from([b"e", b"ee", b"e.", b".e", b"_", b" ", b"\n", b"(", b"e1", b"\xc3\xa9"])).map(b"".join)


@given(TEXT)
def test_mentions_are_words_of_their_own(data: bytes) -> None:
    assert Words(data).mentions("e") == [one.start() for one in re.finditer(rb"(?<![\w.])e(?!\w)", data)]


@given(TEXT)
def test_others_are_mentions_without_a_dot_behind(data: bytes) -> None:
    assert Words(data).others("e") == [one.start() for one in re.finditer(rb"(?<![\w.])e(?!\w)(?!\s*\.)", data)]


@given(TEXT, st.integers(0, 30), st.integers(0, 30))
def test_marked_asks_for_an_offset_in_between(data: bytes, start: int, end: int) -> None:
    found = places(data, b"e")
    assert found == [at for at in range(len(data)) if data[at : at + 1] == b"e"]
    assert marked(found, start, end) == any(start <= at < end for at in found)
