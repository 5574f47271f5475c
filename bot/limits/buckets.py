"""Leaky buckets as one number each: the generic cell rate algorithm (https://en.wikipedia.org/wiki/GCRA).

A bucket holds the moment at which it would be empty again (its *theoretical arrival time*). A call is admitted while
that moment is at most `tolerance` ahead, and moves it by `interval`. All times are whole microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bot.surface import Rate
from core.lanes import Lane

SECOND = 1_000_000
RESERVE = {Lane.REPLY: 0.0, Lane.NEXT_ITEM: 0.0, Lane.NOTICE: 0.25, Lane.OFFER: 1 / 3, Lane.REMINDER: 1 / 3}
"""Share of a shared bucket's burst that a lane leaves to the lanes before it."""
PRUNE_ABOVE = 10_000


class Part(NamedTuple):
    """What a call asks of one bucket."""

    bucket: str
    interval: int
    tolerance: int


Claim = tuple[Part, ...]
"""A call that asks to be admitted: all of its buckets need room."""


class Verdict(NamedTuple):
    """What became of a claim: admitted, or which of its parts has no room for how many more seconds."""

    admitted: bool
    part: int = 0
    wait: float = 0.0


def part_of(rate: Rate, lane: Lane, overdue: bool = False) -> Part:
    """What a call of `lane` asks of the bucket of `rate`; one that is overdue leaves nothing to others."""
    interval = SECOND / rate.per_second
    usable = rate.burst * (1.0 - RESERVE[lane]) if rate.shared and not overdue else rate.burst
    return Part(rate.name, round(interval), round(max(0.0, usable - 1.0) * interval))


class Buckets:
    """The buckets of one process."""

    def __init__(self) -> None:
        self._empty_at: dict[str, int] = {}

    def take(self, claims: Sequence[Claim], now: int) -> list[Verdict]:
        """Admit what there is room for, in the order given."""
        if len(self._empty_at) > PRUNE_ABOVE:
            self._empty_at = {name: moment for name, moment in self._empty_at.items() if moment > now}
        return [self._take(claim, now) for claim in claims]

    def close(self, part: Part, microseconds: int, now: int) -> None:
        """Admit nobody to the bucket of `part` for so long."""
        closed = now + microseconds + part.tolerance
        self._empty_at[part.bucket] = max(closed, self._empty_at.get(part.bucket, now))

    def _take(self, claim: Claim, now: int) -> Verdict:
        moments = [max(now, self._empty_at.get(part.bucket, now)) for part in claim]
        waits = [moment - part.tolerance - now for moment, part in zip(moments, claim, strict=True)]
        longest = max(waits)
        if longest > 0:
            return Verdict(False, waits.index(longest), longest / SECOND)
        for moment, part in zip(moments, claim, strict=True):
            self._empty_at[part.bucket] = moment + part.interval
        return Verdict(True)
