"""From which model a new one starts: the champion, with old labels replayed beside the new ones, or the base model.

Both ways are tried where there is time, and the better one on a part of the training side that neither has learned from
goes on to the gate. The holdout has no say in it. Where there is no time, every few versions one starts from scratch,
so that no early mistake is carried on for ever.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from core.blind import lot
from trainer.dataset import Example
from trainer.evaluate import score
from trainer.measuring import Speaker
from trainer.settings import BaseModel, Device, TrainingSettings

Way = Literal["scratch", "champion"]

VALIDATION = 0.1
"""Share of the training side by which ways are compared. It follows from the text, so no version learns from it."""
LEAST_VALIDATION = 30
"""With fewer such labels nothing could be compared, and they are learned from."""
SCRATCH_EVERY = 5
"""Where only one way is affordable, each fifth version starts from scratch."""
REPLAY = 2.0
LEAST_REPLAY = 500
"""So many old labels for each new one, and at least so many in all, are learned from again."""
GENTLE = 0.5
"""A model that continues learns that much slower and shorter than one from scratch."""
_SPREAD = 997
"""By this factor a lot gives a second number, as good as independent of the first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """ways: what is trained, in this order. reason: why not more: a word for the metrics."""

    ways: tuple[Way, ...]
    reason: str


def start(
    champion: Mapping[str, Any] | None,
    base: BaseModel,
    label_ids: Sequence[str],
    *,
    guidelines_version: int,
    validation: int,
    number: int,
    seconds_left: float,
) -> Plan:
    """Which ways are worth training.

    Args:
        champion: the manifest of the model in use; None where there is none, or its files are lost.
        label_ids: of the project now. Labels that the champion lacks get new rows in its head.
        validation: labels by which ways could be compared; 0 where there are too few.
        number: of the version to be made.
        seconds_left: for the whole run; what the champion took says what a way takes.
    """
    if champion is None:
        return Plan(("scratch",), "first")
    if champion["base_model"] != base.name:
        return Plan(("scratch",), "other_base")
    if not set(champion["label_ids"]) <= set(label_ids):
        return Plan(("scratch",), "other_labels")
    if champion.get("guidelines_version", guidelines_version) != guidelines_version:
        return Plan(("scratch",), "other_guidelines")
    metrics = champion.get("metrics", {})
    if not validation or not metrics.get("start", {}).get("validation"):
        # What the champion has learned from says nothing about it.
        return Plan(("scratch",), "few_labels")
    taken = float(metrics.get("seconds", math.inf))
    if 3.0 * taken <= seconds_left:
        return Plan(("scratch", "champion"), "both")
    return Plan(("scratch",), "its_turn") if number % SCRATCH_EVERY == 0 else Plan(("champion",), "no_time")


def split(train: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """The training side as what is learned from, and what ways are compared by: empty where that were too few.

    No way learns from the second part, also where there is only one: the next version will be compared with it.
    """
    held = [one for one in train if lot(one.text, one.public_id) * _SPREAD % 1.0 < VALIDATION]
    if len(held) < LEAST_VALIDATION or len({one.label_id for one in held}) < 2:
        return list(train), []
    known = {one.public_id for one in held}
    return [one for one in train if one.public_id not in known], held


def replayed(train: Sequence[Example], new: Collection[str], seed: int) -> list[Example]:
    """All new examples, and as many old ones by chance as keep the rest from being forgotten; in the order of `train`.

    Args:
        new: public ids of the items whose labels the champion did not know.
    """
    old = [place for place, one in enumerate(train) if one.public_id not in new]
    count = max(LEAST_REPLAY, round(REPLAY * (len(train) - len(old))))
    if count >= len(old):
        return list(train)
    kept = set(random.Random(seed).sample(old, count))  # noqa: S311 (it draws examples, it guards nothing)
    return [one for place, one in enumerate(train) if one.public_id in new or place in kept]


def gentler(settings: TrainingSettings) -> TrainingSettings:
    """Settings for a model that has learned most of it before."""
    return replace(
        settings,
        epochs=max(1, math.ceil(settings.epochs * GENTLE)),
        encoder_lr=settings.encoder_lr * GENTLE,
        adapter_lr=settings.adapter_lr * GENTLE,
        head_lr=settings.head_lr * GENTLE,
    )


def best(
    plan: Plan, fit: Callable[[Way], Speaker], validation: Sequence[Example], device: Device
) -> tuple[Speaker, dict[str, Any]]:
    """Train every way of a plan; the one that says more of `validation` right, of equals the surer one.

    Returns:
        The model, and what is kept in its metrics: way, reason, validation (labels that it did not learn from), and
        tried, the scores of each way where they were compared.
    """
    note: dict[str, Any] = {"reason": plan.reason, "validation": len(validation)}
    made = {way: fit(way) for way in plan.ways}
    if len(made) == 1:
        ((way, speaker),) = made.items()
        return speaker, note | {"way": way}
    texts, truth = [one.text for one in validation], [one.label_id for one in validation]
    tried = {
        way: score(np.asarray(speaker.says(texts, device)), truth, speaker.head.label_ids)
        for way, speaker in made.items()
    }
    way = max(tried, key=lambda name: (tried[name]["accuracy"], -tried[name]["log_loss"]))
    scores = {name: {key: one[key] for key in ("n", "accuracy", "log_loss")} for name, one in tried.items()}
    return made[way], note | {"way": way, "tried": scores}
