"""The range of answers changes at random under people's taps, and every count stays exact."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core import changes
from core.assignment import expire_leases
from core.errors import Conflict, Refused
from core.leases import active_lease
from core.models import Assignment, Project
from core.runtime import Runtime
from tests.answering import put_down, undo_answer
from tests.factories import items_of
from tests.integration.changes.job import Job

RANGES = [(1, 1), (1, 3), (2, 2), (2, 4), (3, 3), (3, 5), (1, 6), (4, 6)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_invariants_hold_while_the_range_changes_under_taps(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(changes, "CHUNK", 3)
    job = Job(runtime, items=10, workers=7, seed=seed, min_overlap=2, max_overlap=4)

    def tap(_effects: object = None) -> None:
        worker = job.random.choice(job.workers)
        act = job.random.choices([answer, leave, take_back, late], [10, 2, 2, 1])[0]
        try:
            act(worker)
        except (Conflict, Refused):
            return
        finally:
            job.check()

    def answer(worker: int) -> None:
        job.clock.forward(1)
        if job.random.random() < 0.3:
            job.next(worker)
        else:
            job.answer(worker, job.random.choice("aaabc"))

    def leave(worker: int) -> None:
        with job.runtime.writing() as session:
            lease = active_lease(session, worker, job.id)
            if lease is not None:
                put_down(session, worker, lease, job.clock())

    def take_back(worker: int) -> None:
        with job.runtime.writing() as session:
            given = select(Assignment).where(Assignment.worker_id == worker, Assignment.state == "submitted")
            last = session.scalars(given.order_by(Assignment.id.desc())).first()
            if last is not None:
                undo_answer(session, worker, last, job.clock())
        if last is not None:
            job.journal.pop((worker, last.item_id))

    def late(_worker: int) -> None:
        with job.runtime.writing() as session:
            expire_leases(session, job.id, job.clock.forward(700))

    for _ in range(12):
        for _ in range(job.random.randrange(12)):
            tap()
        job.overlap(*job.random.choice(RANGES))
        tap()
        if job.random.random() < 0.8:
            job.follow(tap)
            job.check()
    job.follow()
    with runtime.reading() as session:
        project = session.get_one(Project, job.id)
        for item in items_of(session, job.id):
            if item.state == "agreed":
                assert item.submitted >= project.min_overlap
            if item.state == "open":
                in_hand = item.submitted + item.leased
                assert item.overlap <= max(project.max_overlap, in_hand)
                assert item.overlap >= project.min_overlap
