"""Places in a handler that read the error being handled without naming it.

Once the handler's statements run behind the block, nothing is being handled there, so each such place must name the
error or keep the handler where it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Literal, Protocol

import msgspec

from analysis.collectors.mentions import places
from analysis.nodes import below, children, dotted
from analysis.source import Source

ActiveKind = Literal["exc_info", "exception", "format_exc", "print_exc", "sys.exc_info", "sys.exception", "unknown"]

_NAMED: dict[str, ActiveKind] = {
    "traceback.format_exc": "format_exc",
    "traceback.print_exc": "print_exc",
    "sys.exc_info": "sys.exc_info",
    "sys.exception": "sys.exception",
}
# The same functions without their module, and what other libraries call the like: `Failure()` and `log.err()` of
# Twisted, `showtraceback` of IPython and code, `capture_exception()` of Sentry, `opt(exception=True)` of loguru, and
# the senders of New Relic and Bugsnag.
_READERS = frozenset(
    {
        "format_exc",
        "print_exc",
        "exc_info",
        "Failure",
        "err",
        "showtraceback",
        "post_mortem",
        "capture_exception",
        "captureException",
        "print_last",
        "notice_error",
        "auto_notify",
        "handleError",
    }
)
_TELLING = re.compile(
    r"(?:capture|emit|format|get|handle|log|notice|print|process|publish|record|render|report|send|show|track|write)_?"
    r"(?:last_|current_|active_)?(?:exc|exception|exc_info|exception_info|traceback|tb)"
)
"""What a function is called that tells of an error, `print_exception` of rich among them: it reads the one at hand when
it is given none."""
_LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "critical", "fatal", "log"})
"""Logging methods that take ``exc_info``."""
CLOSED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.ExceptHandler)


# Each begins with plain letters, which are found many times as fast as anything else. Only a `raise` of nothing in
# particular raises the error being handled.
_MARKS = tuple(
    re.compile(mark)
    for mark in (
        rb"exc(?:_info|eption|(?<=_exc))",
        rb"raise(?=[\n\r;#]|\s[\s#]|\s?\Z)",
    )
)
_PLAIN_MARKS = (
    b"notice_error",
    b"handleError",
    b"handle_error",
    b"auto_notify",
    b"traceback(",
    b"_tb(",
    b"captureException",
    b"showtraceback",
    b"post_mortem",
    b"print_last",
    b"Failure(",
    b"err(",
)


def marks(data: bytes) -> list[int]:
    """The offsets where a file may read the error being handled, sorted: plain searches, cheaper than the tree."""
    found = [one.start() for mark in _MARKS for one in mark.finditer(data)]
    for plain in _PLAIN_MARKS:
        found += places(data, plain)
    return sorted(found)


class ActiveUse(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One such place: the call or the ``exc_info`` value from ``start`` to ``end``; ``text`` is what is called.

    ``quote``: the quote that a string may have there: inside an f-string (before 3.12) one that it does not use itself,
    and empty where it uses both.
    """

    kind: ActiveKind
    start: int
    end: int
    line: int
    text: str
    quote: str


class KnowsLoggers(Protocol):
    """Tells a logger of the standard library by the name it is bound to."""

    def known(self, name: str) -> bool:
        """Whether ``name`` is such a logger."""


def active_uses(handler: ast.ExceptHandler, source: Source, loggers: KnowsLoggers) -> Iterator[ActiveUse]:
    """The places of a handler, nested functions and inner handlers left out: there another error is at hand."""
    pending: list[tuple[ast.AST, ast.JoinedStr | None]] = [(one, None) for one in handler.body]
    while pending:
        node, string = pending.pop()
        if isinstance(node, ast.Lambda) and reads_active([ast.Expr(node.body)]):
            # It may be called while the error is handled.
            yield _use("unknown", node, source, "lambda")
        if isinstance(node, CLOSED):
            continue
        if isinstance(node, ast.Call):
            for use in _of_call(node, handler.name, source, loggers):
                yield _checked(use, source, string) if string is not None else use
        inner = string or (node if isinstance(node, ast.JoinedStr) else None)
        pending.extend((one, inner) for one in children(node))


def reads_active(suite: list[ast.stmt]) -> bool:
    """Whether a function body reads the error that its caller is handling, outside any handler of its own."""
    pending: list[ast.AST] = list(suite)
    while pending:
        node = pending.pop()
        if isinstance(node, CLOSED):
            continue
        if isinstance(node, ast.Raise) and node.exc is None:
            return True
        if isinstance(node, ast.Call) and _reads(node):
            return True
        pending += children(node)
    return False


def names_reader(last: str) -> bool:
    """Whether a function of this name reads the error being handled when it is called without it."""
    return last in _READERS or last == "exception" or _TELLING.fullmatch(last) is not None


def _reads(node: ast.Call) -> bool:
    called = dotted(node.func)
    last = node.func.attr if isinstance(node.func, ast.Attribute) else called or ""
    if called in _NAMED or _told_nothing(node, last, None):
        return True
    for keyword in node.keywords:
        if keyword.arg == "exc_info":
            return isinstance(keyword.value, ast.Constant) and bool(keyword.value.value)
    return last == "exception" and bool(node.args)


def _checked(use: ActiveUse, source: Source, string: ast.JoinedStr) -> ActiveUse:
    """A use in an f-string, the outermost: before 3.12 the positions inside one are not to be trusted."""
    text = source.data[use.start : use.end]
    right = use.kind in _NAMED.values() and text.startswith(use.text.encode()) and text.endswith(b")")
    end = source.offset(string.end_lineno or string.lineno, string.end_col_offset or 0)
    written = source.data[source.offset(string.lineno, string.col_offset) : end]
    quote = next((one for one in "\"'" if one.encode() not in written), "")
    return msgspec.structs.replace(use, kind=use.kind if right else "unknown", quote=quote)


def _of_call(node: ast.Call, name: str | None, source: Source, loggers: KnowsLoggers) -> Iterator[ActiveUse]:
    called = dotted(node.func)
    last = node.func.attr if isinstance(node.func, ast.Attribute) else called or ""
    receiver = called.rpartition(".")[0] if called is not None else ""
    if called in _NAMED:
        yield _use(_NAMED[called], node, source, called)
        return
    keyword = next((one for one in node.keywords if one.arg == "exc_info"), None)
    if keyword is not None:
        value = keyword.value
        if isinstance(value, ast.Constant):
            if value.value:
                standard = loggers.known(receiver) and (last in _LEVELS or last == "exception")
                yield _use("exc_info" if standard else "unknown", value, source, called or last)
        elif not _names_error(value, name):
            yield _use("unknown", value, source, called or last)
    elif last == "exception" and (node.args or node.keywords):
        standard = loggers.known(receiver) and not any(one.arg is None for one in node.keywords)
        yield _use("exception" if standard else "unknown", node, source, called or last)
    elif _told_nothing(node, last, name) or (last == "opt" and any(one.arg == "exception" for one in node.keywords)):
        yield _use("unknown", node, source, called or last)


def _told_nothing(node: ast.Call, last: str, name: str | None) -> bool:
    """Whether a function that tells of an error is called without being given one."""
    if last in ("handleError", "handle_error"):
        # Of a logging handler and of a server: they are given what was being done, never the error.
        return name is None or not any(_names_error(one, name) for one in node.args)
    if last in _READERS:
        return not node.args and not node.keywords
    if _TELLING.fullmatch(last) is None:
        return False
    given = [*node.args, *(one.value for one in node.keywords)]
    return not any(isinstance(one, ast.expr) and _names_error(one, name) for one in below(*given))


def _names_error(node: ast.expr, name: str | None) -> bool:
    """Whether an argument is the caught error itself, or what ``sys.exc_info()`` gives, which has a use of its own."""
    if isinstance(node, ast.Call) and dotted(node.func) in ("sys.exc_info", "sys.exception"):
        return True
    return name is not None and isinstance(node, ast.Name) and node.id == name


def _use(kind: ActiveKind, node: ast.expr, source: Source, text: str) -> ActiveUse:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return ActiveUse(
        kind,
        source.offset(node.lineno, node.col_offset),
        source.offset(node.end_lineno, node.end_col_offset),
        node.lineno,
        text,
        '"',
    )
