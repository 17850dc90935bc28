"""What SafeExecutor costs: when nothing is raised, and when something is.

The bound is on the first: a block in which nothing goes wrong may cost 1.5 times what it costs with the smallest
context manager class that a person would write for it. The two are timed in turns within one test, so that a busy
machine slows both, and the ratio is the median over the turns.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from runtime.safe_executor import SafeExecutor

MOST = 1.5
TURNS = 300
LOOPS = 500

logger = logging.getLogger(__name__)
Errors = tuple[type[BaseException], ...]
ERRORS: Errors = (ValueError,)
Loop = Callable[[int], None]


class Smallest:
    """Holds its two settings and recovers nothing: no class that has them can do less."""

    def __init__(self, logger: logging.Logger, recoverable: Errors) -> None:
        self.logger = logger
        self.recoverable = recoverable

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return False


class WithoutSettings:
    """Has no settings at all."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return False


class SmallestWithSlots:
    """The same without the dictionary."""

    __slots__ = ("logger", "recoverable")

    def __init__(self, logger: logging.Logger, recoverable: Errors) -> None:
        self.logger = logger
        self.recoverable = recoverable

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return False


def smallest(loops: int) -> None:
    for _ in range(loops):
        with Smallest(logger, recoverable=ERRORS):
            pass


def smallest_with_slots(loops: int) -> None:
    for _ in range(loops):
        with SmallestWithSlots(logger, recoverable=ERRORS):
            pass


def safe_executor(loops: int) -> None:
    for _ in range(loops):
        with SafeExecutor(logger, recoverable=ERRORS):
            pass


def without_settings(loops: int) -> None:
    for _ in range(loops):
        with WithoutSettings():
            pass


def safe_executor_without_settings(loops: int) -> None:
    for _ in range(loops):
        with SafeExecutor():  # noqa: E903 its bare form is what is measured
            pass


def smallest_as(loops: int) -> None:
    for _ in range(loops):
        with Smallest(logger, recoverable=ERRORS) as attempt:
            pass
        if attempt.logger is None:
            raise AssertionError


def safe_executor_as(loops: int) -> None:
    for _ in range(loops):
        with SafeExecutor(logger, recoverable=ERRORS) as attempt:
            pass
        if attempt.error is not None:
            raise AssertionError


def handler(loops: int) -> None:
    for _ in range(loops):
        try:
            raise ValueError
        except ValueError:
            logger.debug("recovered")


def recovering(loops: int) -> None:
    for _ in range(loops):
        with SafeExecutor(logger, recoverable=ERRORS):
            raise ValueError


def ratio(loop: Loop, baseline: Loop) -> float:
    """How many times the time of ``baseline`` does ``loop`` take: the median over turns of the two."""

    def seconds(timed: Loop) -> float:
        began = time.perf_counter()
        timed(LOOPS)
        return time.perf_counter() - began

    return statistics.median(seconds(loop) / seconds(baseline) for _ in range(TURNS))


@pytest.mark.benchmark(group="a block in which nothing is raised, 500 times")
@pytest.mark.parametrize("loop", [smallest, smallest_with_slots, safe_executor], ids=lambda loop: loop.__name__)
def test_nothing_raised(benchmark: BenchmarkFixture, loop: Loop) -> None:
    benchmark(loop, LOOPS)


@pytest.mark.parametrize(
    ("loop", "baseline"),
    [
        (safe_executor, smallest),
        (safe_executor, smallest_with_slots),
        (safe_executor_as, smallest_as),
        (safe_executor_without_settings, without_settings),
    ],
    ids=lambda loop: loop.__name__,
)
@pytest.mark.benchmark(group="times the smallest context manager class")
def test_a_block_costs_little_more_than_the_smallest_class(
    benchmark: BenchmarkFixture, loop: Loop, baseline: Loop
) -> None:
    measured = ratio(loop, baseline)
    benchmark.extra_info["ratio"] = round(measured, 3)
    benchmark.extra_info["bound"] = MOST
    benchmark(loop, LOOPS)
    assert measured <= MOST


@pytest.mark.benchmark(group="a block in which an error is recovered and nobody listens, 500 times")
@pytest.mark.parametrize("loop", [handler, recovering], ids=lambda loop: loop.__name__)
def test_something_raised(benchmark: BenchmarkFixture, loop: Loop) -> None:
    benchmark(loop, LOOPS)
