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
from collections.abc import AsyncGenerator, Generator, Iterator

from runtime.details import Recovery
from runtime.evidence import read
from runtime.safe_executor import SafeExecutor, add_hook

logger = logging.getLogger(__name__)
adapter = logging.LoggerAdapter(logger, {})


def error_is_the_type_that_was_named() -> None:
    with SafeExecutor(logger, recoverable=(OSError,)) as attempt:
        pass
    reveal_type(attempt.error)  # OSError | None
    if (e := attempt.error) is not None:
        reveal_type(e.errno)  # int | None
    with SafeExecutor(logger, recoverable=TimeoutError) as attempt_2:
        pass
    reveal_type(attempt_2.error)  # TimeoutError | None
    with SafeExecutor(adapter) as attempt_3:
        pass
    reveal_type(attempt_3.error)  # Exception | None
    with SafeExecutor(recoverable=(KeyError, IndexError)) as attempt_4:
        pass
    reveal_type(attempt_4.error)  # LookupError | None
    with SafeExecutor(recoverable=BaseException) as attempt_5:
        pass
    reveal_type(attempt_5.error)  # BaseException | None
    with SafeExecutor(logger, recoverable=(OSError,)).fresh() as attempt_6:
        pass
    reveal_type(attempt_6.error)  # OSError | None


async def likewise_async() -> None:
    async with SafeExecutor(logger, recoverable=(OSError,)) as attempt:
        pass
    reveal_type(attempt.error)  # OSError | None


def the_block_may_end_early() -> int:
    with SafeExecutor():
        return 1
    return 2


def without_a_return_after_it() -> int:  # error: Missing return statement  [return]
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


plain(3)  # error: Argument 1 to "plain" has incompatible type "int"; expected "str"  [arg-type]
reveal_type(plain("1", base=2))  # int | None
reveal_type(with_value("1"))  # int
reveal_type(with_factory("1"))  # list[str]
reveal_type(asyncio.run(coroutine("1")))  # int | str
reveal_type(generator("1"))  # Generator[int, str, bytes | float]
reveal_type(async_generator("1"))  # AsyncGenerator[int, str]
reveal_type(Agent().poll(0.1))  # bytes | None
reveal_type(SafeExecutor(recoverable=ValueError, default=0).call(int, "x"))  # int
reveal_type(asyncio.run(SafeExecutor(default=None).call(coroutine, "x")))  # int | str | None

SafeExecutor(ValueError)  # error: call-overload
SafeExecutor(logger, recoverable=int)  # error: type-var
SafeExecutor(logger, (ValueError,))  # error: call-overload
SafeExecutor(logger, retries={"attempt": 3})  # error: call-overload


def hook(recovery: Recovery) -> None:
    reveal_type(recovery.error)  # BaseException
    reveal_type(recovery.site.line)  # int


add_hook(hook)


def takes_any(executor: SafeExecutor) -> None:
    reveal_type(executor.error)  # Exception | None


takes_any(SafeExecutor(recoverable=(OSError,)))
for site, types in read("evidence").sites.items():
    reveal_type(site.module)  # str
    reveal_type(types["ValueError"].count)  # int
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[str]]:
    """What mypy says about the snippet, by line."""
    folder = tmp_path_factory.mktemp("typing")
    (folder / "snippet.py").write_text(SNIPPET, encoding="utf-8")
    (folder / "mypy.ini").write_text(f"[mypy]\nmypy_path = {ROOT}\nfollow_imports_for_stubs = True\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.11", "snippet.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found: dict[int, list[str]] = {}
    for line in done.stdout.splitlines():
        if match := re.match(r"snippet\.py:(\d+): (?:error|note): (.*)", line):
            found.setdefault(int(match[1]), []).append(match[2])
        else:
            assert not re.match(r"\S+\.py:\d+: error", line), line
    return found


def short(revealed: str) -> str:
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Za-z])", "", revealed)


EXPECTED = {
    number: re.split(r"  # ", line)[1]
    for number, line in enumerate(SNIPPET.splitlines(), 1)
    if "  # " in line and not line.lstrip().startswith("#")
}


@pytest.mark.parametrize("number", sorted(EXPECTED))
def test_types_are_as_written_beside_the_line(said: dict[int, list[str]], number: int) -> None:
    expected = EXPECTED[number]
    messages = said.get(number, [])
    assert messages, f"mypy says nothing about line {number}"
    if expected.startswith("error: "):
        assert any(expected.removeprefix("error: ") in message for message in messages), messages
    else:
        (message,) = messages
        assert short(message.removeprefix("Revealed type is ").strip('"')) == expected


def test_it_says_nothing_else(said: dict[int, list[str]]) -> None:
    assert {number: messages for number, messages in said.items() if number not in EXPECTED} == {}
