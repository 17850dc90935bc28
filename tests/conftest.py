"""Options that every part of the suite has."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

# The gate draws the same examples in every run: a change is not held up by a fault that it did not bring.
# `make fuzz` draws new ones.
settings.register_profile("gate", derandomize=True)
if "UNSNARL_FUZZ" not in os.environ:
    settings.load_profile("gate")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regen", action="store_true", help="write the golden files anew in place of comparing them")


def pytest_configure() -> None:
    # A shell starts what it runs in the background with interrupts ignored, and every process below inherits that:
    # the tests of what an interrupt does would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def regenerate(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--regen"))
