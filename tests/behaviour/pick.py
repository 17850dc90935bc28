"""Where the choices of a generated program come from: hypothesis, which can shrink them, or a seeded generator."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Pick(Protocol):
    """A source of choices. 0 is the plainest choice everywhere, so that shrinking makes programs plainer."""

    def below(self, bound: int) -> int:
        """A number from 0 to ``bound - 1``."""


class Drawn:
    """Choices that hypothesis makes, and can take back."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def below(self, bound: int) -> int:
        return self._draw(_up_to(bound - 1)) if bound > 1 else 0


_strategies: dict[int, st.SearchStrategy[int]] = {}


def _up_to(top: int) -> st.SearchStrategy[int]:
    if top not in _strategies:
        _strategies[top] = st.integers(0, top)
    return _strategies[top]


class Seeded:
    """The same choices for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def below(self, bound: int) -> int:
        return self._random.randrange(bound)


def one_of(pick: Pick, options: Sequence[T]) -> T:
    """One of ``options``, each as likely as the others."""
    return options[pick.below(len(options))]


def weighted(pick: Pick, options: dict[T, int]) -> T:
    """One of the keys, as likely as its value says against the others."""
    left = pick.below(sum(options.values()))
    for option, weight in options.items():
        left -= weight
        if left < 0:
            return option
    raise AssertionError("unreachable: the weights add up")


def chance(pick: Pick, percent: int) -> bool:
    """True in ``percent`` of 100 cases; the plainest choice is False."""
    return pick.below(100) >= 100 - percent
