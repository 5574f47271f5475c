"""Which items no model has a say in."""

from __future__ import annotations

from core.blind import HOLDOUT_SHARE, is_apart, is_audited, is_blind, is_held_out
from trainer.settings import TrainingSettings

TEXTS = [f"text {number}" for number in range(2000)]


def test_the_holdout_is_that_of_training() -> None:
    assert TrainingSettings().holdout_share == HOLDOUT_SHARE


def test_blind_items_and_the_holdout_are_apart_whatever_the_share() -> None:
    for share in (0.0, 0.1, 0.2, 0.5):
        for text in TEXTS:
            assert is_apart(text, "", share) == (is_blind(text, "", share) or is_held_out(text, ""))


def test_audits_are_drawn_anew_for_each_model_and_stay_the_same() -> None:
    first = {text for text in TEXTS if is_audited(text, "v1", 0.1)}
    assert first == {text for text in TEXTS if is_audited(text, "v1", 0.1)}
    assert first < {text for text in TEXTS if is_audited(text, "v1", 0.2)}
    assert 140 < len(first) < 260
    second = {text for text in TEXTS if is_audited(text, "v2", 0.1)}
    assert len(first & second) < 50
