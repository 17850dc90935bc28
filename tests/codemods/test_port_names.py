"""What a port is called, by its owner and by what the source calls it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codemods.port_names import Names, agree, commonest, joined, label, usable, words
from config.documents import LONGEST_NAME
from config.registry import PORT_NAME, RESERVED_NAMES

TEXT = st.text(max_size=130) | st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,130}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("healthPort", ["HEALTH", "PORT"]),
        ("PC2Agent", ["PC2", "AGENT"]),
        ("HTTPServer", ["HTTP", "SERVER"]),
        ("zmq_pub_port", ["ZMQ", "PUB", "PORT"]),
        ("--api-port", ["API", "PORT"]),
        ("5556", ["5556"]),
        ("", []),
        ("é", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PORT", ("", False)),
        ("health_port", ("HEALTH", False)),
        ("MEMORY_AGENT_PORT", ("MEMORY_AGENT", True)),
        ("zmq_port_2", ("2", False)),
    ],
)
def test_what_a_name_tells(text: str, expected: tuple[str, bool]) -> None:
    assert label(text) == expected


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("PORT", ("MEMORY_AGENT",), True),
        ("health_port", ("MEMORY_AGENT",), True),
        ("MEMORY_PORT", ("MEMORY_AGENT", "MemoryAgent"), True),
        ("TRANSLATE_PORT", ("TRANSLATOR",), True),
        ("TTS_PORT", ("TextToSpeech",), True),
        ("VISION_PORT", ("MEMORY_AGENT", "MemoryAgent"), False),
        ("STREAMING_ASR_PORT", ("STREAMING_TTS",), False),
    ],
)
def test_whether_a_name_may_be_that_of(text: str, names: tuple[str, ...], expected: bool) -> None:
    assert agree(text, names) is expected


def test_owner_and_purpose_have_common_words_once() -> None:
    assert joined("MemoryAgent", "MEMORY_HEALTH") == "MEMORY_AGENT_HEALTH"
    assert joined("MemoryAgent", "") == "MEMORY_AGENT"


def test_the_commonest_and_of_several_the_first() -> None:
    assert commonest(["B", "A", "", "", ""]) == "A"
    assert commonest(["B", "A", "B"]) == "B"
    assert commonest([]) == ""


@given(TEXT)
def test_what_is_usable_is_a_name_of_the_registry(text: str) -> None:
    name = usable(text)
    assert PORT_NAME.fullmatch(name)
    assert len(name) <= LONGEST_NAME
    assert name not in RESERVED_NAMES
    assert usable(name) == name


@given(st.lists(TEXT, max_size=4), st.lists(st.lists(TEXT, min_size=1, max_size=3), max_size=12))
def test_no_name_is_given_twice_whatever_its_case(taken: list[str], wanted: list[list[str]]) -> None:
    names = Names(dict.fromkeys(taken, "m"))
    given_out = [names.give(choices, "m") for choices in wanted]
    folded = [one.casefold() for one in given_out]
    assert len({*folded}) == len(folded)
    assert not {*folded} & {one.casefold() for one in taken}
    assert all(PORT_NAME.fullmatch(one) and len(one) <= LONGEST_NAME for one in given_out)
