"""Recover from the errors that are expected, and only from those.

`SafeExecutor` stands where ``try: ... except Exception: ...`` stood: it names the types that may be recovered, leaves a
structured log record, and tells hooks and the evidence file what happened. The other names here are switches for the
whole process: `set_active`, `set_level`, `set_testing`, `add_hook`, `remove_hook`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Generic, Protocol, overload

from ._report import report
from ._settings import (
    SETTINGS,
    Retries,
    Site,
    add_hook,
    get_level,
    is_active,
    is_testing,
    remove_hook,
    set_active,
    set_level,
    set_testing,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
    from types import TracebackType
    from typing import NoReturn, ParamSpec, Self

    from typing_extensions import TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")
    Y = TypeVar("Y")
    S = TypeVar("S")
    E = TypeVar("E", bound=BaseException)
    D = TypeVar("D")
    Error_co = TypeVar("Error_co", bound=BaseException, covariant=True, default=Exception)
    Default_co = TypeVar("Default_co", covariant=True, default=None)
else:
    from typing import TypeVar

    Error_co = TypeVar("Error_co", bound=BaseException, covariant=True)
    Default_co = TypeVar("Default_co", covariant=True)

if os.environ.get("UNSNARL_EVIDENCE"):
    from . import evidence  # noqa: F401 - it reads the variable; elsewhere it costs what json costs

__all__ = [
    "Retries",
    "SafeExecutor",
    "Site",
    "SupportsDebug",
    "add_hook",
    "get_level",
    "is_active",
    "is_testing",
    "remove_hook",
    "set_active",
    "set_level",
    "set_testing",
]


class SupportsDebug(Protocol):
    """What a logger must offer: a standard logger, a ``LoggerAdapter``, a structlog or a loguru logger does."""

    def debug(self, message: str, /, *args: Any, **kwargs: Any) -> Any:
        """Log ``message`` at the debug level."""


class SafeExecutor(Generic[Error_co, Default_co]):
    """Run a block or a function, and recover from the errors that are named.

    As a context manager, sync or async::

        with SafeExecutor(logger, recoverable=(zmq.ZMQError,)) as attempt:
            reply = sock.recv_json()
        if attempt.error is not None:
            return None
        return reply

    As a decorator of a function, a coroutine function, a generator or an async generator function::

        @SafeExecutor(logger, recoverable=(OSError,), default=list, retries=2)
        def read_lines(path: Path) -> list[str]: ...

    Or for one call: ``SafeExecutor(recoverable=ValueError, default=0).call(int, text)``.

    **What is recovered.** An error whose type is one of ``recoverable`` or derived from one, as ``except`` has it: an
    exception group is matched by its own type, never by what it holds, and registering with an abstract base class
    does not count. Whatever ``recoverable`` says, ``KeyboardInterrupt``, ``SystemExit``, ``GeneratorExit`` and
    ``asyncio.CancelledError`` always go through, and so does a group that holds one of them at any depth.

    **What it leaves behind.** One log record at DEBUG (see ``level``) that names the site, the type and the message, in
    the text and as the fields ``site``, ``error_type``, ``recoverable`` and ``raised_at``. Its position is that of the
    ``with`` statement, or of the decorated function. Text only: no record keeps the error alive. Then the hooks run
    (`add_hook`), and the evidence file gets its line where one is asked for (`runtime.evidence`). None of these can
    fail the program: a logger or hook that raises is reported once, and what they themselves recover is not announced.

    **How long the error lives.** As long as the executor that recovered it. Without ``as`` that is the block; with
    ``as attempt``, write ``del attempt`` after the last use in a function that goes on, as ``except ... as e`` deletes
    its ``e``: an error holds its traceback, and that every local of the frames it passed through.

    **Sharing.** A decorated function may be called from any number of threads and tasks, and a ``with`` without ``as``
    may share one executor among them. ``error`` belongs to one block: once an executor has been entered a second time
    it keeps no error, and reading ``error`` raises RuntimeError, in every thread. Construct the executor in the
    ``with`` statement, or write ``with shared.fresh() as attempt``.

    **Generators.** The decorator covers the whole iteration, as a ``with`` round the body would: a recovered error,
    whether the body raised it or ``throw()`` brought it in, ends the iteration early. What was yielded stays yielded,
    and ``default`` is the generator's return value (an async generator has none).

    Args:
        logger: Where the record goes. None: the standard logger named after the module that recovers, looked up only
            when something was recovered.
        recoverable: An exception type, or a tuple of them (tuples may nest). A wrong value raises TypeError when the
            decorator is applied; in a ``with`` statement, where nothing is to be paid while nothing goes wrong, when
            the first error has to be judged, and then from that error.
        level: Level of the log record; None: the one of the process (`set_level`), DEBUG unless told.
        default: What a decorated function returns when its error was recovered; called first when it is callable
            (``default=list``; a function as a value needs ``lambda: function``). A ``with`` block has no use for it.
        retries: How often a decorated function is tried again before its error is recovered: a number, or a mapping
            with any of the keys of `Retries`. Needs stamina (``pip install 'unsnarl[runtime]'``), which also does the
            waiting: by default 0.1 s at first, twice as long each time up to 5 s, up to 1 s of jitter, 45 s in all.

    Raises:
        RuntimeError: A ``with`` block was entered with ``retries``: a block cannot be repeated.
    """

    __slots__ = ("_state", "default", "level", "logger", "recoverable", "retries")

    # On the class, where it outlives the globals of this module when the interpreter shuts down.
    _settings = SETTINGS

    @overload
    def __init__(
        self: SafeExecutor[Exception, None],
        logger: SupportsDebug | None = ...,
        *,
        level: int | None = ...,
        default: None = ...,
        retries: int | Retries = ...,
    ) -> None: ...

    @overload
    def __init__(
        self: SafeExecutor[E, None],
        logger: SupportsDebug | None = ...,
        *,
        recoverable: type[E] | tuple[type[E], ...],
        level: int | None = ...,
        default: None = ...,
        retries: int | Retries = ...,
    ) -> None: ...

    @overload
    def __init__(
        self: SafeExecutor[Exception, D],
        logger: SupportsDebug | None = ...,
        *,
        level: int | None = ...,
        default: Callable[[], D],
        retries: int | Retries = ...,
    ) -> None: ...

    @overload
    def __init__(
        self: SafeExecutor[Exception, D],
        logger: SupportsDebug | None = ...,
        *,
        level: int | None = ...,
        default: D,
        retries: int | Retries = ...,
    ) -> None: ...

    @overload
    def __init__(
        self: SafeExecutor[E, D],
        logger: SupportsDebug | None = ...,
        *,
        recoverable: type[E] | tuple[type[E], ...],
        level: int | None = ...,
        default: Callable[[], D],
        retries: int | Retries = ...,
    ) -> None: ...

    @overload
    def __init__(
        self: SafeExecutor[E, D],
        logger: SupportsDebug | None = ...,
        *,
        recoverable: type[E] | tuple[type[E], ...],
        level: int | None = ...,
        default: D,
        retries: int | Retries = ...,
    ) -> None: ...

    # By keyword only, as the overloads say. The interpreter does not hold one to it, as it looks the default of each
    # keyword-only parameter up by name: up to a sixth of what a block costs (benchmarks/test_safe_executor.py).
    def __init__(
        self,
        logger: SupportsDebug | None = None,
        recoverable: Any = (Exception,),
        level: int | None = None,
        default: Any = None,
        retries: int | Retries = 0,
    ) -> None:
        self.logger = logger
        self.recoverable = recoverable
        self.level = level
        self.default = default
        self.retries = retries
        # False: not entered yet; None: entered once; an exception: and it was recovered; True: entered again, so
        # that it can be nobody's. One slot and no helper object, because this is paid for every block.
        self._state: BaseException | bool | None = False

    @property
    def error(self) -> Error_co | None:
        """The error that the block ended with and that was recovered; None when it ended well or has not ended.

        Raises:
            RuntimeError: The executor was entered more than once, so that the error could be another block's.
        """
        state = self._state
        if state is True:
            raise RuntimeError(
                "this SafeExecutor has been entered more than once, and error belongs to one block: construct it in "
                "the with statement, or write `with shared.fresh() as attempt`"
            )
        error: Any = None if state is False else state
        recovered: Error_co | None = error
        return recovered

    def fresh(self) -> Self:
        """Return a new executor with the same settings, for a ``with ... as attempt`` of its own."""
        new = object.__new__(type(self))
        new.logger, new.recoverable, new.level = self.logger, self.recoverable, self.level
        new.default, new.retries = self.default, self.retries
        new._state = False
        return new

    def __enter__(self) -> Self:
        # No other thread of the interpreter can come between this test and the assignment.
        if self._state is not False or self.retries:
            self._enter_again()
        else:
            self._state = None
        return self

    def _enter_again(self) -> None:
        if self.retries:
            raise RuntimeError(
                "a with block cannot be repeated: SafeExecutor(retries=...) is for its decorator and call() forms"
            )
        self._state = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or not self._recovers(error):
            return False
        if self._state is not True:
            self._state = error
        self._report(error, None)
        return True

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or not self._recovers(error):
            return False
        if self._state is not True:
            self._state = error
        self._report(error, None)
        return True

    @overload
    def __call__(self, func: Callable[P, AsyncGenerator[Y, S]], /) -> Callable[P, AsyncGenerator[Y, S]]: ...

    @overload
    def __call__(self, func: Callable[P, Generator[Y, S, R]], /) -> Callable[P, Generator[Y, S, R | Default_co]]: ...

    @overload
    def __call__(
        self, func: Callable[P, Coroutine[Any, Any, R]], /
    ) -> Callable[P, Coroutine[Any, Any, R | Default_co]]: ...

    @overload
    def __call__(self, func: Callable[P, R], /) -> Callable[P, R | Default_co]: ...

    def __call__(self, func: Callable[..., Any], /) -> Callable[..., Any]:
        """Decorate ``func``: its recoverable errors are recovered, and ``default`` returned in their place.

        Raises:
            TypeError: ``func`` cannot be called, ``recoverable`` is no exception type, or ``retries`` is no number or
                mapping of retry settings, or was given for a generator function.
            ImportError: ``retries`` was given and stamina is not installed.
        """
        from ._guard import guard

        return guard(self, func, None)

    @overload
    def call(
        self, func: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, R | Default_co]: ...

    @overload
    def call(self, func: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R | Default_co: ...

    def call(self, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call ``func(*args, **kwargs)`` as if it were decorated; the site is the line of this call.

        Of a coroutine function the coroutine is returned, to be awaited.

        Raises:
            TypeError: As the decorator does.
            ImportError: As the decorator does.
        """
        from ._guard import guard
        from ._report import site_of_frame

        return guard(self, func, site_of_frame(sys._getframe(1)))(*args, **kwargs)

    # Judging uses builtins only: it must work in __del__ at shutdown, when the globals of this module are gone.
    def _recovers(self, error: BaseException) -> bool:
        """Whether ``error`` is to be recovered. Raises TypeError from it when ``recoverable`` cannot say."""
        if not self._settings.active or self._holds_back(error):
            return False
        # Identity in the lineage, as the except clause does it: no __subclasscheck__ or __eq__ of others is run.
        lineage = type(error).__mro__
        for wanted in self._wanted(error):
            for base in lineage:
                if base is wanted:
                    return True
        return False

    def _holds_back(self, error: BaseException) -> bool:
        pending = [error]
        while pending:
            one = pending.pop()
            kind = type(one)
            if issubclass(kind, (KeyboardInterrupt, SystemExit, GeneratorExit)):
                return True
            for base in kind.__mro__:
                # By name, so that asyncio is neither imported for it nor needed to be still there.
                if base.__name__ == "CancelledError" and base.__module__ == "asyncio.exceptions":
                    return True
            if isinstance(one, BaseExceptionGroup):
                pending.extend(one.exceptions)
        return False

    def _wanted(self, error: BaseException | None) -> list[type[BaseException]]:
        """``recoverable`` as a flat list; TypeError from ``error`` when it is anything but types and tuples."""
        wanted: list[type[BaseException]] = []
        pending: list[object] = [self.recoverable]
        for one in pending:
            if isinstance(one, tuple):
                pending.extend(one)
            elif isinstance(one, type) and issubclass(one, BaseException):
                wanted.append(one)
            else:
                hint = f"; write {tuple(one)!r}" if isinstance(one, (list, set, frozenset)) else ""
                raise TypeError(
                    f"SafeExecutor(recoverable=...) takes an exception type or a tuple of them, not {one!r}{hint}"
                ) from error
        return wanted

    def _report(self, error: BaseException, site: Site | None) -> None:
        """Announce what was recovered. ``site`` None: where the frame two calls up is, that of the ``with``."""
        # Whatever goes wrong in telling (a broken logger, no stack left after a RecursionError, globals gone at
        # shutdown, contextlib among them) must not take the place of the work that was to follow the recovery.
        try:  # noqa: SIM105
            report(self, error, sys._getframe(2) if site is None else site)
        except Exception:  # noqa: BLE001, S110, E900 see above
            pass

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SafeExecutor cannot be copied or pickled: construct one, or use fresh()")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} recoverable={self.recoverable!r}>"
