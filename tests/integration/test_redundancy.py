"""Exact redundancy under thousands of random events: rows, counters and Redis agree after each of them."""

from __future__ import annotations

import random
from datetime import datetime

import pytest
from redis import Redis
from rq.registry import ScheduledJobRegistry
from sqlalchemy import Engine, select

from core import jobs
from core.adjudication import adjudicate
from core.answers import last_answer
from core.assignment import next_assignment, release_leases
from core.config import Settings
from core.disputes import next_dispute
from core.due import offer_effect
from core.effects import add_effect
from core.enrolment import ensure_workspace
from core.errors import Conflict, Refused
from core.labeling import skip, submit
from core.leases import active_lease
from core.models import Annotation, Assignment, Membership, Project
from core.offers import offer_work
from core.queue import ASSIGNMENTS, fetch, queue
from core.reestimation import reestimate
from core.runtime import Runtime
from core.sweep import sweep_project, sweep_rest
from tests.answering import put_down, undo_answer
from tests.factories import FakeClock, add_items, make_member, make_project, make_runtime
from tests.invariants import check_redundancy, uncovered

EVENTS = 350
SURFACE = "web"


class Crowd:
    """Simulated people with a journal of what was acknowledged to them, and the RQ workers beside them."""

    def __init__(self, runtime: Runtime, clock: FakeClock, seed: int) -> None:
        self.runtime = runtime
        self.clock = clock
        self.random = random.Random(seed)
        self.journal: dict[tuple[int, int], str] = {}
        self.old_taps: list[tuple[int, str, int]] = []
        with runtime.writing() as session:
            self.expert = make_member(session, "Eve", "expert").id
            self.workers = [make_member(session, f"w{number}").id for number in range(7)]
            project = make_project(
                session, [f"text {number}" for number in range(12)], ("A", "B", "C"), min_overlap=2, max_overlap=4
            )
            add_effect(session, offer_effect(project.id, clock()))
            self.project_id, self.workspace_id = project.id, project.workspace_id

    def step(self) -> None:
        """One random event."""
        self.clock.forward(self.random.choice([0.1, 0.5, 2, 7]))
        actions = [
            (40, self.answer),
            (12, self.skip),
            (8, self.undo),
            (8, self.old_tap),
            (8, self.next),
            (4, self.pause),
            (3, self.long_pause),
            (3, self.settle),
            (2, self.more_items),
            (2, self.reestimate),
            (2, self.resume),
        ]
        action = self.random.choices([act for _, act in actions], [weight for weight, _ in actions])[0]
        action()
        self.run_due_jobs()

    def someone(self) -> int:
        return self.random.choice(self.workers)

    def next(self) -> None:
        worker = self.someone()
        with self.runtime.writing() as session:
            if self.is_active(session, worker):
                next_assignment(session, session.get_one(Project, self.project_id), worker, SURFACE, self.clock())

    def is_active(self, session: object, worker: int) -> bool:
        found = session.scalars(select(Membership.status).where(Membership.worker_id == worker)).one()  # type: ignore[attr-defined]
        return bool(found == "active")

    def answer(self) -> None:
        worker = self.someone()
        with self.runtime.reading() as session:
            lease = active_lease(session, worker, self.project_id)
        if lease is None:
            self.next()
            return
        label = self.random.choice("aaab" if lease.item_id % 2 else "abc")
        self.tap(worker, lease.public_id, label, lease.version)

    def tap(self, worker: int, public_id: str, label: str, version: int) -> None:
        try:
            with self.runtime.writing() as session:
                submit(
                    session,
                    worker_id=worker,
                    assignment_public_id=public_id,
                    label_id=label,
                    version=version,
                    now=self.clock(),
                )
                next_assignment(session, session.get_one(Project, self.project_id), worker, SURFACE, self.clock())
                item = session.scalars(select(Assignment.item_id).where(Assignment.public_id == public_id)).one()
        except (Conflict, Refused):
            return
        self.journal[(worker, item)] = label
        self.old_taps.append((worker, public_id, version))

    def old_tap(self) -> None:
        """A tap that is repeated, comes from somebody else, or long after its lease."""
        with self.runtime.reading() as session:
            known = [
                (row.worker_id, row.public_id, row.version)
                for row in session.scalars(select(Assignment).order_by(Assignment.id.desc()).limit(30))
            ]
        if known:
            worker, public_id, version = self.random.choice(known)
            self.tap(self.random.choice([worker, worker, self.someone()]), public_id, "b", version)

    def skip(self) -> None:
        worker = self.someone()
        with self.runtime.writing() as session:
            lease = active_lease(session, worker, self.project_id)
            if lease is not None:
                put_down(session, worker, lease, self.clock())
                next_assignment(session, session.get_one(Project, self.project_id), worker, SURFACE, self.clock())

    def undo(self) -> None:
        worker = self.someone()
        try:
            with self.runtime.writing() as session:
                last = last_answer(session, worker, self.workspace_id)
                if last is None or not self.is_active(session, worker):
                    return
                assignment = session.get_one(Assignment, last.assignment_id)
                undo_answer(session, worker, assignment, self.clock())
                item = last.item_id
        except Conflict:
            return
        self.journal.pop((worker, item), None)

    def pause(self) -> None:
        worker = self.someone()
        with self.runtime.writing() as session:
            release_leases(session, worker, self.clock())
            membership = session.scalars(select(Membership).where(Membership.worker_id == worker)).one()
            membership.status = "paused"

    def resume(self) -> None:
        with self.runtime.writing() as session:
            for membership in session.scalars(select(Membership).where(Membership.status == "paused")):
                membership.status = "active"

    def long_pause(self) -> None:
        """Everybody is away until leases have run out."""
        self.clock.forward(self.random.choice([601, 650, 1300]))

    def settle(self) -> None:
        with self.runtime.writing() as session:
            dispute = next_dispute(session, self.workspace_id, self.expert, self.clock())
            if dispute is not None:
                adjudicate(
                    session,
                    workspace_id=self.workspace_id,
                    worker_id=self.expert,
                    item_public_id=dispute.item_public_id,
                    label_id="a",
                    now=self.clock(),
                )

    def more_items(self) -> None:
        with self.runtime.writing() as session:
            project = session.get_one(Project, self.project_id)
            number = self.random.randrange(10**9)
            add_items(session, project, [f"more {number}", f"more {number + 1}"], self.clock())
            add_effect(session, offer_effect(project.id, self.clock()))

    def reestimate(self) -> None:
        reestimate(self.runtime.engine, self.project_id, self.runtime.run_effects, self.clock)

    def run_due_jobs(self) -> None:
        """What RQ's scheduler and workers would do by now."""
        registry = ScheduledJobRegistry(queue=queue(ASSIGNMENTS, self.runtime.redis))
        for job_id in registry.get_jobs_to_schedule(int(self.clock().timestamp())):
            job = fetch(self.runtime.redis, job_id)
            registry.remove(job)
            job.delete()
            self.run_job(job_id.split("-")[0], self.clock())

    def run_job(self, kind: str, now: datetime) -> None:
        if kind == "expire":
            jobs.expire_leases_of(self.runtime, self.project_id, lambda: now)
        elif kind == "offer":
            with self.runtime.writing() as session:
                offer_work(session, self.project_id, now)
        elif kind == "reestimate":
            self.reestimate()

    def check(self) -> None:
        """All invariants, and the journal."""
        with self.runtime.reading() as session:
            check_redundancy(session)
            missing = uncovered(session, self.runtime.redis, self.clock())
            assert not missing, missing
            rows = session.execute(
                select(Annotation.worker_id, Annotation.item_id, Annotation.label_id).where(
                    Annotation.state.in_(("counted", "surplus"))
                )
            )
            assert {(worker, item): label for worker, item, label in rows} == self.journal


@pytest.mark.parametrize("seed", [1, 2])
def test_invariants_hold_after_every_event(engine: Engine, redis: Redis, settings: Settings, seed: int) -> None:
    crowd = Crowd(make_runtime(settings, engine, redis), FakeClock(), seed)
    for _ in range(EVENTS):
        crowd.step()
        crowd.check()
    assert len(crowd.journal) > 20


def test_the_sweep_rebuilds_an_emptied_redis(engine: Engine, redis: Redis, settings: Settings) -> None:
    crowd = Crowd(make_runtime(settings, engine, redis), FakeClock(), 3)
    for _ in range(60):
        crowd.step()
    redis.flushall()
    with crowd.runtime.writing() as session:
        sweep_project(session, session.get_one(Project, crowd.project_id), crowd.clock())
        sweep_rest(session, crowd.clock())
    crowd.check()


def test_an_idle_worker_and_a_returned_slot_make_an_offer(engine: Engine, redis: Redis, settings: Settings) -> None:
    runtime, clock = make_runtime(settings, engine, redis), FakeClock()
    with runtime.writing() as session:
        busy, idle = make_member(session, "Busy"), make_member(session, "Idle")
        project = make_project(session, ["only one"], min_overlap=1, max_overlap=2)
        lease = next_assignment(session, project, busy.id, SURFACE, clock())
        assert lease is not None
        assert next_assignment(session, project, idle.id, SURFACE, clock()) is None
        ensure_workspace(session, clock())
    with runtime.writing() as session:
        skip(
            session,
            worker_id=busy.id,
            assignment_public_id=lease.public_id,
            version=1,
            now=clock.forward(1),
        )
    with runtime.reading() as session:
        assert uncovered(session, redis, clock()) == []
    with runtime.writing() as session:
        assert offer_work(session, project.id, clock.forward(15)) == 1
    redis.flushall()
    with runtime.reading() as session:
        assert uncovered(session, redis, clock()) == [], "the worker has an unanswered offer, and is not idle"
