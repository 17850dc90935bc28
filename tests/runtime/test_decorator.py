"""The decorator and ``call``: functions of every kind, their values, and their position in the world."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from runtime.details import Recovery
from runtime.safe_executor import SafeExecutor, add_hook


@pytest.fixture
def told() -> list[Recovery]:
    seen: list[Recovery] = []
    add_hook(seen.append)
    return seen


class TestFunction:
    def test_its_value_or_the_default(self) -> None:
        @SafeExecutor(recoverable=ValueError, default=-1)
        def parse(text: str, *, base: int = 10) -> int:
            return int(text, base)

        assert parse("7") == 7
        assert parse("ff", base=16) == 255
        assert parse("x") == -1
        with pytest.raises(TypeError):
            parse(None)  # type: ignore[arg-type]

    def test_the_default_is_none_unless_told(self) -> None:
        assert SafeExecutor()(lambda: 1 // 0)() is None

    def test_a_callable_default_is_called_for_each_recovery(self) -> None:
        @SafeExecutor(default=list)
        def fail() -> list[int]:
            raise OSError

        one, two = fail(), fail()
        assert one == two == []
        assert one is not two

    def test_an_error_of_the_default_goes_out_with_the_recovered_one_as_its_context(self) -> None:
        @SafeExecutor(default=lambda: {}["missing"])
        def fail() -> None:
            raise OSError("first")

        with pytest.raises(KeyError) as raised:
            fail()
        assert repr(raised.value.__context__) == "OSError('first')"

    def test_it_keeps_name_docstring_signature_and_attributes(self) -> None:
        def greet(name: str, *, loud: bool = False) -> str:
            """Say hello."""
            return name.upper() if loud else name

        greet.tag = "kept"  # type: ignore[attr-defined]
        guarded = SafeExecutor()(greet)
        assert (guarded.__name__, guarded.__doc__, guarded.__module__) == ("greet", "Say hello.", __name__)
        assert guarded.tag == "kept"  # type: ignore[attr-defined]
        assert inspect.signature(guarded) == inspect.signature(greet)
        assert inspect.unwrap(guarded) is greet

    def test_methods_of_every_kind(self) -> None:
        class Agent:
            name = "agent"

            @SafeExecutor(default="?")
            def plain(self, fail: bool) -> str:
                if fail:
                    raise OSError
                return self.name

            @classmethod
            @SafeExecutor(default="?")
            def of_class(cls, fail: bool) -> str:
                if fail:
                    raise OSError
                return cls.name

            @staticmethod
            @SafeExecutor(default="?")
            def static(fail: bool) -> str:
                if fail:
                    raise OSError
                return "static"

            @SafeExecutor(default="?")
            @staticmethod
            def static_below(fail: bool) -> str:
                if fail:
                    raise OSError
                return "static"

            @property
            @SafeExecutor(default="?")
            def computed(self) -> str:
                raise OSError

        agent = Agent()
        assert [agent.plain(False), agent.of_class(False), agent.static(False)] == ["agent", "agent", "static"]
        assert [agent.plain(True), agent.of_class(True), agent.static(True), agent.computed] == ["?"] * 4
        assert [Agent.static_below(False), Agent.static_below(True)] == ["static", "?"]

    def test_builtins_classes_and_partials(self) -> None:
        assert SafeExecutor(recoverable=ValueError, default=0)(int)("x") == 0
        assert SafeExecutor(recoverable=ValueError, default=0)(int)("5") == 5
        assert SafeExecutor(default=0)(functools.partial(int, base=16))("zz") == 0
        assert SafeExecutor(default=0)(functools.partial(int, base=16))("ff") == 255

    def test_changing_the_executor_later_changes_nothing(self) -> None:
        executor = SafeExecutor(recoverable=ValueError, default=0)
        guarded = executor(int)
        executor.recoverable = KeyError
        executor.default = 1
        assert guarded("x") == 0

    def test_the_executor_itself_is_not_entered_by_it(self) -> None:
        executor = SafeExecutor(default=0)
        executor(int)("x")
        with executor as attempt:
            raise ValueError("own")
        assert repr(attempt.error) == "ValueError('own')"

    def test_one_decorator_for_many_functions(self) -> None:
        tolerant = SafeExecutor(default=0)
        assert tolerant(int)("x") == 0
        assert tolerant(lambda: {}["x"])() == 0

    def test_interrupts_go_through(self) -> None:
        def stop() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            SafeExecutor(recoverable=BaseException)(stop)()


class TestCoroutineFunction:
    def test_its_value_or_the_default(self) -> None:
        @SafeExecutor(recoverable=ValueError, default=-1)
        async def parse(text: str) -> int:
            await asyncio.sleep(0)
            return int(text)

        assert inspect.iscoroutinefunction(parse)
        assert asyncio.run(parse("7")) == 7
        assert asyncio.run(parse("x")) == -1

    @pytest.mark.parametrize("form", ["instance", "partial", "bound method"])
    def test_what_is_awaited_in_other_forms(self, form: str) -> None:
        class Client:
            async def __call__(self, text: str) -> int:
                return int(text)

            fetch = __call__

        func = {"instance": Client(), "partial": functools.partial(Client().fetch), "bound method": Client().fetch}[
            form
        ]
        assert asyncio.run(SafeExecutor(default=-1)(func)("x")) == -1
        assert asyncio.run(SafeExecutor(default=-1)(func)("3")) == 3

    def test_cancelling_goes_through(self) -> None:
        @SafeExecutor(recoverable=BaseException)
        async def wait() -> None:
            await asyncio.sleep(60)

        async def main() -> None:
            task = asyncio.create_task(wait())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())


class TestCall:
    def test_it_calls_now(self) -> None:
        tolerant = SafeExecutor(recoverable=ValueError, default=0)
        assert tolerant.call(int, "5") == 5
        assert tolerant.call(int, "x", base=16) == 0
        with pytest.raises(TypeError):
            tolerant.call(int, [])

    def test_of_a_coroutine_function_it_returns_the_coroutine(self) -> None:
        async def parse(text: str) -> int:
            return int(text)

        assert asyncio.run(SafeExecutor(default=0).call(parse, "x")) == 0

    def test_its_site_is_the_line_of_the_call(self, told: list[Recovery]) -> None:
        here = inspect.currentframe()
        assert here is not None
        line = here.f_lineno + 1
        SafeExecutor().call(int, "x")
        (recovery,) = told
        assert recovery.site == (__file__, __name__, "TestCall.test_its_site_is_the_line_of_the_call", line)


class TestSite:
    def test_it_is_the_decorated_function(self, told: list[Recovery]) -> None:
        @SafeExecutor()
        def fail() -> None:
            raise ValueError

        fail()
        name = "TestSite.test_it_is_the_decorated_function.<locals>.fail"
        assert told[0].site == (__file__, __name__, name, inspect.unwrap(fail).__code__.co_firstlineno)
        assert str(told[0].site) == f"{__name__}:{name}:{told[0].site.line}"

    @pytest.mark.parametrize("wrap", [functools.partial, SafeExecutor(recoverable=())], ids=["partial", "wrapped"])
    def test_it_is_found_through_wrappers(
        self, told: list[Recovery], wrap: Callable[[Callable[[str], object]], Callable[[str], object]]
    ) -> None:
        def fail(text: str) -> None:
            raise ValueError(text)

        SafeExecutor()(wrap(fail))("x")
        assert told[0].site.function.endswith("<locals>.fail")
        assert told[0].site.line == fail.__code__.co_firstlineno

    def test_what_has_no_source_has_no_line(self, told: list[Recovery]) -> None:
        SafeExecutor()(int)("x")
        assert told[0].site == ("", "builtins", "int", 0)

    def test_an_instance_is_named_after_its_class(self, told: list[Recovery]) -> None:
        class Failing:
            def __call__(self) -> None:
                raise ValueError

        SafeExecutor()(Failing())()
        assert told[0].site.function.endswith("Failing")
        assert told[0].site.line == Failing.__call__.__code__.co_firstlineno


def print_nothing() -> None:
    """Stands for a function under ``@SafeExecutor`` without brackets."""


@pytest.mark.parametrize(
    ("logger", "func", "says"),
    [
        (None, 3, "decorates functions, not 3"),
        (None, classmethod(len), "put @classmethod or @property above it"),
        (print_nothing, len, r"write @SafeExecutor\(\), with brackets"),
        (ValueError, len, "was given <class 'ValueError'>"),
    ],
)
def test_misuse_is_told(logger: Any, func: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        SafeExecutor(logger)(func)
