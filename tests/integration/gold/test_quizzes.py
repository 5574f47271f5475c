"""What a quiz decides, and what it does not: nobody passes what was not asked, and nothing of it counts afterwards."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from core.answered import read_answers
from core.assignment import expire_leases
from core.labeling import skip
from core.leases import Lease
from core.models import Batch, Gold, Item, Project, Skill
from core.qualification import begin, pass_by_hand
from core.reestimation import read_snapshot
from core.standing import change_standing
from tests.answering import undo_answer
from tests.integration.gold.job import GoldJob


def starts(job: GoldJob, worker_id: int) -> Lease | None:
    """They tap Start; returns what they get."""
    with job.writing() as session:
        begin(session, session.get_one(Project, job.project_id), worker_id, job.clock.forward(1))
    return job.next(worker_id)


def takes_quiz(job: GoldJob, worker_id: int, *, right: bool) -> list[int]:
    """They take a whole quiz; returns the items of it."""
    lease, asked = starts(job, worker_id), []
    while lease is not None and job.standing(worker_id).qualification == "quiz":
        asked.append(lease.item_id)
        job.answer(worker_id, lease, job.right(lease) if right else job.wrong(lease))
        lease = job.next(worker_id)
    return asked


def has_skill(job: GoldJob, worker_id: int) -> bool:
    with job.writing() as session:
        return session.get(Skill, (worker_id, job.project_id)) is not None


def teaching(job: GoldJob, worker_id: int) -> tuple[int, int]:
    """How many answers of somebody estimates learn from, and how many the filters see."""
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        snapshot, answered = read_snapshot(session, project), read_answers(session, project)
    learnt = [] if snapshot is None else [snapshot.worker_ids[worker] for worker in snapshot.workers]
    seen = [] if answered is None else [answered.worker_ids[worker] for worker in answered.log.workers]
    return learnt.count(worker_id), seen.count(worker_id)


def test_known_items_that_wait_for_the_end_of_a_pilot_check_its_people(job: GoldJob) -> None:
    with job.writing() as session:
        known = select(Item.batch_id).where(Item.purpose == "gold")
        session.execute(update(Batch).where(Batch.id.in_(known)).values(state="held"))
    ann, bob = job.person(), job.person("Bob")
    assert job.purpose(job.known_lease(ann)) == "gold"
    job.change(quiz=1)
    asked = starts(job, bob)
    assert asked is not None
    assert job.purpose(asked) == "gold"


def test_who_was_let_in_because_nothing_was_there_is_asked_as_soon_as_there_is_something(job: GoldJob) -> None:
    job.change(quiz=2)
    with job.writing() as session:
        session.execute(update(Gold).values(state="retired"))
    ann = job.person()
    first = job.next(ann)
    assert first is not None
    assert job.purpose(first) == "label", "nobody waits for a quiz that cannot be asked"
    job.answer(ann, first)
    held = job.next(ann)
    assert held is not None
    with job.writing() as session:
        session.execute(update(Gold).values(state="active"))
    job.answer(ann, held)
    assert job.next(ann) is None, "now they are asked first"
    asked = starts(job, ann)
    assert asked is not None
    assert job.purpose(asked) == "gold"


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_quiz_of_no_answers_that_was_passed_is_asked_after_all(job: GoldJob, by_hand: bool) -> None:
    job.change(quiz=2)
    ann = job.person()
    starts(job, ann)
    with job.writing() as session:
        moment = job.clock.forward(1)
        change_standing(session, ann, job.project_id, qualification="passed", qualified_at=moment)
        if by_hand:
            pass_by_hand(session, session.get_one(Project, job.project_id), ann, moment)
    job.expire()
    with job.writing() as session:
        expire_leases(session, job.project_id, job.clock())
    lease = job.next(ann)
    if by_hand:
        assert lease is not None
        assert job.purpose(lease) == "label", "a coordinator's word holds"
    else:
        assert lease is None
        assert takes_quiz(job, ann, right=True)
        assert job.standing(ann).qualification == "passed"


def test_passing_over_every_item_is_no_way_around_a_quiz(job: GoldJob) -> None:
    job.change(quiz=2)
    ann = job.person()
    lease = starts(job, ann)
    while lease is not None:
        with job.writing() as session:
            public_id, version = lease.public_id, lease.version
            skip(session, worker_id=ann, assignment_public_id=public_id, version=version, now=job.clock.forward(5))
        lease = job.next(ann)
    assert job.standing(ann).qualification == "failed"


def test_a_failed_attempt_does_not_count_against_who_passes_later(job: GoldJob) -> None:
    job.change(quiz=2)
    ann = job.person()
    assert len(takes_quiz(job, ann, right=False)) == 2
    assert job.standing(ann).qualification == "failed"
    assert len(takes_quiz(job, ann, right=True)) == 2
    assert job.standing(ann).qualification == "passed"
    assert not has_skill(job, ann), "they start like everybody else"
    assert teaching(job, ann) == (0, 0)
    assert job.standing(ann).gold_count == 4, "the known items were asked all the same"
    lease = job.next(ann)
    assert lease is not None
    job.answer(ann, lease)
    assert teaching(job, ann) == (1, 1)


def test_an_answer_of_a_quiz_that_is_taken_back_takes_nothing_from_the_skill(job: GoldJob) -> None:
    job.change(quiz=2)
    ann = job.person()
    lease = starts(job, ann)
    assert lease is not None
    job.answer(ann, lease, job.wrong(lease))
    with job.writing() as session:
        undo_answer(session, ann, lease, job.clock.forward(1))
    assert not has_skill(job, ann)
    assert (job.standing(ann).gold_count, job.gold(lease.item_id).served) == (0, 0)


def test_known_items_count_from_the_moment_somebody_is_let_in(job: GoldJob) -> None:
    job.change(quiz=1)
    ann = job.person()
    assert len(takes_quiz(job, ann, right=True)) == 1
    lease = job.known_lease(ann)
    before = teaching(job, ann)
    job.answer(ann, lease, job.wrong(lease))
    assert teaching(job, ann) == (before[0] + 1, before[1] + 1)
