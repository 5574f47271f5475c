"""What a score says about a worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]
"""Numbers of one kind or another, one for each worker."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one score says about one worker, who is an index from 0.

    score: powers of ten, see `core.aggregation.filters`. evidence: what was counted, so that people can check it.
    """

    worker: int
    kind: str
    """fast, one_label, pattern, copying or gold."""
    score: float
    evidence: dict[str, float] = field(default_factory=dict)


def findings(kind: str, hit: Column, scores: Column, **evidence: Column) -> list[Finding]:
    """One finding for each worker who is hit."""
    return [
        Finding(
            int(worker),
            kind,
            round(float(scores[worker]), 2),
            {name: round(float(column[worker]), 3) for name, column in evidence.items()},
        )
        for worker in np.flatnonzero(hit)
    ]
