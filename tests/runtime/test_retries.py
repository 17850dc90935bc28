"""Retries: only where asked for, done by stamina, and recovered from when they are used up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
import stamina.instrumentation

from runtime.details import Recovery
from runtime.safe_executor import SafeExecutor, add_hook, is_testing, set_active, set_testing

from .conftest import RunPython


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with set_testing(True, attempts=10, cap=True):
        yield


class Flaky:
    """Fails a number of times, then answers."""

    def __init__(self, failures: int, error: type[BaseException] = ConnectionError) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0

    def __call__(self, answer: str = "answer") -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error(self.calls)
        return answer

    async def later(self, answer: str = "answer") -> str:
        await asyncio.sleep(0)
        return self(answer)


def test_nothing_is_tried_again_unless_asked() -> None:
    flaky = Flaky(1)
    assert SafeExecutor(default="default")(flaky)() == "default"
    assert flaky.calls == 1


@pytest.mark.parametrize("is_async", [False, True])
class TestBothKinds:
    def run(self, executor: SafeExecutor[Any, Any], flaky: Flaky, is_async: bool) -> object:
        return asyncio.run(executor(flaky.later)("x")) if is_async else executor(flaky)("x")

    @pytest.mark.parametrize(("failures", "outcome", "calls"), [(0, "x", 1), (2, "x", 3), (3, "default", 3)])
    def test_a_number_is_of_further_tries(self, is_async: bool, failures: int, outcome: str, calls: int) -> None:
        flaky = Flaky(failures)
        assert self.run(SafeExecutor(recoverable=OSError, default="default", retries=2), flaky, is_async) == outcome
        assert flaky.calls == calls

    def test_a_mapping_says_it_as_stamina_does(self, is_async: bool) -> None:
        flaky = Flaky(9)
        executor = SafeExecutor(default="default", retries={"attempts": 4, "timeout": None, "wait_initial": 9.0})
        assert self.run(executor, flaky, is_async) == "default"
        assert flaky.calls == 4

    @pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, SystemExit, asyncio.CancelledError])
    def test_what_is_not_recovered_is_not_tried_again(self, is_async: bool, error: type[BaseException]) -> None:
        flaky = Flaky(9, error)
        with pytest.raises(error):
            self.run(SafeExecutor(recoverable=OSError, retries=5), flaky, is_async)
        assert flaky.calls == 1

    def test_only_the_last_error_is_recovered(self, is_async: bool) -> None:
        told: list[Recovery] = []
        add_hook(told.append)
        self.run(SafeExecutor(retries=2), Flaky(9), is_async)
        assert [str(recovery.error) for recovery in told] == ["3"]

    def test_a_success_recovers_nothing(self, is_async: bool) -> None:
        told: list[Recovery] = []
        add_hook(told.append)
        self.run(SafeExecutor(retries=2), Flaky(2), is_async)
        assert told == []

    def test_switched_off_nothing_is_tried_again(self, is_async: bool) -> None:
        flaky = Flaky(9)
        executor = SafeExecutor(retries=5)
        set_active(False)
        with pytest.raises(ConnectionError):
            self.run(executor, flaky, is_async)
        assert flaky.calls == 1

    def test_each_try_is_told_to_the_hooks_of_stamina(self, is_async: bool) -> None:
        retried: list[stamina.instrumentation.RetryDetails] = []
        stamina.instrumentation.set_on_retry_hooks([retried.append])
        try:
            self.run(SafeExecutor(retries=2), Flaky(2), is_async)
        finally:
            stamina.instrumentation.set_on_retry_hooks(None)
        assert [(details.retry_num, repr(details.caused_by)) for details in retried] == [
            (1, "ConnectionError(1)"),
            (2, "ConnectionError(2)"),
        ]


def test_a_call_can_be_retried() -> None:
    flaky = Flaky(2)
    assert SafeExecutor(retries=2).call(flaky, "y") == "y"


def test_it_waits_when_it_is_not_testing() -> None:
    set_testing(False)
    flaky = Flaky(2)
    guarded = SafeExecutor(retries={"attempts": 3, "wait_initial": 0.05, "wait_max": 0.05, "wait_jitter": 0})(flaky)
    began = time.perf_counter()
    assert guarded() == "answer"
    assert time.perf_counter() - began >= 0.1


def test_the_testing_mode_reaches_functions_that_were_decorated_before() -> None:
    set_testing(False)
    flaky = Flaky(9)
    guarded = SafeExecutor(default="default", retries={"attempts": 5, "wait_initial": 60.0})(flaky)
    began = time.perf_counter()
    with set_testing(True, attempts=3):
        assert is_testing()
        assert guarded() == "default"
    assert not is_testing()
    assert flaky.calls == 3
    assert time.perf_counter() - began < 5


def test_capped_the_testing_mode_only_lowers_the_number() -> None:
    with set_testing(True, attempts=3, cap=True):
        low, high = Flaky(9), Flaky(9)
        SafeExecutor(retries=1)(low)()
        SafeExecutor(retries=7)(high)()
    assert (low.calls, high.calls) == (2, 3)


@pytest.mark.parametrize(
    ("retries", "error", "says"),
    [
        (-1, ValueError, "cannot be negative, and is -1"),
        ("3", TypeError, "takes a number or a mapping of settings, not '3'"),
        (True, TypeError, "not True"),
        ({"attempt": 3}, TypeError, "has no setting 'attempt'; it has attempts, timeout, wait_initial"),
    ],
)
def test_wrong_retries_are_told_when_the_function_is_decorated(retries: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        SafeExecutor(retries=retries)(len)


def test_a_generator_cannot_be_retried() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="cannot repeat a generator"):
        SafeExecutor(retries=1)(numbers)


def test_wrong_attempts_of_the_testing_mode_are_told() -> None:
    with pytest.raises(ValueError, match="at least 1, not 0"):
        set_testing(True, attempts=0)


@pytest.mark.parametrize("missing", ["stamina", "tenacity"])
def test_without_stamina_the_error_says_what_to_install(run_python: RunPython, missing: str) -> None:
    done = run_python(f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from runtime.safe_executor import SafeExecutor
SafeExecutor()(len)
try:
    SafeExecutor(retries=1)(len)
except ImportError as error:
    print(error)
""")
    assert done.stdout == f"SafeExecutor(retries=...) needs {missing}: pip install 'unsnarl[runtime]'\n", done.stderr
