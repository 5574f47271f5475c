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
    "journal": {"acknowledged": 10, "found": 10, "lost": 0, "doubled": 0},
    "model": {
        "versions_trained": 2,
        "holdout_accuracy": 0.8,
        "majority_class_accuracy": 0.3,
        "tfidf_logreg_accuracy": 0.7,
    },
}
MISSED: list[tuple[str, dict[str, Any]]] = [
    ("at most 6 annotations", {"annotations_per_item": 6.01}),
    ("maximum", {"max_annotations_on_an_item": 9}),
    ("93 %", {"agreed_accuracy": 0.929}),
    ("93 %", {"agreed_accuracy": None}),
    ("exactly once", {"journal": {"acknowledged": 10, "found": 9, "lost": 1, "doubled": 0}}),
    ("baselines", {"model": {**GOOD["model"], "tfidf_logreg_accuracy": 0.8}}),
    ("trained again", {"model": {**GOOD["model"], "versions_trained": 1}}),
]


def test_all_promises_can_be_kept() -> None:
    assert all(promises(GOOD, trained=True).values())
    assert len(promises(GOOD, trained=True)) == 6


@pytest.mark.parametrize(("promise", "change"), MISSED)
def test_what_is_missed_is_named(promise: str, change: dict[str, Any]) -> None:
    missed = [name for name, kept in promises({**GOOD, **change}, trained=True).items() if not kept]
    assert len(missed) == 1
    assert promise in missed[0]


def test_without_a_model_nothing_is_promised_of_it() -> None:
    assert all(promises({**GOOD, "model": None}, trained=False).values())
    assert not all(promises({**GOOD, "model": None}, trained=True).values())


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
