"""Whose turn it is, and that each trigger starts exactly one run while two schedulers are alive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from rq.scheduler import RQScheduler
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core import training, training_runs
from core.clock import now
from core.db import reading
from core.drift_watch import Drift, note_drift
from core.effects import EnqueueJob
from core.models import ModelVersion, OutboxMessage, Project, TrainingRun
from core.queue import ASSIGNMENTS, QUEUES, REESTIMATE, TRAINING, enqueue, fetch, queue
from core.runtime import Runtime
from core.schedule import Schedule, timed_jobs
from tests.integration.trainer_fixtures import NOON, Base
from trainer import jobs as trainer_jobs

# --- absolute and relative


@pytest.mark.parametrize(
    ("growth", "more", "due"), [(0.2, 39, False), (0.2, 40, True), (0.0, 20, True), (1.0, 40, False)]
)
def test_the_threshold_grows_with_the_labels(base: Base, growth: float, more: int, due: bool) -> None:
    base.decided(200 + more)
    with base.writing() as session:
        project = session.get_one(Project, base.project_id)
        project.trained_count, project.learning = 200, {"retrain_growth": growth}
    with base.writing() as session:
        assert (training.due_by_threshold(session, base.project_id, NOON) is not None) is due


# --- whose turn it is


def claimed(base: Base, run_id: int, seconds: float) -> int | None:
    with base.writing() as session:
        run = training_runs.claim(session, run_id, NOON + timedelta(seconds=seconds))
        return None if run is None else run.project_id


def test_projects_take_turns_however_often_one_of_them_is_due(engine: Engine) -> None:
    busy, quiet, fresh = Base(engine), Base(engine), Base(engine)
    for base, minutes in ((quiet, 50), (busy, 10)):
        run = base.run("done")
        with base.writing() as session:
            session.get_one(TrainingRun, run.id).started_at = NOON - timedelta(minutes=minutes)
    tickets = [base.run("due").id for base in (busy, quiet, fresh)]
    order = []
    for second, ticket in enumerate(tickets):
        project_id = claimed(busy, ticket, second)
        order.append(project_id)
        with busy.writing() as session:
            run = session.scalars(select(TrainingRun).where(TrainingRun.state == "running")).one()
            assert training_runs.finish_run(session, run.id, NOON + timedelta(seconds=second))
        busy.run("due") if project_id == busy.project_id else None
    assert order == [fresh.project_id, quiet.project_id, busy.project_id]
    assert claimed(busy, tickets[0], 9) == busy.project_id, "alone, it is its turn again"


def test_a_ticket_carries_on_with_its_own_run_where_that_went_silent(engine: Engine) -> None:
    mine, other = Base(engine), Base(engine)
    run = mine.run("due")
    assert claimed(mine, run.id, 0) == mine.project_id
    other.run("due")
    assert claimed(mine, run.id, 60) == mine.project_id
    assert claimed(mine, run.id, 61) == other.project_id
    assert claimed(mine, run.id, 62) is None


def test_two_trainers_at_once_claim_two_different_runs(engine: Engine) -> None:
    bases = [Base(engine), Base(engine)]
    tickets = [base.run("due").id for base in bases]
    found: list[int | None] = []
    _at_once([lambda ticket=ticket: found.append(claimed(bases[0], ticket, 0)) for ticket in tickets])  # type: ignore[misc]
    assert sorted(str(project_id) for project_id in found) == sorted(str(base.project_id) for base in bases)


# --- two schedulers


@pytest.fixture
def runs(runtime: Runtime, base: Base, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The runs that a trainer carried out, which here takes no time."""
    carried: list[int] = []

    def carry_out(
        runtime: Runtime, run: TrainingRun, _settings: Any, _limits: Any, end: Callable[[Session], None]
    ) -> None:
        carried.append(run.id)
        with runtime.writing() as session:
            end(session)
            assert training_runs.finish_run(session, run.id, now())

    monkeypatch.setattr("trainer.cycle.carry_out", carry_out)
    monkeypatch.setattr("core.jobs.process_runtime", lambda: runtime)
    monkeypatch.setattr(trainer_jobs, "process_runtime", lambda: runtime)
    return carried


def _at_once(acts: list[Callable[[], object]]) -> None:
    barrier, faults = threading.Barrier(len(acts)), list[BaseException]()

    def work(act: Callable[[], object]) -> None:
        barrier.wait(10)
        try:
            act()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []


def work_off(redis: Redis, name: str) -> None:
    """Carry out the jobs that wait in a queue, as a worker would."""
    while isinstance(job_id := redis.lpop(queue(name, redis).key), bytes):
        job = fetch(redis, job_id.decode())
        job.perform()
        job.delete()


class Alive:
    """Two schedulers, both of which believe that they are the one that works, and two workers."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        timed = [timed_jobs(), timed_jobs()]
        self.schedules = [Schedule(redis, jobs) for jobs in timed]
        # Their clocks differ by a minute, so that no id of a job hides that both have asked.
        for jobs, behind in zip(timed, (1, 61), strict=True):
            for job in jobs:
                job.next_enqueue_time = now() - timedelta(seconds=behind)

    def turn(self) -> None:
        """Each scheduler steps as the leader, then everything that waits is worked off."""
        for schedule in self.schedules:
            schedule.step()
            assert schedule.is_leader
            for name in QUEUES:
                self.redis.delete(RQScheduler.get_locking_key(name))  # as if this one had slept too long
        for name in (ASSIGNMENTS, TRAINING):
            _at_once([lambda name=name: work_off(self.redis, name)] * 2)  # type: ignore[misc]


def cron(base: Base, _redis: Redis) -> None:
    with base.writing() as session:
        project = session.get_one(Project, base.project_id)
        project.retrain_cron, project.cron_checked_at = "* * * * *", now() - timedelta(days=1)
        project.retrain_threshold = 0


def threshold(base: Base, redis: Redis) -> None:
    for number in range(2):
        job_id = f"reestimate-{base.project_id}-{number}"
        assert enqueue(redis, EnqueueJob(ASSIGNMENTS, REESTIMATE, (base.project_id,), job_id))


def button(base: Base, redis: Redis) -> None:
    started: list[TrainingRun] = []

    def tap() -> None:
        with base.writing() as session:
            run = training.request_training(session, base.project_id, "button", now(), base.worker_id)
        started.extend([run] if run else [])

    _at_once([tap, tap])
    for effect in base.jobs():
        enqueue(redis, effect)
    assert len(started) == 1


def drift(base: Base, redis: Redis) -> None:
    version = base.version(base.run("done"))
    with base.writing() as session:
        session.get_one(ModelVersion, version.id).promoted_at = NOON
    seen, noted = Drift(version.id, 0.5, 0.8, 100), list[bool]()

    def note() -> None:
        with base.writing() as session:
            noted.append(note_drift(session, base.project_id, seen, now()))

    _at_once([note, note])
    for effect in base.jobs():
        enqueue(redis, effect)
    assert sorted(noted) == [False, True]
    with reading(base.engine) as session:
        told = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "model_drifted")).one()
    assert told.params["training"] is True


@pytest.mark.parametrize("trigger", [cron, threshold, button, drift], ids=lambda act: act.__name__)
def test_each_trigger_starts_exactly_one_run_with_two_schedulers_alive(
    base: Base, runs: list[int], redis: Redis, trigger: Callable[[Base, Redis], None]
) -> None:
    base.decided(30)
    trigger(base, redis)
    alive = Alive(redis)
    alive.turn()
    alive.turn()
    with reading(base.engine) as session:
        made = session.scalars(select(TrainingRun).where(TrainingRun.trigger == trigger.__name__)).all()
        finished = [run.id for run in made if run.label_count]
        assert [(run.state, run.attempts) for run in made if run.label_count] == [("done", 1)]
    assert runs == finished
