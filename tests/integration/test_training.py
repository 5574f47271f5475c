"""The learning cycle in SQL: what makes a run due, who may carry it out, which model wins."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import champions, training, training_runs
from core.db import reading
from core.errors import Conflict
from core.models import Item, ModelVersion, OutboxMessage, Project, TrainingRun
from core.queue import PRELABEL, RETRAIN
from tests.integration.trainer_fixtures import NOON, Base


def project_of(base: Base) -> Project:
    with reading(base.engine) as session:
        return session.get_one(Project, base.project_id)


def messages(base: Base) -> list[tuple[str, dict[str, Any]]]:
    with reading(base.engine) as session:
        return [(row.kind, row.params) for row in session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))]


def at_once(count: int, act: Callable[[], TrainingRun | None]) -> list[TrainingRun | None]:
    """What `count` threads get that act at the same moment."""
    barrier, results = threading.Barrier(count), list[TrainingRun | None]()

    def work() -> None:
        barrier.wait(10)
        results.append(act())

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == count
    return results


# --- the button


def test_button_makes_a_run_due_and_enqueues_it_after_the_commit(base: Base) -> None:
    base.decided(12)
    with base.writing() as session:
        run = training.request_training(session, base.project_id, "button", NOON, base.worker_id)
        assert base.jobs() == []
    assert run is not None
    assert (run.state, run.label_count, run.requested_by_id) == ("due", 12, base.worker_id)
    job = base.jobs()[0]
    assert (job.function, job.args, job.job_id) == (RETRAIN, (run.id,), f"retrain-{base.project_id}-{run.id}")
    assert project_of(base).trained_count == 12
    with base.writing() as session:
        assert training.request_training(session, base.project_id, "button", NOON) is None
    assert len(base.jobs()) == 1


def test_button_with_too_few_labels_says_how_many(base: Base) -> None:
    base.decided(9)
    with base.writing() as session, pytest.raises(Conflict) as caught:
        training.request_training(session, base.project_id, "button", NOON)
    enough = {"needed": 10, "have": 9, "enough": project_of(base).retrain_threshold}
    assert (caught.value.code, caught.value.params) == ("training_too_few_labels", enough)
    for cron, ending in (("0 3 * * *", "clock"), ("", "off")):
        with base.writing() as session:
            project = session.get_one(Project, base.project_id)
            project.retrain_threshold, project.retrain_cron = 0, cron
        with base.writing() as session, pytest.raises(Conflict) as caught:
            training.request_training(session, base.project_id, "button", NOON)
        assert caught.value.code == f"training_too_few_labels_{ending}"


def test_button_with_one_class_is_refused(base: Base) -> None:
    base.decide(base.items([f"text {number}" for number in range(15)]), lambda place: "a")
    with base.writing() as session, pytest.raises(Conflict) as caught:
        training.request_training(session, base.project_id, "button", NOON)
    assert (caught.value.code, caught.value.params) == ("training_too_few_classes", {"needed": 2, "have": 1})
    with base.writing() as session:
        assert training.request_training(session, base.project_id, "cron", NOON) is None


def test_only_labels_of_people_in_published_batches_count(base: Base) -> None:
    base.decided(4)
    base.decided(5, published=False)
    base.decided(6, purpose="gold")
    base.decide(base.items(["x", "y"]), lambda place: "a", state="accepted")
    base.decide(base.items(["z"]), lambda place: "b", state="adjudicated")
    with reading(base.engine) as session:
        assert training.label_counts(session, base.project_id) == {"a": 2, "b": 2, "c": 1}


# --- the threshold


def test_threshold_counts_from_the_last_run(base: Base) -> None:
    base.decided(19)
    with base.writing() as session:
        assert training.due_by_threshold(session, base.project_id, NOON) is None
    assert project_of(base).trained_count == 0
    base.decided(1)
    with base.writing() as session:
        run = training.due_by_threshold(session, base.project_id, NOON)
    assert run is not None
    assert run.trigger == "threshold"
    assert project_of(base).trained_count == 20
    with base.writing() as session:
        training_runs.finish_run(session, base.start(run.id), NOON)
    base.decided(19)
    with base.writing() as session:
        assert training.due_by_threshold(session, base.project_id, NOON) is None


def test_threshold_that_cannot_train_yet_is_kept(base: Base) -> None:
    base.decide(base.items([f"text {number}" for number in range(25)]), lambda place: "a")
    with base.writing() as session:
        assert training.due_by_threshold(session, base.project_id, NOON) is None
    assert (project_of(base).trained_count, base.jobs()) == (0, [])
    base.decide(base.items(["another"]), lambda place: "b")
    with base.writing() as session:
        assert training.due_by_threshold(session, base.project_id, NOON) is not None


def test_threshold_of_zero_is_off(base: Base) -> None:
    base.decided(40)
    with base.writing() as session:
        session.get_one(Project, base.project_id).retrain_threshold = 0
    with base.writing() as session:
        assert training.due_by_threshold(session, base.project_id, NOON) is None


def test_threshold_waits_for_the_run_that_is_on_its_way(base: Base) -> None:
    base.decided(30)
    run = base.run("running")
    with base.writing() as session:
        assert training.due_by_threshold(session, base.project_id, NOON) is None
    assert project_of(base).trained_count == 0
    with base.writing() as session:
        assert training_runs.finish_run(session, run.id, NOON)
        assert training.due_by_threshold(session, base.project_id, NOON) is not None


@pytest.mark.parametrize("by", ["threshold", "button"])
def test_eight_schedulers_start_exactly_one_run(base: Base, by: str) -> None:
    base.decided(30)

    def act() -> TrainingRun | None:
        with base.writing() as session:
            if by == "button":
                return training.request_training(session, base.project_id, "button", NOON)
            return training.due_by_threshold(session, base.project_id, NOON)

    assert sum(run is not None for run in at_once(8, act)) == 1
    with reading(base.engine) as session:
        assert session.scalar(select(func.count()).select_from(TrainingRun)) == 1
    assert len(base.jobs()) == 1


# --- cron


def cron(base: Base, hours: float) -> TrainingRun | None:
    with base.writing() as session:
        project = session.get_one(Project, base.project_id)
        return training.due_by_cron(session, project, NOON + timedelta(hours=hours))


def test_cron_fires_once_and_only_with_new_labels(base: Base) -> None:
    base.decided(12)
    assert cron(base, 14.9) is None
    assert project_of(base).cron_checked_at == NOON
    run = cron(base, 15.1)
    assert run is not None
    assert (run.trigger, project_of(base).cron_checked_at) == ("cron", NOON + timedelta(hours=15.1))
    with base.writing() as session:
        assert training_runs.finish_run(session, base.start(run.id), NOON)
    assert cron(base, 15.2) is None
    assert cron(base, 40) is None
    assert project_of(base).cron_checked_at == NOON + timedelta(hours=40)
    base.decided(1)
    assert cron(base, 64) is not None


def test_two_ticks_at_once_start_one_run(base: Base) -> None:
    base.decided(12)
    assert sum(run is not None for run in at_once(4, lambda: cron(base, 24))) == 1


@pytest.mark.parametrize("expression", ["", "every night", "61 * * * *"])
def test_cron_that_is_off_or_unreadable_never_fires(base: Base, expression: str) -> None:
    base.decided(12)
    with base.writing() as session:
        session.get_one(Project, base.project_id).retrain_cron = expression
    assert cron(base, 1000) is None


# --- a run and its steps


def start(base: Base, run_id: int, seconds: float = 0) -> bool:
    with base.writing() as session:
        return training_runs.start_run(session, run_id, NOON + timedelta(seconds=seconds))


def test_a_run_is_claimed_once_until_it_goes_silent(base: Base) -> None:
    run = base.run("due")
    assert start(base, run.id)
    assert not start(base, run.id, 30)
    with base.writing() as session:
        training_runs.beat(session, run.id, NOON + timedelta(seconds=30))
    assert not start(base, run.id, 69)
    assert start(base, run.id, 71)
    assert base.stored(run.id).attempts == 2


def test_a_run_that_cannot_be_claimed_is_looked_at_again(base: Base) -> None:
    run = base.run("due")
    assert training_runs.retry_effect(run) is None
    assert start(base, run.id)
    again = training_runs.retry_effect(base.stored(run.id))
    assert again is not None
    assert again.at == NOON + training_runs.STALE
    assert again.job_id == f"retrain-{base.project_id}-{run.id}-1"


def test_a_released_run_is_claimed_at_once_but_not_a_fourth_time(base: Base) -> None:
    run = base.run("due")
    for attempt in (1, 2, 3):
        assert start(base, run.id)
        with base.writing() as session:
            training_runs.release_run(session, run.id, attempt, NOON)
    assert not start(base, run.id)
    assert (base.stored(run.id).state, base.stored(run.id).error_code) == ("failed", "training_gave_up")
    expected = {"project_id": base.project_id, "code": "training_gave_up", "params": {"attempts": 3}}
    assert messages(base) == [("training_failed", expected)]


def test_release_leaves_the_claim_of_another_process_alone(base: Base) -> None:
    run = base.run("due")
    assert start(base, run.id)
    assert start(base, run.id, 60)
    with base.writing() as session:
        training_runs.release_run(session, run.id, 1, NOON)
    assert base.stored(run.id).state == "running"


def test_a_run_ends_once(base: Base) -> None:
    run = base.run("running")
    with base.writing() as session:
        assert training_runs.finish_run(session, run.id, NOON)
    with base.writing() as session:
        assert not training_runs.finish_run(session, run.id, NOON)
        assert not training_runs.fail_run(session, run.id, "settings", {}, NOON)
    assert (base.stored(run.id).state, messages(base)) == ("done", [])


def test_the_sweep_sees_due_and_silent_runs(base: Base) -> None:
    run = base.run("due")
    job_id = f"retrain-{base.project_id}-{run.id}"

    def swept(seconds: float) -> list[str]:
        with reading(base.engine) as session:
            return [job.job_id for job in training_runs.unfinished_runs(session, NOON + timedelta(seconds=seconds))]

    assert swept(0) == [job_id]
    assert start(base, run.id)
    assert swept(10) == []
    assert swept(50) == [job_id]
    with base.writing() as session:
        training_runs.finish_run(session, run.id, NOON)
    assert swept(1000) == []


# --- promotion


def metrics(promote: bool, champion: dict[str, Any] | None = None, accuracy: float = 0.5) -> dict[str, Any]:
    """What a run measures, as far as promotion reads it."""
    gate: dict[str, Any] = {"promote": promote, "reason": "gate_better" if promote else "held_worse", "params": {}}
    return {"holdout": {"accuracy": accuracy}, "champion": champion, "gate": gate}


def promote(base: Base, measured: dict[str, Any]) -> tuple[bool, ModelVersion]:
    run = base.run()
    with base.writing() as session:
        training_runs.finish_run(session, run.id, NOON)
        version = champions.add_version(
            session, run, base_model="tiny", artifact="a/b", snapshot_hash="0" * 64, metrics=measured, now=NOON
        )
        return champions.promote_if_better(session, run, version, NOON), version


def states(base: Base) -> list[str]:
    with reading(base.engine) as session:
        return [version.state for version in champions.models(session, base.project_id)]


def test_what_the_gate_let_through_is_the_champion_and_speaks_on_all_open_items(base: Base) -> None:
    assert promote(base, metrics(False))[0] is False
    assert (states(base), base.jobs()) == (["held"], [])
    promoted, version = promote(base, metrics(True, accuracy=0.41))
    assert promoted
    assert (states(base), version.number) == (["held", "champion"], 2)
    job = base.jobs()[0]
    assert (job.function, job.args, job.job_id) == (PRELABEL, (version.id,), f"prelabel-{base.project_id}-{version.id}")
    expected = {
        "project_id": base.project_id,
        "version": 2,
        "accuracy": 0.41,
        "champion_accuracy": None,
        "promoted": True,
        "picture": "",
    }
    assert messages(base)[1] == ("training_done", expected)


@pytest.mark.parametrize("wins", [True, False])
def test_a_challenger_takes_over_only_through_the_gate(base: Base, wins: bool) -> None:
    _, first = promote(base, metrics(True))
    promoted, _ = promote(base, metrics(wins, {"version_id": first.id, "number": 1, "accuracy": 0.4}))
    assert promoted is wins
    assert states(base) == (["retired", "champion"] if wins else ["champion", "held"])
    with reading(base.engine) as session:
        reigning = champions.champion(session, base.project_id)
    assert reigning is not None
    assert reigning.number == (2 if wins else 1)


def test_a_challenger_that_never_met_the_champion_is_held(base: Base) -> None:
    promote(base, metrics(True))
    promoted, version = promote(base, metrics(True, accuracy=0.9))
    assert not promoted
    assert version.metrics["gate"]["reason"] == "held_replaced"


def test_labels_that_a_version_could_not_know(base: Base) -> None:
    ids = base.decided(6)
    with base.writing() as session:
        for place, item_id in enumerate(ids):
            moment = NOON + timedelta(hours=place - 3) if place < 5 else None
            session.get_one(Item, item_id).trained_at = moment
    version = base.version(base.run("done"))
    with reading(base.engine) as session:
        known = champions.unseen_labels(session, version)
        assert known == {session.get_one(Item, ids[4]).public_id}


def test_nothing_is_recorded_by_a_transaction_that_fails(base: Base) -> None:
    base.decided(12)

    def fail(session: Session) -> None:
        training.request_training(session, base.project_id, "button", NOON)
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"), base.writing() as session:
        fail(session)
    assert base.jobs() == []
    with reading(base.engine) as session:
        assert training_runs.unfinished_run(session, base.project_id) is None
