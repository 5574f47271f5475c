"""What was measured of taps, and how it is said."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taps:
    """One run. cpu_ms: of the process that answers, per tap; 0 where it was not measured.

    p50_ms, p99_ms: from when a tap was due until its card was edited. answered_ms: median until it was acknowledged.
    """

    what: str
    database: str
    people: int
    taps: int
    per_second: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float
    answered_ms: float = 0.0

    def line(self) -> str:
        """A row of the table."""
        return (
            f"{self.what:<34} {self.database:<10} {self.people:>5} {self.per_second:>8.0f}/s {self.cpu_ms:>7.2f} ms"
            f" {self.p50_ms:>8.1f} ms {self.p99_ms:>8.1f} ms {self.answered_ms:>8.1f} ms"
        )


HEADING = f"{'':<34} {'':<10} people {'taps':>6}   {'CPU per tap':>10} {'p50':>10} {'p99':>11} {'acknowledged':>14}"


@dataclass(slots=True)
class Spent:
    """Seconds of the clock, and of this process's CPU, in all of its threads."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def spending() -> Iterator[Spent]:
    """What was spent inside is known after it."""
    spent, wall, cpu = Spent(), time.perf_counter(), time.process_time()
    yield spent
    spent.wall, spent.cpu = time.perf_counter() - wall, time.process_time() - cpu


def taps_of(
    what: str, database: str, people: int, spent: Spent, shown: Sequence[float], answered: Sequence[float] = ()
) -> Taps:
    """The row of a run.

    Args:
        shown, answered: milliseconds of each tap.
    """
    count = len(shown)
    return Taps(
        what,
        database,
        people,
        count,
        per_second=count / spent.wall,
        cpu_ms=spent.cpu / count * 1000,
        p50_ms=quantile(shown, 0.5),
        p99_ms=quantile(shown, 0.99),
        answered_ms=quantile(answered, 0.5) if answered else 0.0,
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share of `values` lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
