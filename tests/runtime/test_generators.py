"""The decorator on generator and async generator functions: as a ``with`` round the whole body."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest

from runtime.safe_executor import SafeExecutor


def echo(log: list[object]) -> Generator[object, object, str]:
    """Log what comes in, and hand it out again."""
    item: object = "start"
    try:
        while True:
            try:
                item = yield item
            except KeyError as error:
                item = f"caught {error}"
            log.append(item)
            if item == "stop":
                return "stopped"
            if item == "fail":
                raise ValueError(item)
    finally:
        log.append("closed")


async def echo_async(log: list[object]) -> AsyncGenerator[object, object]:
    item: object = "start"
    try:
        while True:
            await asyncio.sleep(0)
            try:
                item = yield item
            except KeyError as error:
                item = f"caught {error}"
            log.append(item)
            if item == "stop":
                return
            if item == "fail":
                raise ValueError(item)
    finally:
        await asyncio.sleep(0)
        log.append("closed")


Step = tuple[str, object]
SCRIPTS: list[list[Step]] = [
    [("send", 1), ("send", 2), ("send", "stop")],
    [("send", 1), ("throw", KeyError("k")), ("send", 2), ("close", None)],
    [("throw", KeyError("k")), ("send", "stop")],
    [("send", 1), ("send", "fail"), ("send", 2)],
    [("send", 1), ("throw", ValueError("v")), ("send", 2)],
    [("throw", TypeError("t"))],
    [("throw", KeyboardInterrupt())],
    [("throw", GeneratorExit())],
    [("close", None), ("send", 1)],
]


def play(generator: Generator[object, object, object], script: list[Step]) -> list[object]:
    seen: list[object] = [next(generator)]
    for action, value in script:
        try:
            if action == "close":
                generator.close()
                seen.append("closed")
            elif action == "throw":
                assert isinstance(value, BaseException)
                seen.append(generator.throw(value))
            else:
                seen.append(generator.send(value))
        except StopIteration as end:
            seen.append(f"end {end.value}")
        except BaseException as error:
            seen.append(repr(error))
    return seen


async def play_async(generator: AsyncGenerator[object, object], script: list[Step]) -> list[object]:
    seen: list[object] = [await anext(generator)]
    for action, value in script:
        try:
            if action == "close":
                await generator.aclose()
                seen.append("closed")
            elif action == "throw":
                assert isinstance(value, BaseException)
                seen.append(await generator.athrow(value))
            else:
                seen.append(await generator.asend(value))
        except StopAsyncIteration:
            seen.append("end")
        except BaseException as error:
            seen.append(repr(error))
    return seen


class TestGenerator:
    @pytest.mark.parametrize("script", SCRIPTS, ids=repr)
    def test_it_does_what_a_with_round_the_body_does(self, script: list[Step]) -> None:
        log: list[object] = []
        within_log: list[object] = []

        def within() -> Generator[object, object, object]:
            with SafeExecutor(recoverable=ValueError):
                return (yield from echo(within_log))
            return "default"

        guarded = SafeExecutor(recoverable=ValueError, default="default")(echo)
        assert inspect.isgeneratorfunction(guarded)
        assert play(guarded(log), script) == play(within(), script)
        assert log == within_log

    def test_an_error_ends_the_iteration_and_keeps_what_was_yielded(self) -> None:
        @SafeExecutor(recoverable=ValueError)
        def numbers() -> Generator[int, None, None]:
            yield 1
            yield 2
            raise ValueError
            yield 3

        assert list(numbers()) == [1, 2]

    def test_an_error_before_the_first_value_is_covered(self) -> None:
        @SafeExecutor(recoverable=ValueError)
        def numbers(text: str) -> Generator[int, None, None]:
            yield int(text)

        assert list(numbers("x")) == []

    def test_other_errors_go_through(self) -> None:
        @SafeExecutor(recoverable=ValueError)
        def numbers() -> Generator[int, None, None]:
            yield 1
            raise KeyError

        iterator = numbers()
        assert next(iterator) == 1
        with pytest.raises(KeyError):
            next(iterator)


class TestAsyncGenerator:
    @pytest.mark.parametrize("script", SCRIPTS, ids=repr)
    def test_it_does_what_the_undecorated_one_does_but_for_what_is_recovered(self, script: list[Step]) -> None:
        log: list[object] = []
        bare_log: list[object] = []
        guarded = SafeExecutor(recoverable=ValueError)(echo_async)
        assert inspect.isasyncgenfunction(guarded)
        bare = asyncio.run(play_async(echo_async(bare_log), script))
        expected = ["end" if str(one).startswith("ValueError") else one for one in bare]
        assert asyncio.run(play_async(guarded(log), script)) == expected
        assert log == bare_log

    def test_an_error_ends_the_iteration_and_keeps_what_was_yielded(self) -> None:
        @SafeExecutor(recoverable=ValueError)
        async def numbers() -> AsyncGenerator[int, None]:
            yield 1
            raise ValueError

        async def main() -> list[int]:
            return [number async for number in numbers()]

        assert asyncio.run(main()) == [1]

    @pytest.mark.parametrize("decorate", [lambda func: func, SafeExecutor()], ids=["bare", "decorated"])
    def test_one_that_is_left_early_is_closed_by_the_loop(self, decorate: Callable[..., Any]) -> None:
        log: list[object] = []

        async def main() -> None:
            async for _ in decorate(echo_async)(log):
                break
            await asyncio.sleep(0.01)

        asyncio.run(main())
        assert log == ["closed"]

    def test_cancelling_goes_through(self) -> None:
        @SafeExecutor(recoverable=BaseException)
        async def forever() -> AsyncIterator[int]:
            yield 1
            await asyncio.sleep(60)

        async def consume() -> None:
            async for _ in forever() or ():  # type: ignore[union-attr]
                pass

        async def main() -> None:
            task = asyncio.create_task(consume())
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())


def test_iterators_of_plain_functions_are_not_covered_beyond_the_call() -> None:
    @SafeExecutor(recoverable=ZeroDivisionError)
    def lazily() -> Iterator[float]:
        return (1 / number for number in (1, 0))

    iterator = lazily()
    assert iterator is not None
    with pytest.raises(ZeroDivisionError):
        list(iterator)
