"""Answers E900: turns a broad ``except`` into a ``SafeExecutor`` block, or narrows it where it stands.

A handler body cannot move into ``__exit__``, but it can run right after the block::

    try:                                   with SafeExecutor(logger, recoverable=(zmq.ZMQError,)) as attempt:
        reply = sock.recv_json()               reply = sock.recv_json()
    except Exception as e:                 if (e := attempt.error) is not None:
        logger.warning("no: %s", e)            logger.warning("no: %s", e)
                                               del e, attempt

``return``, ``break``, ``continue``, ``yield`` and ``await`` in the handler keep their meaning. ``finally``, and
handlers of errors that an executor never recovers, stay in an outer ``try``; other sibling handlers become tests of
``attempt.error`` in their order.

A rewrite that is not marked as unsafe may differ from what was there in these ways, and in no other:

- An error that comes up in the handler, by a call or an operator, does not have the handled one as its
  ``__context__``, and the handled one is freed by the garbage collector only. (``raise`` and ``assert`` are declined.)
- What the handler calls finds no error being handled. Functions of the project that read it are known, by their own
  body or by another function of their file, and so are the usual libraries' by name: those are declined. One that reads
  it under another name, or through another file, is not.
- ``SafeExecutor`` and the types that are named are more names of the module, ``attempt`` and, after a success, the
  handler's own name are more names of the frame: what looks at all of them (a star import, ``dir()``) sees these, too.
- The logger that the block is given is read before the body runs, a property's or ``__getattribute__``'s own code too.
- ``traceback`` and ``sys`` in a handler are taken for the modules of that name, and the module of the executor for what
  an import finds from the file's own folder, the roots of the tree and what is installed.
- ``return call()`` in the handler lets go of the error before the call.
- At module level and in a class body ``attempt`` can keep its name where an error passes the block by, or where
  ``break`` or ``continue`` leaves it. Where the handler itself fails there, the name of its error can stay as well.
- An error of a class that is an exit too, as in ``class Stop(SystemExit, ValueError)``, leaves the block.
- A sibling handler also takes an error whose ``__class__`` claims the sibling's type.
- The executor needs up to four frames of the stack: so near the recursion limit the block ends with RecursionError.
- The executor logs what it recovers, at DEBUG.
- Where ``infer`` names the types, what any line may raise is not among them: MemoryError, RecursionError, a warning
  that was turned into an error, what a signal handler or another thread throws in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import click
import msgspec

from analysis.collectors.effects import Effects, Proofs
from analysis.collectors.handlers import HandlerCollector, Try
from analysis.collectors.imports import Imports as ImportCollector
from analysis.collectors.parents import ParentCollector
from analysis.collectors.readers import ReaderCollector
from analysis.collectors.shape_records import TryShape
from analysis.collectors.shapes import ShapeCollector
from analysis.exceptions import RaiseSet, infer
from codemods.codemod import Codemod, FileView
from codemods.edits import Declined, Example, Need, Reason, Rewrite, Safety, Skipped
from codemods.handler_edits import needs_error
from codemods.imports import Refused
from codemods.recoverable import EVERYTHING, Recoverable, Spelling, family, line_of, rebound_at, recoverable
from codemods.safe_block import Block, Refusal, block, narrow, refusal, silent
from codemods.safe_executor_clauses import CLAUSES
from codemods.safe_executor_declined import DECLINED
from codemods.safe_executor_examples import HANDLERS

if TYPE_CHECKING:
    from analysis.project import Project
    from analysis.walk import Collector
    from config.settings import Settings


class Site(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the body of one ``try`` can raise, as ``analysis.exceptions`` found out."""

    line: int
    col: int
    types: tuple[str, ...]
    open: str | None
    assumed: str | None


class Prepared(msgspec.Struct, frozen=True, array_like=True):
    """What a worker is told of one file: its sites, the project's functions that read the error being handled, and the
    classes that others of the project derive from.
    """

    sites: tuple[Site, ...]
    readers: frozenset[str]
    parents: frozenset[str]


class Decided(msgspec.Struct, frozen=True):
    """One handler that is going to be rewritten, and what was found out on the way."""

    index: int
    tests: tuple[int, ...]
    kept: tuple[int, ...]


class SafeExecutorCodemod(Codemod):
    """Rewrites what E900 reports."""

    name: ClassVar[str] = "safe_executor"
    summary: ClassVar[str] = "Turn broad handlers into SafeExecutor blocks, or narrow them where they stand."
    answers: ClassVar[tuple[str, ...]] = ("E900",)
    target: ClassVar[str | None] = "safe_executor"
    collectors: ClassVar[tuple[type[Collector], ...]] = (HandlerCollector, ShapeCollector, ImportCollector)
    examples: ClassVar[tuple[Example, ...]] = (*HANDLERS, *CLAUSES, *DECLINED)

    def parameters(self) -> Sequence[click.Parameter]:
        """``--policy``."""
        return (
            click.Option(
                ["--policy"],
                type=click.Choice(["infer", "preserve"]),
                default=None,
                help="infer: recover only from what the block can be shown to raise, where that is known; "
                "preserve: from whatever the handler caught.  [default: the settings' policy, infer]",
            ),
        )

    def surveys(self, settings: Settings, options: Mapping[str, Any]) -> tuple[type[Collector], ...]:
        """What is read of every file to know what a body can raise; less where that does not matter."""
        if policy(settings, options) == "preserve":
            return (ReaderCollector, ParentCollector)
        return (ReaderCollector, ParentCollector, effects(options))

    def prepare(self, project: Project, settings: Settings, options: Mapping[str, Any]) -> Mapping[str, bytes]:
        """Work out what each body can raise, and which functions of the project read the error being handled."""
        readers = frozenset(one.name for facts in project.files.values() for one in facts.records(ReaderCollector))
        parents = frozenset(one.name for facts in project.files.values() for one in facts.records(ParentCollector))
        inferring = policy(settings, options) == "infer"
        part = inferring and _is_part(project, settings)
        raises = infer(project, effects(options), whole=not part) if inferring else None
        told: dict[str, bytes] = {}
        for path, facts in project.files.items():
            shapes = facts.records(ShapeCollector)
            if shapes:
                sites = tuple(_site(one, raises.of(path, one.line, one.col), part) for one in shapes) if raises else ()
                told[path] = msgspec.msgpack.encode(Prepared(sites, readers, parents))
        return told

    def moved(self, prepared: bytes, where: Callable[[int, int], tuple[int, int]]) -> bytes:
        """The same sites where an earlier pass has moved them."""
        told = msgspec.msgpack.decode(prepared, type=Prepared)
        sites = tuple(Site(*where(one.line, one.col), one.types, one.open, one.assumed) for one in told.sites)
        return msgspec.msgpack.encode(Prepared(sites, told.readers, told.parents))

    def rewrite(self, file: FileView, prepared: bytes | None) -> Iterator[Rewrite | Declined | Skipped]:
        """Answer the findings of one file, the outermost statements first."""
        yield from _FileRewriter(file, prepared).answers()


_MIXED = frozenset({"BaseException", "BaseExceptionGroup"})


def policy(settings: Settings, options: Mapping[str, Any]) -> str:
    """``infer`` or ``preserve``, from the command line or else from the settings."""
    return str(options.get("policy") or settings.policy)


def effects(options: Mapping[str, Any]) -> type[Effects]:
    """What has to be read of every file: a set that rests on an assumption is of use only with ``--unsafe``."""
    return Effects if options.get("unsafe") else Proofs


def _site(shape: TryShape, raised: RaiseSet, part: bool) -> Site:
    assumed = raised.assumed or ("the run looked at a part of the tree only" if part else None)
    return Site(shape.line, shape.col, raised.types, raised.open, assumed)


def _is_part(project: Project, settings: Settings) -> bool:
    """Whether files below the root were left out: one of them may give an attribute or a method another meaning."""
    return not project.below_root(settings.exclude).files.keys() <= project.files.keys()


class _FileRewriter:
    def __init__(self, file: FileView, prepared: bytes | None) -> None:
        self.file = file
        told = msgspec.msgpack.decode(prepared, type=Prepared) if prepared else Prepared((), frozenset(), frozenset())
        self.sites = {(one.line, one.col): one for one in told.sites}
        self.readers = told.readers
        self.parents = told.parents
        self.spelling = Spelling(file.facts.records(ImportCollector), file.source.data)
        self.infer = policy(file.settings, file.options) == "infer"
        self.unsafe = bool(file.options.get("unsafe"))
        self.around: list[tuple[int, str]] = []

    def answers(self) -> Iterator[Rewrite | Declined | Skipped]:
        wanted = {(one.span.line, one.span.col) for one in self.file.findings}
        shapes = {(one.line, one.col): one for one in self.file.facts.records(ShapeCollector)}
        self.tangled = _tangled(shapes.values())
        statements = sorted(self.file.facts.records(HandlerCollector), key=lambda one: (one.span.line, one.span.col))
        for statement in statements:
            indexes = [index for index, one in enumerate(statement.handlers) if (one.span.line, one.span.col) in wanted]
            if indexes:
                yield from self._statement(statement, shapes[statement.span.line, statement.span.col], indexes)

    def _statement(self, statement: Try, shape: TryShape, indexes: list[int]) -> Iterator[Rewrite | Declined]:
        first, *others = indexes
        yield self._answer(statement, shape, first)
        for index in others:
            detail = "behind a handler of Exception it is there for exits alone"
            yield Declined("E900", statement.handlers[index].span, Reason.CATCHES_EXITS, detail)

    def _answer(self, statement: Try, shape: TryShape, index: int) -> Rewrite | Declined:
        handler = statement.handlers[index]
        types, safety, note = self._types(shape)
        others = [one for one in handler.types if one not in ("Exception", "builtins.Exception")]
        own = {self._family(one, shape) for one in others}
        if "unknown" in own:
            detail = f"`{', '.join(handler.types)}`: {self._unknown(others, shape)}"
            return Declined("E900", handler.span, Reason.SIBLING_TYPE, detail)
        if handler.catches_exits or "exit" in own:
            safety = "unsafe"
            note = "KeyboardInterrupt, SystemExit and cancellation would now leave the block"
        found = self._block(statement, shape, index, types)
        if isinstance(found, Rewrite):
            return msgspec.structs.replace(found, safety=safety, detail=note)
        if types.exact and not types.needs and not statement.star:
            edits = narrow(self.file.source.data, shape.handlers[index], types.types)
            if not isinstance(edits, Refusal):
                return Rewrite(
                    code="E900",
                    span=handler.span,
                    splices=edits.splices,
                    kind="narrowed",
                    safety=safety,
                    statement=statement.span,
                    detail=note,
                )
        return Declined("E900", handler.span, found.reason, found.detail)

    def _types(self, shape: TryShape) -> tuple[Recoverable, Safety, str]:
        """What to recover, how sure that is, and a note for the report."""
        site = self.sites.get((shape.line, shape.col))
        if not self.infer or site is None:
            return EVERYTHING, "safe", ""
        if site.open is not None:
            return EVERYTHING, "safe", site.open
        if site.assumed is not None and not self.unsafe:
            return EVERYTHING, "safe", site.assumed
        region = self.file.source.data[shape.around : shape.around_end] if shape.scope == "function" else b""
        # Exits never were the handler's. Where one of these stands for errors and exits alike, it is not known which.
        mixed = not _MIXED.isdisjoint(site.types)
        errors = () if mixed else [one for one in site.types if family(one) != "exit"]
        found = recoverable(errors, self.spelling, shape.definition, region)
        if found is None:
            return EVERYTHING, "safe", "the types that it can raise cannot be named here"
        if site.assumed is not None:
            return found, "unsafe", site.assumed
        return found, "safe", ""

    def _block(self, statement: Try, shape: TryShape, index: int, types: Recoverable) -> Rewrite | Refusal:
        problem = self._standing(shape, index) or refusal(shape, index)
        if problem is not None:
            return problem
        siblings = self._siblings(shape, index)
        if isinstance(siblings, Refusal):
            return siblings
        quiet = silent(shape, siblings.tests)
        if not quiet and shape.inspected:
            return Refusal(Reason.INSPECTS_NAMES)
        if not quiet and (shape.class_names or (shape.scope == "class" and siblings.kept)):
            return Refusal(Reason.CLASS_NAMES)
        needs = (Need(self.file.settings.executor_module, self.file.settings.executor_name), *types.needs)
        names: dict[Need, str] = {}
        for need in needs:
            try:
                names[need] = self.file.imports.bind(need, shape.definition)
            except Refused as error:
                return Refusal(error.reason, error.detail)
        recovered = [*types.types, *(names[need] for need in types.needs)]
        listed = ", ".join(recovered) + ("," if len(recovered) == 1 else "")
        logger = f"{shape.logger}, " if shape.logger and not self._inherited(shape.logger, statement.scope) else ""
        call = f"{names[needs[0]]}({logger}recoverable=({listed}))"
        attempt = self._attempt(shape)
        outcome = _free("outcome", set(shape.taken))
        plan = Block(shape, siblings.tests, siblings.kept, call, attempt, outcome)
        edits = block(self.file.source.data, self.file.source.encoding, plan)
        if isinstance(edits, Refusal):
            return edits
        self.around.append((shape.end, attempt))
        return Rewrite(
            code="E900",
            span=statement.handlers[index].span,
            splices=edits.splices,
            indents=edits.indents,
            needs=needs,
            statement=statement.span,
        )

    def _inherited(self, logger: str, scope: str) -> bool:
        """Whether a subclass may run the statement without ever having made the logger that is kept on ``self``."""
        return logger.startswith("self.") and scope.split(".")[-2] in self.parents

    def _standing(self, shape: TryShape, index: int) -> Refusal | None:
        """What speaks against a block at this place whatever the handlers do."""
        if shape.star:
            return Refusal(Reason.EXCEPT_STAR)
        if shape.destructor:
            return Refusal(Reason.DESTRUCTOR)
        if self.file.path.rpartition("/")[2] == "setup.py":
            return Refusal(Reason.STANDALONE, "setup.py runs where the project's requirements are not installed yet")
        helper = self.readers.intersection(shape.handlers[index].calls)
        if helper:
            return Refusal(Reason.HELPER_READS, f"`{min(helper)}`")
        for handler in shape.handlers:
            if handler.clause.start in self.tangled:
                return Refusal(Reason.TWO_ERRORS, f"line {handler.clause.line}")
        return None

    def _siblings(self, shape: TryShape, index: int) -> Decided | Refusal:
        tests: list[int] = []
        kept: list[int] = []
        if index + 1 < len(shape.handlers):
            return Refusal(Reason.SIBLING_ORDER, f"a handler follows at line {shape.handlers[index + 1].clause.line}")
        for position, sibling in enumerate(shape.handlers[:index]):
            families = {self._family(one, shape) for one in sibling.types}
            where = f"`{', '.join(sibling.types)}` at line {sibling.clause.line}"
            if families == {"exit"}:
                if tests:
                    return Refusal(Reason.SIBLING_ORDER, where)
                kept.append(position)
                continue
            if "unknown" in families:
                return Refusal(Reason.SIBLING_TYPE, f"{where}: {self._unknown(sibling.types, shape)}")
            if "exit" in families:
                return Refusal(Reason.SIBLING_TYPE, f"{where}: errors and exits in one handler")
            if sibling.reraises or refusal(shape, position) is not None:
                return Refusal(Reason.SIBLING_RERAISES, where)
            helper = self.readers.intersection(sibling.calls)
            if helper:
                return Refusal(Reason.HELPER_READS, f"`{min(helper)}`")
            tests.append(position)
        return Decided(index, (*tests, index), tuple(kept))

    def _family(self, written: str, shape: TryShape) -> str:
        """``error`` for a subclass of ``Exception``, ``exit`` for another exception, ``unknown`` in doubt."""
        if written == "?" or self._rebound(written, shape):
            return "unknown"
        qualified = self.spelling.meaning(written, shape.definition)
        if qualified is None:
            return "unknown"
        return family(qualified)

    def _rebound(self, written: str, shape: TryShape) -> int | None:
        """The line at which the function around the statement may bind the name itself."""
        if shape.scope != "function":
            return None
        found = rebound_at(self.file.source.data[shape.around : shape.around_end], written)
        return None if found is None else line_of(self.file.source.data, shape.around + found)

    def _unknown(self, types: Iterable[str], shape: TryShape) -> str:
        """Why the family of the first of ``types`` that has none is not known."""
        written = next(one for one in types if self._family(one, shape) == "unknown")
        if written == "?":
            return "an expression that is no name says which type it is"
        line = self._rebound(written, shape)
        if line is not None:
            return f"`{written.partition('.')[0]}` may be bound by the function, at line {line}"
        return self.spelling.doubt(written, shape.definition)

    def _attempt(self, shape: TryShape) -> str:
        """A name for the attempt that neither the scope nor a statement around this one uses."""
        while self.around and self.around[-1][0] <= shape.body.start:
            self.around.pop()
        return _free("attempt", {*shape.taken, *(name for _, name in self.around)})


def _tangled(shapes: Iterable[TryShape]) -> set[int]:
    """The handlers, by offset, that share with one inside them (or around them) a return that needs both errors."""
    needed: dict[int, list[int]] = {}
    for shape in shapes:
        for handler in shape.handlers:
            for way in handler.exits:
                if needs_error(way, handler):
                    needed.setdefault(way.start, []).append(handler.clause.start)
    return {start for starts in needed.values() if len(starts) > 1 for start in starts}


def _free(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


if __name__ == "__main__":
    from codemods.cli import main

    main("safe_executor")
