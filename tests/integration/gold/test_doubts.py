"""Known labels that most good people contradict: retired by themselves, and decided by a coordinator."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from core.errors import Conflict, NotFound
from core.gold_doubts import correct, doubts, keep, retire_doubtful
from core.gold_pool import ask_like_others
from core.leases import Lease
from core.models import Gold, Item, Project, Skill
from core.standing import change_standing
from tests.answering import undo_answer
from tests.integration.gold.job import GoldJob
from tests.invariants import check_control

GOOD_PEOPLE = 6


def contradicted(job: GoldJob, accuracy: float = 0.9) -> tuple[int, list[int]]:
    """One known item which everybody answers otherwise; the item, and the people."""
    with job.writing() as session:
        session.execute(update(Gold).values(state="retired"))
        first = session.query(Gold).order_by(Gold.id).first()
        assert first is not None
        first.state, item_id = "active", first.item_id
    people = []
    for number in range(GOOD_PEOPLE):
        worker = job.person(f"P{number}")
        lease = job.next(worker)
        assert lease is not None
        with job.writing() as session:
            change_standing(session, worker, job.project_id, since_gold=1, gold_due=1)
        job.answer(worker, lease, "b")
        known: Lease | None = job.next(worker)
        assert known is not None
        assert known.item_id == item_id
        job.answer(worker, known, "b")
        people.append(worker)
    with job.writing() as session:
        session.execute(update(Skill).values(accuracy=accuracy))
    return item_id, people


def retire(job: GoldJob) -> int:
    """What the background job does."""
    with job.writing() as session:
        return retire_doubtful(session, job.project_id, job.clock())


def public_id(job: GoldJob, item_id: int) -> str:
    """Of an item."""
    with job.writing() as session:
        return session.get_one(Item, item_id).public_id


def test_what_good_people_contradict_is_retired_once_and_counts_for_nobody(job: GoldJob) -> None:
    item_id, people = contradicted(job)
    assert [job.standing(one).gold_count for one in people] == [1] * GOOD_PEOPLE
    assert retire(job) == 1
    assert retire(job) == 0
    assert job.gold(item_id).state == "retired"
    assert [job.standing(one).gold_count for one in people] == [0] * GOOD_PEOPLE
    with job.writing() as session:
        (doubt,) = doubts(session, session.get_one(Project, job.project_id))
    assert (doubt.known, doubt.said, doubt.against, doubt.good) == ("Yes", "No", GOOD_PEOPLE, GOOD_PEOPLE)


def test_people_whose_answers_are_poor_raise_no_doubt(job: GoldJob) -> None:
    item_id, _ = contradicted(job, accuracy=0.5)
    assert retire(job) == 0
    assert job.gold(item_id).state == "active"


def test_a_corrected_label_counts_for_those_who_were_right(job: GoldJob) -> None:
    item_id, people = contradicted(job)
    retire(job)
    shown = public_id(job, item_id)
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        correct(session, project, shown, "b", job.owner_id, job.clock())
    assert (job.gold(item_id).label_id, job.gold(item_id).state) == ("b", "active")
    assert [(job.standing(one).gold_count, job.standing(one).gold_right) for one in people] == [(1, 1)] * GOOD_PEOPLE
    assert retire(job) == 0


def test_a_kept_label_counts_against_them_as_before(job: GoldJob) -> None:
    item_id, people = contradicted(job)
    retire(job)
    shown = public_id(job, item_id)
    with job.writing() as session:
        keep(session, session.get_one(Project, job.project_id), shown, job.owner_id, job.clock())
    assert [(job.standing(one).gold_count, job.standing(one).gold_right) for one in people] == [(1, 0)] * GOOD_PEOPLE
    assert retire(job) == 0, "the same answers do not raise it again"


def test_an_answer_from_before_a_decision_can_still_be_taken_back(job: GoldJob) -> None:
    item_id, _ = contradicted(job)
    late = job.person("Late")
    lease = job.known_lease(late)
    assert lease.item_id == item_id
    job.answer(late, lease, "b")
    retire(job)
    shown = public_id(job, item_id)
    with job.writing() as session:
        keep(session, session.get_one(Project, job.project_id), shown, job.owner_id, job.clock())
    with job.writing() as session:
        undo_answer(session, late, lease, job.clock.forward(1))
    with job.writing() as session:
        check_control(session)
    assert (job.gold(item_id).served, job.gold(item_id).missed) == (0, 0)
    assert job.standing(late).gold_count == 0


def test_an_item_can_be_given_to_people_instead(job: GoldJob) -> None:
    item_id, people = contradicted(job)
    retire(job)
    shown = public_id(job, item_id)
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        ask_like_others(session, project, shown, job.owner_id, job.clock())
        item = session.get_one(Item, item_id)
        session.refresh(item)
        assert (item.purpose, item.slots) == ("label", 2)
        assert doubts(session, project) == []
    newcomer = job.person("New")
    seen = set()
    while (lease := job.next(newcomer)) is not None:
        seen.add(lease.item_id)
        job.answer(newcomer, lease)
    assert item_id in seen
    while (again := job.next(people[0])) is not None:
        assert again.item_id != item_id, "who has answered it is not asked again"
        job.answer(people[0], again)


def test_each_is_decided_once_and_only_where_it_is(job: GoldJob) -> None:
    item_id, _ = contradicted(job)
    retire(job)
    shown = public_id(job, item_id)
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        keep(session, project, shown, job.owner_id, job.clock())
    with job.writing() as session, pytest.raises(Conflict, match="gold_decided"):
        keep(session, session.get_one(Project, job.project_id), shown, job.owner_id, job.clock())
    with job.writing() as session, pytest.raises(NotFound, match="gold_unknown"):
        keep(session, session.get_one(Project, job.project_id), "x", job.owner_id, job.clock())
