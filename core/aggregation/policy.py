"""What an answer has to be worth, from what a coordinator sets.

The constant that dynamic overlap follows, `information`, is the share of what an average answer tells about a fresh
item that a further answer has to be worth (`core.aggregation.value.pays`). "An error costs as much as N answers" is the
constant 1/N; a target accuracy is steered towards (`core.aggregation.controllers`).
"""

from __future__ import annotations

ERROR_COST = 20.0
"""Answers that a wrong label costs where nothing is set."""


def information_of(error_cost: float) -> float:
    """The constant for "an error costs as much as `error_cost` answers".

    >>> information_of(20)
    0.05
    """
    return 1.0 / error_cost
