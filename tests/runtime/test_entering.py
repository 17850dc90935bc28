"""One executor, entered in every way there is: again, nested, from many threads and tasks, by hand."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import pickle
import threading
from collections.abc import Iterator

import pytest

from runtime.details import Recovery
from runtime.safe_executor import SafeExecutor, add_hook


def test_the_error_is_none_before_within_and_after_a_good_block() -> None:
    executor = SafeExecutor(recoverable=ValueError)
    assert executor.error is None
    with executor as attempt:
        assert attempt is executor
        assert attempt.error is None
    assert attempt.error is None


def test_return_break_and_continue_in_the_body_are_no_errors() -> None:
    def first(items: list[int]) -> int | None:
        for item in items:
            with SafeExecutor() as attempt:
                if item < 0:
                    continue
                if item > 9:
                    break
                if item:
                    return item
            assert attempt.error is None
        return None

    assert first([-1, 0, 5]) == 5
    assert first([-1, 99, 5]) is None


def test_nested_blocks_each_have_their_own_error() -> None:
    with SafeExecutor(recoverable=ValueError) as outer:
        with SafeExecutor(recoverable=KeyError) as inner:
            raise KeyError("inner")
        raise ValueError("outer")
    assert repr(inner.error) == "KeyError('inner')"
    assert repr(outer.error) == "ValueError('outer')"


class TestEnteredAgain:
    def test_it_goes_on_recovering(self) -> None:
        shared = SafeExecutor(recoverable=ValueError)
        for _ in range(3):
            with shared:
                raise ValueError
        with pytest.raises(KeyError), shared:
            raise KeyError

    @pytest.mark.parametrize("fails", [True, False])
    def test_but_refuses_to_say_whose_error_it_was(self, fails: bool) -> None:
        shared = SafeExecutor(recoverable=ValueError)
        with shared as attempt:
            raise ValueError("first")
        with shared as attempt:
            if fails:
                raise ValueError("second")
        with pytest.raises(RuntimeError, match=r"with shared\.fresh\(\) as attempt"):
            _ = attempt.error

    def test_within_itself(self) -> None:
        shared = SafeExecutor(recoverable=ValueError)
        with shared, shared:
            raise ValueError
        with pytest.raises(RuntimeError):
            _ = shared.error

    def test_a_fresh_one_has_the_settings_and_an_error_of_its_own(self) -> None:
        shared = SafeExecutor(recoverable=ValueError, level=7, default=list, retries=0)
        for number in range(3):
            with shared.fresh() as attempt:
                raise ValueError(number)
            assert attempt.error is not None
            assert attempt.error.args == (number,)
            assert (attempt.recoverable, attempt.level, attempt.default) == (ValueError, 7, list)
        assert shared.error is None


def test_threads_share_an_executor_and_never_see_the_error_of_another() -> None:
    shared = SafeExecutor(recoverable=ValueError)
    told: list[str] = []
    add_hook(lambda recovery: told.append(str(recovery.error)))
    together = threading.Barrier(8)
    unexpected: list[object] = []

    def work(name: str) -> None:
        together.wait()
        for number in range(200):
            with shared as attempt:
                raise ValueError(f"{name} {number}")
            try:
                unexpected.append(attempt.error)
            except RuntimeError:
                pass
            with shared.fresh() as own:
                raise ValueError(f"{name} {number} own")
            if str(own.error) != f"{name} {number} own":
                unexpected.append(own.error)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Only the very first entry may have read its error before the second one came.
    assert len(unexpected) <= 1
    assert len(told) == 8 * 200 * 2
    assert len(set(told)) == len(told)


def test_tasks_share_an_executor() -> None:
    shared = SafeExecutor(recoverable=ValueError)

    async def work(number: int) -> str:
        async with shared:
            await asyncio.sleep(0)
            raise ValueError(number)
        async with shared.fresh() as attempt:
            await asyncio.sleep(0.001 * (number % 3))
            raise ValueError(number)
        return str(attempt.error)

    async def main() -> list[str]:
        return await asyncio.gather(*(work(number) for number in range(50)))

    assert asyncio.run(main()) == [str(number) for number in range(50)]


def test_interleaved_generators_keep_their_errors_apart() -> None:
    def steps(name: str) -> Iterator[str]:
        with SafeExecutor(recoverable=ValueError) as attempt:
            yield "in"
            raise ValueError(name)
        yield str(attempt.error)

    one, two = steps("one"), steps("two")
    assert [next(one), next(two), next(one), next(two)] == ["in", "in", "one", "two"]


def test_a_generator_that_is_closed_inside_the_block_ends_there() -> None:
    ended: list[str] = []

    def steps() -> Iterator[int]:
        try:
            with SafeExecutor(recoverable=BaseException):
                yield 1
            ended.append("went on")
        finally:
            ended.append("closed")

    generator = steps()
    next(generator)
    generator.close()
    assert ended == ["closed"]


def test_what_is_thrown_into_a_generator_is_recovered() -> None:
    def steps() -> Iterator[str]:
        with SafeExecutor(recoverable=ValueError) as attempt:
            yield "in"
        yield repr(attempt.error)

    generator = steps()
    next(generator)
    assert generator.throw(ValueError("thrown")) == "ValueError('thrown')"


def test_an_exit_stack_enters_it_as_well() -> None:
    with contextlib.ExitStack() as stack:
        attempt = stack.enter_context(SafeExecutor(recoverable=ValueError))
        raise ValueError("stacked")
    assert repr(attempt.error) == "ValueError('stacked')"

    async def main() -> str:
        async with contextlib.AsyncExitStack() as stack:
            attempt = await stack.enter_async_context(SafeExecutor(recoverable=ValueError))
            raise ValueError("stacked")
        return repr(attempt.error)

    assert asyncio.run(main()) == "ValueError('stacked')"


def test_sync_and_async_entries_count_alike() -> None:
    async def main() -> None:
        shared = SafeExecutor(recoverable=ValueError)
        async with shared:
            raise ValueError
        with shared:
            raise ValueError
        with pytest.raises(RuntimeError):
            _ = shared.error

    asyncio.run(main())


def test_a_block_cannot_be_repeated() -> None:
    entered = False
    with pytest.raises(RuntimeError, match="a with block cannot be repeated"), SafeExecutor(retries=1):
        entered = True
    assert not entered

    async def main() -> None:
        async with SafeExecutor(retries={"attempts": 3}):
            pass

    with pytest.raises(RuntimeError, match="a with block cannot be repeated"):
        asyncio.run(main())


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_it_refuses_to_be_copied(duplicate: object) -> None:
    with pytest.raises(TypeError, match=r"construct one, or use fresh\(\)"):
        duplicate(SafeExecutor())  # type: ignore[operator]


def test_it_has_no_room_for_misspelt_attributes() -> None:
    executor = SafeExecutor()
    with pytest.raises(AttributeError):
        executor.recoverables = (ValueError,)  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        executor.error = None  # type: ignore[misc]


def test_a_subclass_keeps_its_type() -> None:
    class Tolerant(SafeExecutor[Exception, None]):
        __slots__ = ()

    with Tolerant(recoverable=KeyError).fresh() as attempt:
        raise KeyError
    assert type(attempt) is Tolerant


def test_its_text_names_what_it_recovers() -> None:
    assert repr(SafeExecutor(recoverable=ValueError)) == "<SafeExecutor recoverable=<class 'ValueError'>>"


def test_hooks_see_one_recovery_a_block() -> None:
    seen: list[Recovery] = []
    add_hook(seen.append)
    with SafeExecutor():
        pass
    assert seen == []
    with SafeExecutor():
        raise ValueError
    assert len(seen) == 1
