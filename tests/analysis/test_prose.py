"""Blanking keeps length, code and replacement fields, and never hides a name."""

from __future__ import annotations

import io
import keyword
import re
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.collectors.prose import without_prose


@pytest.mark.parametrize(
    ("source", "left"),
    [
        (b"attempt = 1  # attempt", b"attempt = 1           "),
        (b"print('attempt', attempt)", b"print(         , attempt)"),
        (b'x = """\nattempt\n""" + attempt', b"x =                 + attempt"),
        (b"x = rb'\\'' + b'attempt' + u'attempt'", b"x = " + b" " * 6 + b" + " + b" " * 10 + b" + " + b" " * 10),
        (b"print(f'attempt {attempt}')", b"print(f'attempt {attempt}')"),
        (b"print('\\'attempt', attempt)", b"print(           , attempt)"),
    ],
)
def test_comments_and_plain_strings_are_blanked(source: bytes, left: bytes) -> None:
    assert without_prose(source) == left


@pytest.mark.parametrize("source", [b"x = 'attempt", b'f"{x["attempt"]} {attempt}"', b"x = tx'attempt'"])
def test_what_cannot_be_told_apart_is_left_alone(source: bytes) -> None:
    assert without_prose(source) == source


NAMES = st.from_regex(r"[a-z]{1,4}", fullmatch=True).filter(lambda name: not keyword.iskeyword(name))
TEXT = st.text(st.sampled_from("ab c#{}\\'\"é"), max_size=8)

PLAIN = st.text(st.sampled_from("ab c#{}'\n"), max_size=8)


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Assignments of names, strings of every kind and comments."""
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        value = draw(st.one_of(NAMES, TEXT.map(repr), PLAIN.map('"""{}"""'.format), NAMES.map("f'{{{}}}'".format)))
        comment = draw(st.one_of(st.just(""), TEXT.map("  # {}".format)))
        lines.append(f"{draw(NAMES)} = {value}{comment}")
    return "\n".join(lines) + "\n"


@given(programs())
def test_every_name_is_still_there(source: str) -> None:
    data = source.encode()
    blanked = without_prose(data)
    assert len(blanked) == len(data)
    lines = data.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            line, column = token.start
            start = sum(map(len, lines[: line - 1])) + len(source.splitlines()[line - 1][:column].encode())
            assert blanked[start : start + len(token.string)] == token.string.encode()
    if blanked != data:
        assert not re.search(rb"#[^'\"]*\Z", blanked.splitlines()[-1])
