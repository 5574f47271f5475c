"""Whose answers need a look, and why: five scores, each with the numbers that a person can check.

Every score is powers of ten: 4 says that among ten thousand honest people one would look like this by chance. What an
honest person would do is read off the crowd, without the answers of the one who is judged. docs/filters.md has the
formulas, and how often honest people of real crowds are found.
"""

from __future__ import annotations

import numpy as np

from core.aggregation.answer_log import AnswerLog, Skills, believe
from core.aggregation.confusion import DEFAULT_ACCURACY
from core.aggregation.copying import copied
from core.aggregation.finding import Finding
from core.aggregation.habits import one_label, pattern, too_fast
from core.aggregation.usefulness import uninformed
from core.arrays import Floats

__all__ = ["AnswerLog", "Finding", "Skills", "find"]


def find(log: AnswerLog, skills: Skills, *, least_accuracy: float = 0.0) -> list[Finding]:
    """All findings about the workers of a project, at most one of a kind for each; vectorised over answers.

    Args:
        least_accuracy: share of right answers that the job asks for; 0: only who is no better than chance is found.
    """
    if not len(log.items):
        return []
    beliefs = believe(log, skills)
    others = beliefs.without(log.items, beliefs.own)
    usual = _usual(skills, log, others)
    return [
        *too_fast(log),
        *one_label(log, np.maximum(usual, others)),
        *pattern(log, usual, others),
        *copied(log, skills, beliefs),
        *uninformed(log, beliefs, others, least_accuracy),
    ]


def _usual(skills: Skills, log: AnswerLog, others: Floats) -> Floats:
    """(answers, labels): what a typical worker would have answered, by what the others say of the item."""
    classes = log.shape[2]
    total = np.bincount(log.workers, minlength=log.shape[1]).astype(float)
    if skills.confusion is not None:
        pooled = np.tensordot(total / total.sum(), skills.confusion, axes=1)
    else:
        mean = float((total * (DEFAULT_ACCURACY if skills.accuracy is None else skills.accuracy)).sum() / total.sum())
        pooled = np.full((classes, classes), (1.0 - mean) / max(1, classes - 1))
        np.fill_diagonal(pooled, mean)
    result: Floats = others @ pooled
    return result
