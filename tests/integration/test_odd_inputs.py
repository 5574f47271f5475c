"""Whatever is labeled, a run ends in a model that can be asked, or in one clear sentence; it never just breaks."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from redis import Redis
from sqlalchemy import Engine, select

from bot.texts import say
from core.config import Settings
from core.db import reading
from core.errors import Conflict
from core.labels import choice
from core.models import Item, ModelVersion, OutboxMessage, Prediction, Project, TrainingRun
from core.runtime import Runtime
from core.training import request_training
from tests.integration.trainer_fixtures import NOON, Base
from tests.tiny_encoder import WORDS, save_tiny_encoder
from trainer import jobs
from trainer.settings import TrainingSettings

METHODS = ("frozen", "full")
BOTH = pytest.mark.parametrize("engine", ["sqlite", "postgresql"], indirect=True)
OPEN = ["the sun is nice", "雨 ☔", "", "x" * 100_000]
MANY = 300

Labels = Sequence[str]
Rows = list[tuple[str, str]]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Directory of a tiny base model."""
    return str(save_tiny_encoder(tmp_path_factory.mktemp("tiny")))


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Engine:
    """SQLite, or what a test asks for by `BOTH`."""
    found = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_engine")
    assert isinstance(found, Engine)
    return found


@pytest.fixture
def train_on(
    engine: Engine, settings: Settings, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Outcome]]:
    """Carries out the run of a job with these labels and rows, and lets the model speak."""
    settings.device, settings.base_model, settings.tracking = "cpu", tiny, "none"
    monkeypatch.setattr(jobs, "HYPERPARAMETERS", TrainingSettings(epochs=2, max_length=32))
    monkeypatch.setattr("trainer.train.use_all_cores", lambda _: torch.set_num_threads(1))
    redis = Redis(port=1)

    def train(labels: Labels, rows: Rows, method: str = "full") -> Outcome:
        base = Base(engine, labels)
        runtime = Runtime(settings, engine, redis, base.effects.extend)
        monkeypatch.setattr(jobs, "process_runtime", lambda: runtime)
        base.decide(base.items([text for text, _ in rows]), lambda place: rows[place][1])
        base.items(OPEN)
        with base.writing() as session:
            project = session.get_one(Project, base.project_id)
            project.learning, project.retrain_threshold = {"method": method}, 0
        jobs.retrain(base.run("due").id)
        return Outcome(base, settings.model_directory)

    yield train
    redis.close()


class Outcome:
    """What came of a run."""

    def __init__(self, base: Base, models: Path) -> None:
        with reading(base.engine) as session:
            (self.run,) = session.scalars(select(TrainingRun).where(TrainingRun.project_id == base.project_id))
            versions = session.scalars(select(ModelVersion).where(ModelVersion.project_id == base.project_id))
            self.version = versions.one_or_none()
            self.told = list(session.scalars(select(OutboxMessage)))
        self.base, self.models = base, models

    def is_model(self) -> dict[str, Any]:
        """Its metrics; it can be asked about anything, and every number of it is one."""
        assert (self.run.state, self.run.error_code) == ("done", None)
        assert self.version is not None
        assert [path.name for path in self.models.glob("*/*") if path.name.startswith(".")] == []
        with self.base.writing() as session:
            session.get_one(ModelVersion, self.version.id).state = "champion"
        jobs.prelabel(self.version.id)
        with reading(self.base.engine) as session:
            still_open = select(Item.id).where(Item.project_id == self.base.project_id, Item.state == "open")
            said = list(session.scalars(select(Prediction).where(Prediction.item_id.in_(still_open))))
        assert len(said) == len(OPEN)
        assert all(sum(one.probabilities) == pytest.approx(1, abs=1e-3) for one in said)
        assert numbers(self.version.metrics), "there is something to look at"
        assert all(math.isfinite(number) for number in numbers(self.version.metrics))
        return self.version.metrics

    def is_told(self, *codes: str) -> None:
        """It failed, and the coordinator reads one sentence that says why, in both languages."""
        assert self.run.state == "failed"
        assert self.run.error_code in codes
        assert self.version is None
        (message,) = self.told
        assert message.kind == "training_failed"
        for locale in ("en", "zh"):
            sentence = say(message.params["code"], locale, **message.params["params"])
            assert "{" not in sentence
            assert len(sentence) > 10


def numbers(value: Any) -> list[float]:
    """All numbers in JSON."""
    if isinstance(value, dict):
        return [number for one in value.values() for number in numbers(one)]
    if isinstance(value, list):
        return [number for one in value for number in numbers(one)]
    return [float(value)] if isinstance(value, int | float) else []


def sentences(count: int, seed: int = 1) -> list[str]:
    """Different English texts."""
    dice = random.Random(seed)
    return [f"{' '.join(dice.choices(WORDS, k=6))} {number}" for number in range(count)]


def by_turns(texts: Sequence[str], labels: Labels = ("a", "b")) -> Rows:
    return [(text, labels[place % len(labels)]) for place, text in enumerate(texts)]


@pytest.mark.parametrize("method", METHODS)
def test_a_label_that_nobody_chose(train_on: Callable[..., Outcome], method: str) -> None:
    metrics = train_on(("a", "b", "never"), by_turns(sentences(60)), method).is_model()
    assert metrics["holdout"]["per_class"]["never"]["support"] == 0


@pytest.mark.filterwarnings("ignore:The number of unique classes:UserWarning")
@pytest.mark.parametrize("method", METHODS)
def test_three_hundred_labels(train_on: Callable[..., Outcome], method: str) -> None:
    labels = [f"label-{number}" for number in range(MANY)]
    metrics = train_on(labels, by_turns(sentences(2 * MANY), labels), method).is_model()
    assert len(metrics["holdout"]["per_class"]) == MANY


def test_a_job_of_three_hundred_labels_is_refused_when_it_is_posted() -> None:
    with pytest.raises(Exception, match="too_many_labels"):
        choice.make([f"label-{number}" for number in range(MANY)])


@pytest.mark.parametrize("method", METHODS)
def test_texts_of_a_hundred_thousand_characters(train_on: Callable[..., Outcome], method: str) -> None:
    dice = random.Random(1)
    texts = [" ".join(dice.choices(WORDS, k=20_000))[:100_000] for _ in range(30)]
    train_on(("a", "b"), by_turns(texts), method).is_model()


def test_one_word_of_a_hundred_thousand_characters(train_on: Callable[..., Outcome]) -> None:
    train_on(("a", "b"), by_turns([f"{chr(97 + place % 26) * 100_000}{place}" for place in range(30)])).is_model()


@BOTH
@pytest.mark.parametrize("method", METHODS)
def test_nothing_but_emoji(train_on: Callable[..., Outcome], method: str) -> None:
    dice = random.Random(2)
    texts = ["".join(dice.choices("😀😡🌧☀️👍🏽👩‍👩‍👧", k=9)) for _ in range(60)]
    train_on(("a", "b"), by_turns(texts), method).is_model()


def test_two_languages(train_on: Callable[..., Outcome]) -> None:
    dice = random.Random(3)
    chinese = ["".join(dice.choices("今天天气真好下雨冷热风", k=8)) + str(place) for place in range(30)]
    train_on(
        ("a", "b"), by_turns([text for pair in zip(sentences(30), chinese, strict=True) for text in pair])
    ).is_model()


@BOTH
def test_some_texts_are_empty(train_on: Callable[..., Outcome]) -> None:
    train_on(("a", "b"), by_turns([*sentences(50), "", " ", "\n", "\t\t"])).is_model()


@pytest.mark.parametrize("text", ["", "   ", "always the same"])
def test_nothing_but_copies(train_on: Callable[..., Outcome], text: str) -> None:
    train_on(("a", "b"), by_turns([text] * 40)).is_told("training_no_holdout", "training_too_few_classes")


def test_three_items(train_on: Callable[..., Outcome]) -> None:
    outcome = train_on(("a", "b"), by_turns(["the sun is nice", "cold rain", "storm"]))
    outcome.is_model()  # two to learn from, one to measure
    with pytest.raises(Conflict, match="training_too_few_labels"), outcome.base.writing() as session:
        request_training(session, outcome.base.project_id, "button", NOON)


def test_one_label(train_on: Callable[..., Outcome]) -> None:
    outcome = train_on(("a", "b"), [(text, "a") for text in sentences(40)])
    outcome.is_told("training_too_few_classes")
    with pytest.raises(Conflict, match="training_too_few_classes"), outcome.base.writing() as session:
        request_training(session, outcome.base.project_id, "button", NOON)
