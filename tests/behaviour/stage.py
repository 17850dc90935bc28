"""What a generated program stands on: the calls that leave a trace, and the points at which a plan makes it fail.

A program imports this module and nothing else of ours. The same file serves a program that runs inside the test
process and one that runs as a script of its own, so it imports the standard library only.

Every call of ``boom``, every ``await pause`` and every step of a driven generator is one **tick**. A plan says what
happens at which tick, by number; as long as two programs behave the same, their ticks carry the same numbers.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import sys
import traceback
import types
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, Self, TypeVar

T = TypeVar("T")
Event = tuple[Any, ...]


class Custom(Exception):
    """An application's own error."""


class Detailed(Custom):
    """One that takes more than a message, so that making it anew from its text fails."""

    def __init__(self, code: int, *, where: str) -> None:
        super().__init__(code, where)
        self.where = where


class Control(BaseException):
    """Control flow, as libraries do that derive from BaseException on purpose."""


class Strict(ValueError):
    """A subclass of what a sibling handler may name."""


class Overrun(BaseException):
    """The program did not stop by itself."""


class Held:
    """Something whose end is an event: a local, or what an exception keeps alive."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        # Its end may come in a later run, and is none of that one's business.
        self.run = _run
        self.run.held[tag] = self.run.held.get(tag, 0) + 1

    def __del__(self) -> None:
        self.run.held[self.tag] -= 1
        self.run.event("freed", self.tag)


KINDS: dict[str, Callable[[str], BaseException]] = {
    "ValueError": ValueError,
    "Strict": Strict,
    "KeyError": KeyError,
    "TypeError": TypeError,
    "FileNotFoundError": lambda text: FileNotFoundError(2, text, "name"),
    "TimeoutError": TimeoutError,
    "UnicodeDecodeError": lambda text: UnicodeDecodeError("utf-8", b"\xff", 0, 1, text),
    "Custom": Custom,
    "Detailed": lambda text: Detailed(7, where=text),
    "Control": Control,
    "KeyboardInterrupt": KeyboardInterrupt,
    "SystemExit": SystemExit,
    "GeneratorExit": GeneratorExit,
    "CancelledError": asyncio.CancelledError,
    "StopIteration": StopIteration,
    "StopAsyncIteration": StopAsyncIteration,
    "ExceptionGroup": lambda text: ExceptionGroup(text, [ValueError(1), KeyError(2), Custom(3)]),
    "BaseExceptionGroup": lambda text: BaseExceptionGroup(text, [ValueError(1), KeyboardInterrupt(2)]),
    "chained": lambda text: _chained(text),
    "AssertionError": AssertionError,
    "RecursionError": RecursionError,
    "MemoryError": MemoryError,
}
"""What a plan can have thrown, by name."""


def _chained(text: str) -> BaseException:
    error = Custom(text)
    error.__cause__ = KeyError("the cause")
    error.add_note("a note")
    return error


class Run:
    """One run of one program: the plan it follows and the events that it left."""

    def __init__(self, plan: dict[int, str] | None = None, limit: int = 400) -> None:
        self.plan = plan or {}
        self.limit = limit
        self.ticks = 0
        self.roles: list[str] = []
        self.events: list[Event] = []
        self.held: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.open = True

    def event(self, *parts: Any) -> None:
        if self.open:
            self.events.append(parts)

    def tick(self, role: str) -> str | None:
        """The next tick's number; returns what the plan wants to happen there."""
        number = self.ticks
        self.ticks += 1
        if number > self.limit:
            raise Overrun(number)
        self.roles.append(role)
        return self.plan.get(number)

    def make(self, kind: str, text: str) -> BaseException:
        error = KINDS[kind](text)
        # Lives in the exception's own dictionary: its end is the end of the exception.
        error.held = Held(f"{kind} {text}")  # type: ignore[attr-defined]
        return error


_run: Run = Run()


def start(run: Run) -> None:
    """Make ``run`` the one that the calls below write to."""
    global _run
    _run = run


def boom(site: int, value: T | None = None) -> Any:
    """Return ``value`` (``site`` when none is given), or raise what the plan says. The frame holds something, too."""
    inside = Held(f"frame of boom {site}")
    wanted = _run.tick("boom")
    _run.event("boom", site)
    if wanted is not None and wanted in KINDS:
        raise _run.make(wanted, f"boom {site}")
    del inside
    return site if value is None else value


async def pause(site: int) -> int:
    """Let other tasks run once; the plan may cancel this task here, or throw."""
    wanted = _run.tick("pause")
    _run.event("pause", site)
    if wanted == "cancel":
        task = asyncio.current_task()
        assert task is not None
        task.cancel(f"pause {site}")
    elif wanted is not None and wanted in KINDS:
        raise _run.make(wanted, f"pause {site}")
    await asyncio.sleep(0)
    return site


def mark(tag: str, *values: Any) -> None:
    """Note down that the program came by, with ``values`` as they are now."""
    _run.event("mark", tag, *(show(value) for value in values))


def count(name: str, times: int) -> bool:
    """True for the first ``times`` calls: the condition of a loop that ends."""
    _run.counts[name] = _run.counts.get(name, 0) + 1
    return _run.counts[name] <= times


def again(name: str) -> None:
    """Let the loop that ``count`` bounds start over."""
    _run.counts.pop(name, None)


@contextlib.contextmanager
def within(tag: str) -> Iterator[str]:
    """A context that leaves a trace and lets errors by."""
    mark(f"enter {tag}")
    try:
        yield tag
    finally:
        mark(f"leave {tag}", sys.exc_info()[0])


class Swallow:
    """A context that holds ValueError back."""

    def __init__(self, tag: str) -> None:
        self.tag = tag

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        mark(f"swallow {self.tag}", kind)
        return kind is not None and issubclass(kind, ValueError)

    async def __aenter__(self) -> Self:
        await pause(900)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        mark(f"swallow {self.tag}", kind)
        await pause(901)
        return kind is not None and issubclass(kind, ValueError)


async def ticker(times: int) -> AsyncIterator[int]:
    """An asynchronous iterator that pauses before each item."""
    for number in range(times):
        await pause(800 + number)
        yield number


def traced(function: Callable[..., T]) -> Callable[..., T]:
    """A decorator that leaves a trace."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> T:
        mark(f"call {function.__name__}")
        return function(*args, **kwargs)

    return wrapper


def active() -> None:
    """Note down which exception is being handled, as a helper with no name for it does."""
    mark("active", sys.exc_info()[0], traceback.format_exc())


def names(found: Iterable[str]) -> list[str]:
    """The names that a scope has, but for the one that a rewrite imports."""
    return sorted(name for name in found if name != "SafeExecutor")


def show(value: Any, depth: int = 4) -> Any:
    """``value`` as plain data that can be compared and printed: no addresses, and every part that a program can see."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, (int, float, str, bytes)):
        return f"<{type(value).__name__} {value!r}>"
    if isinstance(value, BaseException):
        return describe(value)
    if depth == 0:
        return "..."
    if isinstance(value, Held):
        return f"<held {value.tag}>"
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *(show(item, depth - 1) for item in value)]
    if isinstance(value, (set, frozenset)):
        return [type(value).__name__, *sorted(repr(show(item, depth - 1)) for item in value)]
    if isinstance(value, dict):
        return ["dict", *([show(key, depth - 1), show(item, depth - 1)] for key, item in value.items())]
    if isinstance(value, type):
        if value.__module__ != "program":
            return f"<class {value.__qualname__}>"
        hidden = {"__dict__", "__weakref__", "__firstlineno__", "__static_attributes__", "__annotate_func__"}
        inside = {name: item for name, item in vars(value).items() if name not in hidden}
        return ["class", value.__qualname__, show(inside, depth - 1)]
    if isinstance(value, types.FunctionType):
        return f"<function {value.__qualname__}>"
    return f"<{type(value).__qualname__}>"


def describe(error: BaseException | None, seen: tuple[int, ...] = ()) -> Any:
    """An exception as a program can see it: type, arguments, text, notes, cause, and where it came by.

    The context is a part of its own (the last), because a comparison reports on it apart.
    """
    if error is None:
        return None
    if id(error) in seen:
        return ["seen", seen.index(id(error))]
    seen = (*seen, id(error))
    inner: list[Any] = []
    if isinstance(error, BaseExceptionGroup):
        inner = [describe(one, seen) for one in error.exceptions]
    return {
        "type": type(error).__qualname__,
        "args": show(error.args),
        "text": _plain(str(error)),
        "notes": list(getattr(error, "__notes__", ())),
        "state": show({name: item for name, item in vars(error).items() if name != "__notes__"}, 2),
        "inner": inner,
        "cause": describe(error.__cause__, seen),
        "suppress": error.__suppress_context__,
        "frames": [frame.f_code.co_name for frame in _frames(error.__traceback__)],
        "context": describe(error.__context__, seen),
    }


def _plain(text: str) -> str:
    # An address differs from run to run.
    return text.split(" at 0x", 1)[0]


def _frames(trace: types.TracebackType | None) -> list[types.FrameType]:
    frames = []
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in {"<program>", __file__}:
            frames.append(trace.tb_frame)
        trace = trace.tb_next
    return frames


def leaks() -> list[str]:
    """The tags of what was made and is still alive: only the cycle collector would free it."""
    return sorted(tag for tag, alive in _run.held.items() for _ in range(alive))


def quiet_collect() -> None:
    """Free the cycles that earlier runs left, without a trace."""
    _run.open = False
    gc.collect()
