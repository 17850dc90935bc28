"""The records of ``analysis.collectors.shapes``. Offsets are byte offsets into the file."""

from __future__ import annotations

import msgspec

from analysis.collectors.active import ActiveUse
from analysis.walk import ScopeKind


class Clause(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One clause of a ``try`` statement: the ``start`` of its keyword, its ``colon``, and its suite.

    ``first`` and ``end`` are the offsets of the suite's first and behind its last statement.
    """

    start: int
    colon: int
    line: int
    colon_line: int
    first: int
    first_line: int
    end: int
    end_line: int

    @property
    def one_line(self) -> bool:
        """Whether the suite follows the colon on the same line."""
        return self.first_line == self.colon_line


class Exit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A ``return``, ``break`` or ``continue`` that leaves a handler.

    ``value`` and ``value_end`` bound the returned expression (both 0 without one), and ``end`` is the statement's.
    ``uses``: the expression names the caught error; ``keeps``: its value may go on holding it; ``alone``: the statement
    is the first on its line; ``guarded``: a ``try`` inside this handler would catch what the expression raises;
    ``finally_follows``: a ``finally`` in there runs next.
    """

    start: int
    value: int
    value_end: int
    uses: bool
    keeps: bool
    end: int
    alone: bool
    guarded: bool
    finally_follows: bool


class HandlerShape(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One handler. The fields after ``types`` are filled in for handlers that do not raise their error again.

    ``falls``: control can reach the end of the handler. ``idle``: it holds nothing but ``pass``.
    ``name_used``/``name_rebound``: the handler reads, or binds again, the name after ``as``. ``name_shared``: the
    enclosing scope uses that name for something else. ``name_captured``: a function, lambda or generator in a
    handler of that scope uses it, and may outlive the handler. ``raises``: the line of a ``raise`` of a new error, 0
    for none.
    ``calls`` are the last parts of the names that it calls, standard loggers' methods left out: enough to ask whether a
    helper reads the error being handled.
    """

    clause: Clause
    types: tuple[str, ...]
    name: str | None
    reraises: bool
    falls: bool = True
    idle: bool = False
    name_used: bool = False
    name_rebound: bool = False
    name_shared: bool = False
    name_captured: bool = False
    raises: int = 0
    exits: tuple[Exit, ...] = ()
    active: tuple[ActiveUse, ...] = ()
    calls: tuple[str, ...] = ()


class TryShape(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A ``try`` statement with at least one handler that catches ``Exception`` or more and does not raise it again.

    ``scope`` is the kind of the enclosing scope; ``definition`` the first line of the outermost function or class
    around it (its own line at module level). ``around`` and ``around_end`` bound the outermost enclosing function (the
    whole file outside of any), and ``taken`` are the names in it that look like the ones a rewrite would introduce.
    ``class_names``: it stands in a class body where every name counts, since bases, decorators or a metaclass may look
    at them. ``inspects``: the scope looks at its own names (``locals()``, ``eval``); ``inspected``: it does so inside
    this statement. ``enclosed``: another ``try`` is around this one in the same scope. ``logger``: an expression for a
    logger that is sure to exist here, or the empty string.
    """

    line: int
    col: int
    end: int
    end_line: int
    star: bool
    scope: ScopeKind
    definition: int
    body: Clause
    handlers: tuple[HandlerShape, ...]
    orelse: Clause | None
    final: Clause | None
    around: int
    around_end: int
    taken: tuple[str, ...]
    class_names: bool
    inspects: bool
    inspected: bool
    destructor: bool
    enclosed: bool
    logger: str
