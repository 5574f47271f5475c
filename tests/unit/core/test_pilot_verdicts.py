"""What is said of a pilot: by agreement, skips and disputes, and nothing where too little is known."""

from __future__ import annotations

import pytest

from core.aggregation.agreement import Estimate
from core.pilot_report import ENOUGH_SHARED, Verdict, judge

NOTHING = Estimate(None, None, None)
HALF = Estimate(0.5, 0.4, 0.6)


@pytest.mark.parametrize(
    ("alpha", "pairs", "shared", "skips", "disputed", "verdict"),
    [
        (Estimate(0.7, 0.5, 0.8), HALF, 30, 0.0, 0.0, "good"),
        (NOTHING, Estimate(1.0, 1.0, 1.0), 30, 0.0, 0.0, "good"),
        (Estimate(0.0, -0.2, 0.3), Estimate(0.95, 0.9, 1.0), 30, 0.0, 0.0, "good"),
        (Estimate(0.3, 0.1, 0.5), HALF, 30, 0.0, 0.0, "look"),
        (Estimate(0.7, 0.5, 0.8), HALF, 30, 0.2, 0.0, "look"),
        (Estimate(0.7, 0.5, 0.8), HALF, 30, 0.0, 0.4, "look"),
        (Estimate(0.05, -0.2, 0.3), HALF, 30, 0.0, 0.0, "stop"),
        (Estimate(0.1, -0.4, 0.6), HALF, 12, 0.0, 0.0, "look"),
        (Estimate(0.7, 0.5, 0.8), HALF, 30, 0.6, 0.0, "stop"),
        (NOTHING, NOTHING, 0, 0.6, 0.0, "stop"),
        (Estimate(0.7, 0.5, 0.8), HALF, ENOUGH_SHARED - 1, 0.0, 0.0, "early"),
        (NOTHING, NOTHING, 0, 0.0, 0.0, "early"),
    ],
    ids=[
        "understood", "all the same", "nearly all the same", "not of one mind", "skipped", "disputed",
        "by chance", "perhaps by chance", "mostly skipped", "nothing but skips", "few shared", "nothing yet",
    ],
)  # fmt: skip
def test_the_verdict(
    alpha: Estimate, pairs: Estimate, shared: int, skips: float, disputed: float, verdict: Verdict
) -> None:
    assert judge(alpha, pairs, shared, skips, disputed) == verdict
