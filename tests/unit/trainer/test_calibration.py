"""A model that is too sure becomes as sure as it is right; what is reported is not measured where it was fitted."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.calibration import MIN_ITEMS, calibrate, calibration_error, fit_temperature, scaled


def too_sure(items: int, factor: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """What a model says whose logits are `factor` times what they should be, and the right classes."""
    random = np.random.default_rng(4)
    logits = random.normal(0.0, 1.2, (items, 3))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    actual = (random.random((items, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    return scaled(chances, 1.0 / factor), actual


def test_the_temperature_undoes_what_made_it_too_sure() -> None:
    said, actual = too_sure(2000)
    assert fit_temperature(said, actual) == pytest.approx(3.0, rel=0.12)
    temperature, report = calibrate(said, actual)
    assert temperature == fit_temperature(said, actual)
    assert report["ece_before"] > 0.15
    assert report["ece_after"] < 0.05
    assert report["log_loss_after"] < report["log_loss_before"]
    right = (said.argmax(axis=1) == actual).mean()
    assert report["confidence"] == pytest.approx(right, abs=0.03)


def test_scaling_never_changes_what_is_said() -> None:
    said, _ = too_sure(200)
    for temperature in (0.2, 1.0, 7.0):
        after = scaled(said, temperature)
        assert (after.argmax(axis=1) == said.argmax(axis=1)).all()
        assert after.sum(axis=1) == pytest.approx(np.ones(200))
    assert scaled(said, 1.0) == pytest.approx(said)
    assert scaled(np.array([[1.0, 0.0]]), 2.0)[0, 0] == pytest.approx(1.0, abs=1e-5)


def test_few_items_leave_it_as_it_is_and_perfect_ones_do_not_make_it_infinitely_sure() -> None:
    said, actual = too_sure(MIN_ITEMS - 1)
    temperature, report = calibrate(said, actual)
    assert temperature is None
    assert report["ece_after"] == report["ece_before"]
    sure = np.tile([0.9, 0.1], (40, 1))
    assert 0.13 < fit_temperature(sure, np.zeros(40, dtype=int)) < 1.0


def test_calibration_error_by_hand() -> None:
    said = np.array([[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.35, 0.65]])
    assert calibration_error(said, np.array([0, 1, 0, 1])) == pytest.approx(0.9 / 4 + 0.7 / 4)
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0.0
