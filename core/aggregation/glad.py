"""GLAD: how able each worker is, and how easy each item.

Whitehill et al., "Whose vote should count more" (2009): P(answer is right) = sigmoid(ability * easiness), easiness
above 0; a wrong answer is any other label alike. Abilities and log-easiness have a normal prior, as in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from core.aggregation.annotations import Annotations, check, count_votes, furthest, normalise, softmax, sum_by, vote
from core.aggregation.result import Result, with_matrices
from core.arrays import Floats, Ints

MEAN = 1.0
"""Mean of the normal priors of ability and log-easiness, both of variance 1 (crowd-kit's)."""
STEPS = 3
"""Newton steps for abilities and easiness within a round of EM."""
LONGEST_STEP = 1.0


@dataclass(frozen=True, slots=True)
class _Parameters:
    abilities: Floats
    log_easiness: Floats


def glad(annotations: Annotations, *, iterations: int = 50, tolerance: float = 1e-4) -> Result:
    """Estimate labels, abilities and easiness by EM; a worker's skill is their mean P(right) over their items.

    Raises:
        ValueError: the columns differ in length, or an index lies outside the shape.
    """
    check(annotations)
    item_count, worker_count, classes = annotations.shape
    posteriors = normalise(count_votes(annotations) + 1.0 / classes)
    parameters = _Parameters(np.full(worker_count, MEAN), np.full(item_count, MEAN))
    for _ in range(iterations):
        right = posteriors[annotations.items, annotations.answers]
        for _ in range(STEPS):
            parameters = _climb(annotations, parameters, right)
        updated = _infer(annotations, parameters)
        moved = furthest(updated, posteriors)
        posteriors = updated
        if moved < tolerance:
            break
    return with_matrices(annotations, posteriors, _skills(annotations, parameters))


def _logits(annotations: Annotations, parameters: _Parameters) -> Floats:
    easiness = np.exp(parameters.log_easiness)
    logits: Floats = parameters.abilities[annotations.workers] * easiness[annotations.items]
    return logits


def _climb(annotations: Annotations, parameters: _Parameters, right: Floats) -> _Parameters:
    """One step of Fisher scoring for the abilities, then one for the easiness."""
    slope = np.exp(parameters.log_easiness)[annotations.items]
    abilities = _step(annotations.workers, slope, right, _logits(annotations, parameters), parameters.abilities)
    moved = _Parameters(abilities, parameters.log_easiness)
    logits = _logits(annotations, moved)
    return _Parameters(abilities, _step(annotations.items, logits, right, logits, moved.log_easiness))


def _step(index: Ints, slope: Floats, right: Floats, logits: Floats, old: Floats) -> Floats:
    """Up the expected log-likelihood and the normal prior; `slope` is the change of a logit by its parameter."""
    chance = expit(logits)
    gradient = sum_by(index, slope * (right - chance), len(old)) - (old - MEAN)
    information = sum_by(index, slope**2 * chance * (1.0 - chance), len(old)) + 1.0
    stepped: Floats = old + np.clip(gradient / information, -LONGEST_STEP, LONGEST_STEP)
    return stepped


def _infer(annotations: Annotations, parameters: _Parameters) -> Floats:
    """Every label is taken to be as frequent as every other, as in the paper."""
    logits = _logits(annotations, parameters)
    return softmax(vote(annotations, logits + np.log(max(1, annotations.shape[2] - 1))))


def _skills(annotations: Annotations, parameters: _Parameters) -> Floats:
    """A worker without answers is judged by an item of mean easiness."""
    worker_count = annotations.shape[1]
    given = np.bincount(annotations.workers, minlength=worker_count)
    chance = sum_by(annotations.workers, expit(_logits(annotations, parameters)), worker_count)
    alone = expit(parameters.abilities * np.exp(MEAN))
    skills: Floats = np.where(given > 0, chance / np.maximum(given, 1), alone)
    return skills
