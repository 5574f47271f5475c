"""A run that somebody stops ends once, is told once, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from bot.cards import render
from bot.owed import view_of
from core import training, training_runs
from core.config import Settings
from core.db import reading
from core.errors import Conflict
from core.models import JobTally, ModelVersion, OutboxMessage, TrainingRun
from core.runtime import Runtime
from core.under_way import note_done, under_way
from tests.integration.trainer_fixtures import NOON, Base, trainer_runtime
from trainer import artifacts, jobs, train
from trainer.settings import TrainingSettings
from trainer.stopping import RunStopped, Watch


def stop(base: Base, run: TrainingRun, seconds: float = 0, by: int | None = None) -> str:
    with base.writing() as session:
        return training_runs.cancel_run(session, run, by or base.worker_id, NOON + timedelta(seconds=seconds))


def state(base: Base, run: TrainingRun) -> str:
    with reading(base.engine) as session:
        return session.get_one(TrainingRun, run.id).state


def told(base: Base) -> list[str]:
    with reading(base.engine) as session:
        return list(session.scalars(select(OutboxMessage.kind).order_by(OutboxMessage.id)))


def test_a_run_that_waits_ends_at_once_and_its_project_may_train_again(base: Base) -> None:
    base.decided(30)
    with base.writing() as session:
        run = training.request_training(session, base.project_id, "button", NOON)
    assert run is not None
    assert stop(base, run) == "cancelled"
    assert (state(base, run), told(base)) == ("cancelled", []), "who stops it sees it, and is the one to tell"
    with base.writing() as session:
        assert training_runs.claim(session, run.id, NOON) is None
        assert training.due_by_threshold(session, base.project_id, NOON) is None, "its labels count as used"
        assert training.request_training(session, base.project_id, "button", NOON) is not None
    with pytest.raises(Conflict, match="training_ended"):
        stop(base, run)


def test_the_owner_is_told_where_somebody_else_stops_it(base: Base) -> None:
    assert stop(base, base.run("due"), by=base.worker_id + 1) == "cancelled"
    assert told(base) == ["training_cancelled"]
    for again, buttons in ((False, ["Train now"]), (True, [])):
        if again:
            base.run("due")
        with reading(base.engine) as session:
            view = view_of(session, session.scalars(select(OutboxMessage)).one(), "en")
        assert view is not None
        message = render(view, "en")
        assert "Training of “Weather” has stopped" in message.text
        assert [button.text for row in message.buttons for button in row] == buttons


def test_a_run_on_its_way_stops_between_steps_and_is_told_once(base: Base) -> None:
    run = base.run("due")
    base.start(run.id)
    with base.writing() as session:
        assert training_runs.is_wanted(session, run.id, 1)
    assert stop(base, run, 5) == "stopping"
    assert stop(base, run, 6) == "stopping", "asking twice is asking once"
    assert state(base, run) == "running"
    with base.writing() as session:
        assert not training_runs.is_wanted(session, run.id, 1)
        assert not training_runs.finish_run(session, run.id, NOON), "whoever was asked to stop records nothing"
    with base.writing() as session:
        assert training_runs.end_cancelled(session, run.id, NOON)
    with base.writing() as session:
        assert not training_runs.end_cancelled(session, run.id, NOON)
        assert not training_runs.fail_run(session, run.id, "settings", {}, NOON)
    assert (state(base, run), told(base)) == ("cancelled", ["training_cancelled"])


def test_a_fault_in_a_cancelled_run_is_no_failure_and_no_retry(base: Base) -> None:
    for way in ("fail", "release", "silence"):
        run = base.run("due")
        base.start(run.id)
        assert stop(base, run, 5) == "stopping"
        with base.writing() as session:
            if way == "fail":
                assert not training_runs.fail_run(session, run.id, "settings", {}, NOON)
            elif way == "release":
                training_runs.release_run(session, run.id, 1, NOON)
            else:
                assert training_runs.claim(session, run.id, NOON + timedelta(minutes=2)) is None
        assert state(base, run) == "cancelled", way
    assert told(base) == ["training_cancelled"] * 3


def test_a_run_whose_process_went_silent_ends_at_once(base: Base) -> None:
    run = base.run("due")
    base.start(run.id)
    assert stop(base, run, 60) == "cancelled"
    assert state(base, run) == "cancelled"


@pytest.mark.parametrize("over", ["done", "failed", "cancelled"])
def test_what_is_over_cannot_be_stopped(base: Base, over: str) -> None:
    run = base.run(over)
    with pytest.raises(Conflict, match="training_ended"):
        stop(base, run)
    assert state(base, run) == over


def test_a_run_of_another_project_is_not_found(base: Base, engine: Engine) -> None:
    run, other = base.run("due"), Base(engine)
    with reading(engine) as session:
        assert training_runs.find_run(session, base.project_id, run.public_id).id == run.id
        with pytest.raises(Conflict, match="training_ended"):
            training_runs.find_run(session, other.project_id, run.public_id)


# --- the trainer


@pytest.fixture
def runtime(base: Base, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The runtime that the trainer finds."""
    with trainer_runtime(base, settings, monkeypatch) as found:
        yield found


def test_the_watch_asks_once_a_second(base: Base, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    clock = [100.0]

    def is_wanted(*_: object) -> bool:
        asked.append(clock[0])
        return clock[0] < 102

    monkeypatch.setattr("trainer.stopping.is_wanted", is_wanted)
    watch = Watch(runtime, 1, 1, lambda: clock[0])
    for step, moment in enumerate((100.0, 100.5, 101.2, 101.9)):
        clock[0] = moment
        watch(step, 10)
    assert asked == [100.0, 101.2]
    clock[0] = 102.3
    with pytest.raises(RunStopped, match="step 4 of 10"):
        watch(4, 10)


def test_how_far_a_run_is_is_noted_every_five_seconds(base: Base, runtime: Runtime) -> None:
    run = base.run("due")
    base.start(run.id)
    clock = [100.0]
    watch = Watch(runtime, run.id, 1, lambda: clock[0], place=1, ways=2)
    noted = []
    for step, moment in enumerate((100.0, 103.9, 105.2, 109.0, 110.3)):
        clock[0] = moment
        watch(step * 2, 8)
        noted.append(base.stored(run.id).snapshot.get("done"))
    assert noted == [None, None, 0.75, 0.75, 0.99], "the second way of two; after the last step it is measured"


def test_how_far_a_dead_attempt_was_is_not_said_of_the_next_one(base: Base) -> None:
    run = base.run("due")
    base.start(run.id)
    later = NOON + timedelta(minutes=5)
    with base.writing() as session:
        training_runs.note_snapshot(session, run.id, {"hash": "x"})
        training_runs.note_progress(session, run.id, 1)
        note_done(session, run.id, 1, 0.8)
        assert training_runs.start_run(session, run.id, later)
        assert [one.done for one in under_way(session, later)] == [None]
    assert base.stored(run.id).snapshot == {"hash": "x", training_runs.PROGRESS: 1}


def test_a_run_that_another_process_has_taken_over_stops_here(base: Base, runtime: Runtime) -> None:
    run = base.run("due")
    base.start(run.id)
    Watch(runtime, run.id, 1)(1, 2)
    with base.writing() as session:
        assert training_runs.start_run(session, run.id, NOON + timedelta(minutes=2))
    with pytest.raises(RunStopped):
        Watch(runtime, run.id, 1)(1, 2)
    Watch(runtime, run.id, 2)(1, 2)


@pytest.mark.parametrize("moment", ["between steps", "after the last step"])
def test_the_trainer_stops_keeps_nothing_and_counts_one_job(
    base: Base, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    base.decided(60)
    with base.writing() as session:
        run = training.request_training(session, base.project_id, "button", NOON)
    assert run is not None
    steps: list[int] = []

    def fit(texts: Any, targets: Any, head: Any, base_model: Any, *rest: Any, **_: object) -> tuple[Any, Any]:
        for step in range(3):
            steps.append(step)
            if moment == "between steps":
                with base.writing() as session:
                    training_runs.cancel_run(session, run, base.worker_id, NOON)
            rest[-1](step, 3)
        model, tokenizer = train.load_base(base_model, head.label_ids)
        return model.eval(), tokenizer

    def save(*args: Any) -> None:
        with base.writing() as session:
            assert training_runs.cancel_run(session, run, base.worker_id, NOON) == "stopping"
        keep(*args)

    keep = artifacts.save
    monkeypatch.setattr(train, "fit", fit)
    monkeypatch.setattr(artifacts, "save", save)
    monkeypatch.setattr(jobs, "HYPERPARAMETERS", TrainingSettings(max_length=16))
    jobs.retrain(run.id)
    assert steps == ([0] if moment == "between steps" else [0, 1, 2])
    assert (state(base, run), told(base)) == ("cancelled", ["training_cancelled"])
    assert list(runtime.settings.model_directory.glob("*/*")) == []
    with reading(base.engine) as session:
        assert session.scalars(select(ModelVersion)).all() == []
        tally = {row.name: (row.runs, row.failures) for row in session.scalars(select(JobTally))}
    assert tally == {"retrain": (1, 0)}
    jobs.retrain(run.id)
    assert (state(base, run), len(told(base))) == ("cancelled", 1)
