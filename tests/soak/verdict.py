"""What must be true of a soak."""

from __future__ import annotations

from tests.soak.memory import PROCESSES
from tests.soak.retention import ANSWER, RULES
from tests.soak.soaking import SHARE, Soaked

MOST_GROWTH = 0.05
KEPT_UP = 0.9
"""Share of the wanted rate that has to be kept up for the rest to mean something."""
OF_ANSWERS = 0.02
"""Rows per answer of a table that does not grow with answers: people and jobs come and go beside them."""


def check(soaked: Soaked, most_growth: float = MOST_GROWTH) -> None:
    """Raises `AssertionError`: it says what grows."""
    assert set(soaked.samples) == set(PROCESSES), f"only {sorted(soaked.samples)} ran"
    wanted = soaked.highest * SHARE
    assert soaked.rate >= wanted * KEPT_UP, f"{soaked.rate:.0f} answers/s were kept up, not {wanted:.0f}"
    grown = {name: f"{soaked.growth(name):+.1%}" for name in PROCESSES if soaked.growth(name) >= most_growth}
    assert not grown, f"memory of {grown}"
    tables = {
        table: round(soaked.rows_per_answer(table), 3)
        for table in soaked.rows
        if RULES[table].grows_with != ANSWER and soaked.rows_per_answer(table) >= OF_ANSWERS
    }
    assert not tables, f"rows per answer of {tables}"
