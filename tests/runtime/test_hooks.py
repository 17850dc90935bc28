"""Hooks: what they are told, and what happens when they, or the logging, fail or recover errors of their own."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any

import pytest

from runtime.details import Recovery
from runtime.safe_executor import SafeExecutor, add_hook, remove_hook

logger = logging.getLogger("tests.given")


def fail(message: str = "no reply") -> None:
    raise ValueError(message)


def block(given: Any = logger, **settings: Any) -> SafeExecutor[Any, Any]:
    with SafeExecutor(given, **settings) as attempt:
        fail()
    return attempt


class TestHooks:
    def test_they_are_told_everything(self) -> None:
        seen: list[Recovery] = []
        add_hook(seen.append)
        before = time.time()
        with SafeExecutor(recoverable=(OSError, ValueError)) as attempt:
            fail()
        (recovery,) = seen
        assert recovery.error is attempt.error
        assert recovery.error_type == "ValueError"
        assert recovery.recoverable == ("OSError", "ValueError")
        assert recovery.site.function == "TestHooks.test_they_are_told_everything"
        assert before <= recovery.when <= time.time()
        assert (recovery.thread, recovery.task) == (threading.current_thread().name, None)

    def test_the_details_cannot_be_changed(self) -> None:
        seen: list[Recovery] = []
        add_hook(seen.append)
        block()
        with pytest.raises(AttributeError):
            seen[0].error_type = "KeyError"  # type: ignore[misc]

    def test_thread_and_task_are_named(self) -> None:
        seen: list[Recovery] = []
        add_hook(seen.append)

        async def main() -> None:
            asyncio.current_task().set_name("the task")  # type: ignore[union-attr]
            block()

        thread = threading.Thread(target=lambda: asyncio.run(main()), name="the thread")
        thread.start()
        thread.join()
        assert (seen[0].thread, seen[0].task) == ("the thread", "the task")

    def test_they_run_in_order_and_once_each_until_removed(self) -> None:
        calls: list[str] = []

        def first(_: Recovery) -> None:
            calls.append("first")

        def second(_: Recovery) -> None:
            calls.append("second")

        add_hook(first)
        add_hook(second)
        add_hook(first)
        block()
        remove_hook(first)
        remove_hook(first)
        block()
        assert calls == ["first", "second", "second"]

    def test_one_that_raises_stops_nobody_and_is_told_once(self, records: list[logging.LogRecord]) -> None:
        calls: list[Recovery] = []

        class Broken:
            __hash__ = None  # type: ignore[assignment]

            def __call__(self, recovery: Recovery) -> None:
                raise LookupError("the metric is gone")

        add_hook(Broken())
        add_hook(calls.append)
        assert repr(block().error) == "ValueError('no reply')"
        block()
        assert len(calls) == 2
        (warning,) = [record for record in records if record.levelno == logging.WARNING]
        assert "LookupError: the metric is gone" in warning.getMessage()

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_an_interrupt_in_a_hook_goes_through(self, error: type[BaseException]) -> None:
        def interrupted(_: Recovery) -> None:
            raise error

        add_hook(interrupted)
        with pytest.raises(error):
            block()
        remove_hook(interrupted)
        seen: list[Recovery] = []
        add_hook(seen.append)
        block()
        assert len(seen) == 1

    def test_what_is_no_function_is_refused(self) -> None:
        with pytest.raises(TypeError, match="takes a callable, not 3"):
            add_hook(3)  # type: ignore[arg-type]


class TestWithinItself:
    def test_a_hook_that_recovers_is_not_called_for_that(self) -> None:
        calls: list[str] = []

        def hook(recovery: Recovery) -> None:
            calls.append(recovery.error_type)
            with SafeExecutor(recoverable=KeyError) as attempt:
                raise KeyError
            calls.append(repr(attempt.error))

        add_hook(hook)
        block()
        block()
        assert calls == ["ValueError", "KeyError()"] * 2

    def test_a_log_handler_that_always_fails_and_recovers_does_not_loop(self) -> None:
        emitted: list[str] = []

        class Sending(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                emitted.append(record.getMessage())
                with SafeExecutor(logger):
                    raise ConnectionError

        handler = Sending()
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        try:
            block()
        finally:
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
        assert len(emitted) == 1

    def test_an_error_whose_text_needs_recovery(self, records: list[logging.LogRecord]) -> None:
        class Nested(ValueError):
            def __str__(self) -> str:
                with SafeExecutor(logger, recoverable=KeyError):
                    raise KeyError
                return "nested"

        with SafeExecutor(logger, recoverable=ValueError):
            raise Nested
        assert [record.getMessage().endswith(": nested") for record in records] == [True]

    def test_other_threads_are_told_meanwhile(self) -> None:
        seen: list[str] = []

        def hook(recovery: Recovery) -> None:
            seen.append(str(recovery.error))
            if str(recovery.error) == "no reply":
                thread = threading.Thread(target=SafeExecutor()(fail), args=("from the thread",))
                thread.start()
                thread.join()

        add_hook(hook)
        block()
        assert seen == ["no reply", "from the thread"]
