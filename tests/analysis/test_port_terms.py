"""What a term says of ports."""

from __future__ import annotations

import pytest

from analysis.collectors.port_terms import is_address, is_port, is_url, may_be_port, port_like, telling
from analysis.values.terms import Choice, Const, Env, Join, Key, Sum, Term, Unknown, choice, written


@pytest.mark.parametrize(
    ("value", "expected"), [(1, True), (65535, True), (0, False), (65536, False), (True, False), ("5556", False)]
)
def test_numbers_of_ports(value: object, expected: bool) -> None:
    assert is_port(value) is expected


@pytest.mark.parametrize(
    ("term", "url", "address"),
    [
        (Const("tcp://*:5556"), True, True),
        (Const("localhost:5556"), False, True),
        (Const("[::]:50051"), False, True),
        (Const("data.db"), False, False),
        (Join((Const("tcp://"), Unknown("host"), Const(":5556"))), True, True),
        (Join((Unknown("host"), Const(":"), Key("port"))), False, True),
        (Join((Unknown("a"), Const("-"), Unknown("b"))), False, False),
        (Env("X", Const("redis://h")), True, True),
        (Choice((Unknown("x"), Const("tcp://h:1"))), True, True),
        (Const(5556), False, False),
    ],
)
def test_addresses(term: Term, url: bool, address: bool) -> None:
    assert (is_url(term), is_address(term)) == (url, address)


def test_what_may_come_to_a_port() -> None:
    assert may_be_port(Const(5556))
    assert may_be_port(Unknown("port"))
    assert not may_be_port(Const(70000))
    assert not may_be_port(Const("text"))
    assert port_like(Env("X", Const(5556)))
    assert not port_like(Env("X", Const("text")))
    assert port_like(Env("TTS_PORT"))
    assert port_like(Key("config['port']"))
    assert not port_like(Key("config['report']"))
    assert telling(Env("X"))
    assert not telling(Choice((Unknown("a"), Unknown("b"))))


def test_of_too_many_parts_the_largest_alternative_is_left_open() -> None:
    large = Sum(tuple(Unknown(f"x{number}") for number in range(30)))
    larger = Sum(tuple(Unknown(f"y{number}") for number in range(40)))
    assert written(choice([large, Const(5556), larger, Env("PORT", Const(5557))])) == (
        f"{written(large)} | 5556 | a value of many parts | $PORT or 5557"
    )


def test_what_is_too_large_alone_is_no_alternative() -> None:
    large = Sum(tuple(Unknown(f"x{number}") for number in range(60)))
    assert choice([large, large]) == large
    assert choice([large, Unknown("y")]) == Choice((Unknown("a value of many parts"), Unknown("y")))
