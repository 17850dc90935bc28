"""What is told about a recovered error: the record of every kind of logger, the hooks, and what their failures do."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import logging.handlers
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from loguru import logger as loguru_logger

from runtime.safe_executor import SafeExecutor, get_level, set_level

from .conftest import RunPython

logger = logging.getLogger("tests.given")


def line_of(text: str) -> int:
    """The one line of this file that ends with the comment ``text``."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    (found,) = (number for number, line in enumerate(lines, 1) if line.endswith(f"# {text}"))
    return found


def fail(message: str = "no reply") -> None:
    raise ValueError(message)  # raised here


def block(given: Any = logger, **settings: Any) -> SafeExecutor[Any, Any]:
    with SafeExecutor(given, **settings) as attempt:  # the block
        fail()
    return attempt


class TestRecord:
    def test_it_names_site_type_and_message_in_text_and_fields(self, records: list[logging.LogRecord]) -> None:
        block(recoverable=(ValueError, json.JSONDecodeError))
        (record,) = records
        site = f"{__name__}:block:{line_of('the block')}"
        assert record.getMessage() == f"recovered ValueError at {site}: no reply"
        assert (record.name, record.levelno) == ("tests.given", logging.DEBUG)
        fields = vars(record)
        assert fields["site"] == site
        assert fields["error_type"] == "ValueError"
        assert fields["recoverable"] == "ValueError, json.decoder.JSONDecodeError"
        assert fields["raised_at"] == f"{__file__}:{line_of('raised here')}"

    def test_its_position_is_the_with_statement(self, records: list[logging.LogRecord]) -> None:
        block()
        (record,) = records
        assert (record.pathname, record.lineno, record.funcName) == (__file__, line_of("the block"), "block")

    def test_async_with_has_the_same_position(self, records: list[logging.LogRecord]) -> None:
        async def main() -> None:
            async with SafeExecutor(logger):  # the async block
                await asyncio.sleep(0)
                fail()

        asyncio.run(main())
        (record,) = [record for record in records if record.name == "tests.given"]
        assert (record.pathname, record.lineno) == (__file__, line_of("the async block"))

    def test_of_a_function_it_is_the_function_even_in_a_task(self, records: list[logging.LogRecord]) -> None:
        @SafeExecutor(logger)  # the decorator
        async def work() -> None:
            fail()

        async def main() -> None:
            await asyncio.create_task(work())

        asyncio.run(main())
        (record,) = [record for record in records if record.name == "tests.given"]
        assert (record.pathname, record.lineno) == (__file__, line_of("the decorator"))

    def test_it_goes_to_a_formatter_and_a_queue_as_plain_text(self) -> None:
        waiting: queue.Queue[logging.LogRecord] = queue.Queue()
        handler = logging.handlers.QueueHandler(waiting)
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        try:
            block()
        finally:
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
        assert waiting.get_nowait().getMessage().endswith(": no reply")

    def test_it_carries_neither_the_error_nor_its_traceback(self, records: list[logging.LogRecord]) -> None:
        block()
        (record,) = records
        assert record.exc_info is None
        assert all(isinstance(value, str) for value in record.args or ())

    def test_the_level_is_debug_unless_told(self, records: list[logging.LogRecord]) -> None:
        assert get_level() == logging.DEBUG
        block()
        block(level=logging.WARNING)
        set_level(logging.INFO)
        block()
        block(level=5)
        assert [record.levelno for record in records] == [10, 30, 20, 5]

    @pytest.mark.parametrize("wrong", ["DEBUG", None, True, 1.5])
    def test_a_wrong_level_is_told(self, wrong: Any) -> None:
        with pytest.raises(TypeError, match=r"takes a number such as logging\.INFO"):
            set_level(wrong)

    def test_nothing_is_written_below_the_level_of_the_logger(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        block()
        assert caplog.records == []

    def test_without_a_logger_it_is_the_one_of_the_module(self, records: list[logging.LogRecord]) -> None:
        block(None)
        SafeExecutor()(fail)()
        assert [record.name for record in records] == [__name__, __name__]

    def test_filters_of_the_logger_are_asked(self, records: list[logging.LogRecord]) -> None:
        refuse = logging.Filter("nobody")
        logger.addFilter(refuse)
        try:
            block()
        finally:
            logger.removeFilter(refuse)
        assert records == []

    def test_a_long_message_is_cut(self, records: list[logging.LogRecord]) -> None:
        with SafeExecutor(logger):
            fail("x" * 100_000)
        assert len(records[0].getMessage()) < 1000

    def test_an_error_without_text_is_no_problem(self, records: list[logging.LogRecord]) -> None:
        class Mute(ValueError):
            def __str__(self) -> str:
                raise OSError

        with SafeExecutor(logger) as attempt:
            raise Mute
        assert type(attempt.error) is Mute
        assert records[0].getMessage().endswith("<its message cannot be had: OSError>")


class TestLoggers:
    def test_an_adapter_adds_its_own(self, records: list[logging.LogRecord]) -> None:
        class Prefixed(logging.LoggerAdapter[logging.Logger]):
            def process(self, msg: Any, kwargs: Any) -> Any:
                return f"[agent] {msg}", kwargs

        adapter = Prefixed(logging.LoggerAdapter(logger, {"machine": "pc2"}), {})
        block(adapter)
        (record,) = records
        assert record.getMessage().startswith("[agent] recovered ValueError at ")
        assert vars(record)["machine"] == "pc2"
        assert vars(record)["error_type"] == "ValueError"
        assert record.lineno == line_of("the block")

    def test_structlog(self) -> None:
        with structlog.testing.capture_logs() as entries:
            block(structlog.get_logger())
        (entry,) = entries
        assert entry["log_level"] == "debug"
        assert entry["event"].endswith(": no reply")
        assert (entry["error_type"], entry["site"]) == ("ValueError", f"{__name__}:block:{line_of('the block')}")

    def test_structlog_over_the_standard_library(self, records: list[logging.LogRecord]) -> None:
        wrapped = structlog.wrap_logger(
            logger,
            wrapper_class=structlog.stdlib.BoundLogger,
            processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
        )
        block(wrapped, level=logging.WARNING)
        (record,) = records
        assert record.levelno == logging.WARNING
        assert vars(record)["error_type"] == "ValueError"

    def test_loguru(self) -> None:
        written: list[Any] = []
        number = loguru_logger.add(lambda message: written.append(message.record), level="DEBUG")
        try:
            with SafeExecutor(loguru_logger):
                fail("with {braces} and %s")
            block(loguru_logger)
        finally:
            loguru_logger.remove(number)
        assert written[0]["message"].endswith(": with {braces} and %s")
        assert written[1]["level"].name == "DEBUG"
        assert (written[1]["name"], written[1]["function"], written[1]["line"]) == (
            __name__,
            "block",
            line_of("the block"),
        )
        assert written[1]["extra"]["error_type"] == "ValueError"

    @pytest.mark.parametrize(
        ("level", "method"),
        [(1, "debug"), (10, "debug"), (20, "info"), (35, "warning"), (40, "error"), (99, "critical")],
    )
    def test_anything_with_a_method_of_that_name(self, level: int, method: str) -> None:
        lines: list[tuple[str, str]] = []

        class Console:
            def __getattr__(self, name: str) -> Any:
                if name not in {"debug", "info", "warning", "error", "critical"}:
                    raise AttributeError(name)
                return lambda text: lines.append((name, text))

        block(Console(), level=level)
        assert lines == [(method, f"recovered ValueError at {__name__}:block:{line_of('the block')}: no reply")]


class Broken:
    def isEnabledFor(self, level: int) -> bool:
        raise OSError("disk full")

    def debug(self, message: str) -> None:
        raise OSError("disk full")


class RaisingFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise OSError("disk full")


@pytest.mark.parametrize("given", [Broken(), object(), ValueError, "logger"], ids=["raising", "object", "type", "str"])
class TestBrokenLogger:
    def test_it_takes_nothing_from_the_recovery(self, given: Any) -> None:
        assert repr(block(given).error) == "ValueError('no reply')"

    def test_it_is_told_once(self, given: Any, records: list[logging.LogRecord]) -> None:
        block(given)
        block(given)
        (record,) = records
        assert (record.name, record.levelno) == ("runtime.safe_executor", logging.WARNING)
        text = record.getMessage()
        assert f"{__name__}:block" in text
        assert "disk full" in text or "AttributeError" in text


def test_a_standard_logger_with_a_broken_filter_is_told_too(records: list[logging.LogRecord]) -> None:
    broken = logging.getLogger("tests.broken")
    broken.addFilter(RaisingFilter())
    assert block(broken).error is not None
    (record,) = records
    assert "OSError: disk full" in record.getMessage()


def test_nothing_is_told_where_logging_was_never_loaded(run_python: RunPython) -> None:
    done = run_python("""
import sys
from runtime.safe_executor import SafeExecutor
with SafeExecutor() as attempt:
    1 / 0
print(type(attempt.error).__name__, "logging" in sys.modules)
with SafeExecutor(level=30):
    1 / 0
""")
    assert done.stdout == "ZeroDivisionError False\n"
    assert done.stderr == "recovered ZeroDivisionError at __main__:<module>:7: division by zero\n"


def test_usual_set_ups_show_no_new_lines(run_python: RunPython) -> None:
    done = run_python("""
import logging
from runtime.safe_executor import SafeExecutor
logging.basicConfig(level=logging.INFO)
with SafeExecutor(logging.getLogger("mine")):
    1 / 0
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    handler = logging.StreamHandler(written := io.StringIO())
    handler.setFormatter(logging.Formatter("%(filename)s:%(lineno)d %(funcName)s %(error_type)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield written
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_a_format_may_use_the_fields(stream: io.StringIO) -> None:
    block()
    line = line_of("the block")
    assert stream.getvalue() == (
        f"test_reporting.py:{line} block ValueError recovered ValueError at {__name__}:block:{line}: no reply\n"
    )
