"""The edits that turn one ``try`` statement into a ``SafeExecutor`` block, whatever clauses it has.

Three layouts. With handlers of recovered errors only, the ``with`` takes the place of the ``try`` and they become
``if``/``elif``. With a ``finally`` both go inside an outer ``try``. With handlers of errors that an executor never
recovers (``KeyboardInterrupt``) those stay handlers of the outer ``try``, and the rest goes into its ``else``, where
they do not guard it, just as one handler does not guard another.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from analysis.collectors.shape_records import Clause, HandlerShape, TryShape
from codemods.edits import Indent, Reason, Splice
from codemods.handler_edits import Layout, guard, name_error, release

_HEADER = re.compile(rb"except[\s\\]*\*?[\s\\]*(.*?)(?:(?:[\s\\]+|(?<=\)))as[\s\\]+[^\s\\]+)?[\s\\]*\Z", re.DOTALL)


class Refusal(NamedTuple):
    """Why a statement has no rewrite; ``detail`` says what in it is in the way."""

    reason: Reason
    detail: str = ""


class Edits(NamedTuple):
    """The edits of one statement."""

    splices: tuple[Splice, ...]
    indents: tuple[Indent, ...]


class Block(NamedTuple):
    """What to write.

    ``tests`` are the handlers that become tests of ``attempt.error``, the broad one last; ``kept`` are those that stay
    handlers. ``call`` is the source that makes the executor; ``attempt`` and ``outcome`` are names that nothing uses.
    """

    shape: TryShape
    tests: tuple[int, ...]
    kept: tuple[int, ...]
    call: str
    attempt: str
    outcome: str


def refusal(shape: TryShape, index: int) -> Refusal | None:
    """Why handler ``index`` cannot run behind its block, by what the handler itself does; None when it can."""
    handler = shape.handlers[index]
    for use in handler.active:
        if use.kind == "unknown":
            return Refusal(Reason.ACTIVE_ERROR, f"`{use.text}` at line {use.line} reads the error being handled")
    if handler.raises:
        return Refusal(
            Reason.IMPLICIT_CONTEXT, f"the error raised at line {handler.raises} would lose its `__context__`"
        )
    if strict(shape, handler):
        if handler.clause.one_line:
            return Refusal(
                Reason.ONE_LINE, "its name must go even when the handler fails, which takes lines of its own"
            )
    elif binds(handler) and any(way.keeps and not way.alone for way in handler.exits):
        return Refusal(Reason.ONE_LINE, "it returns its error from a line that holds more than that")
    if any(way.finally_follows for way in handler.exits):
        return Refusal(Reason.LEAVES_THROUGH_FINALLY, "the handler returns through a `finally` of its own")
    return None


def binds(handler: HandlerShape) -> bool:
    """Whether the name of a handler's error matters to anyone."""
    return handler.name is not None and (handler.name_used or handler.name_rebound or handler.name_shared)


def strict(shape: TryShape, handler: HandlerShape) -> bool:
    """Whether someone could see the handler's name after the handler itself has failed."""
    scoped = shape.scope != "function" or shape.inspects
    return binds(handler) and (handler.name_shared or handler.name_captured or (scoped and shape.enclosed))


def silent(shape: TryShape, tests: tuple[int, ...]) -> bool:
    """Whether nothing at all happens when an error is caught, so that no name for the attempt is needed."""
    handler = shape.handlers[tests[-1]]
    # A class body that somebody looks at sees the handler's name come and go.
    seen = handler.name_shared or (shape.class_names and handler.name is not None)
    return len(tests) == 1 and handler.idle and shape.orelse is None and not seen


def block(data: bytes, encoding: str, plan: Block) -> Edits | Refusal:
    """The edits for ``plan``, or why its clauses cannot be taken apart."""
    return _Writer(data, encoding, plan).write()


def narrow(data: bytes, handler: HandlerShape, types: tuple[str, ...]) -> Edits | Refusal:
    """The edit that makes a handler catch just ``types``, which are names as source."""
    clause = handler.clause
    header = data[clause.start : clause.colon]
    if b"#" in header:
        return Refusal(Reason.COMMENT_IN_HEADER)
    text = types[0] if len(types) == 1 else f"({', '.join(types)})"
    found = _HEADER.match(header)
    assert found is not None
    if not found[1]:
        end = clause.start + len(b"except")
        return Edits((Splice(end, end, f" {text}"),), ())
    before = "" if header[found.start(1) - 1 : found.start(1)].isspace() else " "
    behind = " " if header[found.end(1) : found.end(1) + 2] == b"as" else ""
    splice = Splice(clause.start + found.start(1), clause.start + found.end(1), f"{before}{text}{behind}")
    return Edits((splice,), ())


class _Writer:
    def __init__(self, data: bytes, encoding: str, plan: Block) -> None:
        self.data = data
        self.encoding = encoding
        self.plan = plan
        self.shape = plan.shape
        self.layout = Layout(data)
        self.splices: list[Splice] = []
        self.indents: list[Indent] = []
        first = next((one for one in self._clauses() if not one.one_line), self.shape.body)
        self.unit = self.layout.unit(first.start, first.first, first.one_line)
        self.base = self.layout.indent(self.shape.body.start)
        # Names left behind in a module or class are attributes, and `locals()` would show them.
        self.scoped = self.shape.scope != "function" or self.shape.inspects
        # A handler that lets go of the attempt in a `finally` leaves nothing to be unbound behind the statement, and an
        # `else` may never get there.
        guarded = any(strict(self.shape, self.shape.handlers[one]) for one in plan.tests)
        self.apart = self.scoped and (guarded or self.shape.orelse is not None)

    def _clauses(self) -> list[Clause]:
        shape = self.shape
        found = [shape.body, *(one.clause for one in shape.handlers)]
        return found + [one for one in (shape.orelse, shape.final) if one is not None]

    def write(self) -> Edits | Refusal:
        for index in self.plan.tests:
            clause = self.shape.handlers[index].clause
            if b"#" in self.data[clause.start : clause.colon]:
                return Refusal(Reason.COMMENT_IN_HEADER, f"line {clause.line}")
        quiet = silent(self.shape, self.plan.tests)
        self._header(f"with {self.plan.call}" + ("" if quiet else f" as {self.plan.attempt}"))
        if quiet:
            problem = self._drop_handler()
            if problem is not None:
                return problem
        else:
            for position, index in enumerate(self.plan.tests):
                self._test(index, first=position == 0)
            if self.scoped:
                self._forget_later()
        self._move()
        return Edits(tuple(self.splices), tuple(self.indents))

    def _outer(self) -> bool:
        return bool(self.plan.kept) or self.shape.final is not None

    def _header(self, text: str) -> None:
        body = self.shape.body
        if not self._outer():
            self.splices.append(Splice(body.start, body.start + len(b"try"), text))
        elif body.one_line:
            self.splices.append(Splice(body.colon + 1, body.first, f"\n{self.base}{self.unit}{text}: "))
        else:
            end = self.layout.line_end(body.colon)
            self.splices.append(Splice(end, end, f"\n{self.base}{self.unit}{text}:"))

    def _drop_handler(self) -> Refusal | None:
        index = self.plan.tests[0]
        clause = self.shape.handlers[index].clause
        before = self.shape.handlers[index - 1].clause if index else self.shape.body
        start, end = self.layout.line_end(before.end), self.layout.line_end(clause.end)
        comments = self.layout.one_line_comments(start, end)
        if comments is None:
            return Refusal(Reason.UNENCODABLE)
        self.splices.append(Splice(start, end, "".join(f"\n{self.base}{one}" for one in comments)))
        return None

    def _test(self, index: int, first: bool) -> None:
        handler = self.shape.handlers[index]
        clause = handler.clause
        attempt = self.plan.attempt
        word = "if" if first else "elif"
        if first and self.plan.kept:
            before = self.layout.line_end(self.shape.handlers[index - 1].clause.end)
            self.splices.append(Splice(before, before, f"\n{self.base}else:"))
        bound = binds(handler)
        error = f"{attempt}.error"
        if index != self.plan.tests[-1]:
            types = handler.types[0] if len(handler.types) == 1 else f"({', '.join(handler.types)})"
            test = f"isinstance({error}, {types})"
            assign = bound
        elif bound and not (handler.name_shared or handler.name_captured or self.scoped):
            test = f"({handler.name} := {error}) is not None"
            assign = False
        else:
            test = f"{error} is not None"
            assign = bound
        self.splices.append(Splice(clause.start, clause.colon, f"{word} {test}"))
        if assign:
            self._assign(f"{handler.name} = {error}", clause)
        named = handler.name if bound and not handler.name_rebound else None
        for use in handler.active:
            source = self.data[use.start : use.end].decode(self.encoding)
            self.splices.append(Splice(use.start, use.end, name_error(use, named or error, source)))
        guarded = strict(self.shape, handler)
        if guarded:
            splices, indent = guard(handler, attempt, self.layout, enclosed=self.shape.enclosed)
            self.splices += splices
            self.indents.append(indent)
        else:
            later = self.scoped and not self.apart
            self.splices += release(handler, bound, attempt, self.layout, self.plan.outcome, self.unit, last=not later)

    def _assign(self, statement: str, clause: Clause) -> None:
        """Put ``statement`` before the suite of ``clause``."""
        if clause.one_line:
            self.splices.append(Splice(clause.first, clause.first, f"{statement}; "))
        else:
            before = self.layout.previous_line_end(clause.first)
            self.splices.append(Splice(before, before, f"\n{self.layout.indent(clause.first)}{statement}"))

    def _forget_later(self) -> None:
        """Unbind the attempt where no error was caught too: behind the statement, or in a branch of its own."""
        handler = self.shape.handlers[self.plan.tests[-1]].clause
        end = self.layout.line_end(handler.end)
        text = f"\n{self.base}del {self.plan.attempt}"
        if self.apart:
            if self.shape.orelse is not None:
                self._assign(f"del {self.plan.attempt}", self.shape.orelse)
                return
            text = f"\n{self.base}else:\n{self.base}{self.unit}del {self.plan.attempt}"
        self.splices.append(Splice(end, end, text, along=handler.line))

    def _move(self) -> None:
        shape = self.shape
        if not self._outer():
            return
        last = shape.orelse or shape.handlers[-1].clause
        end = shape.final.line - 1 if shape.final is not None else last.end_line
        if self.plan.kept:
            self._indent(shape.body.colon_line + 1, shape.handlers[0].clause.line - 1)
            if not silent(shape, self.plan.tests):
                self._indent(shape.handlers[self.plan.tests[0]].clause.line, end)
        elif shape.body.one_line:
            self._indent(shape.handlers[0].clause.line, end)
        else:
            self._indent(shape.body.colon_line + 1, end)

    def _indent(self, first: int, last: int) -> None:
        """Move the lines ``first`` to ``last`` to the right."""
        if first <= last:
            self.indents.append(Indent(first, last, self.unit, self._keep(last)))

    def _keep(self, last: int) -> tuple[int, ...]:
        """The lines before ``last`` that are comments on what follows, and so stay where they are."""
        kept: list[int] = []
        lines = self._lines()
        while last > 0 and lines[last - 1].lstrip(b" \t\f").startswith(b"#"):
            line = lines[last - 1]
            if len(line) - len(line.lstrip(b" \t\f")) > len(self.base):
                break
            kept.append(last)
            last -= 1
        return tuple(kept)

    def _lines(self) -> list[bytes]:
        return self.data.splitlines()
