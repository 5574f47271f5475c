"""Work that somebody could do always reaches them: offers, sweeps and the memory of what was enqueued."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from redis import Redis
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from core import jobs
from core.assignment import expire_leases, next_assignment
from core.clock import bucket, bucket_end
from core.config import Settings
from core.db import unit_of_work
from core.effects import Effect, EnqueueJob
from core.labeling import skip
from core.models import Identity, OutboxMessage, Participation, Project
from core.offers import OFFERS_PER_RUN, idle_workers, offer_work
from core.queue import ASSIGNMENTS, OFFER, EffectRunner, is_covered
from tests.factories import START, FakeClock, add_items, make_member, make_project, make_runtime
from tests.invariants import uncovered


def test_people_who_have_done_it_all_do_not_hide_those_who_have_not(engine: Engine, effects: list[Effect]) -> None:
    with unit_of_work(engine, effects.extend) as session:
        project = make_project(session, ["only"], min_overlap=1)
        for number in range(OFFERS_PER_RUN + 5):
            worker_id = make_member(session, f"w{number}").id
            lease = next_assignment(session, project, worker_id, "web", START)
            assert lease is not None
            skip(session, worker_id=worker_id, assignment_public_id=lease.public_id, version=1, now=START)
            assert next_assignment(session, project, worker_id, "web", START) is None
        fresh = make_member(session, "Fresh").id
    effects.clear()
    with unit_of_work(engine, effects.extend) as session:
        offer_work(session, project.id, START)
    [further] = [effect for effect in effects if isinstance(effect, EnqueueJob) and effect.at is None]
    with unit_of_work(engine, effects.extend) as session:
        offer_work(session, project.id, START, int(further.args[1]))
    with unit_of_work(engine, effects.extend) as session:
        assert session.scalars(select(OutboxMessage.worker_id)).all() == [fresh]


def test_people_with_an_offer_elsewhere_do_not_hide_those_without(engine: Engine, effects: list[Effect]) -> None:
    with unit_of_work(engine, effects.extend) as session:
        first, second = make_project(session, ["one"]), make_project(session, ["two"])
        busy = make_member(session, "Busy").id
        free = make_member(session, "Free").id
        session.add(
            Participation(
                worker_id=busy, project_id=first.id, pseudonym="p", state="offered", offered_at=START, created_at=START
            )
        )
        session.flush()
        assert idle_workers(session, second, 1) == [free]


def test_nobody_is_offered_work_of_a_workspace_where_they_do_not_act(engine: Engine, effects: list[Effect]) -> None:
    with unit_of_work(engine, effects.extend) as session:
        project = make_project(session, ["one"])
        ann = make_member(session).id
        session.execute(update(Identity).where(Identity.worker_id == ann).values(workspace_id=None))
        assert idle_workers(session, project, 10) == []


def test_who_let_a_lease_go_by_is_left_in_peace_in_all_jobs(engine: Engine, redis: Redis, settings: Settings) -> None:
    runtime, clock = make_runtime(settings, engine, redis), FakeClock()
    with runtime.writing() as session:
        first, second = make_project(session, [], min_overlap=1), make_project(session, ["two"], min_overlap=1)
        ann = make_member(session).id
        assert next_assignment(session, first, ann, "web", clock()) is None
        assert next_assignment(session, second, ann, "web", clock()) is not None
    with runtime.writing() as session:
        add_items(session, session.get_one(Project, first.id), ["late"], clock())
        assert offer_work(session, first.id, clock()) == 0, "they are busy"
    redis.flushall()
    runtime = make_runtime(settings, engine, redis)
    with runtime.writing() as session:
        expire_leases(session, second.id, clock.forward(601))
    with runtime.reading() as session:
        assert uncovered(session, redis, clock()) == []


def test_leases_of_a_closed_job_are_swept_too(
    engine: Engine, redis: Redis, settings: Settings, monkeypatch: Any
) -> None:
    runtime = make_runtime(settings, engine, redis)
    monkeypatch.setattr(jobs, "process_runtime", lambda: runtime)
    monkeypatch.setattr(jobs, "now", lambda: START)
    with runtime.writing() as session:
        project = make_project(session, ["one"])
        lease = next_assignment(session, project, make_member(session).id, "web", START)
        assert lease is not None
        project.state = "closed"
    redis.flushall()
    jobs.sweep()
    assert is_covered(redis, f"expire-{project.id}-{bucket(lease.expires_at)}")


def test_what_is_due_already_is_enqueued_again_whatever_was_remembered(redis: Redis) -> None:
    runner = EffectRunner(redis)
    at = bucket_end(bucket(START))
    job = EnqueueJob(ASSIGNMENTS, OFFER, (1,), "offer-1-1", at)
    runner([job])
    redis.flushall()  # it ran, and is gone
    runner([job])
    assert is_covered(redis, "offer-1-1"), "the commit came after the bucket had ended"


def test_the_end_of_many_leases_asks_for_offers_that_are_not_over(
    engine: Engine, redis: Redis, settings: Settings, monkeypatch: Any
) -> None:
    runtime, clock = make_runtime(settings, engine, redis), FakeClock()
    with runtime.writing() as session:
        project = make_project(session, [str(number) for number in range(4)], min_overlap=1)
        for number in range(4):
            next_assignment(session, project, make_member(session, f"w{number}").id, "web", clock())
    monkeypatch.setattr(jobs, "EXPIRE_CHUNK", 1)
    moments: list[datetime] = []

    def slow(session: Session, project_id: int, moment: datetime, limit: int) -> int:
        moments.append(moment)
        clock.forward(30)
        return expire_leases(session, project_id, moment, limit)

    monkeypatch.setattr(jobs, "expire_leases", slow)
    clock.forward(700)
    assert jobs.expire_leases_of(runtime, project.id, clock) == 4
    assert moments == sorted(set(moments)), "each chunk has its own"
