"""Tell about a recovered error: the log record, the hooks, the evidence."""

from __future__ import annotations

import sys
import time
from _thread import _local
from typing import TYPE_CHECKING, Any

from ._settings import SETTINGS, Site

if TYPE_CHECKING:
    from types import FrameType

    from .safe_executor import SafeExecutor

_WARNING = 30
_METHODS = ((50, "critical"), (40, "error"), (30, "warning"), (20, "info"), (0, "debug"))
_LONGEST_MESSAGE = 500
_TEMPLATE = "recovered %s at %s: %s"

# A log handler, a hook or a __str__ may recover errors of its own, with the same logger: without this a handler that
# always fails would call itself through our record until the stack is full.
_busy = _local()
_complained: dict[int, object] = {}


def report(executor: SafeExecutor[Any, Any], error: BaseException, place: FrameType | Site) -> None:
    """Log, call the hooks and record the evidence for one ``error`` that was recovered at ``place``.

    A frame stands for the ``with`` statement that it is at.
    """
    if getattr(_busy, "now", False):
        return
    _busy.now = True
    try:
        level = SETTINGS.level if executor.level is None else executor.level
        logger = executor.logger
        if logger is None:
            logger = _module_logger(place, level)
        # Most of the time nobody listens: the site and the texts are worked out only for somebody.
        listening = logger is not None and _is_enabled(logger, level)
        if not (listening or SETTINGS.hooks or SETTINGS.record):
            return
        site = place if isinstance(place, Site) else site_of_frame(place)
        error_type = type_name(type(error))
        if SETTINGS.record is not None:
            SETTINGS.record(site, error_type)
        recoverable = tuple(type_name(one) for one in executor._wanted(error))
        if listening:
            try:
                _log(logger, level, site, error, error_type, recoverable)
            except Exception as problem:  # noqa: BLE001, E900 loggers may raise anything
                _complain(type(logger), f"the logger {type_name(type(logger))} given at {site} failed", problem)
        if SETTINGS.hooks:
            _call_hooks(error, error_type, site, recoverable)
    finally:
        _busy.now = False


def type_name(kind: type) -> str:
    """The type's name, qualified by the module that defines it; bare for a builtin."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def site_of_frame(frame: FrameType) -> Site:
    """The site of the line that ``frame`` is at."""
    code = frame.f_code
    return Site(code.co_filename, _module_of(frame), code.co_qualname, frame.f_lineno)


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "__main__"))


def _module_logger(place: FrameType | Site, level: int) -> Any:
    # Where nobody has loaded logging nobody has set up a handler, and the handler of last resort starts at WARNING.
    if "logging" not in sys.modules and level < _WARNING:
        return None
    import logging

    return logging.getLogger(place.module if isinstance(place, Site) else _module_of(place))


def _is_enabled(logger: Any, level: int) -> bool:
    asked = getattr(logger, "isEnabledFor", None)
    try:
        return bool(asked(level)) if callable(asked) else True
    except Exception:  # noqa: BLE001, E900 loggers may raise anything
        # It will say what is wrong with it when it is asked to log.
        return True


def _log(
    logger: Any, level: int, site: Site, error: BaseException, error_type: str, recoverable: tuple[str, ...]
) -> None:
    message = _text_of(error)
    fields = {
        "site": str(site),
        "error_type": error_type,
        "recoverable": ", ".join(recoverable),
        "raised_at": _raised_at(error),
    }
    logging: Any = sys.modules.get("logging")
    if logging is not None:
        target = logger
        while isinstance(target, logging.LoggerAdapter):
            target = target.logger
        if isinstance(target, logging.Logger):
            template, extra = _TEMPLATE, fields
            while isinstance(logger, logging.LoggerAdapter):
                template, options = logger.process(template, {"extra": dict(extra)})
                extra = {**extra, **(options.get("extra") or {})}
                logger = logger.logger
            # A record made by hand names the position exactly, however deep in wrappers, retries or an event loop
            # the recovery happens; stacklevel would name a frame, and for a task there may be none of the user's.
            values = (error_type, str(site), message)
            record = target.makeRecord(
                target.name, level, site.file, site.line, template, values, None, site.function, extra
            )
            target.handle(record)
            return
    method = next(name for least, name in _METHODS if level >= least)
    bind = getattr(logger, "bind", None)
    if callable(bind):  # structlog and loguru carry fields this way
        logger = bind(**fields)
    if type(logger).__module__.startswith("loguru"):  # the position, as above
        logger = logger.patch(lambda record: record.update(name=site.module, function=site.function, line=site.line))
    getattr(logger, method)(_TEMPLATE % (error_type, site, message))


def _text_of(error: BaseException) -> str:
    # Now, not when the record is formatted: a record that held the error would keep its frames alive.
    try:
        text = str(error)
    except Exception as problem:  # noqa: BLE001, E900 a __str__ may raise anything
        return f"<its message cannot be had: {type_name(type(problem))}>"
    return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + "…"


def _raised_at(error: BaseException) -> str:
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def _call_hooks(error: BaseException, error_type: str, site: Site, recoverable: tuple[str, ...]) -> None:
    from .details import Recovery

    recovery = Recovery(error, error_type, site, recoverable, time.time(), _thread_name(), _task_name())
    for hook in SETTINGS.hooks:
        try:
            hook(recovery)
        except Exception as problem:  # noqa: BLE001, E900 hooks may raise anything
            _complain(hook, f"the hook {hook!r} failed at {site}", problem)


def _thread_name() -> str:
    import threading

    return threading.current_thread().name


def _task_name() -> str | None:
    asyncio: Any = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        return None
    return None if task is None else str(task.get_name())


def _complain(about: object, sentence: str, problem: Exception) -> None:
    """Warn once per process about a logger or hook that fails; text only, so that no frame is kept."""
    if id(about) in _complained:
        return
    _complained[id(about)] = about
    import logging
    import traceback

    text = "".join(traceback.format_exception(problem, chain=False)).rstrip()
    logging.getLogger(f"{__package__}.safe_executor").warning("%s, which is told once:\n%s", sentence, text)
