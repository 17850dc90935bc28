"""Which errors are recovered: those that an ``except`` clause of the same types catches, but for four."""

from __future__ import annotations

import abc
import asyncio
import builtins
import sys
from typing import Any

import pytest

from runtime.safe_executor import SafeExecutor

from .conftest import RunPython

NEVER = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError)


class Mine(ValueError):
    pass


class Control(BaseException):
    """As libraries have it for control flow: derived from BaseException on purpose."""


class Falsy(ValueError):
    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0


class MetaWithOpinions(type):
    def __subclasscheck__(cls, other: type) -> bool:
        raise AssertionError("an except clause never asks")

    def __eq__(cls, other: object) -> bool:
        raise AssertionError("an except clause never asks")

    __hash__ = type.__hash__


class Opinionated(ValueError, metaclass=MetaWithOpinions):
    pass


ERRORS: list[BaseException] = [
    ValueError("v"),
    Mine("m"),
    Falsy("f"),
    KeyError("k"),
    TimeoutError(),
    StopIteration(3),
    RecursionError(),
    MemoryError(),
    Control(),
    ExceptionGroup("g", [ValueError("v")]),
    BaseExceptionGroup("g", [Control()]),
]
RECOVERABLE: list[Any] = [
    Exception,
    (Exception,),
    BaseException,
    ValueError,
    (ValueError,),
    (Mine, KeyError),
    (),
    (LookupError, OSError),
    Control,
    ExceptionGroup,
    (BaseExceptionGroup,),
    (Opinionated,),
]


@pytest.mark.parametrize("recoverable", RECOVERABLE, ids=repr)
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_it_recovers_what_an_except_clause_catches(error: BaseException, recoverable: Any) -> None:
    try:
        raise error
    except recoverable:
        caught = True
    except BaseException:
        caught = False

    try:
        with SafeExecutor(recoverable=recoverable) as attempt:
            raise error
        assert attempt.error is error
        recovered = True
    except BaseException as raised:
        gone_through = raised
        recovered = False

    assert recovered is caught
    if not recovered:
        assert gone_through is error
        assert attempt.error is None


def test_tuples_may_nest_so_that_constants_can_be_combined() -> None:
    network = (ConnectionError, TimeoutError)
    with SafeExecutor(recoverable=(network, (KeyError, ()))) as attempt:
        raise ConnectionResetError
    assert type(attempt.error) is ConnectionResetError


def test_an_abstract_base_class_does_not_match_what_is_registered_with_it() -> None:
    class Abstract(Exception, metaclass=abc.ABCMeta):
        pass

    Abstract.register(KeyError)
    assert issubclass(KeyError, Abstract)
    with pytest.raises(KeyError), SafeExecutor(recoverable=Abstract):
        raise KeyError


@pytest.mark.parametrize("kind", NEVER)
@pytest.mark.parametrize("recoverable", [BaseException, *[(kind,) for kind in NEVER]], ids=repr)
def test_four_are_never_recovered(kind: type[BaseException], recoverable: Any) -> None:
    class Derived(kind):  # type: ignore[misc,valid-type]
        pass

    for error in (kind(), Derived()):
        with pytest.raises(kind) as raised, SafeExecutor(recoverable=recoverable) as attempt:
            raise error
        assert raised.value is error
        assert attempt.error is None


def test_one_that_is_also_an_exception_is_not_recovered() -> None:
    class Both(ValueError, KeyboardInterrupt):
        pass

    with pytest.raises(Both), SafeExecutor(recoverable=(ValueError, BaseException)):
        raise Both


@pytest.mark.parametrize("kind", NEVER)
@pytest.mark.parametrize("depth", [1, 2, 50])
def test_a_group_that_holds_one_of_them_goes_through(kind: type[BaseException], depth: int) -> None:
    error: BaseException = kind()
    for _ in range(depth):
        error = BaseExceptionGroup("g", [ValueError(), error, KeyError()])
    with pytest.raises(BaseExceptionGroup) as raised, SafeExecutor(recoverable=(BaseException, BaseExceptionGroup)):
        raise error
    assert raised.value is error


def test_a_group_is_matched_by_its_own_type_and_not_by_what_it_holds() -> None:
    group = ExceptionGroup("g", [ValueError()])
    with pytest.raises(ExceptionGroup), SafeExecutor(recoverable=(ValueError,)):
        raise group
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        raise group
    assert attempt.error is group


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ([ValueError], "write (<class 'ValueError'>,)"),
        (ValueError("x"), "not ValueError('x')"),
        ("ValueError", "not 'ValueError'"),
        ((ValueError, int), "not <class 'int'>"),
        ((ValueError, (KeyError, None)), "not None"),
    ],
    ids=repr,
)
class TestWrongRecoverable:
    def test_it_is_a_type_error_from_the_error_that_had_to_be_judged(self, wrong: Any, names: str) -> None:
        error = ValueError("the original")
        with pytest.raises(TypeError) as raised, SafeExecutor(recoverable=wrong):
            raise error
        assert names in str(raised.value)
        assert raised.value.__cause__ is error

    def test_it_costs_nothing_while_nothing_goes_wrong(self, wrong: Any, names: str) -> None:
        with SafeExecutor(recoverable=wrong) as attempt:
            pass
        assert attempt.error is None

    def test_it_does_not_get_in_the_way_of_an_interrupt(self, wrong: Any, names: str) -> None:
        with pytest.raises(KeyboardInterrupt), SafeExecutor(recoverable=wrong):
            raise KeyboardInterrupt

    def test_the_decorator_says_so_at_once(self, wrong: Any, names: str) -> None:
        with pytest.raises(TypeError) as raised:
            SafeExecutor(recoverable=wrong)(len)
        assert names in str(raised.value)


def test_a_task_that_is_cancelled_stays_cancelled() -> None:
    async def work() -> None:
        while True:
            with SafeExecutor(recoverable=BaseException):
                await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)

    asyncio.run(main())


def test_a_timeout_of_asyncio_is_an_error_like_any_other() -> None:
    async def main() -> Exception | None:
        async with SafeExecutor(recoverable=asyncio.TimeoutError) as attempt:
            await asyncio.wait_for(asyncio.sleep(60), 0.01)
        return attempt.error

    assert isinstance(asyncio.run(main()), builtins.TimeoutError)


def test_an_error_that_goes_through_keeps_its_traceback() -> None:
    def frames(error: BaseException) -> list[tuple[str, int]]:
        found = []
        trace = error.__traceback__
        while trace is not None:
            found.append((trace.tb_frame.f_code.co_name, trace.tb_lineno))
            trace = trace.tb_next
        return found

    def fail() -> None:
        raise KeyError

    def guarded() -> None:
        with SafeExecutor(recoverable=ValueError):
            fail()

    with pytest.raises(KeyError) as raised:
        guarded()
    assert [name for name, _ in frames(raised.value)][1:] == ["guarded", "fail"]


def test_after_the_block_no_exception_is_being_handled() -> None:
    with SafeExecutor():
        raise ValueError
    assert sys.exc_info() == (None, None, None)


def test_a_stack_that_is_full_is_recovered_from(run_python: RunPython) -> None:
    # On its own: a collection that the test runner's own objects need would fail at that depth, too.
    done = run_python("""
from runtime.safe_executor import SafeExecutor

def dive(depth):
    deepest = depth
    with SafeExecutor(recoverable=RecursionError):
        deepest = dive(depth + 1)
    return deepest

print(dive(0) > 900)
""")
    assert (done.stdout, done.stderr) == ("True\n", "")
