"""The jobs of the trainer: from decided labels to a model, its predictions, and a new order of asking."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from transformers import AutoModel

from core.blind import lot
from core.clock import now
from core.config import Settings
from core.db import reading
from core.labels import item_text
from core.models import Item, JobTally, ModelVersion, OutboxMessage, Prediction, Project, TrainingRun
from core.queue import PRELABEL
from core.ranks import UNCERTAIN, band_of
from core.runtime import Runtime
from core.training import request_training
from tests.integration.trainer_fixtures import Base, trainer_runtime
from trainer import artifacts, jobs, ordering, train
from trainer.dataset import on_holdout
from trainer.settings import TrainingSettings

DATA = Path(__file__).parents[2] / "demo" / "weather_text"
CHANCE_SHARE = 0.3
QUICK = TrainingSettings(epochs=2, max_length=32)
Tweets = tuple[list[str], list[str]]


@pytest.fixture(scope="module")
def tweets() -> Tweets:
    """The eighty weather tweets on which the crowd agreed most: a for an opinion, b for a mere report."""
    with (DATA / "items.csv").open() as file:
        texts = {row["task"]: row["text"] for row in csv.DictReader(file)}
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    with (DATA / "labels.csv").open() as file:
        for row in csv.DictReader(file):
            votes[row["task"]][row["label"]] += 1
    commonest = {key: counts.most_common(1)[0] for key, counts in votes.items()}
    surest = sorted(texts, key=lambda key: (-commonest[key][1], key))[:80]
    return [texts[key] for key in surest], ["ab"[commonest[key][0].startswith("Neutral")] for key in surest]


@pytest.fixture
def base(sqlite_engine: Engine) -> Base:
    """A project with two labels."""
    return Base(sqlite_engine, labels=("a", "b"))


@pytest.fixture
def runtime(base: Base, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The runtime that the jobs find; it keeps effects in `base.effects` and trains for two epochs on the CPU."""
    monkeypatch.setattr(jobs, "HYPERPARAMETERS", QUICK)
    with trainer_runtime(base, settings, monkeypatch) as found:
        yield found


def post(base: Base, tweets: Tweets, decided: int) -> list[int]:
    """Post the tweets and decide the first of them; returns the ids of all."""
    texts, labels = tweets
    ids = base.items(texts)
    base.decide(ids[:decided], lambda place: labels[place])
    return ids


def ask_for_a_run(base: Base) -> TrainingRun:
    with base.writing() as session:
        run = request_training(session, base.project_id, "button", now())
    assert run is not None
    return run


def read(base: Base, statement: Any) -> list[Any]:
    with reading(base.engine) as session:
        return list(session.scalars(statement))


def tally(base: Base) -> dict[str, tuple[int, int]]:
    return {row.name: (row.runs, row.failures) for row in read(base, select(JobTally))}


def a_run_fails_with(base: Base, code: str) -> dict[str, Any]:
    """Carry out a run that a person has to mend something for; returns the parameters of its sentence."""
    run = ask_for_a_run(base)
    jobs.retrain(run.id)
    (stored,) = read(base, select(TrainingRun).where(TrainingRun.id == run.id))
    assert (stored.state, stored.error_code) == ("failed", code)
    (message,) = read(base, select(OutboxMessage))
    assert (message.kind, message.worker_id, message.params["code"]) == ("training_failed", base.worker_id, code)
    assert tally(base) == {"retrain": (1, 1)}
    params: dict[str, Any] = message.params["params"]
    return params


@pytest.mark.timeout(300)
def test_the_whole_way_with_the_real_encoder(base: Base, runtime: Runtime, tweets: Tweets) -> None:
    ids = post(base, tweets, 66)
    run = ask_for_a_run(base)
    jobs.retrain(run.id)

    (version,) = read(base, select(ModelVersion))
    metrics = version.metrics
    held = [text for text in tweets[0] if on_holdout(text, "", 0.2)]
    assert metrics["holdout_published"] == len(held)
    assert metrics["holdout_items"] == metrics["holdout"]["n"] == sum(text in held for text in tweets[0][:66])
    assert metrics["train_items"] + metrics["holdout_items"] == 66
    assert metrics["champion"] is None
    assert metrics["holdout"]["accuracy"] > metrics["majority_class_accuracy"] > 0
    assert 0 < metrics["tfidf_logreg_accuracy"] <= 1
    assert all(item.trained_at is not None for item in read(base, select(Item).where(Item.state == "agreed")))

    directory = runtime.settings.model_directory / version.artifact
    manifest = json.loads((directory / "training.json").read_text())
    assert manifest["snapshot_hash"] == version.snapshot_hash
    assert manifest["settings"]["epochs"] == 2
    assert AutoModel.from_pretrained(directory).config.num_hidden_layers == 6 + 1, "the last one averages"

    assert version.state == "champion"
    job = base.jobs()[-1]
    assert (job.function, job.args) == (PRELABEL, (version.id,))
    jobs.prelabel(version.id)

    predictions = read(base, select(Prediction))
    measured = {item_id for item_id, text in zip(ids[:66], tweets[0], strict=False) if text in held}
    assert {prediction.item_id for prediction in predictions} == {*ids[66:], *measured}
    assert all(sum(prediction.probabilities) == pytest.approx(1, abs=1e-4) for prediction in predictions)
    asked = read(base, select(Item).where(Item.slots > 0).order_by(Item.rank))
    assert [band_of(item.rank) for item in asked] == [UNCERTAIN] * 14
    steered = [item for item in asked if lot(item_text(item.content), "") >= CHANCE_SHARE]
    doubts = [item.uncertainty for item in steered]
    assert len(doubts) > 5
    assert doubts == sorted(doubts, reverse=True)
    assert tally(base) == {"retrain": (1, 0), "prelabel": (1, 0)}

    # The same labels again: the same model, so nothing is better and the champion stays.
    again = ask_for_a_run(base)
    jobs.retrain(again.id)
    first, second = read(base, select(ModelVersion).order_by(ModelVersion.number))
    assert second.snapshot_hash == first.snapshot_hash
    rival = {key: value for key, value in second.metrics["champion"].items() if key not in ("version_id", "number")}
    assert rival.pop("log_loss") == pytest.approx(second.metrics["holdout"].pop("log_loss")), "batches differ"
    assert rival == second.metrics["holdout"]
    assert second.state == "held"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """No training: the encoder with a fresh head. Counts the calls."""
    calls: list[int] = []

    def fit(texts: Any, targets: Any, head: Any, base: Any, *_: object, **__: object) -> tuple[Any, Any]:
        calls.append(len(texts))
        torch.manual_seed(len(calls))
        model, tokenizer = train.load_base(base, head.label_ids)
        return model.eval(), tokenizer

    monkeypatch.setattr(train, "fit", fit)
    return calls


def test_a_job_that_runs_twice_counts_once(base: Base, runtime: Runtime, quick: list[int], tweets: Tweets) -> None:
    post(base, tweets, 66)
    run = ask_for_a_run(base)
    jobs.retrain(run.id)
    jobs.retrain(run.id)
    assert len(quick) == 1
    assert len(read(base, select(ModelVersion))) == 1
    assert tally(base) == {"retrain": (2, 0)}


def test_what_was_decided_before_a_run_read_its_labels_is_not_new_afterwards(
    base: Base, runtime: Runtime, quick: list[int], tweets: Tweets
) -> None:
    ids = post(base, tweets, 60)
    run = ask_for_a_run(base)
    base.decide(ids[60:66], lambda place: tweets[1][60 + place])
    jobs.retrain(run.id)
    assert read(base, select(Project.trained_count)) == [66]


def test_a_run_that_another_process_ended_leaves_no_artifact(
    base: Base,
    runtime: Runtime,
    quick: list[int],
    tweets: Tweets,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    post(base, tweets, 66)
    run = ask_for_a_run(base)
    save = artifacts.save

    def save_late(*args: Any) -> None:
        with base.writing() as session:
            session.get_one(TrainingRun, run.id).state = "done"
        save(*args)

    monkeypatch.setattr(artifacts, "save", save_late)
    jobs.retrain(run.id)
    assert read(base, select(ModelVersion)) == []
    assert [path for path in runtime.settings.model_directory.glob("*/*")] == []


def test_a_version_that_cannot_be_recorded_leaves_no_artifact(
    base: Base, runtime: Runtime, quick: list[int], tweets: Tweets, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(base, tweets, 66)
    run = ask_for_a_run(base)

    def fail(*_: object) -> None:
        raise SQLAlchemyError("away")

    monkeypatch.setattr("trainer.cycle.promote_if_better", fail)
    with pytest.raises(SQLAlchemyError, match="away"):
        jobs.retrain(run.id)
    assert list(runtime.settings.model_directory.glob("*/*")) == []
    assert tally(base) == {"retrain": (1, 1)}


def test_a_fault_is_raised_and_the_retry_claims_the_run_at_once(
    base: Base,
    runtime: Runtime,
    quick: list[int],
    tweets: Tweets,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    post(base, tweets, 66)
    run = ask_for_a_run(base)
    with monkeypatch.context() as patch:
        patch.setattr(artifacts, "save", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            jobs.retrain(run.id)
    (stored,) = read(base, select(TrainingRun))
    assert (stored.state, stored.attempts) == ("due", 1)
    jobs.retrain(run.id)
    (stored,) = read(base, select(TrainingRun))
    assert (stored.state, stored.attempts) == ("done", 2)
    assert tally(base) == {"retrain": (2, 1)}


def test_a_run_that_is_alive_elsewhere_is_looked_at_later(base: Base, runtime: Runtime) -> None:
    run = base.run("running")
    with base.writing() as session:
        session.get_one(TrainingRun, run.id).heartbeat_at = now()
    jobs.retrain(run.id)
    (job,) = base.jobs()
    assert job.at is not None
    assert job.at > now() + timedelta(seconds=20)
    assert tally(base) == {"retrain": (1, 0)}


def test_a_lost_champion_is_replaced(base: Base, runtime: Runtime, quick: list[int], tweets: Tweets) -> None:
    post(base, tweets, 66)
    lost = base.version(base.run("done"))
    jobs.retrain(ask_for_a_run(base).id)
    version = read(base, select(ModelVersion).order_by(ModelVersion.number))[1]
    assert version.metrics["champion"] == {"version_id": lost.id, "number": 1}
    better = version.metrics["accuracy"] > version.metrics["majority_class_accuracy"]
    assert version.state == ("champion" if better else "held")


# --- what a person can mend


def test_a_gpu_that_is_not_there(
    base: Base,
    runtime: Runtime,
    tweets: Tweets,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    runtime.settings.device = "cuda"
    post(base, tweets, 66)
    assert "LIGHTWORK_DEVICE is cuda" in a_run_fails_with(base, "settings")["message"]


def test_a_base_model_that_is_not_there(base: Base, runtime: Runtime, tweets: Tweets) -> None:
    runtime.settings.base_model = "/nowhere/at/all"
    post(base, tweets, 66)
    assert "/nowhere/at/all" in a_run_fails_with(base, "settings")["message"]


def test_memory_that_does_not_suffice(
    base: Base,
    runtime: Runtime,
    tweets: Tweets,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fit(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(train, "fit", fit)
    post(base, tweets, 66)
    assert a_run_fails_with(base, "training_out_of_memory") == {"device": "cpu"}


def test_a_holdout_without_decided_items(base: Base, runtime: Runtime) -> None:
    texts = [text for number in range(60) if not on_holdout(text := f"the {number}th text", "", 0.2)]
    base.decide(base.items(texts), lambda place: "ab"[place % 2])
    assert a_run_fails_with(base, "training_no_holdout") == {"have": len(texts)}


def test_a_training_side_with_one_label(base: Base, runtime: Runtime) -> None:
    texts = [f"the {number}th text" for number in range(60)]
    held = [on_holdout(text, "", 0.2) for text in texts]
    base.decide(base.items(texts), lambda place: "a" if held[place] else "b")
    assert a_run_fails_with(base, "training_too_few_classes") == {"needed": 2, "have": 1}


def test_a_lost_artifact_is_told_once_and_stays_due(base: Base, runtime: Runtime) -> None:
    version = base.version(base.run("done"))
    base.items(["one"])
    jobs.prelabel(version.id)
    jobs.prelabel(version.id)
    (message,) = read(base, select(OutboxMessage))
    assert (message.kind, message.params["code"]) == ("training_failed", "artifact_missing")
    assert tally(base) == {"prelabel": (2, 0)}


@pytest.mark.parametrize("state", ["retired", "held", None])
def test_a_model_that_does_not_reign_predicts_nothing(base: Base, runtime: Runtime, state: str | None) -> None:
    version_id = base.version(base.run("done"), state=state).id if state else 77
    base.items(["one"])
    jobs.prelabel(version_id)
    assert read(base, select(func.count()).select_from(Prediction)) == [0]
    assert tally(base) == {"prelabel": (1, 0)}


# --- items that come while the model speaks


def test_items_published_meanwhile_are_predicted_too(
    base: Base,
    runtime: Runtime,
    quick: list[int],
    tweets: Tweets,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    post(base, tweets, 66)
    jobs.retrain(ask_for_a_run(base).id)
    (version,) = read(base, select(ModelVersion))
    with base.writing() as session:
        session.get_one(ModelVersion, version.id).state = "champion"
    reorder: Callable[..., None] = ordering.reorder
    added: list[int] = []

    def reorder_late(*args: Any) -> None:
        reorder(*args)
        if not added:
            added.extend(base.items(["published at the last moment"]))

    monkeypatch.setattr("trainer.prelabel.reorder", reorder_late)
    jobs.prelabel(version.id)
    spoken = set(read(base, select(Prediction.item_id)))
    assert spoken >= set(read(base, select(Item.id).where(Item.state == "open"))), "and on the holdout"
    assert added[0] in spoken
