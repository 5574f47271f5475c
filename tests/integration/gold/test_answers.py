"""Answers to known items: what they change, what they leave alone, and every way in which they come back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.assignment import expire_leases
from core.db import unit_of_work
from core.errors import Conflict
from core.gold_serving import next_control
from core.items import lock_items
from core.labeling import skip
from core.leases import Lease
from core.merging import merge
from core.models import Annotation, Item, Project, TrainingRun, Worker
from core.reestimation import reestimate
from core.stats import project_stats
from core.worker_stats import worker_stats
from tests.answering import undo_answer
from tests.integration.gold.job import GoldJob


def take_back(job: GoldJob, worker_id: int, lease: Lease) -> None:
    """They undo their answer."""
    with job.writing() as session:
        undo_answer(session, worker_id, lease, job.clock.forward(5))


def test_a_right_answer_raises_the_skill_and_decides_nothing(job: GoldJob) -> None:
    ann = job.person()
    lease = job.known_lease(ann)
    before = job.skill(ann).accuracy
    done = job.answer(ann, lease, job.right(lease))
    assert (done.annotation_state, done.item_state) == ("control", "open")
    assert (job.gold(lease.item_id).served, job.gold(lease.item_id).missed) == (1, 0)
    standing = job.standing(ann)
    assert (standing.gold_count, standing.gold_right) == (1, 1)
    after = job.skill(ann).accuracy
    assert before is not None
    assert after is not None
    assert after > before
    with job.writing() as session:
        item = session.get_one(Item, lease.item_id)
        assert (item.submitted, item.leased, item.slots, item.posterior, item.label_id) == (0, 0, 0, None, None)


def test_a_wrong_answer_lowers_the_skill_and_is_counted_as_missed(job: GoldJob) -> None:
    ann = job.person()
    lease = job.known_lease(ann)
    before = job.skill(ann).accuracy
    job.answer(ann, lease, job.wrong(lease))
    assert job.gold(lease.item_id).missed == 1
    assert job.standing(ann).gold_right == 0
    after = job.skill(ann).accuracy
    assert before is not None
    assert after is not None
    assert after < before


def test_it_is_counted_and_paid_like_any_other_answer(job: GoldJob) -> None:
    ann = job.person()
    lease = job.known_lease(ann)
    before = job.standing(ann)
    job.answer(ann, lease)
    after = job.standing(ann)
    assert (after.annotation_count, after.today_count) == (before.annotation_count + 1, before.today_count + 1)
    with job.writing() as session:
        worker = worker_stats(session, session.get_one(Worker, ann), job.workspace_id, job.clock())
        assert worker.annotations == after.annotation_count


def test_undo_takes_all_of_it_back_and_gives_the_item_again(job: GoldJob) -> None:
    ann = job.person()
    lease = job.known_lease(ann)
    skill, standing = job.skill(ann).accuracy, job.standing(ann)
    job.answer(ann, lease, job.wrong(lease))
    take_back(job, ann, lease)
    assert job.skill(ann).accuracy == pytest.approx(skill, abs=1e-3)
    assert job.standing(ann).gold_count == 0
    assert job.standing(ann).annotation_count == standing.annotation_count
    assert (job.gold(lease.item_id).served, job.gold(lease.item_id).missed) == (0, 0)
    held = job.next(ann)
    assert held is not None
    assert held.item_id == lease.item_id
    job.answer(ann, held, job.right(held))
    assert len(job.annotations()) == 1


def test_what_was_told_cannot_be_taken_back(job: GoldJob) -> None:
    job.change(teaches=True)
    ann = job.person()
    lease = job.known_lease(ann)
    done = job.answer(ann, lease, job.wrong(lease))
    assert done.control is not None
    assert done.control.lesson is not None
    assert (done.control.lesson.right, done.control.lesson.label_id) == (False, job.right(lease))
    with pytest.raises(Conflict, match="too_late_to_undo"):
        take_back(job, ann, lease)


def test_when_a_model_has_learned_it_stays_like_the_answers_around_it(job: GoldJob) -> None:
    ann = job.person()
    lease = job.known_lease(ann)
    job.answer(ann, lease)
    moment = job.clock.forward(5)
    with job.writing() as session:
        times = {"created_at": moment, "started_at": moment}
        session.add(TrainingRun(project_id=job.project_id, trigger="button", state="done", **times))
    with pytest.raises(Conflict, match="too_late_to_undo"):
        take_back(job, ann, lease)
    later = job.known_lease(ann)
    job.answer(ann, later)
    take_back(job, ann, later)


def test_a_skip_is_for_good_and_can_be_undone_like_any_other(job: GoldJob) -> None:
    ann = job.person()
    lease = job.known_lease(ann)
    with job.writing() as session:
        skip(session, worker_id=ann, assignment_public_id=lease.public_id, version=lease.version, now=job.clock())
    assert job.standing(ann).gold_count == 0
    take_back(job, ann, lease)
    held = job.next(ann)
    assert held is not None
    assert held.item_id == lease.item_id


def test_a_late_answer_counts_until_one_lease_after_the_deadline(job: GoldJob) -> None:
    ann = job.person()
    lease = job.known_lease(ann)
    job.expire()
    with job.writing() as session:
        assert expire_leases(session, job.project_id, job.clock()) == 1
    assert job.answer(ann, lease, job.right(lease)).annotation_state == "control"
    bob = job.person("Bob")
    lease = job.known_lease(bob)
    job.expire()
    with job.writing() as session:
        expire_leases(session, job.project_id, job.clock())
    with pytest.raises(Conflict, match="lease_over"):
        job.answer(bob, lease, after=timedelta(hours=1).total_seconds())


def test_a_second_tap_is_refused(job: GoldJob) -> None:
    ann = job.person()
    lease = job.known_lease(ann)
    job.answer(ann, lease)
    with pytest.raises(Conflict, match="already_submitted"):
        job.answer(ann, lease)
    assert job.gold(lease.item_id).served == 1


def test_two_accounts_of_one_person_count_once(job: GoldJob) -> None:
    ann, bob = job.person("Ann"), job.person("Bob")
    for worker in (ann, bob):
        for _ in range(4):
            lease = job.known_lease(worker)
            job.answer(worker, lease, job.right(lease))
    assert job.standing(ann).gold_count == job.standing(bob).gold_count == 4
    with job.writing() as session:
        merge(session, ann, bob, job.clock())
    assert job.standing(ann).gold_count == job.standing(ann).gold_right == 4
    assert len(job.annotations()) == 4
    with job.writing() as session:
        assert (
            sorted(session.scalars(select(Annotation.state).where(Annotation.worker_id == ann))).count("control") == 4
        )


def test_a_new_estimate_keeps_what_known_items_have_taught(job: GoldJob) -> None:
    good, bad = job.person("Good"), job.person("Bad")
    for worker, answer in ((good, job.right), (bad, job.wrong)):
        for _ in range(4):
            lease = job.known_lease(worker)
            job.answer(worker, lease, answer(lease))
        while (lease_or_none := job.next(worker)) is not None:
            job.answer(worker, lease_or_none)
    for number in range(2):
        worker = job.person(f"Other {number}")
        while (lease_or_none := job.next(worker)) is not None and job.purpose(lease_or_none) == "label":
            job.answer(worker, lease_or_none)
    reestimate(job.engine, job.project_id, job.effects.extend, job.clock)
    with job.writing() as session:
        assert session.get_one(Project, job.project_id).estimated_annotations > 0
        known = list(session.scalars(select(Item).where(Item.purpose == "gold")))
        assert [item.posterior for item in known] == [None] * 4
    high, low = job.skill(good).accuracy, job.skill(bad).accuracy
    assert high is not None
    assert low is not None
    assert high > low + 0.1


def test_known_items_are_no_open_work_and_no_part_of_the_counts(job: GoldJob) -> None:
    with job.writing() as session:
        stats = project_stats(session, session.get_one(Project, job.project_id))
    assert (stats.items, stats.control_items, stats.states) == (11, 4, {"open": 11})


def test_a_known_item_that_somebody_else_is_dealing_with_is_passed_over_without_waiting(job: GoldJob) -> None:
    if job.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    ann = job.person()
    job.next(ann)
    with job.writing() as session:
        known = list(session.scalars(select(Item.id).where(Item.purpose == "gold")))
    with unit_of_work(job.engine, job.effects.extend) as busy:
        lock_items(busy, known[1:])
        with unit_of_work(job.engine, job.effects.extend) as session:
            project = session.get_one(Project, job.project_id)
            found = [next_control(session, project, ann) for _ in range(6)]
            session.rollback()
    assert set(found) <= {known[0], None}
    assert known[0] in found
