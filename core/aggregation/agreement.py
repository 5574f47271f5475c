"""How much people agree with each other: Krippendorff's alpha, Fleiss' kappa, pairwise agreement, with intervals.

Each figure is computed from how often each label was given to each item. Intervals are percentiles of a bootstrap over
items, moved so that their middle is the figure itself; items with the same counts are alike, so that drawing items is
drawing from one multinomial over the patterns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.arrays import Floats

Level = Literal["nominal", "ordinal", "interval"]
REPLICATES = 1000
CONFIDENCE = 0.95
LEAST = (-np.inf, -1.0, 0.0)
"""What alpha, kappa and pairwise agreement cannot fall below; none can exceed 1."""
CHUNK_CELLS = 1 << 22
"""Cells of one block of drawn weights: 32 MiB."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the ends of its interval; nothing where it is not defined, as where all answers are the same."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """The figures of one table, over the items with at least two answers. pairwise: as `share_alike`."""

    alpha: Estimate
    fleiss_kappa: Estimate
    pairwise: Estimate
    items: int


def agreement(
    votes: Floats,
    level: Level = "nominal",
    values: Floats | None = None,
    *,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> Agreement:
    """Agreement of a table.

    Args:
        votes: how often each label was given to each item, shape (items, labels); ordinal labels in their order.
        level: what it means that two labels differ: that they do, by how many answers they lie apart, by how much.
        values: the number that each label stands for; for the level "interval".
        seed: of the bootstrap.

    Raises:
        ValueError: the level is "interval" and there are no values.
    """
    if level == "interval" and values is None:
        raise ValueError("an interval level needs the numbers of the labels")
    patterns, times = _patterns(votes)
    whole = _figures(patterns, times[None, :], level, values)
    drawn = _bootstrap(patterns, times, level, values, np.random.default_rng(seed), replicates)
    alpha, kappa, pairwise = (
        _estimate(float(whole[0, column]), drawn[:, column], least) for column, least in enumerate(LEAST)
    )
    return Agreement(alpha, kappa, pairwise, items=int(times.sum()))


def share_alike(votes: Floats) -> float | None:
    """How often two people who answered the same item say the same: the mean over items with at least two answers.

    Each item weighs the same. Over all pairs, the items that people are divided on would weigh most, because it is
    them that dynamic overlap asks more people about.

    Args:
        votes: as in `agreement`.

    >>> share_alike(np.array([[2.0, 1.0], [2.0, 0.0], [1.0, 0.0]]))
    0.6666666666666666
    """
    patterns, times = _patterns(votes)
    return float(times @ _alike(patterns) / times.sum()) if len(times) else None


def _patterns(votes: Floats) -> tuple[Floats, Floats]:
    """Each kind of counts among the items with two answers and more, and how many items have it."""
    shared = votes[votes.sum(axis=1) >= 2]
    patterns, times = np.unique(shared, axis=0, return_counts=True)
    return patterns, times.astype(np.float64)


def _bootstrap(
    patterns: Floats, times: Floats, level: Level, values: Floats | None, rng: np.random.Generator, replicates: int
) -> Floats:
    """The three figures of each replicate, shape (replicates, 3)."""
    items = int(times.sum())
    if not items:
        return np.full((replicates, 3), np.nan)
    block = max(1, CHUNK_CELLS // len(times))
    blocks = []
    for start in range(0, replicates, block):
        weights = rng.multinomial(items, times / items, size=min(block, replicates - start))
        blocks.append(_figures(patterns, weights.astype(np.float64), level, values))
    return np.concatenate(blocks)


def _figures(patterns: Floats, weights: Floats, level: Level, values: Floats | None) -> Floats:
    """Alpha, kappa and pairwise agreement for each row of weights; NaN where one is not defined."""
    with np.errstate(invalid="ignore", divide="ignore"):
        pairwise = (weights @ _alike(patterns)) / weights.sum(axis=1)
        shares = weights @ patterns
        chance = ((shares / shares.sum(axis=1, keepdims=True)) ** 2).sum(axis=1)
        kappa = np.where(1 - chance > 1e-12, (pairwise - chance) / (1 - chance), np.nan)
        alpha = _nominal(patterns, weights) if level == "nominal" else _scaled(patterns, weights, level, values)
    return np.stack([alpha, kappa, pairwise], axis=1)


def _alike(patterns: Floats) -> Floats:
    """For each kind of counts the share of pairs of answers that are the same."""
    answers = patterns.sum(axis=1)
    shares: Floats = (patterns * (patterns - 1)).sum(axis=1) / np.maximum(answers * (answers - 1), 1)
    return shares


def _nominal(patterns: Floats, weights: Floats) -> Floats:
    """Alpha where labels either differ or do not, without a matrix of labels by labels."""
    answers = patterns.sum(axis=1)
    differing = (answers**2 - (patterns**2).sum(axis=1)) / np.maximum(answers - 1, 1)
    totals = weights @ patterns
    number = totals.sum(axis=1)
    expected = (number**2 - (totals**2).sum(axis=1)) / (number - 1)
    return _alpha(weights @ differing, expected)


def _scaled(patterns: Floats, weights: Floats, level: Level, values: Floats | None) -> Floats:
    """Alpha with a distance between labels; ordinal distances depend on the totals, so on each replicate's own."""
    spread = 1.0 / np.maximum(patterns.sum(axis=1) - 1, 1)
    observed, expected = np.empty(len(weights)), np.empty(len(weights))
    for row, weight in enumerate(weights):
        present = weight > 0
        counts, scale = patterns[present], (weight * spread)[present]
        totals = weight[present] @ counts
        distances = _distances(totals, level, values)
        coincidences = counts.T @ (counts * scale[:, None])  # the diagonal is too large, at a distance of nothing
        observed[row] = (coincidences * distances).sum()
        expected[row] = totals @ distances @ totals / (totals.sum() - 1)
    return _alpha(observed, expected)


def _distances(totals: Floats, level: Level, values: Floats | None) -> Floats:
    """Squared distances of labels (Krippendorff 2011): of their numbers, or of their mid-ranks among all answers."""
    at = values if level == "interval" and values is not None else np.cumsum(totals) - totals / 2
    squared: Floats = (at[:, None] - at[None, :]) ** 2
    return squared


def _alpha(observed: Floats, expected: Floats) -> Floats:
    alpha: Floats = np.where(expected > 0, 1.0 - observed / np.maximum(expected, 1e-300), np.nan)
    return alpha


def _estimate(value: float, drawn: Floats, least: float) -> Estimate:
    """Percentiles of the replicates in which the figure is defined, moved by how far their median is off it.

    A sample with repetitions has fewer different items than the table, which shifts kappa and alpha to one side; in
    small tables so far that the plain percentiles leave the figure itself out.

    Args:
        least: what the figure cannot fall below.
    """
    defined = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(defined):
        return Estimate(None, None, None)
    low, middle, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, 0.5, (1 + CONFIDENCE) / 2])
    off = value - middle
    return Estimate(value, float(max(least, min(low + off, value))), float(min(1.0, max(high + off, value))))
