"""Real fine-tuning of a tiny model: a batch of flipped labels is held back and its coordinator is told why."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine, select

from bot.cards import render
from bot.owed import view_of
from core.clock import now
from core.config import Settings
from core.db import reading
from core.models import ModelVersion, OutboxMessage, Prediction, Project
from core.runtime import Runtime
from core.training import request_training
from tests.integration.trainer_fixtures import Base, trainer_runtime
from tests.unit.trainer.conftest import one_thread, tiny_base  # noqa: F401 (fixtures)
from trainer import jobs
from trainer.calibration import scaled
from trainer.settings import BaseModel, TrainingSettings

QUICK = TrainingSettings(epochs=10, encoder_lr=2e-3, head_lr=2e-3, max_length=16, holdout_share=0.3)
GOOD, BAD = ("sun", "warm", "nice"), ("rain", "cold", "storm")


@pytest.fixture
def base(sqlite_engine: Engine) -> Base:
    """A project with two labels."""
    return Base(sqlite_engine, labels=("a", "b"))


@pytest.fixture
def runtime(
    base: Base,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tiny_base: BaseModel,  # noqa: F811
) -> Iterator[Runtime]:
    """The runtime that the jobs find, with a tiny encoder."""
    settings.base_model = tiny_base.source
    monkeypatch.setattr(jobs, "HYPERPARAMETERS", QUICK)
    with trainer_runtime(base, settings, monkeypatch) as found:
        yield found


def label(base: Base, count: int, start: int, flipped: float) -> None:
    """Texts that one word decides, a share of them labeled the other way round."""
    chance = random.Random(start)
    words = [chance.choice((GOOD, BAD)) for _ in range(count)]
    texts = [f"the {chance.choice(side)} is {chance.choice(side)} {start + at}" for at, side in enumerate(words)]
    wrong = [chance.random() < flipped for _ in range(count)]
    base.decide(base.items(texts), lambda place: "ab"[(words[place] is BAD) != wrong[place]])


def train(base: Base) -> ModelVersion:
    with base.writing() as session:
        run = request_training(session, base.project_id, "button", now())
    assert run is not None
    jobs.retrain(run.id)
    with reading(base.engine) as session:
        return session.scalars(select(ModelVersion).where(ModelVersion.training_run_id == run.id)).one()


def heard(base: Base) -> list[str]:
    with reading(base.engine) as session:
        views = [view_of(session, message, "en") for message in session.scalars(select(OutboxMessage))]
    return [render(view, "en").text for view in views if view is not None]


def test_a_poisoned_batch_is_held_back_and_a_good_one_is_not_accused(base: Base, runtime: Runtime) -> None:
    label(base, 150, 0, 0.0)
    first = train(base)
    assert first.state == "champion", first.metrics["gate"]
    assert first.metrics["accuracy"] > 0.9

    label(base, 40, 1000, 0.0)
    second = train(base)
    assert second.metrics["gate"]["reason"] in ("held_unproven", "held_worse", "gate_better")

    label(base, 160, 2000, 0.3)
    poisoned = train(base)
    assert poisoned.state == "held"
    gate = poisoned.metrics["gate"]
    assert gate["reason"] == "held_labels"
    assert gate["params"]["seen"] > 0.15 > gate["params"]["expected"]
    assert "contradict the model in use" in heard(base)[-1]
    assert "See /flags for who gave them." in heard(base)[-1]


def test_the_temperature_is_kept_with_the_model_and_used_by_its_predictions(base: Base, runtime: Runtime) -> None:
    label(base, 150, 0, 0.15)
    base.items(["the sun is nice 9000", "the rain is cold 9001"])
    version = train(base)
    assert version.state == "champion", version.metrics["gate"]
    manifest = json.loads((runtime.settings.model_directory / version.artifact / "training.json").read_text())
    assert version.temperature == manifest["temperature"] == version.metrics["calibration"]["temperature"]
    assert version.temperature not in (None, 1.0)

    def predictions() -> NDArray[Any]:
        jobs.prelabel(version.id)
        with reading(base.engine) as session:
            found = session.scalars(select(Prediction).order_by(Prediction.item_id))
            return np.array([one.probabilities for one in found])

    calibrated = predictions()
    with base.writing() as session:
        again = session.get_one(ModelVersion, version.id)
        temperature, again.temperature, again.promoted_at = again.temperature, None, now()
    assert temperature is not None
    assert scaled(predictions(), temperature) == pytest.approx(calibrated, abs=1e-3)


def test_a_champion_that_does_not_know_a_new_label_is_met_all_the_same(base: Base, runtime: Runtime) -> None:
    label(base, 150, 0, 0.0)
    first = train(base)
    with base.writing() as session:
        project = session.get_one(Project, base.project_id)
        labels = [*project.label_schema["labels"], {"id": "c", "name": "c"}]
        project.label_schema = project.label_schema | {"labels": labels}
    label(base, 20, 3000, 0.0)
    second = train(base)
    rival = second.metrics["champion"]
    assert (rival["version_id"], rival["n"]) == (first.id, second.metrics["holdout"]["n"])
    assert rival["accuracy"] > 0.8
    assert second.metrics["gate"]["paired"]["won"] >= 0
