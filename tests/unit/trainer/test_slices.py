"""The holdout in parts, and what was forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from trainer.dataset import Example
from trainer.slices import by_kind, forgetting, script

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def example(number: int, text: str, label: str = "a", state: str = "agreed", hours: int | None = 0) -> Example:
    moment = None if hours is None else NOON + timedelta(hours=hours)
    return Example(str(number), text, label, (1.0, 0.0), 1.0, state, 1.0, "", moment)


def test_scripts_by_the_most_letters() -> None:
    assert [script(text) for text in ("hello 世界和平万岁", "hello", "дождь!", "12 😀", "")] == [
        "CJK",
        "LATIN",
        "CYRILLIC",
        "other",
        "other",
    ]


def test_slices_with_intervals_and_none_where_all_is_alike() -> None:
    some = [example(at, "word " * (at + 1), state="adjudicated" if at % 3 == 0 else "agreed") for at in range(30)]
    found = by_kind(some, np.array([at % 3 != 0 for at in range(30)]))
    assert set(found) == {"state", "length"}
    agreed, settled = found["state"]
    assert (agreed["name"], agreed["n"], agreed["accuracy"]) == ("agreed", 20, 1.0)
    assert (settled["name"], settled["accuracy"]) == ("adjudicated", 0.0)
    assert settled["low"] == 0.0 < settled["high"] < 0.35
    assert sum(one["n"] for one in found["length"]) == 30


def test_lengths_stand_in_their_order() -> None:
    some = [example(at, "w" * length) for at, length in enumerate([5] * 4 + [50] * 7 + [90] * 5 + [91, 120, 200])]
    names = [one["name"] for one in by_kind(some, np.ones(len(some), dtype=bool))["length"]]
    assert names == ["up to 50 characters", "up to 90 characters", "over 90 characters"]


def test_forgetting_by_class_and_by_period() -> None:
    some = [
        example(0, "old", "a", hours=0),
        example(1, "old", "b", hours=1),
        example(2, "new", "a", hours=5),
        example(3, "known", "b", hours=None),
    ]
    right, before = np.array([False, True, True, True]), np.array([True, True, False, True])
    cuts = [(1, NOON + timedelta(hours=2)), (2, NOON + timedelta(hours=9))]
    found = forgetting(some, ("a", "b", "never"), right, before, cuts)
    assert found["classes"] == [
        {"label_id": "a", "n": 2, "before": 0.5, "after": 0.5},
        {"label_id": "b", "n": 2, "before": 1.0, "after": 1.0},
    ]
    assert found["periods"] == [
        {"until": 1, "n": 2, "before": 1.0, "after": 0.5},
        {"until": 2, "n": 1, "before": 0.0, "after": 1.0},
    ]


def test_only_the_last_periods_are_told_apart() -> None:
    some = [example(at, "x", hours=at) for at in range(20)]
    cuts = [(at + 1, NOON + timedelta(hours=at)) for at in range(19)]
    always = np.ones(20, dtype=np.bool_)
    periods = forgetting(some, ("a",), always, always, cuts)["periods"]
    assert [one["until"] for one in periods] == [15, 16, 17, 18, 19, None]
    assert sum(one["n"] for one in periods) == 20
