"""The decorator of SafeExecutor: one wrapper for each kind of function."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from ._settings import Site

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from .safe_executor import SafeExecutor


def guard(executor: SafeExecutor[Any, Any], func: Any, site: Site | None) -> Callable[..., Any]:
    """Wrap ``func``; ``site`` overrides the site that is reported, which is otherwise that of ``func``.

    Raises:
        TypeError: ``func`` cannot be called, ``recoverable`` or ``retries`` is wrong, or retries are asked for a
            generator function.
        ImportError: Retries are asked for and stamina is missing.
    """
    logger: object = executor.logger
    if inspect.isfunction(logger) or inspect.isclass(logger):
        raise TypeError(f"SafeExecutor(logger) was given {logger!r}: write @SafeExecutor(), with brackets")
    if not callable(func):
        above = " (put @classmethod or @property above it)" if isinstance(func, (classmethod, property)) else ""
        raise TypeError(f"SafeExecutor decorates functions, not {func!r}{above}")
    executor._wanted(None)
    # A frozen copy of the settings: what the caller does to the executor afterwards is another use of it.
    executor = executor.fresh()
    kind = _kind_of(func)
    run = func
    if executor.retries:
        if kind in {"generator", "async generator"}:
            raise TypeError("SafeExecutor(retries=...) cannot repeat a generator: what it has yielded is gone")
        from ._retry import retrying

        run = retrying(executor, func, kind == "coroutine")
    wrapper = _WRAPPERS[kind](executor, run, _site_of(func) if site is None else site)
    # A class has a __dict__ of descriptors that have no place on a function.
    return functools.update_wrapper(wrapper, func, updated=() if isinstance(func, type) else ("__dict__",))


def _site_of(func: Callable[..., Any]) -> Site:
    name = getattr(func, "__qualname__", None) or type(func).__qualname__
    module = getattr(func, "__module__", None) or "builtins"
    while isinstance(inner := inspect.unwrap(func), functools.partial):
        func = inner.func
        name, module = getattr(func, "__qualname__", name), getattr(func, "__module__", None) or module
    inner = getattr(inner, "__func__", inner)
    called = getattr(type(inner), "__call__", None)  # noqa: B004 - an instance of a class with that method
    code = getattr(inner, "__code__", None) or getattr(called, "__code__", None)
    return Site("", module, name, 0) if code is None else Site(code.co_filename, module, name, code.co_firstlineno)


def _kind_of(func: Callable[..., Any]) -> str:
    for candidate in (func, getattr(func, "__call__", None)):  # noqa: B004 - an instance with an async __call__
        if inspect.iscoroutinefunction(candidate):
            return "coroutine"
        if inspect.isasyncgenfunction(candidate):
            return "async generator"
        if inspect.isgeneratorfunction(candidate):
            return "generator"
    return "function"


def _release(error: BaseException) -> None:
    from ._retry import release

    release(error)


def _fallback(default: Any) -> Any:
    return default() if callable(default) else default


def _function(executor: SafeExecutor[Any, Any], run: Callable[..., Any], site: Site) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return run(*args, **kwargs)
        except BaseException as error:
            if not executor._recovers(error):
                raise
            executor._report(error, site)
            if executor.retries:
                _release(error)
            return _fallback(executor.default)

    return wrapper


def _coroutine(executor: SafeExecutor[Any, Any], run: Callable[..., Any], site: Site) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return await run(*args, **kwargs)
        except BaseException as error:
            if not executor._recovers(error):
                raise
            executor._report(error, site)
            if executor.retries:
                _release(error)
            return _fallback(executor.default)

    return wrapper


def _generator(executor: SafeExecutor[Any, Any], run: Callable[..., Any], site: Site) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        try:
            return (yield from run(*args, **kwargs))
        except BaseException as error:
            if not executor._recovers(error):
                raise
            executor._report(error, site)
            return _fallback(executor.default)

    return wrapper


def _async_generator(executor: SafeExecutor[Any, Any], run: Callable[..., Any], site: Site) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        try:
            inner = run(*args, **kwargs)
            # There is no `yield from` for these: send, throw and close are handed on by hand.
            try:
                item = await inner.__anext__()
                while True:
                    try:
                        sent = yield item
                    except GeneratorExit:
                        raise
                    except BaseException as thrown:  # noqa: BLE001, E900 whatever it is, it goes on to inner
                        item = await inner.athrow(thrown)
                    else:
                        item = await inner.asend(sent)
            except StopAsyncIteration:
                return
            finally:
                await inner.aclose()
        except BaseException as error:
            if not executor._recovers(error):
                raise
            executor._report(error, site)

    return wrapper


_WRAPPERS = {
    "function": _function,
    "coroutine": _coroutine,
    "generator": _generator,
    "async generator": _async_generator,
}
