"""The demo's figures: the order of asking, and what is promised."""

from __future__ import annotations

from typing import Any

import pytest

from demo.report import order_of_asking, promises

GOOD: dict[str, Any] = {
    "annotations_per_item": 4.1,
    "max_annotations_on_an_item": 8,
    "max_overlap": 8,
    "agreed_accuracy": 0.95,
    "models_trained": 2,
    "journal": {"acknowledged": 10, "found": 10, "lost": 0, "doubled": 0},
    "model": {
        "holdout_accuracy": 0.8,
        "majority_class_accuracy": 0.3,
        "tfidf_logreg_accuracy": 0.7,
    },
}
MISSED: list[tuple[str, dict[str, Any]]] = [
    ("at most 6 answers a tweet on average", {"annotations_per_item": 6.01}),
    ("the maximum of 8", {"max_annotations_on_an_item": 9}),
    ("93%", {"agreed_accuracy": 0.929}),
    ("93%", {"agreed_accuracy": None}),
    ("exactly once", {"journal": {"acknowledged": 10, "found": 9, "lost": 1, "doubled": 0}}),
    ("baselines", {"model": {**GOOD["model"], "tfidf_logreg_accuracy": 0.8}}),
    ("baselines", {"model": None}),
    ("trained again", {"models_trained": 1}),
]


def test_all_promises_can_be_kept() -> None:
    promised = promises(GOOD, whole=True, models=2)
    assert len(promised) == 6
    assert all(one.kept and one.binding for one in promised)
    assert promised[0].measured == "4.10"


@pytest.mark.parametrize(("promise", "change"), MISSED)
def test_what_is_missed_is_named(promise: str, change: dict[str, Any]) -> None:
    missed = [one.says for one in promises({**GOOD, **change}, whole=True, models=2) if not one.kept]
    assert len(missed) == 1
    assert promise in missed[0]


def test_what_is_luck_with_few_tweets_is_measured_and_not_promised() -> None:
    small = {**GOOD, "annotations_per_item": 6.5, "agreed_accuracy": 0.9, "max_annotations_on_an_item": 9}
    promised = promises(small, whole=False, models=0)
    assert [one.says for one in promised if one.binding and not one.kept] == [
        "no tweet with more than the maximum of 8 answers"
    ]
    assert [one.measured for one in promised if not one.binding] == ["6.50", "90.0%"]


@pytest.mark.parametrize(("models", "named"), [(0, 0), (1, 1), (2, 2)])
def test_no_model_is_promised_that_was_not_to_be_trained(models: int, named: int) -> None:
    promised = promises({**GOOD, "model": None, "models_trained": 0}, whole=True, models=models)
    assert len([one for one in promised if not one.kept]) == named


def test_the_order_of_asking_follows_the_doubt() -> None:
    doubts = {item: 1 - item / 200 for item in range(200)}
    falling = order_of_asking(list(range(200)), doubts)
    assert falling is not None
    assert falling["rank_correlation"] == 1
    assert falling["asked_first"] == pytest.approx(1 - 24.5 / 200, abs=1e-3)
    assert falling["asked_last"] == pytest.approx(1 - 174.5 / 200, abs=1e-3)
    rising = order_of_asking(list(reversed(range(200))), doubts)
    assert rising is not None
    assert rising["rank_correlation"] == -1


def test_one_item_has_no_order() -> None:
    assert order_of_asking([7], {7: 0.5}) is None
