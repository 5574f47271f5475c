"""Confidences that mean what they say: one temperature for each model, fitted on the holdout.

Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks", ICML. The temperature that is used is
fitted on the whole holdout. What is reported about it is not measured on the items it was fitted on: each half of the
holdout is scaled by the temperature of the other half.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

MIN_ITEMS = 30
"""Fewer say too little; then the model stays as it is."""
BINS = 10
LOG_BOUND = 2.0
"""The natural logarithm of a temperature stays between minus and plus this."""
TRUST = 0.5
"""Standard deviation that the logarithm of a temperature is expected to have, before anything is seen."""
SMALLEST = 1e-12

Array = NDArray[Any]


def calibrate(probabilities: Array, actual: Array) -> tuple[float | None, dict[str, float]]:
    """The temperature of a model, and what it does.

    Args:
        probabilities: what the model says as it is, shape (n, classes).
        actual: the right classes, as n indices.

    Returns:
        The temperature, None where there are fewer than `MIN_ITEMS` items; and ece_before, ece_after, log_loss_before,
        log_loss_after (each item scaled by the temperature of the other half), confidence (mean, after) and
        residual_variance (of right or not, minus confidence).
    """
    enough = len(actual) >= MIN_ITEMS
    temperature = fit_temperature(probabilities, actual) if enough else None
    honest = _crosswise(probabilities, actual) if enough else probabilities
    final = scaled(probabilities, temperature or 1.0)
    sure, right = final.max(axis=1), final.argmax(axis=1) == actual
    return temperature, {
        "ece_before": calibration_error(probabilities, actual),
        "ece_after": calibration_error(honest, actual),
        "log_loss_before": _log_loss(probabilities, actual),
        "log_loss_after": _log_loss(honest, actual),
        "confidence": float(sure.mean()),
        "residual_variance": float((right - sure).var()),
    }


def fit_temperature(probabilities: Array, actual: Array) -> float:
    """The temperature under which the right labels are most probable, held near 1 where the items are few."""

    def cost(logarithm: float) -> float:
        loss = len(actual) * _log_loss(scaled(probabilities, float(np.exp(logarithm))), actual)
        return float(loss + (logarithm / TRUST) ** 2 / 2)

    found = minimize_scalar(cost, bounds=(-LOG_BOUND, LOG_BOUND), method="bounded")
    return round(float(np.exp(found.x)), 4)


def scaled(probabilities: Array, temperature: float) -> Array:
    """Probabilities as they are where the logits were divided by `temperature`: above 1 less sure, below 1 surer."""
    logits = np.log(probabilities.clip(SMALLEST)) / temperature
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Array = raised / raised.sum(axis=1, keepdims=True)
    return result


def calibration_error(probabilities: Array, actual: Array) -> float:
    """Expected calibration error: the mean distance of confidence from the share that is right, over ten bins."""
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == actual
    places = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = np.bincount(places, weights=right - sure, minlength=BINS)
    return float(np.abs(gaps).sum() / len(actual))


def _crosswise(probabilities: Array, actual: Array) -> Array:
    odd = np.arange(len(actual)) % 2 == 1
    result = np.empty_like(probabilities)
    for half in (odd, ~odd):
        result[half] = scaled(probabilities[half], fit_temperature(probabilities[~half], actual[~half]))
    return result


def _log_loss(probabilities: Array, actual: Array) -> float:
    return float(-np.log(probabilities[np.arange(len(actual)), actual].clip(SMALLEST)).mean())
