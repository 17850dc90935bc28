"""The switches: recovery off, by call and by environment."""

from __future__ import annotations

import asyncio
import logging

import pytest

from runtime.safe_executor import SafeExecutor, is_active, set_active

from .conftest import RunPython

PROGRAM = """
from runtime.safe_executor import SafeExecutor, is_active
print(is_active())
with SafeExecutor():
    raise ValueError
print("went on")
"""


def test_switched_off_errors_go_through_everywhere() -> None:
    executor = SafeExecutor(default="default")
    made_before = executor(int)

    async def later() -> None:
        raise ValueError

    set_active(False)
    assert not is_active()
    with pytest.raises(ValueError), executor:
        int("x")
    with pytest.raises(ValueError):
        made_before("x")
    with pytest.raises(ValueError):
        asyncio.run(SafeExecutor()(later)())
    set_active(True)
    assert is_active()
    assert made_before("x") == "default"


def test_switched_off_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    set_active(False)
    with pytest.raises(ValueError), SafeExecutor():
        raise ValueError
    assert caplog.records == []


def test_switched_off_even_a_wrong_recoverable_lets_the_error_through() -> None:
    set_active(False)
    with pytest.raises(ValueError), SafeExecutor(recoverable="wrong"):  # type: ignore[call-overload]
        raise ValueError


@pytest.mark.parametrize("word", ["off", "0", "False", " NO "])
def test_the_environment_switches_it_off(run_python: RunPython, word: str) -> None:
    done = run_python(PROGRAM, UNSNARL_RECOVERY=word)
    assert done.stdout == "False\n"
    assert "ValueError" in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("word", ["", "1", "on", "TRUE", "yes"])
def test_the_environment_leaves_it_on(run_python: RunPython, word: str) -> None:
    done = run_python(PROGRAM, UNSNARL_RECOVERY=word)
    assert (done.stdout, done.stderr) == ("True\nwent on\n", "")


def test_a_word_that_is_neither_is_told_and_recovery_stays_on(run_python: RunPython) -> None:
    done = run_python(PROGRAM, UNSNARL_RECOVERY="fo")
    assert done.stdout == "True\nwent on\n"
    assert "UNSNARL_RECOVERY='fo' is neither on nor off: recovery stays on" in done.stderr
