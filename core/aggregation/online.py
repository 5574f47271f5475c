"""One annotation changes one posterior in O(classes)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.aggregation.confusion import Counts, Matrix, column


def update(posterior: Sequence[float], likelihood: Sequence[float]) -> list[float]:
    """Bayes: P(label | answers, answer) is proportional to P(label | answers) * P(answer | label).

    >>> [round(p, 3) for p in update([0.5, 0.5], [0.8, 0.2])]
    [0.8, 0.2]
    """
    weights = [p * q for p, q in zip(posterior, likelihood, strict=True)]
    total = sum(weights)
    if total <= 0.0:
        return list(posterior)
    return [weight / total for weight in weights]


def replay(prior: Sequence[float], answers: Iterable[tuple[Counts, int]], pooled: Matrix) -> list[float]:
    """The posterior of one item from all its standing answers; what undo and expiry recompute from the rows."""
    posterior = list(prior)
    for counts, answer in answers:
        posterior = update(posterior, column(counts, pooled, answer))
    return posterior


def uniform(classes: int) -> list[float]:
    """The class prior before anything is known."""
    return [1.0 / classes] * classes
