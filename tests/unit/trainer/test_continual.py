"""From which model a new one starts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from trainer.continual import Plan, Way, best, gentler, replayed, split, start
from trainer.dataset import Example
from trainer.measuring import Speaker
from trainer.settings import BaseModel, Device, TrainingSettings

BASE = BaseModel("tiny", "/somewhere")
CHAMPION: dict[str, Any] = {
    "base_model": "tiny",
    "label_ids": ["a", "b"],
    "guidelines_version": 2,
    "metrics": {"seconds": 100.0, "start": {"validation": 40}},
}
CPU = Device("cpu", None)


def planned(champion: dict[str, Any] | None, **changes: Any) -> Plan:
    known: dict[str, Any] = {
        "label_ids": ["a", "b", "c"],
        "guidelines_version": 2,
        "validation": 40,
        "number": 3,
        "seconds_left": 1000.0,
    }
    known |= changes
    label_ids = known.pop("label_ids")
    return start(champion, BASE, label_ids, **known)


def examples(count: int, labels: str = "ab") -> list[Example]:
    return [
        Example(f"id{at}", f"a text with the number {at} in it", labels[at % len(labels)], (1.0, 0.0), 1.0)
        for at in range(count)
    ]


@pytest.mark.parametrize(
    ("champion", "changes", "ways", "reason"),
    [
        (None, {}, ("scratch",), "first"),
        (CHAMPION, {}, ("scratch", "champion"), "both"),
        (CHAMPION | {"base_model": "other"}, {}, ("scratch",), "other_base"),
        (CHAMPION, {"label_ids": ["a", "c"]}, ("scratch",), "other_labels"),
        (CHAMPION, {"guidelines_version": 3}, ("scratch",), "other_guidelines"),
        (CHAMPION, {"validation": 0}, ("scratch",), "few_labels"),
        (CHAMPION | {"metrics": {"seconds": 100.0}}, {}, ("scratch",), "few_labels"),
        (CHAMPION, {"seconds_left": 200.0}, ("champion",), "no_time"),
        (CHAMPION, {"seconds_left": 200.0, "number": 5}, ("scratch",), "its_turn"),
    ],
)
def test_the_ways_that_are_worth_it(
    champion: dict[str, Any] | None, changes: dict[str, Any], ways: tuple[Way, ...], reason: str
) -> None:
    assert planned(champion, **changes) == Plan(ways, reason)


def test_the_validation_part_is_a_tenth_and_never_changes() -> None:
    some = examples(2000)
    learned, held = split(some)
    assert 150 < len(held) < 250
    assert len(learned) + len(held) == 2000
    _, later = split(examples(4000))
    assert {one.public_id for one in held} == {one.public_id for one in later} & {one.public_id for one in some}


def test_few_labels_are_all_learned_from() -> None:
    assert split(examples(200)) == (examples(200), [])
    assert split(examples(2000, "a"))[1] == []


def test_all_new_labels_and_some_old_ones_are_replayed() -> None:
    some = examples(4000)
    new = {one.public_id for one in some[-400:]}
    chosen = replayed(some, new, 20)
    assert chosen[-400:] == some[-400:]
    assert len(chosen) == 1200
    assert chosen == replayed(some, new, 20)
    assert chosen == sorted(chosen, key=some.index)
    assert len(replayed(some, {"id0"}, 20)) == 501
    assert replayed(some[:500], {"id0"}, 20) == some[:500]


def test_a_model_that_continues_learns_more_gently() -> None:
    usual = TrainingSettings()
    gentle = gentler(usual)
    assert gentle.epochs < usual.epochs
    assert gentle.encoder_lr < usual.encoder_lr
    assert gentler(TrainingSettings(epochs=1)).epochs == 1


def speaker(sure: list[float]) -> Speaker:
    """Says P(a) of each text in turn."""
    said = np.array([[share, 1.0 - share] for share in sure])
    head = SimpleNamespace(label_ids=("a", "b"))
    return cast(Speaker, SimpleNamespace(head=head, says=lambda texts, device: said[: len(texts)]))


def chosen_of(made: dict[Way, Speaker]) -> tuple[Speaker, dict[str, Any]]:
    return best(Plan(("scratch", "champion"), "both"), made.__getitem__, examples(4), CPU)


def test_the_better_one_on_the_validation_part_goes_on() -> None:
    made: dict[Way, Speaker] = {"scratch": speaker([0.9, 0.9, 0.9, 0.9]), "champion": speaker([0.6, 0.4, 0.6, 0.4])}
    chosen, note = chosen_of(made)
    assert chosen is made["champion"]
    assert (note["way"], note["validation"]) == ("champion", 4)
    assert (note["tried"]["champion"]["accuracy"], note["tried"]["scratch"]["accuracy"]) == (1.0, 0.5)


def test_of_equals_the_surer_one() -> None:
    made: dict[Way, Speaker] = {"scratch": speaker([0.9, 0.1, 0.9, 0.1]), "champion": speaker([0.6, 0.4, 0.6, 0.4])}
    assert chosen_of(made)[1]["way"] == "scratch"


def test_a_single_way_is_not_compared() -> None:
    only = speaker([0.9])
    chosen, note = best(Plan(("champion",), "no_time"), lambda way: only, [], CPU)
    assert chosen is only
    assert note == {"way": "champion", "reason": "no_time", "validation": 0}
