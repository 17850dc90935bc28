"""Options that every part of the suite has."""

from __future__ import annotations

import signal

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regen", action="store_true", help="write the golden files anew in place of comparing them")


def pytest_configure() -> None:
    # A shell starts what it runs in the background with interrupts ignored, and every process below inherits that:
    # the tests of what an interrupt does would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def regenerate(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--regen"))
