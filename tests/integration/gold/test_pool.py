"""Which known items are set aside, and what becomes of them when the coordinator decides otherwise."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, func, select

from core.assignment import next_assignment
from core.effects import Effect
from core.exporting.rows import agreed
from core.finishing import look_for_end
from core.gold_pool import change_gold, pool_of, set_aside
from core.models import Batch, Gold, Item, Project
from core.projects import count_open_items
from core.stats import overview
from core.views import published_items
from tests.factories import add_items
from tests.integration.gold.job import GoldJob, add_known_labels


@pytest.mark.parametrize(("known", "items", "aside"), [(4, 9, 4), (9, 19, 9), (10, 20, 1), (40, 40, 2), (5, 5, 0)])
def test_few_known_items_are_all_set_aside_and_of_many_a_small_share(
    engine: Engine, effects: list[Effect], known: int, items: int, aside: int
) -> None:
    job = GoldJob(engine, effects, ordinary=1, known=0)
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        batch = add_items(session, project, [f"one {number}" for number in range(items)])
        add_known_labels(session, project, batch.id, known)
        assert set_aside(session, project, batch.id) == aside
    assert job.purposes().count("gold") == aside


def test_items_that_check_people_are_no_open_work(job: GoldJob) -> None:
    with job.writing() as session:
        assert count_open_items(session, job.project_id) == 11
        assert published_items(session, job.project_id) == 11
        assert overview(session, job.workspace_id, 5)[0].items == {"open": 11}
        pool = pool_of(session, job.project_id)
    assert (pool.known, pool.hidden, pool.practice, pool.served) == (4, 4, 0, 0)


def test_a_job_ends_without_them_and_exports_their_labels_as_known(job: GoldJob) -> None:
    workers = [job.person(name) for name in ("Ann", "Bob", "Cid")]
    for worker in workers:
        while (lease := job.next(worker)) is not None:
            job.answer(worker, lease, "a" if job.purpose(lease) == "label" else job.right(lease))
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        rows = list(agreed(session, project))
        assert look_for_end(session, job.project_id, job.clock())
    known = [row for row in rows if row.state == "known"]
    assert sorted(row.label for row in known) == ["No", "No", "Yes", "Yes"]
    assert {row.confidence for row in known} == {1.0}
    assert {row.annotations for row in known} == {0}
    assert len(rows) == 15


def test_only_comparing_puts_back_what_nobody_has_dealt_with(job: GoldJob) -> None:
    ann = job.person()
    answered = job.known_lease(ann)
    job.answer(ann, answered)
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        assert change_gold(session, project, job.owner_id, job.clock(), gold_use="measure")
        assert not change_gold(session, project, job.owner_id, job.clock(), gold_use="measure")
        assert session.get_one(Item, answered.item_id).purpose == "gold"
        assert published_items(session, job.project_id) == 14
    assert job.purposes().count("gold") == 1
    bob = job.person("Bob")
    seen = set()
    while (lease := job.next(bob)) is not None:
        seen.add(lease.item_id)
        job.answer(bob, lease)
    assert len(seen) == 14, "they are labeled like all others now, and nobody is checked"


def test_checking_people_sets_them_aside_again(job: GoldJob) -> None:
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        change_gold(session, project, job.owner_id, job.clock(), gold_use="measure")
        change_gold(session, project, job.owner_id, job.clock(), gold_use="check")
        assert published_items(session, job.project_id) == 11
    assert job.purposes().count("gold") == 4


def test_what_is_being_labeled_is_not_set_aside(job: GoldJob) -> None:
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        change_gold(session, project, job.owner_id, job.clock(), gold_use="measure")
    ann = job.person()
    known = set(_known_ids(job))
    while (lease := job.next(ann)) is not None and lease.item_id not in known:
        job.answer(ann, lease)
    assert lease is not None
    with job.writing() as session:
        change_gold(session, session.get_one(Project, job.project_id), job.owner_id, job.clock(), gold_use="check")
        assert session.get_one(Item, lease.item_id).purpose == "label"
    assert job.answer(ann, lease).annotation_state == "counted"


def test_practice_reserves_a_part_and_gives_it_back(job: GoldJob) -> None:
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        change_gold(session, project, job.owner_id, job.clock(), practice=5)
    assert job.purposes().count("practice") == 2, "never more than half of what is known"
    with job.writing() as session:
        change_gold(session, session.get_one(Project, job.project_id), job.owner_id, job.clock(), practice=0)
    assert job.purposes().count("gold") == 4


def test_another_frequency_is_drawn_anew_for_everybody(job: GoldJob) -> None:
    ann = job.person()
    lease = job.next(ann)
    assert lease is not None
    assert job.standing(ann).gold_due > 0
    with job.writing() as session:
        change_gold(session, session.get_one(Project, job.project_id), job.owner_id, job.clock(), gold_every=1)
    assert job.standing(ann).gold_due == 0
    job.answer(ann, lease)
    assert job.next(ann) is not None
    assert job.standing(ann).gold_due == 1


def test_a_promoted_verdict_is_asked_blind_and_stays_settled(job: GoldJob) -> None:
    with job.writing() as session:
        item = session.scalars(select(Item).where(Item.purpose == "label").order_by(Item.id)).first()
        assert item is not None
        item.state, item.label_id, item.confidence = "adjudicated", "a", 1.0
        session.add(
            Gold(project_id=job.project_id, item_id=item.id, label_id="a", source="verdict", created_at=job.clock())
        )
        item_id = item.id
        for other in session.scalars(select(Gold).where(Gold.source == "column")):
            other.state = "retired"
    ann = job.person()
    job.next(ann)
    job.make_due(ann)
    held = job.next(ann)
    assert held is not None
    if held.item_id != item_id:
        job.answer(ann, held)
        job.make_due(ann)
        held = job.next(ann)
    assert held is not None
    assert held.item_id == item_id
    done = job.answer(ann, held, "b")
    assert (done.annotation_state, done.item_state) == ("control", "adjudicated")
    with job.writing() as session:
        settled = session.get_one(Item, item_id)
        assert (settled.state, settled.label_id, settled.submitted) == ("adjudicated", "a", 0)
    assert job.gold(item_id).missed == 1


def test_nobody_is_asked_what_is_not_published_yet(job: GoldJob) -> None:
    with job.writing() as session:
        newest = session.scalar(select(func.max(Batch.id)))
        for batch in session.scalars(select(Batch)):
            batch.state = "published" if batch.id != newest else "loading"
    ann = job.person()
    job.next(ann)
    for _ in range(4):
        job.make_due(ann)
        lease = job.next(ann)
        assert lease is not None
        assert job.purpose(lease) == "label"
        job.answer(ann, lease)


def test_nothing_known_is_asked_where_no_item_is_left(job: GoldJob) -> None:
    ann = job.person()
    job.change(gold_use="measure")
    while (lease := job.next(ann)) is not None:
        job.answer(ann, lease)
    job.change()
    job.make_due(ann)
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        assert next_assignment(session, project, ann, "web", job.clock()) is None


def _known_ids(job: GoldJob) -> list[int]:
    with job.writing() as session:
        return list(session.scalars(select(Gold.item_id)))
