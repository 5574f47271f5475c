"""What is expected of a job's labels, and what an answer has to be worth, from what a coordinator sets.

The constant that dynamic overlap follows, `information`, is the share of what an average answer tells about a fresh
item that a further answer has to be worth (`core.aggregation.value.pays`). "An error costs as much as N answers" is the
constant 1/N; a target accuracy is steered towards (`core.aggregation.controllers`).
"""

from __future__ import annotations

import numpy as np

from core.aggregation.annotations import Floats

ERROR_COST = 20.0
"""Answers that a wrong label costs where nothing is set."""
INDEPENDENCE = 0.35
"""How much of what answers seem to tell is told by people independently of each other.

People get the same items wrong. On five real crowds posteriors of about a third of the evidence came closest to the
share of right labels (docs/replay.md); on simulated ones without such items, of three quarters.
"""


def information_of(error_cost: float) -> float:
    """The constant for "an error costs as much as `error_cost` answers".

    >>> information_of(20)
    0.05
    """
    return 1.0 / error_cost


def expected_accuracy(posteriors: Floats, prior: Floats) -> float:
    """The share of labels that are probably right where none is known: mean confidence on `INDEPENDENCE` evidence.

    Args:
        posteriors: P(label) of items, shape (items, classes), at least one item. prior: P(label) of a fresh item.
    """
    log_prior = np.log(np.maximum(prior, 1e-12))
    log_posterior = log_prior + INDEPENDENCE * (np.log(np.maximum(posteriors, 1e-12)) - log_prior)
    weights = np.exp(log_posterior - log_posterior.max(axis=1, keepdims=True))
    return float((weights.max(axis=1) / weights.sum(axis=1)).mean())
