"""Nothing lives longer than it did under ``try`` and ``except``: the collector is off, only reference counts free."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from runtime.details import Recovery
from runtime.safe_executor import SafeExecutor, add_hook, set_testing

logger = logging.getLogger(__name__)


class Failure(ValueError):
    """An error that can be referred to weakly."""


class Local:
    """Stands for what a frame holds: a model, a socket, a large array."""


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Watch:
    """Weak references to everything made in one run."""

    def __init__(self) -> None:
        self._made: list[weakref.ref[Any]] = []

    def local(self) -> Local:
        made = Local()
        self._made.append(weakref.ref(made))
        return made

    def fail(self) -> None:
        held = self.local()  # noqa: F841 - lives as long as this frame, and that as long as the traceback
        error = Failure("no reply")
        self._made.append(weakref.ref(error))
        try:
            raise error
        finally:
            # The frame must not hold its own error, or it is the test that makes the cycle.
            del error

    def alive(self) -> list[object]:
        return [one for made in self._made if (one := made()) is not None]

    def __len__(self) -> int:
        return len(self._made)


@pytest.fixture(params=["quiet", "logged", "hooked"])
def watch(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Watch:
    """With nobody listening, with a handler that keeps every record, and with a hook."""
    if request.param == "logged":
        caplog.set_level(logging.DEBUG)  # caplog keeps the records until the test ends
    if request.param == "hooked":
        texts: list[str] = []
        add_hook(lambda recovery: texts.append(recovery.error_type))
    return Watch()


def test_the_rewritten_form_frees_all_by_the_end_of_its_handler(watch: Watch) -> None:
    def rewritten() -> list[object]:
        own = watch.local()
        with SafeExecutor(logger, recoverable=(ValueError,)) as attempt:
            watch.fail()
        if (e := attempt.error) is not None:
            assert str(e) == "no reply"
            del e, attempt
        del own
        return watch.alive()

    assert rewritten() == []
    assert len(watch) == 3


def test_the_frame_itself_is_freed_when_it_returns(watch: Watch) -> None:
    def rewritten() -> str | None:
        own = watch.local()  # noqa: F841
        with SafeExecutor(logger, recoverable=(ValueError,)) as attempt:
            watch.fail()
        if (e := attempt.error) is not None:
            text = str(e)
            del e, attempt
            return text
        return None

    assert rewritten() == "no reply"
    assert watch.alive() == []


def test_without_as_nothing_outlives_the_block(watch: Watch) -> None:
    def swallowing() -> list[object]:
        with SafeExecutor(logger):
            watch.fail()
        return watch.alive()

    assert swallowing() == []
    assert len(watch) == 2


def test_an_executor_that_is_kept_and_shared_keeps_no_error(watch: Watch) -> None:
    shared = SafeExecutor(logger)
    with shared:
        pass
    with shared:
        watch.fail()
    assert watch.alive() == []


def test_entering_again_lets_go_of_the_error_before(watch: Watch) -> None:
    shared = SafeExecutor(logger)
    with shared:
        watch.fail()
    assert len(watch.alive()) == 2
    with shared:
        pass
    assert watch.alive() == []


def test_an_error_that_goes_through_is_not_kept(watch: Watch) -> None:
    executor = SafeExecutor(logger, recoverable=KeyError)
    try:
        with executor:
            watch.fail()
    except Failure:
        pass
    assert watch.alive() == []


def test_async_with(watch: Watch) -> None:
    async def swallowing() -> list[object]:
        async with SafeExecutor(logger):
            await asyncio.sleep(0)
            watch.fail()
        return watch.alive()

    assert asyncio.run(swallowing()) == []


def test_a_decorated_function(watch: Watch) -> None:
    @SafeExecutor(logger)
    def fail() -> None:
        watch.fail()

    fail()
    assert watch.alive() == []
    assert len(watch) == 2


def test_a_decorated_coroutine_function(watch: Watch) -> None:
    @SafeExecutor(logger)
    async def fail() -> None:
        await asyncio.sleep(0)
        watch.fail()

    asyncio.run(fail())
    assert watch.alive() == []
    assert len(watch) == 2


def test_a_decorated_generator(watch: Watch) -> None:
    @SafeExecutor(logger)
    def fail() -> Iterator[int]:
        yield 1
        watch.fail()

    assert list(fail() or ()) == [1]
    assert watch.alive() == []
    assert len(watch) == 2


def test_a_decorated_async_generator(watch: Watch) -> None:
    @SafeExecutor(logger)
    async def fail() -> AsyncIterator[int]:
        yield 1
        watch.fail()

    async def main() -> list[int]:
        return [item async for item in fail() or ()]  # type: ignore[union-attr]

    assert asyncio.run(main()) == [1]
    assert watch.alive() == []
    assert len(watch) == 2


@pytest.mark.parametrize("is_async", [False, True])
def test_after_retries_the_locals_are_freed(watch: Watch, is_async: bool) -> None:
    def fail() -> None:
        watch.fail()

    async def fail_async() -> None:
        watch.fail()

    with set_testing(True, attempts=3):
        if is_async:
            asyncio.run(SafeExecutor(logger, retries=2)(fail_async)())
        else:
            SafeExecutor(logger, retries=2)(fail)()
    assert len(watch) == 6
    # The last error may wait for the collector in a cycle of the retrying package; what its frames held may not.
    assert not [one for one in watch.alive() if isinstance(one, Local)]


def test_a_hook_that_fails_keeps_nothing(watch: Watch) -> None:
    def broken(recovery: Recovery) -> None:
        raise RuntimeError(recovery.error_type)

    add_hook(broken)
    with SafeExecutor(logger):
        watch.fail()
    assert watch.alive() == []


def test_a_logger_that_fails_keeps_nothing(watch: Watch) -> None:
    class Broken:
        def debug(self, message: str) -> None:
            raise OSError(message)

    with SafeExecutor(Broken()):
        watch.fail()
    assert watch.alive() == []
