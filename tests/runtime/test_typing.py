"""What a type checker makes of it: run on a snippet, as a user's project would be."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from .conftest import ROOT

SNIPPET = """
import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from typing import assert_type

from runtime.details import Recovery
from runtime.evidence import read
from runtime.safe_executor import SafeExecutor, add_hook

logger = logging.getLogger(__name__)
adapter = logging.LoggerAdapter(logger, {})


def error_is_the_type_that_was_named() -> None:
    with SafeExecutor(logger, recoverable=(OSError,)) as attempt:
        pass
    assert_type(attempt.error, OSError | None)
    if (e := attempt.error) is not None:
        assert_type(e.errno, int | None)
    with SafeExecutor(logger, recoverable=TimeoutError) as attempt_2:
        pass
    assert_type(attempt_2.error, TimeoutError | None)
    with SafeExecutor(adapter) as attempt_3:
        pass
    assert_type(attempt_3.error, Exception | None)
    with SafeExecutor(recoverable=(KeyError, IndexError)) as attempt_4:
        pass
    assert_type(attempt_4.error, LookupError | None)
    with SafeExecutor(recoverable=BaseException) as attempt_5:
        pass
    assert_type(attempt_5.error, BaseException | None)
    with SafeExecutor(logger, recoverable=(OSError,)).fresh() as attempt_6:
        pass
    assert_type(attempt_6.error, OSError | None)


async def likewise_async() -> None:
    async with SafeExecutor(logger, recoverable=(OSError,)) as attempt:
        pass
    assert_type(attempt.error, OSError | None)


def the_block_may_end_early() -> int:
    with SafeExecutor():
        return 1
    return 2


def without_a_return_after_it() -> int:  # refused
    with SafeExecutor():
        return 1


@SafeExecutor(recoverable=ValueError)
def plain(text: str, *, base: int = 10) -> int:
    return int(text, base)


@SafeExecutor(recoverable=ValueError, default=0)
def with_value(text: str) -> int:
    return int(text)


@SafeExecutor(default=list)
def with_factory(text: str) -> list[str]:
    return [text]


@SafeExecutor(default="")
async def coroutine(text: str) -> int:
    return int(text)


@SafeExecutor(default=0.5)
def generator(text: str) -> Generator[int, str, bytes]:
    yield 1
    return b""


@SafeExecutor()
async def async_generator(text: str) -> AsyncGenerator[int, str]:
    yield 1


class Agent:
    @SafeExecutor(logger, retries={"attempts": 3, "timeout": 1.5})
    def poll(self, wait: float) -> bytes:
        return b""


plain(3)  # refused
assert_type(plain("1", base=2), int | None)
assert_type(with_value("1"), int)
assert_type(with_factory("1"), list[str])
assert_type(asyncio.run(coroutine("1")), int | str)
assert_type(generator("1"), Generator[int, str, bytes | float])
assert_type(async_generator("1"), AsyncGenerator[int, str])
assert_type(Agent().poll(0.1), bytes | None)
assert_type(SafeExecutor(recoverable=ValueError, default=0).call(int, "x"), int)
assert_type(asyncio.run(SafeExecutor(default=None).call(coroutine, "x")), int | str | None)

SafeExecutor(ValueError)  # refused
SafeExecutor(logger, recoverable=int)  # refused
SafeExecutor(logger, (ValueError,))  # refused
SafeExecutor(logger, retries={"attempt": 3})  # refused


def hook(recovery: Recovery) -> None:
    assert_type(recovery.error, BaseException)
    assert_type(recovery.site.line, int)


add_hook(hook)


def takes_any(executor: SafeExecutor) -> None:
    assert_type(executor.error, Exception | None)


takes_any(SafeExecutor(recoverable=(OSError,)))
for site, types in read("evidence").sites.items():
    assert_type(site.module, str)
    assert_type(types["ValueError"].count, int)
"""


REFUSED = {number: line for number, line in enumerate(SNIPPET.splitlines(), 1) if line.endswith("# refused")}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[str]]:
    """The errors that mypy finds in the snippet, by line."""
    pytest.importorskip("mypy", reason="mypy is installed with the linters, not with the suite")
    folder = tmp_path_factory.mktemp("typing")
    (folder / "snippet.py").write_text(SNIPPET, encoding="utf-8")
    (folder / "mypy.ini").write_text(f"[mypy]\nmypy_path = {ROOT}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.11", "snippet.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    found: dict[int, list[str]] = {}
    for line in done.stdout.splitlines():
        if match := re.match(r"(\S+\.py):(\d+): error: (.*)", line):
            assert match[1] == "snippet.py", line
            found.setdefault(int(match[2]), []).append(match[3])
    return found


def test_types_are_as_asserted(said: dict[int, list[str]]) -> None:
    assert {number: messages for number, messages in said.items() if number not in REFUSED} == {}


@pytest.mark.parametrize("number", REFUSED, ids=REFUSED.get)
def test_misuse_is_refused(said: dict[int, list[str]], number: int) -> None:
    assert number in said
