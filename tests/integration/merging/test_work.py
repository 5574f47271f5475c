"""The work of two accounts that become one: answers, leases, counts and skills."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from core.assignment import set_standing
from core.db import reading, unit_of_work
from core.db.tables import table_of
from core.errors import Conflict
from core.labeling import submit
from core.models import Annotation, Assignment, Item, Participation, Project, Skill
from tests.factories import START, add_items, make_project
from tests.integration.merging.accounts import join, take, two_workers


def test_the_later_answer_is_superseded_and_its_slot_given_back(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine, "only", min_overlap=2, max_overlap=2)
    take(engine, project_id, other, "a", 1)
    take(engine, project_id, keep, "b", 2)
    with reading(engine) as session:
        assert session.scalars(select(Item.state)).one() == "disputed"
    join(engine, keep, other)
    with reading(engine) as session:
        states = session.execute(select(Annotation.label_id, Annotation.state, Annotation.worker_id)).all()
        assert sorted(states) == [("a", "counted", keep), ("b", "superseded", keep)]
        item = session.scalars(select(Item)).one()
        assert (item.state, item.submitted, item.slots, item.label_id) == ("open", 1, 1, None)
        assert item.posterior is not None
        assert item.posterior[0] > item.posterior[1], "only the answer that stands is believed"
        assert session.scalars(select(Participation.annotation_count)).one() == 1


def test_an_agreement_of_one_person_with_themselves_is_none(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine, "only", min_overlap=2, max_overlap=4, error_cost=1.0)
    take(engine, project_id, keep, "a", 1)
    take(engine, project_id, other, "a", 2)
    with reading(engine) as session:
        assert session.scalars(select(Item.state)).one() == "agreed"
    join(engine, keep, other)
    with reading(engine) as session:
        item = session.scalars(select(Item)).one()
        assert (item.state, item.submitted, item.decided_at) == ("open", 1, None)
        assert item.slots >= 1


def test_a_verdict_is_not_touched(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine, "only", min_overlap=2, max_overlap=2)
    take(engine, project_id, keep, "a", 1)
    take(engine, project_id, other, "b", 2)
    with unit_of_work(engine, lambda _: None) as session:
        session.execute(update(Item).values(state="adjudicated", label_id="b"))
    join(engine, keep, other)
    with reading(engine) as session:
        item = session.scalars(select(Item)).one()
        assert (item.state, item.label_id, item.submitted, item.slots) == ("adjudicated", "b", 1, 0)


def test_of_two_leases_in_a_project_one_is_given_back(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine, min_overlap=1, max_overlap=1)
    kept, _ = take(engine, project_id, keep)
    gone, item_id = take(engine, project_id, other)
    join(engine, keep, other)
    with reading(engine) as session:
        assert {row[0]: row[1] for row in session.execute(select(Assignment.public_id, Assignment.state))} == {
            kept: "active",
            gone: "released",
        }
        assert session.get_one(Item, item_id).slots == 1
        assert session.scalars(select(Participation.state)).one() == "working"


@pytest.mark.parametrize("side", ["keep", "other"])
def test_what_the_other_side_has_dealt_with_is_given_back(engine: Engine, side: str) -> None:
    keep, other, project_id = two_workers(engine, "only", min_overlap=3, max_overlap=3)
    holds, dealt = (keep, other) if side == "keep" else (other, keep)
    take(engine, project_id, dealt, "a")
    public_id, item_id = take(engine, project_id, holds)
    join(engine, keep, other)
    with reading(engine) as session:
        assert session.scalars(select(Assignment.state).where(Assignment.public_id == public_id)).one() == "released"
        assert session.get_one(Item, item_id).slots == 2
    with pytest.raises(Conflict, match="already_submitted"), unit_of_work(engine, lambda _: None) as session:
        submit(session, worker_id=keep, assignment_public_id=public_id, label_id="b", version=1, now=START)


def test_a_lease_in_another_project_is_taken_along(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine)
    with unit_of_work(engine, lambda _: None) as session:
        second_id = make_project(session, ["elsewhere"]).id
    take(engine, project_id, keep)
    public_id, _ = take(engine, second_id, other)
    join(engine, keep, other)
    with unit_of_work(engine, lambda _: None) as session:
        submit(session, worker_id=keep, assignment_public_id=public_id, label_id="a", version=1, now=START)


def test_counts_and_skills_are_added_up(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine, *"abcd", min_overlap=3, max_overlap=3)
    for worker_id, count in ((keep, 2), (other, 4)):
        for _ in range(count):
            take(engine, project_id, worker_id, "a")
    with reading(engine) as session:
        counts = [row["matrix"] for row in session.scalars(select(Skill.counts))]
    join(engine, keep, other)
    with reading(engine) as session:
        participation = session.scalars(select(Participation)).one()
        skill = session.scalars(select(Skill)).one()
        assert participation.annotation_count == skill.annotation_count == 4, "two items were answered by both"
        assert sum(map(sum, skill.counts["matrix"])) == pytest.approx(4, abs=0.01)
        assert sum(sum(map(sum, matrix)) for matrix in counts) == pytest.approx(6, abs=0.01)


def test_a_worker_with_thousands_of_answers_can_be_joined(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine)
    with unit_of_work(engine, lambda _: None) as session:
        _answers_in_bulk(session, project_id, other, 3000)
    join(engine, keep, other)
    with reading(engine) as session:
        count = select(func.count()).select_from(Annotation)
        assert session.scalar(count.where(Annotation.worker_id == keep)) == 3000


def _answers_in_bulk(session: Session, project_id: int, worker_id: int, number: int) -> None:
    project = session.get_one(Project, project_id)
    batch = add_items(session, project, [f"bulk {one}" for one in range(number)])
    items = session.scalars(select(Item.id).where(Item.batch_id == batch.id)).all()
    common = {"project_id": project_id, "worker_id": worker_id, "guidelines_version": 1}
    leases = [
        {**common, "item_id": item, "state": "submitted", "surface": "web", "leased_at": START, "expires_at": START}
        for item in items
    ]
    session.execute(table_of(Assignment).insert(), leases)
    rows = session.execute(select(Assignment.id, Assignment.item_id).where(Assignment.worker_id == worker_id)).all()
    answers = [
        {
            **common,
            "item_id": row.item_id,
            "assignment_id": row.id,
            "label_id": "a",
            "value": {"choice": "a"},
            "state": "counted",
            "duration_ms": 1,
            "created_at": START,
        }
        for row in rows
    ]
    session.execute(table_of(Annotation).insert(), answers)
    session.execute(update(Item).where(Item.batch_id == batch.id).values(submitted=1))
    set_standing(session, worker_id, project_id, "idle", START)
    session.execute(update(Participation).values(annotation_count=number))
