"""Votes: each answer counts the same, or as much as its worker agrees with the others."""

from __future__ import annotations

import numpy as np

from core.aggregation.annotations import Annotations, count_votes, normalise, sum_by, vote
from core.aggregation.result import Result, with_matrices
from core.arrays import Floats

TINY = 1e-300
"""Against division by nothing, where the quotient is not used."""


def majority(annotations: Annotations) -> Result:
    """Each label's share of the votes; where labels tie, each of them is right by an equal part.

    A worker's skill is the mean share that their answers have among the votes of their items.
    """
    shares = _shares(count_votes(annotations))
    return with_matrices(annotations, shares, _agreement(annotations, shares))


def wawa(annotations: Annotations) -> Result:
    """Worker agreement with aggregate (Appen): majority first, then votes weighted by how often each agrees with it."""
    votes = count_votes(annotations)
    winners = votes >= votes.max(axis=1, keepdims=True)
    skills = _agreement(annotations, normalise(winners.astype(np.float64)))
    return with_matrices(annotations, _shares(vote(annotations, skills[annotations.workers])), skills)


def _shares(votes: Floats) -> Floats:
    """Votes as shares; all labels alike where there is none."""
    totals = votes.sum(axis=1, keepdims=True)
    shares: Floats = np.where(totals > 0, votes / np.maximum(totals, TINY), 1.0 / votes.shape[1])
    return shares


def _agreement(annotations: Annotations, shares: Floats) -> Floats:
    """How probable each worker's answers are on average; one half for who has not answered."""
    worker_count = annotations.shape[1]
    given = np.bincount(annotations.workers, minlength=worker_count)
    agreed = sum_by(annotations.workers, shares[annotations.items, annotations.answers], worker_count)
    skills: Floats = np.where(given > 0, agreed / np.maximum(given, 1), 0.5)
    return skills
