"""Runs a program under a plan, in this process, and notes down everything that can be seen of it from outside."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import linecache
import logging
import sys
import types
import warnings
from collections.abc import AsyncGenerator, Coroutine, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from tests.behaviour import stage
from tests.behaviour.stage import KINDS, Event, Run, describe, show

FILENAME = "<program>"
STEPS = 8


@dataclass(frozen=True)
class Observation:
    """What one run left: its events in order, the names at its end, and what nothing but the collector would free."""

    events: list[Event]
    bindings: dict[str, Any]
    leaks: list[str]
    roles: list[str]


class Loaded:
    """A program, compiled once and run as often as wanted."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.code = compile(data, FILENAME, "exec", dont_inherit=True)
        self.lines = data.decode().splitlines(keepends=True)

    def run(self, plan: dict[int, str] | None = None) -> Observation:
        """Run it in a module of its own, following ``plan``; nothing of it is left afterwards but what it leaks."""
        run = Run(plan)
        stage.start(run)
        linecache.cache[FILENAME] = (len(self.data), None, self.lines, FILENAME)
        module = types.ModuleType("program")
        module.__file__ = FILENAME
        with _watched(run, module):
            self._execute(run, module)
            bindings = _bindings(module)
            run.event("the end")
            module.__dict__.clear()
            leaks = stage.leaks()
            run.open = False
        return Observation(run.events, bindings, leaks, run.roles)

    def _execute(self, run: Run, module: types.ModuleType) -> None:
        try:
            exec(self.code, module.__dict__)
        except BaseException as error:  # whatever a program raises is to be compared
            run.event("raised", "module", describe(error))
            return
        for number in range(len(module.__dict__["entries"])):
            run.event("entry", number)
            entry = module.__dict__["entries"][number]
            try:
                result = entry(1)
                if inspect.iscoroutine(result) or inspect.isasyncgen(result):
                    _in_loop(run, result)
                elif inspect.isgenerator(result):
                    _steps(run, result)
                else:
                    run.event("returned", show(result))
            except BaseException as error:  # the same
                run.event("raised", "entry", describe(error))
            result = None
        for call in module.__dict__["kept"]:
            try:
                call()
            except BaseException as error:  # the same
                run.event("raised", "kept", describe(error))


def _steps(run: Run, generator: Generator[Any, Any, Any]) -> None:
    for step in range(STEPS):
        wanted = run.tick("drive")
        if wanted == "drop":
            return
        try:
            if wanted == "close":
                generator.close()
                run.event("closed")
                return
            if wanted is not None and wanted in KINDS:
                item = generator.throw(run.make(wanted, f"step {step}"))
            else:
                item = generator.send(step) if step else next(generator)
        except StopIteration as stop:
            run.event("stopped", show(stop.value))
            return
        run.event("item", show(item))


async def _async_steps(run: Run, generator: AsyncGenerator[Any, Any]) -> None:
    for step in range(STEPS):
        wanted = run.tick("drive")
        if wanted == "drop":
            return
        try:
            if wanted == "close":
                await generator.aclose()
                run.event("closed")
                return
            if wanted is not None and wanted in KINDS:
                item = await generator.athrow(run.make(wanted, f"step {step}"))
            else:
                item = await (generator.asend(step) if step else anext(generator))
        except StopAsyncIteration:
            run.event("stopped")
            return
        run.event("item", show(item))


def _in_loop(run: Run, work: Coroutine[Any, Any, Any] | AsyncGenerator[Any, Any]) -> None:
    """Run ``work`` as a task; the plan may have cancelled it at one of its pauses."""
    loop = asyncio.new_event_loop()
    try:
        if inspect.isasyncgen(work):
            loop.run_until_complete(_async_steps(run, work))
        else:
            assert inspect.iscoroutine(work)
            run.event("returned", show(loop.run_until_complete(work)))
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


class _Records(logging.Handler):
    """Notes records down as they come and keeps none: a kept record would keep its exception."""

    def __init__(self, run: Run) -> None:
        super().__init__(logging.INFO)
        self.run = run

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        text = logging.Formatter().formatException(record.exc_info) if record.exc_info else None
        self.run.event(
            "log",
            record.name,
            record.levelname,
            record.getMessage(),
            record.funcName,
            bool(record.exc_info),
            describe(error),
            text,
        )


class _Out:
    """Stands for sys.stdout and sys.stderr."""

    encoding = "utf-8"

    def __init__(self, run: Run, name: str) -> None:
        self.run = run
        self.name = name

    def write(self, text: str) -> int:
        self.run.event(self.name, text)
        return len(text)

    def flush(self) -> None:
        pass


@contextlib.contextmanager
def _watched(run: Run, module: types.ModuleType) -> Iterator[None]:
    """Everything that a program reaches outside itself leads to ``run``, and is put back afterwards."""
    root = logging.getLogger()
    old = (root.handlers[:], root.level, sys.stdout, sys.stderr, sys.unraisablehook, gc.isenabled())
    root.handlers[:] = [_Records(run)]
    root.setLevel(logging.INFO)
    sys.stdout, sys.stderr = _Out(run, "out"), _Out(run, "err")
    sys.unraisablehook = lambda args: run.event("unraisable", describe(args.exc_value))
    sys.modules["program"] = module
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.handlers[:], level, sys.stdout, sys.stderr, sys.unraisablehook, collecting = old
        root.setLevel(level)
        sys.modules.pop("program", None)
        for name in [name for name in logging.Logger.manager.loggerDict if name.split(".")[0] == "program"]:
            del logging.Logger.manager.loggerDict[name]
        if collecting:
            gc.enable()


def _bindings(module: types.ModuleType) -> dict[str, Any]:
    own = {name: value for name, value in module.__dict__.items() if not name.startswith("__")}
    return {name: show(value) for name, value in own.items() if name not in {"entries", "kept"}}
