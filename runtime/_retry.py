"""Retries for decorated functions, done by stamina."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ._settings import SETTINGS, Retries, Testing

if TYPE_CHECKING:
    from collections.abc import Callable

    from .safe_executor import SafeExecutor


def retrying(executor: SafeExecutor[Any, Any], func: Callable[..., Any], is_async: bool) -> Callable[..., Any]:
    """Wrap ``func`` so that what ``executor`` would recover is tried again first.

    Raises:
        TypeError: ``retries`` is no number and no mapping of retry settings.
        ValueError: ``retries`` is negative.
        ImportError: stamina is not installed.
    """
    settings = _settings_of(executor.retries)
    try:
        import stamina
    except ModuleNotFoundError as missing:
        raise ImportError(
            f"SafeExecutor(retries=...) needs {missing.name}: pip install 'unsnarl[runtime]'", name=missing.name
        ) from None

    def again(error: Exception) -> bool:
        return executor._recovers(error)

    once = _coroutine_function(func) if is_async else _function(func)

    @functools.cache
    def under(testing: Testing | None) -> Callable[..., Any]:
        return stamina.retry(on=again, **(settings if testing is None else _quick(settings, testing)))(once)

    # The mode is looked up at each call: functions are decorated at import, before a test can ask for it.
    def call(*args: Any, **kwargs: Any) -> Any:
        return under(SETTINGS.testing)(*args, **kwargs)

    return call


def _function(func: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(func)
    def once(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return once


def _coroutine_function(func: Callable[..., Any]) -> Callable[..., Any]:
    # stamina takes an instance with an async __call__ for a plain function.
    @functools.wraps(func)
    async def once(*args: Any, **kwargs: Any) -> Any:
        return await func(*args, **kwargs)

    return once


def release(error: BaseException) -> None:
    """Empty the frames that ``error`` went through, once it has been recovered and reported.

    stamina and tenacity keep the outcome of the last try in reference cycles of their own, until the collector comes
    by. The error itself cannot be freed from there; the locals of the user's frames can.
    """
    import traceback

    traceback.clear_frames(error.__traceback__)


def _settings_of(retries: int | Retries) -> Retries:
    if isinstance(retries, int) and not isinstance(retries, bool):
        if retries < 0:
            raise ValueError(f"SafeExecutor(retries=...) cannot be negative, and is {retries}")
        return {"attempts": retries + 1}
    if not isinstance(retries, dict):
        raise TypeError(f"SafeExecutor(retries=...) takes a number or a mapping of settings, not {retries!r}")
    known = Retries.__annotations__
    for key in retries:
        if key not in known:
            raise TypeError(f"SafeExecutor(retries=...) has no setting {key!r}; it has {', '.join(known)}")
    return retries


def _quick(settings: Retries, testing: Testing) -> Retries:
    asked = settings.get("attempts", 10)
    attempts = min(testing.attempts, asked or testing.attempts) if testing.cap else testing.attempts
    return {"attempts": attempts, "timeout": None, "wait_initial": 0, "wait_max": 0, "wait_jitter": 0}
