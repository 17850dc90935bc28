"""What the tests of codemods share: facts of a text, a plan of its imports, and a small codemod of their own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from analysis.collectors.handlers import HandlerCollector, Try
from analysis.collectors.header import HeaderCollector
from analysis.collectors.imports import Imports as ImportCollector
from analysis.collectors.shape_records import TryShape
from analysis.collectors.shapes import ShapeCollector
from analysis.reading import analyse
from analysis.source import Source
from codemods.codemod import Codemod, FileView
from codemods.compose import Change, Composer
from codemods.edits import Declined, Indent, Need, Reason, Rewrite, Skipped, Splice
from codemods.engine import Engine
from codemods.imports import Imports, Refused
from codemods.outcome import Answer, Refusal
from config.settings import Settings

TARGET = Need("tools.failures", "Known")


def planner(data: bytes, refusal: Refusal | None = None) -> Imports:
    """The planner of imports for a file of these bytes."""
    source = Source.from_bytes(data, "sample.py")
    facts = analyse(Source.from_bytes(data, "sample.py"), (HeaderCollector, ImportCollector))
    assert facts.fault is None, facts.fault
    return Imports(source, facts.records(HeaderCollector)[0], facts.records(ImportCollector), refusal)


def plan(text: str | bytes, line: int | None = None, need: Need = TARGET) -> tuple[str, bytes]:
    """How ``need`` is spelled at ``line`` (by default below the file's last), and the file with what that takes."""
    data = text.encode() if isinstance(text, str) else text
    one = planner(data)
    at = line if line is not None else len(data.splitlines()) + 1
    local = one.bind(need, at)
    return local, Composer(Source.from_bytes(data, "sample.py")).compose(one.changes([(need, at)])).data


def shape_of(text: str) -> TryShape:
    """The shape of the first ``try`` statement with a broad handler."""
    facts = analyse(Source.from_bytes(text.encode(), "sample.py"), (ShapeCollector,))
    assert facts.fault is None, facts.fault
    shape: TryShape = min(facts.records(ShapeCollector), key=lambda one: one.line)
    return shape


def edited(text: str, splices: Iterable[Splice], indents: Iterable[Indent] = ()) -> str:
    """The text after these edits."""
    composer = Composer(Source.from_bytes(text.encode(), "sample.py"))
    return composer.compose([Change(tuple(splices), tuple(indents))]).data.decode()


class KnownErrors(Codemod):
    """Catches ``Known`` in place of everything: small, and enough to see the engine at work.

    A handler with a variable called ``keep`` is declined, one called ``doubt`` is unsafe, ``broken`` gives text that
    does not compile, ``comment`` loses the comment of its line, ``still`` stays broad, ``far`` changes the file's first
    byte as well, ``mute`` gets no answer, and one whose name is ``around`` is declined while another stands around it.
    """

    name: ClassVar[str] = "known_errors"
    summary: ClassVar[str] = "Catch known errors only."
    answers: ClassVar[tuple[str, ...]] = ("E900",)
    passing: ClassVar[frozenset[Reason]] = frozenset({Reason.ACTIVE_ERROR})

    def rewrite(self, file: FileView, prepared: bytes | None) -> Iterator[Rewrite | Declined | Skipped]:
        """One answer for each finding but those called ``mute``."""
        places = {(one.span.line, one.span.col) for one in file.findings}
        statements: list[Try] = file.facts.records(HandlerCollector)
        for statement in statements:
            for handler in statement.handlers:
                if (handler.span.line, handler.span.col) in places and handler.name != "mute":
                    yield self.answer(file, statement, statement.handlers.index(handler), statements)

    def answer(self, file: FileView, statement: Try, index: int, every: list[Try]) -> Rewrite | Declined:
        """The answer for one handler."""
        span, name = statement.handlers[index].span, statement.handlers[index].name
        if name == "keep":
            return Declined("E900", span, Reason.CLASS_NAMES, "its name says so")
        if name == "around" and any(
            one.span.line < span.line <= one.span.end_line and any(each.catches_all for each in one.handlers)
            for one in every
            if one is not statement
        ):
            return Declined("E900", span, Reason.ACTIVE_ERROR)
        try:
            local = file.imports.bind(TARGET, statement.span.line)
        except Refused as refused:
            return Declined("E900", span, refused.reason, refused.detail)
        start = file.source.offset(span.line, span.col)
        end = start + file.source.lines[span.line - 1][span.col :].index(b":")
        alias = f" as {name}" if name else ""
        header = f"except {local}{alias}"
        if name == "broken":
            header = "except ("
        elif name == "still":
            header = f"except Exception{alias} "
        elif name == "comment":
            end += len(file.source.lines[span.line - 1][span.col :].rstrip(b"\r\n")) - (end - start)
            header += ":"
        elif name == "letter":
            header += "  # \u540d"
        splices = [Splice(start, end, header)]
        if name == "far":
            splices.append(Splice(0, 1, "#"))
        return Rewrite(
            code="E900",
            span=span,
            splices=tuple(splices),
            needs=(TARGET,),
            safety="unsafe" if name == "doubt" else "safe",
            statement=statement.span,
            detail=name or "",
        )


def engine(options: Mapping[str, Any] | None = None, settings: Settings | None = None) -> Engine:
    """An engine with ``KnownErrors``."""
    return Engine(KnownErrors(), settings or Settings(), dict(options or {}))


def rewrite(
    text: str | bytes, options: Mapping[str, Any] | None = None, settings: Settings | None = None
) -> tuple[bytes, list[Answer]]:
    """What ``KnownErrors`` makes of a text, and its answers."""
    data = text.encode() if isinstance(text, str) else text
    one = engine(options, settings)
    facts = analyse(Source.from_bytes(data, "sample.py"), one.collectors, "sample.py")
    assert facts.fault is None, facts.fault
    answers, new, _ = one.run(Source.from_bytes(data, "sample.py"), facts)
    return new, list(answers)


def git(folder: Path, *arguments: str) -> str:
    """Run git in ``folder``, as nobody in particular."""
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout
