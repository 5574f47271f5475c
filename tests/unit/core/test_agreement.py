"""Agreement against the worked examples of the literature, and what its intervals promise."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from core.aggregation.agreement import LEAST, Level, agreement, share_alike
from core.aggregation.annotations import count_votes
from core.arrays import Floats
from tests.unit.core.tables import coins, simulated

KRIPPENDORFF = [
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
]
"""Four observers and twelve units, example C of "Computing Krippendorff's Alpha-Reliability" (2011)."""
FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
"""Fourteen raters, ten subjects, five categories: the worked example that is commonly given for Fleiss (1971)."""
NUMBERS = np.arange(1.0, 6.0)


def observed() -> Floats:
    votes = np.zeros((12, 5))
    for row in KRIPPENDORFF:
        for unit, value in enumerate(row.split()):
            if value != ".":
                votes[unit, int(value) - 1] += 1
    return votes


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_krippendorffs_example(level: Level, alpha: float) -> None:
    found = agreement(observed(), level, NUMBERS)
    assert found.alpha.value == pytest.approx(alpha, abs=0.0005)
    assert found.items == 11, "the last unit has a single value, which nothing can be compared with"


def test_kappa_of_fleiss_example() -> None:
    found = agreement(np.array(FLEISS, dtype=np.float64))
    assert found.fleiss_kappa.value == pytest.approx(0.210, abs=0.0005)
    assert found.pairwise.value == pytest.approx(0.378, abs=0.0005)


def test_pairs_by_hand() -> None:
    """Each item weighs the same, however many people it took: 1/3 of the pairs of the first, all of the second."""
    votes = np.array([[2.0, 1.0], [2.0, 0.0], [1.0, 0.0]])
    assert agreement(votes).pairwise.value == pytest.approx((1 / 3 + 1) / 2)
    assert share_alike(votes) == agreement(votes).pairwise.value
    assert share_alike(np.array([[1.0, 0.0]])) is None
    assert share_alike(np.zeros((0, 0))) is None


def test_intervals_hold_their_figure() -> None:
    """Every two of five labels once, and nobody agrees: by chance no sample has its labels as evenly as the table, so
    that the plain percentiles of kappa lie below it."""
    votes = np.array([np.eye(5)[one] + np.eye(5)[other] for one, other in combinations(range(5), 2)] * 3)
    found = agreement(votes)
    assert found.fleiss_kappa.value == pytest.approx(-0.25)
    for one, least in zip((found.alpha, found.fleiss_kappa, found.pairwise), LEAST, strict=True):
        assert one.value is not None
        assert one.low is not None
        assert one.high is not None
        assert least <= one.low <= one.value <= one.high <= 1.0


def test_everybody_alike_and_nobody_alike() -> None:
    same = agreement(np.array([[3.0, 0.0], [0.0, 3.0]] * 10))
    assert (same.alpha.value, same.fleiss_kappa.value, same.pairwise.value) == (1.0, 1.0, 1.0)
    assert (same.alpha.low, same.alpha.high) == (1.0, 1.0)
    never = agreement(np.array([[1.0, 1.0]] * 10))
    assert never.pairwise.value == 0.0
    assert never.alpha.value is not None
    assert never.alpha.value < 0


@pytest.mark.parametrize("votes", [np.zeros((3, 2)), np.array([[1.0, 0.0]] * 3), np.array([[4.0, 0.0]] * 3)])
def test_what_is_not_defined_is_nothing(votes: Floats) -> None:
    found = agreement(votes)
    assert (found.alpha.value, found.alpha.low, found.alpha.high) == (None, None, None)
    assert found.fleiss_kappa.value is None
    assert (found.pairwise.value is None) == (votes.sum() < 4)


def test_ordinal_depends_on_the_order_and_interval_on_the_numbers() -> None:
    votes = observed()
    shuffled = votes[:, [2, 0, 4, 1, 3]]
    assert agreement(shuffled, "ordinal").alpha.value != pytest.approx(agreement(votes, "ordinal").alpha.value)
    assert agreement(shuffled).alpha.value == pytest.approx(agreement(votes).alpha.value)
    stretched = agreement(votes, "interval", np.array([1.0, 2.0, 3.0, 4.0, 50.0])).alpha.value
    assert stretched != pytest.approx(agreement(votes, "interval", NUMBERS).alpha.value)
    with pytest.raises(ValueError, match="numbers"):
        agreement(votes, "interval")


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_intervals_are_reproducible_and_cover(level: Level) -> None:
    """Of forty samples of one crowd, the 95 % interval holds the figure of the whole crowd in nearly all."""
    annotations, _ = simulated(2, coins([0.9, 0.8, 0.7, 0.6], 3), 4000, 3)
    votes = count_votes(annotations)
    whole = agreement(votes, level, replicates=20).alpha.value or 0.0
    samples = [agreement(votes[start : start + 100], level, replicates=300) for start in range(0, 4000, 100)]
    hits = sum((one.alpha.low or 0) <= whole <= (one.alpha.high or 0) for one in samples)
    assert hits >= 34
    assert agreement(votes[:100], level, replicates=300) == samples[0]
    assert agreement(votes[:100], level, replicates=300, seed=1).alpha != samples[0].alpha


def test_more_items_make_it_narrower() -> None:
    annotations, _ = simulated(3, coins([0.9, 0.7, 0.6], 2), 1600, 3)
    votes = count_votes(annotations)
    few, many = agreement(votes[:100]).alpha, agreement(votes).alpha
    assert (many.high or 0) - (many.low or 0) < 0.5 * ((few.high or 0) - (few.low or 0))
