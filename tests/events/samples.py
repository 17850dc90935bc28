"""Events and requests that the tests send about."""

from __future__ import annotations

from typing import Any

from runtime.events import Event, Request


class Sample(Event, frozen=True):
    TOPIC = "test.sample"

    number: int
    body: str = ""


class Other(Event, frozen=True):
    TOPIC = "test.other"

    number: int


class Add(Request[int], frozen=True):
    TOPIC = "test.add"

    first: int
    second: int = 0


class Ask(Request[Any], frozen=True):
    TOPIC = "test.ask"

    what: str = ""


class Back(Request[int], frozen=True):
    TOPIC = "test.back"

    depth: int
