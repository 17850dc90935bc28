"""The switches of the whole process: recover at all, how loudly, how quickly in tests, and who is told."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, NamedTuple, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from .details import Recovery

    Hook = Callable[[Recovery], object]

_DEBUG = 10  # logging.DEBUG; logging itself is not loaded for a number
_ON = frozenset({"", "1", "on", "true", "yes"})
_OFF = frozenset({"0", "off", "false", "no"})


class Site(NamedTuple):
    """Where an error was recovered: a ``with`` statement, or the function that was decorated or called.

    Attributes:
        file: Path of the source file as the interpreter knows it; empty for what has no Python source.
        module: ``__name__`` of the module.
        function: Qualified name of the function, ``<module>`` outside any.
        line: Line of the ``with`` statement (one of the lines of its header when that spans several), or the first
            line of the function, its decorators included; 0 for what has no Python source.
    """

    file: str
    module: str
    function: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.function}:{self.line}"


class Retries(TypedDict, total=False):
    """How a call is tried again; each key means what it means to ``stamina.retry``. Times are in seconds.

    Attributes:
        attempts: How often in all, the first time included; None: no limit.
        timeout: For how long in all; None: no limit.
        wait_initial: The least wait before the second try.
        wait_max: The longest wait.
        wait_jitter: The most that is added at random.
        wait_exp_base: By what the wait grows each time.
    """

    attempts: int | None
    timeout: float | None
    wait_initial: float
    wait_max: float
    wait_jitter: float
    wait_exp_base: float


class Testing(NamedTuple):
    """How often a retried call is tried while testing; the waits are left out."""

    attempts: int
    cap: bool


class Settings:
    """One object for the process, so that a change is seen by executors made before it."""

    __slots__ = ("active", "hooks", "level", "record", "testing")

    def __init__(self) -> None:
        self.active = True
        self.level = _DEBUG
        self.testing: Testing | None = None
        self.hooks: tuple[Hook, ...] = ()
        self.record: Callable[[Site, str], None] | None = None


SETTINGS = Settings()


def is_active() -> bool:
    """Whether errors are recovered at all."""
    return SETTINGS.active


def set_active(active: bool) -> None:
    """Switch recovery on or off for the whole process.

    Off, no executor recovers or retries anything: errors go through as if the ``with`` and the decorator were not
    there, which is what a debugger or a test of the failure itself wants. ``UNSNARL_RECOVERY=off`` in the environment
    does the same from the start.
    """
    SETTINGS.active = bool(active)


def get_level() -> int:
    """The level at which executors without a ``level`` of their own log what they recovered."""
    return SETTINGS.level


def set_level(level: int) -> None:
    """Set the level at which executors without a ``level`` of their own log: ``logging.DEBUG`` unless told.

    Raises:
        TypeError: ``level`` is not a number.
    """
    number: object = level
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"set_level() takes a number such as logging.INFO, not {level!r}")
    SETTINGS.level = level


def is_testing() -> bool:
    """Whether the testing mode is on."""
    return SETTINGS.testing is not None


class _Restore:
    """Puts the testing mode back when a ``with set_testing(...)`` block ends."""

    __slots__ = ("_before",)

    def __init__(self, before: Testing | None) -> None:
        self._before = before

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        SETTINGS.testing = self._before


def set_testing(testing: bool, *, attempts: int = 1, cap: bool = False) -> _Restore:
    """Switch the testing mode on or off: retried calls do not wait, and are tried ``attempts`` times.

    Use it as a statement, or as a context manager that puts the former mode back.

    Args:
        testing: On or off.
        attempts: How often a call with ``retries`` is tried, the first time included. At least 1.
        cap: Only lower the number of tries, never raise it.

    Raises:
        ValueError: ``attempts`` is less than 1.
    """
    if attempts < 1:
        raise ValueError(f"set_testing(attempts=...) must be at least 1, not {attempts!r}")
    before = SETTINGS.testing
    SETTINGS.testing = Testing(attempts, cap) if testing else None
    return _Restore(before)


def add_hook(hook: Hook) -> None:
    """Have ``hook`` called with a `Recovery` whenever an error is recovered, in the thread that recovered it.

    Hooks run in the order they were added; one added twice runs once. A hook that raises is reported once, as a
    warning of the logger ``runtime.safe_executor``, and changes nothing for the program. What a hook itself recovers
    is not announced again.

    Raises:
        TypeError: ``hook`` cannot be called.
    """
    if not callable(hook):
        raise TypeError(f"add_hook() takes a callable, not {hook!r}")
    if hook not in SETTINGS.hooks:
        SETTINGS.hooks = (*SETTINGS.hooks, hook)


def remove_hook(hook: Hook) -> None:
    """Stop calling ``hook``. One that was never added is no error."""
    SETTINGS.hooks = tuple(kept for kept in SETTINGS.hooks if kept != hook)


def _from_environment() -> None:
    word = os.environ.get("UNSNARL_RECOVERY", "").strip().lower()
    if word in _OFF:
        SETTINGS.active = False
    elif word not in _ON:
        # A service must not fail to start over a switch, so the word is reported and recovery stays on.
        warnings.warn(
            f"UNSNARL_RECOVERY={word!r} is neither on nor off: recovery stays on", RuntimeWarning, stacklevel=2
        )


_from_environment()
