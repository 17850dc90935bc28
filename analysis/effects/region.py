"""Where the effects of a stretch of code are put together, up to the first that leaves it open."""

from __future__ import annotations

import ast

from analysis.effects.records import Act, Condition, Filter, Pending, Place, Raise, Region


class Opened(Exception):
    """Thrown to stop reading: the region is open, so that nothing further matters."""


class Effects:
    """What has been read so far of one region. ``strict``: an assumption ends the reading, as an open call does."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.raises: dict[tuple[str, tuple[Filter, ...]], None] = {}
        self.pending: dict[tuple[object, ...], Pending] = {}
        self.conditions: dict[tuple[str, str], Condition] = {}
        self.open: Place | None = None
        self.assumed: Place | None = None
        self.filters: tuple[Filter, ...] = ()
        self.yields: int = 0

    def raise_(self, *types: str) -> None:
        """Note that each of ``types`` (public names or symbols) may be raised here."""
        for each in types:
            self.raises[each, self.filters] = None

    def do(
        self,
        act: Act,
        target: str,
        node: ast.expr | str,
        line: int,
        *,
        args: int = 0,
        keywords: tuple[str, ...] = (),
        star: bool = False,
        plain: bool = True,
    ) -> None:
        """Note something done to a symbol; the first line stands for all that are alike."""
        key = (act, target, args, keywords, star, plain, self.filters)
        if key not in self.pending:
            text = node if isinstance(node, str) else written(node)
            self.pending[key] = Pending(act, target, text, line, self.filters, args, keywords, star, plain)

    def assume(self, text: str, line: int, node: ast.expr | str | None = None, *, typed: bool = False) -> None:
        """Note that the set is complete only if something holds; ``typed``: it is about the type of a value.

        ``{}`` in the text stands for ``node``.
        """
        if self.assumed is None:
            self.assumed = Place(text if node is None else text.replace("{}", written(node)), line)
        if self.strict:
            raise Opened

    def rely(self, condition: Condition) -> None:
        """Note that the type of an attribute was taken from this file alone."""
        self.conditions.setdefault((condition.owner, condition.name), condition)

    def leave_open(self, text: str, line: int) -> None:
        """Note that what happens here cannot be known.

        Raises:
            Opened: always.
        """
        self.open = Place(text, line)
        raise Opened

    def record(self) -> Region:
        """The record of what was read."""
        if self.open is not None:
            return Region(open=self.open)
        if self.strict and self.assumed is not None:
            return Region(assumed=self.assumed)
        return Region(
            tuple(Raise(*each) for each in self.raises),
            tuple(self.pending.values()),
            tuple(self.conditions.values()),
            None,
            self.assumed,
        )


class Nothing(Effects):
    """Takes no notes: for finding the type of an expression that is not run here."""

    def __init__(self) -> None:
        self.pending = {}
        self.conditions = {}
        self.open = None
        self.assumed = None
        self.filters = ()
        self.yields = 0

    def raise_(self, *types: str) -> None:
        return

    def do(
        self,
        act: Act,
        target: str,
        node: ast.expr | str,
        line: int,
        *,
        args: int = 0,
        keywords: tuple[str, ...] = (),
        star: bool = False,
        plain: bool = True,
    ) -> None:
        return

    def assume(self, text: str, line: int, node: ast.expr | str | None = None, *, typed: bool = False) -> None:
        if typed and self.assumed is None:
            self.assumed = Place(text, line)

    def leave_open(self, text: str, line: int) -> None:
        raise Opened


def written(node: ast.expr | str) -> str:
    """An expression as a short dotted name; what is not a name becomes a sign for it."""
    match node:
        case str():
            return node
        case ast.Name():
            return node.id
        case ast.Attribute():
            return f"{written(node.value)}.{node.attr}"
        case ast.Call():
            return f"{written(node.func)}()"
        case ast.Subscript():
            return f"{written(node.value)}[]"
        case ast.Constant():
            return repr(node.value) if len(repr(node.value)) < 20 else f"a {type(node.value).__name__}"
        case ast.Await():
            return written(node.value)
        case ast.JoinedStr():
            return "f''"
        case ast.Lambda():
            return "a lambda"
        case _:
            return f"a {type(node).__name__}"


def extend(symbol: str, name: str) -> str:
    """The symbol of an attribute."""
    return symbol + name if symbol.endswith(":") else f"{symbol}.{name}"
