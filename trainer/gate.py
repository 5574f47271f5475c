"""Whether a candidate comes into use: never a worse model, beyond the stated error rate, and always with a reason.

The statistics stand in `core/aggregation/comparison.py`; this is the order in which they decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.aggregation.comparison import ALPHA, Surprise, paired, surprise, worst_fall

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Rival:
    """What the champion says, calibrated.

    probabilities: on the holdout, shape (n, classes). new: which of the holdout's labels came after its training.
    more, more_truth: what it says about new labels of the training side, shape (m, classes), and those labels.
    """

    probabilities: Array
    new: Array
    more: Array
    more_truth: Array


def decide(label_ids: tuple[str, ...], truth: Array, said: Array, rival: Rival | None, guess: float) -> dict[str, Any]:
    """What becomes of a candidate.

    Args:
        label_ids: the classes in order.
        truth: the holdout's decided labels, as n indices.
        said: what the candidate says about them, shape (n, classes).
        rival: the champion; None where there is none, or none that could be asked.
        guess: the share that always guessing the commonest label gets right; the bar for a candidate without a rival.

    Returns:
        promote; reason, the code of a sentence, with its params; alpha, the stated error rate; and paired, the items
        that one of both alone got right, where there is a rival.
    """
    right = said.argmax(axis=1) == truth
    if rival is None:
        better = bool(right.mean() > guess)
        return _outcome(better, "gate_first" if better else "held_baseline", {"majority": guess})
    before = rival.probabilities.argmax(axis=1) == truth
    whole = paired(right, before)
    counts = {"won": whole.won, "lost": whole.lost}
    seen = {"paired": counts | {"p": whole.p}}
    fall, doubt = worst_fall(right, before, truth), _doubt(truth, rival)
    if doubt is not None and not paired(right[rival.new], before[rival.new]).is_better:
        # A candidate that says the new labels of the holdout better has learned something; noise cannot be learned.
        params = {"seen": doubt.seen, "expected": doubt.expected, "count": doubt.count}
        return _outcome(False, "held_labels", params) | seen
    if not whole.is_better:
        return _outcome(False, "held_worse" if whole.lost > whole.won else "held_unproven", counts) | seen
    if fall is not None:
        named = {"label_id": label_ids[fall.label], "before": fall.before, "after": fall.after}
        return _outcome(False, "held_class", named) | seen
    return _outcome(True, "gate_better", counts) | seen


def _doubt(truth: Array, rival: Rival) -> Surprise | None:
    said = np.concatenate([rival.probabilities, rival.more])
    right = said.argmax(axis=1) == np.concatenate([truth, rival.more_truth])
    new = np.concatenate([rival.new, np.ones(len(rival.more), dtype=bool)])
    return surprise(right, said.max(axis=1), new)


def _outcome(promote: bool, reason: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"promote": promote, "reason": reason, "params": params, "alpha": ALPHA}
