"""A run that is interrupted goes on with what it began with, is given up only in vain, and ends within its limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from redis import Redis
from rq.job import Job
from sqlalchemy import Engine, select

from core import training_runs
from core.champions import MANIFEST
from core.cli import horse_care
from core.config import Settings
from core.db import reading
from core.errors import Conflict
from core.models import Item, JobTally, ModelVersion, OutboxMessage, Project, TrainingRun
from core.queue import CLAIM, RETRAIN, TRAINING, fetch, queue
from core.retired_models import LATEST, kept_artifacts
from core.runtime import Runtime
from core.training_runs import MAX_ATTEMPTS
from tests.integration.trainer_fixtures import LABELS, NOON, Base
from tests.tiny_encoder import save_tiny_encoder
from trainer import jobs, limits, model_card, train
from trainer.continual import Plan
from trainer.settings import TrainingSettings


def interrupt(base: Base, run_id: int, *, progress: bool) -> bool:
    """An attempt that breaks off, with a checkpoint or without; false where there is none any more."""
    with base.writing() as session:
        if not training_runs.start_run(session, run_id, NOON):
            return False
        attempt = session.get_one(TrainingRun, run_id).attempts
    with base.writing() as session:
        if progress:
            training_runs.note_progress(session, run_id, attempt)
        training_runs.release_run(session, run_id, attempt, NOON)
    return True


def test_a_run_that_gets_further_is_never_given_up(base: Base) -> None:
    run = base.run("due")
    assert all(interrupt(base, run.id, progress=True) for _ in range(3 * MAX_ATTEMPTS))
    assert all(interrupt(base, run.id, progress=False) for _ in range(MAX_ATTEMPTS))
    assert not interrupt(base, run.id, progress=True)
    assert (base.stored(run.id).state, base.stored(run.id).error_code) == ("failed", "training_gave_up")


def test_progress_is_that_of_the_attempt_that_has_the_run(base: Base) -> None:
    run = base.run("due")
    for _ in range(2):
        interrupt(base, run.id, progress=False)
    with base.writing() as session:
        training_runs.note_progress(session, run.id, 1)
    assert interrupt(base, run.id, progress=False)
    assert not interrupt(base, run.id, progress=False)


def test_what_a_run_is_trained_on_does_not_hide_its_progress(base: Base) -> None:
    run = base.run("due")
    interrupt(base, run.id, progress=True)
    with base.writing() as session:
        training_runs.note_snapshot(session, run.id, {"hash": "f"})
        training_runs.note_snapshot(session, run.id, {"hash": "e"})
    assert base.stored(run.id).snapshot == {"hash": "e", training_runs.PROGRESS: 1}


def test_a_process_whose_run_was_taken_over_cannot_end_it(base: Base) -> None:
    run = base.run("due")
    base.start(run.id)
    with base.writing() as session:
        assert training_runs.start_run(session, run.id, NOON + timedelta(minutes=5))
        assert not training_runs.finish_run(session, run.id, NOON, 1)
        assert training_runs.finish_run(session, run.id, NOON, 2)


def test_models_that_somebody_may_go_back_to_keep_their_files(base: Base) -> None:
    states = ["retired", "retired", "champion", *["held"] * (LATEST + 2)]
    for number, state in enumerate(states, start=1):
        version = base.version(base.run("done"), number, state)
        if state != "held":
            with base.writing() as session:
                session.get_one(ModelVersion, version.id).promoted_at = NOON + timedelta(days=number)
    with base.writing() as session:
        kept = kept_artifacts(session, base.project_id)
    latest = range(len(states) - LATEST + 1, len(states) + 1)
    assert kept == {f"somewhere/{number}" for number in (2, 3, *latest)}


# --- the worker that looks after the process of a training


@pytest.fixture
def job(redis: Redis) -> Job:
    """The job of a training."""
    return queue(TRAINING, redis).enqueue(RETRAIN, 1, job_id="retrain-1-1", job_timeout=7)


def noted(redis: Redis, job: Job, value: object) -> Job:
    """The job as another process has noted something in it."""
    again = fetch(redis, job.id)
    again.meta[CLAIM] = value
    again.save_meta()
    return job


def test_the_run_of_a_dead_process_can_be_claimed_at_once(
    base: Base, settings: Settings, redis: Redis, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = Runtime(settings, base.engine, redis, base.effects.extend)
    monkeypatch.setattr("core.runtime.process_runtime", lambda: runtime)
    run = base.run("due")
    base.start(run.id)
    horse_care.give_back(job)
    assert base.stored(run.id).state == "running", "nobody said which run it is"
    horse_care.give_back(noted(redis, job, [run.id, 2]))
    assert base.stored(run.id).state == "running", "another process has it"
    horse_care.give_back(noted(redis, job, [run.id, 1]))
    assert base.stored(run.id).state == "due"
    redis.flushall()
    horse_care.give_back(job)


def test_a_training_is_held_to_the_time_that_is_set(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTWORK_TRAIN_SECONDS", "1000")
    horse_care.bound(job)
    assert job.timeout == 1000 + horse_care.LAST_SECONDS
    job.func_name = "trainer.jobs.prelabel"
    job.timeout = 7
    horse_care.bound(job)
    assert job.timeout == 7


# --- the whole way


@pytest.fixture
def runtime(
    sqlite_engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """A runtime with a tiny base model, and a checkpoint after every step."""
    settings.device, settings.tracking, settings.checkpoint_seconds = "cpu", "none", 0
    settings.base_model = str(save_tiny_encoder(tmp_path / "tiny"))
    redis = Redis(port=1)
    effects: list[Any] = []
    found = Runtime(settings, sqlite_engine, redis, effects.extend)
    monkeypatch.setattr(jobs, "process_runtime", lambda: found)
    monkeypatch.setattr(jobs, "HYPERPARAMETERS", TrainingSettings(epochs=2, max_length=16, method="full"))
    monkeypatch.setattr("trainer.train.use_all_cores", lambda _: torch.set_num_threads(1))
    yield found
    redis.close()


def posted(runtime: Runtime) -> Base:
    """A job with sixty decided items and as many open ones."""
    base = Base(runtime.engine)
    with base.writing() as session:
        session.get_one(Project, base.project_id).retrain_threshold = 0
    base.decided(60)
    base.items([f"open {number}" for number in range(60)])
    return base


class Killed(BaseException):
    """Stands for the end of the process."""


def test_who_takes_over_learns_from_the_same(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    base = posted(runtime)
    run = base.run("due")
    learned: list[list[str]] = []
    steps: list[int] = []
    fit: Any = train.fit

    def fit_until(killed_at: int) -> Any:
        def watched(texts: Any, targets: Any, *rest: Any, **more: Any) -> Any:
            *others, look = rest

            def progress(step: int, of: int) -> None:
                look(step, of)
                if of > 1:
                    steps.append(step)
                if step == killed_at:
                    raise Killed

            learned.append(list(texts))
            return fit(texts, targets, *others, progress, **more)

        return watched

    monkeypatch.setattr(train, "fit", fit_until(3))
    with pytest.raises(Killed):
        jobs.retrain(run.id)
    assert (runtime.settings.run_directory / run.public_id / "data.json").exists()
    with base.writing() as session:
        rest = list(session.scalars(select(Item.id).where(Item.state == "open")))
    base.decide(rest, lambda place: LABELS[place % 3])
    first, steps[:] = list(steps), []

    monkeypatch.setattr(train, "fit", fit_until(0))
    jobs.retrain(run.id)
    assert learned[0] == learned[1]
    assert (first[-1], steps[0]) == (3, 4)
    assert base.stored(run.id).state == "done"
    assert list(runtime.settings.run_directory.iterdir()) == []
    with reading(base.engine) as session:
        (version,) = session.scalars(select(ModelVersion))
        assert (version.metrics["attempts"], version.metrics["train_items"]) == (2, len(learned[0]))
        waiting = session.scalars(select(Item.id).where(Item.state == "agreed", Item.trained_at.is_(None)))
        assert set(waiting) == set(rest), "what came meanwhile is for the next run"


@pytest.mark.parametrize("broken", ["training_too_long", "training_too_large"])
def test_a_limit_ends_a_run_with_its_sentence(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    base = posted(runtime)
    run = base.run("due")
    sentence = Conflict(broken, count=1, megabytes=1)

    def check(_: limits.Limits) -> None:
        raise sentence

    monkeypatch.setattr(limits.Limits, "check", check)
    jobs.retrain(run.id)
    assert (base.stored(run.id).state, base.stored(run.id).error_code) == ("failed", broken)
    with reading(base.engine) as session:
        assert session.scalars(select(OutboxMessage.kind)).all() == ["training_failed"]
        assert [(row.name, row.failures) for row in session.scalars(select(JobTally))] == [("retrain", 1)]
        assert session.scalars(select(ModelVersion)).all() == []
    assert list(runtime.settings.run_directory.iterdir()) == []
    assert list(runtime.settings.model_directory.glob("*/*")) == []


def test_a_full_disk_ends_a_run_with_its_sentence(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    base = posted(runtime)
    run = base.run("due")

    def refuse(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trainer.artifacts.sync", refuse)
    jobs.retrain(run.id)
    assert (base.stored(run.id).state, base.stored(run.id).error_code) == ("failed", "training_disk_full")
    assert list(runtime.settings.model_directory.glob("*/*")) == []
    assert list(runtime.settings.run_directory.iterdir()) == []


def test_a_model_that_goes_on_from_the_one_in_use_says_with_what_it_was_trained(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Epochs and learning rates are halved on that way."""
    base = posted(runtime)
    jobs.retrain(base.run("due").id)
    with base.writing() as session:
        session.scalars(select(ModelVersion)).one().state = "champion"
    monkeypatch.setattr("trainer.continual.start", lambda *_, **__: Plan(("champion",), "no_time"))
    jobs.retrain(base.run("due").id)
    usual = TrainingSettings()
    said = {}
    with reading(base.engine) as session:
        for version in session.scalars(select(ModelVersion)):
            directory = runtime.settings.model_directory / version.artifact
            settings = json.loads((directory / MANIFEST).read_text())["settings"]
            card = (directory / model_card.NAME).read_text()
            assert f"| epochs | `{settings['epochs']}` |" in card
            assert ("It started from the model that was in use" in card) is (version.number == 2)
            said[version.number] = (settings["epochs"], settings["encoder_lr"], settings["head_lr"])
    assert said == {1: (2, usual.encoder_lr, usual.head_lr), 2: (1, usual.encoder_lr / 2, usual.head_lr / 2)}
