"""Which events of which publishers have arrived, and which have not.

The events of one publisher and topic are numbered from 1. They arrive in order or not at all, so that a number higher
than the next one means a loss of exactly those between. A publisher that was restarted begins at 1 again, under a new
incarnation, which is no loss; what its former life sent last may be one, and then nobody can tell. Tallies, which name
the last number of each topic, reveal what was lost at the end, when nothing follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._counters import Gap

if TYPE_CHECKING:
    from collections.abc import Mapping

# Of those that were heard longest ago; one that lives says so all the time.
_KEPT_INCARNATIONS = 64
_KEPT_PUBLISHERS = 4096


class Sequences:
    """The numbers that have arrived at one receiver. Not for several threads at a time.

    Attributes:
        lost: Events that are missing.
        gaps: In how many places.
        duplicates: Events that came again.
        restarts: How often a publisher came back under a new incarnation.
        publishers: How many incarnations were heard of.
    """

    def __init__(self) -> None:
        self.lost = 0
        self.gaps = 0
        self.duplicates = 0
        self.restarts = 0
        self.publishers = 0
        # Publisher to incarnation to topic to the last number that was heard of.
        self._lives: dict[int, dict[int, dict[bytes, int]]] = {}
        # Topic to the time since when everything published under it has been meant for us.
        self._since: dict[bytes, int] = {}

    def listen(self, topic: bytes, now: int) -> None:
        """Count losses of ``topic`` from ``now`` on: a publisher that is made later has been heard from its start.

        Args:
            topic: As it is on the wire.
            now: Nanoseconds since the epoch, by the clock that incarnations are made by.
        """
        self._since.setdefault(topic, now)

    def forget(self, topic: bytes) -> None:
        """Nothing more is expected of ``topic``."""
        self._since.pop(topic, None)
        for lives in self._lives.values():
            for life in lives.values():
                # What it sends until somebody listens again will be no loss.
                life.pop(topic, None)

    def arrived(self, publisher: int, incarnation: int, topic: bytes, first: int, count: int) -> tuple[int, Gap | None]:
        """Note that ``count`` events numbered from ``first`` have come.

        Returns:
            How many of them, from the start, have come before and are not to be delivered again; and the loss that is
            now known, if any.
        """
        life = self._life(publisher, incarnation)
        last = life.get(topic)
        if last is None:
            last = 0 if self._from_the_start(incarnation, topic) else first - 1
        life[topic] = max(last, first + count - 1)
        if first == last + 1:
            return 0, None
        if first <= last:
            again = min(count, last - first + 1)
            self.duplicates += again
            return again, None
        return 0, self._gap(publisher, incarnation, topic, last + 1, first - last - 1)

    def tally(self, publisher: int, incarnation: int, last: Mapping[bytes, int]) -> list[Gap]:
        """Note how far a publisher has come in every topic, and return the losses that are now known.

        It was sent after the events that it counts, and on the same way.
        """
        life = self._life(publisher, incarnation)
        self._refresh(publisher, incarnation)
        gaps = []
        for topic in self._since:
            number = last.get(topic, 0)
            seen = life.get(topic)
            if seen is None:
                seen = 0 if self._from_the_start(incarnation, topic) else number
            if number > seen:
                gaps.append(self._gap(publisher, incarnation, topic, seen + 1, number - seen))
            life[topic] = max(seen, number)
        return gaps

    def _life(self, publisher: int, incarnation: int) -> dict[bytes, int]:
        lives = self._lives.get(publisher)
        if lives is None:
            lives = self._lives[publisher] = {}
            if len(self._lives) > _KEPT_PUBLISHERS:
                del self._lives[next(iter(self._lives))]
        life = lives.get(incarnation)
        if life is None:
            if lives:
                self.restarts += 1
            self.publishers += 1
            life = lives[incarnation] = {}
            if len(lives) > _KEPT_INCARNATIONS:
                del lives[next(iter(lives))]
        return life

    def _refresh(self, publisher: int, incarnation: int) -> None:
        """Put it behind those that were heard longer ago."""
        lives = self._lives[publisher] = self._lives.pop(publisher)
        lives[incarnation] = lives.pop(incarnation)

    def _from_the_start(self, incarnation: int, topic: bytes) -> bool:
        since = self._since.get(topic)
        return since is not None and incarnation > since

    def _gap(self, publisher: int, incarnation: int, topic: bytes, first: int, count: int) -> Gap:
        self.lost += count
        self.gaps += 1
        return Gap(f"{publisher:016x}", incarnation, topic.rstrip(b"\0").decode(errors="replace"), first, count)
