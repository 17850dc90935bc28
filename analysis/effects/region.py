"""Where the effects of a stretch of code are put together, up to the first that leaves it open."""

from __future__ import annotations

from analysis.effects.records import Act, Condition, Filter, Pending, Place, Raise, Region


class Opened(Exception):
    """Thrown to stop reading: the region is open, so that nothing further matters."""


class Effects:
    """What has been read so far of one region."""

    def __init__(self) -> None:
        self.raises: dict[Raise, None] = {}
        self.pending: dict[tuple[object, ...], Pending] = {}
        self.conditions: dict[tuple[str, str], Condition] = {}
        self.open: Place | None = None
        self.assumed: Place | None = None
        self.filters: tuple[Filter, ...] = ()
        self.yields: int = 0

    def raise_(self, *types: str) -> None:
        """Note that each of ``types`` (public names or symbols) may be raised here."""
        for each in types:
            self.raises.setdefault(Raise(each, self.filters))

    def do(
        self,
        act: Act,
        target: str,
        text: str,
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
            self.pending[key] = Pending(act, target, text, line, self.filters, args, keywords, star, plain)

    def assume(self, text: str, line: int, *, typed: bool = False) -> None:
        """Note that the set is complete only if something holds; ``typed``: it is about the type of a value."""
        if self.assumed is None:
            self.assumed = Place(text, line)

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
        return Region(
            tuple(self.raises), tuple(self.pending.values()), tuple(self.conditions.values()), None, self.assumed
        )


class Nothing(Effects):
    """Takes no notes: for finding the type of an expression that is not run here."""

    def __init__(self) -> None:
        super().__init__()
        self.typed = False
        self.relied: list[Condition] = []

    def raise_(self, *types: str) -> None:
        return

    def do(
        self,
        act: Act,
        target: str,
        text: str,
        line: int,
        *,
        args: int = 0,
        keywords: tuple[str, ...] = (),
        star: bool = False,
        plain: bool = True,
    ) -> None:
        return

    def assume(self, text: str, line: int, *, typed: bool = False) -> None:
        if typed:
            self.typed = True
