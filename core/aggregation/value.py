"""What one more answer is worth: expected information about the label, against what an answer costs.

A rule of expected fall in error that looks one answer ahead is zero as soon as no single answer could change the
leading label, so it stops too early on items that two answers could turn. Mutual information does not have that
cliff: I(answer; label) = H(answer) - H(answer | label) (Lindley 1956).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from core.aggregation.confusion import Counts, Matrix, coin_accuracy, empty_counts, rows


def expected_information(posterior: Sequence[float], counts: Counts, pooled: Matrix) -> float:
    """Nats that this worker's answer is expected to tell about an item, from 0 to log(classes).

    O(classes squared) with a matrix, O(classes) with one coin.
    """
    if counts.matrix is None:
        mean = sum(pooled[label][label] for label in range(len(pooled))) / len(pooled)
        return _coin_information(posterior, coin_accuracy(counts, mean))
    matrix = rows(counts, pooled)
    answers = [sum(p * row[a] for p, row in zip(posterior, matrix, strict=True)) for a in range(len(posterior))]
    noise = sum(p * entropy(row) for p, row in zip(posterior, matrix, strict=True) if p > 0.0)
    return max(0.0, entropy(answers) - noise)


def _coin_information(posterior: Sequence[float], right: float) -> float:
    off = (1.0 - right) / (len(posterior) - 1)
    noise = entropy([right]) + (len(posterior) - 1) * entropy([off])
    return max(0.0, entropy([p * right + (1.0 - p) * off for p in posterior]) - noise)


def entropy(probabilities: Sequence[float]) -> float:
    """Shannon entropy of a distribution, in nats."""
    return -sum(p * log(p) for p in probabilities if p > 0.0)


def worth_asking(
    posterior: Sequence[float], prior: Sequence[float], pooled: Matrix, error_cost: float, slack: float = 1.0
) -> bool:
    """Whether an average worker's further answer pays.

    It pays while it is expected to tell more than 1/`error_cost` of what it would tell about a fresh item.

    Args:
        error_cost: how many answers one wrong label costs; larger asks on for longer.
        slack: above 1 makes stopping easier; keeps a decided item decided through small changes.
    """
    average = empty_counts(len(pooled))
    fresh = expected_information(prior, average, pooled)
    return expected_information(posterior, average, pooled) > slack * fresh / error_cost
