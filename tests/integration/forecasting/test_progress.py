"""How a job has gone: hour by hour, and how far people agree."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis
from sqlalchemy import Engine, select

from core.assignment import next_assignment
from core.config import Settings
from core.db import reading
from core.models import Batch, Item, Project
from core.pilot import MARK
from core.pilot_report import report
from core.progress import HOURS, agreement, count_done, progress
from core.views import view_lease
from tests.factories import START, add_items, items_of, make_member, make_project, make_runtime
from tests.integration.forecasting.jobs import NOON, answer, decide, texts, writing


def test_progress_by_the_hour_and_over_time(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(4))
        ann, ben = make_member(session, "Ann"), make_member(session, "Ben")
        first, second, third, _ = items_of(session, project.id)
        answer(session, first, ann, NOON - timedelta(minutes=5))
        answer(session, first, ben, NOON - timedelta(minutes=90))
        answer(session, second, ann, NOON - timedelta(minutes=20), state="surplus")
        answer(session, second, ben, NOON - timedelta(minutes=20), state="withdrawn")
        answer(session, third, ben, NOON - timedelta(hours=30))
        decide(first, START + timedelta(hours=1))
        decide(second, START + timedelta(hours=2), state="adjudicated")
        decide(third, START + timedelta(hours=2), state="disputed")
        session.flush()
    with reading(engine) as session:
        gone = progress(session, session.get_one(Project, project.id), NOON)
    assert len(gone.per_hour) == HOURS
    assert gone.per_hour[-3:] == (0, 1, 2)
    assert sum(gone.per_hour) == 3
    assert gone.active == 2
    assert [total for _, total in gone.curve] == [1, 2]
    (one, _), (two, _) = gone.curve
    assert one == pytest.approx(3600, abs=200)
    assert two == pytest.approx(7200, abs=200)


def test_what_workers_see_as_done_reaches_the_whole(engine: Engine, redis: Redis, settings: Settings) -> None:
    """Whoever ends an item: people, an expert, a model, or nobody because nobody can answer it."""
    runtime = make_runtime(settings, engine, redis)
    states = ("agreed", "adjudicated", "accepted", "withdrawn", "disputed", "open")
    with writing(engine) as session:
        project = make_project(session, texts(len(states)))
        for item, state in zip(items_of(session, project.id), states, strict=True):
            item.state, item.label_id = state, None if state in ("withdrawn", "disputed", "open") else "a"
            item.decided_at = None if item.label_id is None else NOON
        last = items_of(session, project.id)[-1]
        aside = add_items(session, project, ["known", "held"], NOON)
        aside.state = "held"
        ann = make_member(session, "Ann")
        lease = next_assignment(session, project, ann.id, "web", NOON)
        assert lease is not None
        assert lease.item_id == last.id

    def shown() -> tuple[int, int]:
        count_done(runtime, project.id)
        with reading(engine) as session:
            view = view_lease(session, session.get_one(Project, project.id), lease, ann, NOON)
            return view.done, view.total

    assert shown() == (5, 6)
    with writing(engine) as session:
        session.get_one(Item, last.id).state = "withdrawn"
    assert shown() == (6, 6), "at the end all of it is done"
    with writing(engine) as session:
        session.get_one(Item, last.id).state = "open"
    assert shown() == (5, 6), "an item that comes back counts no more"


def test_agreement_is_the_share_of_pairs_that_are_alike(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(3))
        people = [make_member(session, name) for name in ("Ann", "Ben", "Cem")]
        alike, split, lone = items_of(session, project.id)
        for person in people:
            answer(session, alike, person, START)
        for person, label_id in zip(people, "aab", strict=True):
            answer(session, split, person, START, label_id)
        answer(session, lone, people[0], START)
        session.flush()
        assert agreement(session, project.id) == pytest.approx((1 + 1 / 3) / 2)


def test_the_pilot_and_the_status_say_the_same_of_the_same_answers(engine: Engine) -> None:
    """Items that people are divided on take more answers, and weigh no more for that."""
    with writing(engine) as session:
        project = make_project(session, texts(12), min_overlap=2, max_overlap=5)
        people = [make_member(session, f"p{number}") for number in range(5)]
        for number, item in enumerate(items_of(session, project.id)):
            given = "aa" if number % 3 else "aabbb"
            for person, label_id in zip(people, given, strict=False):
                answer(session, item, person, START, label_id)
        session.flush()
        batch = session.scalars(select(Batch).where(Batch.project_id == project.id)).one()
        batch.mapping, project.pilot_state = MARK, "running"
        session.flush()
        found = report(session, project, NOON)
        assert found is not None
        shown = agreement(session, project.id)
        assert shown == pytest.approx((4 * 0.4 + 8) / 12)
        assert found.pairs.value == shown


def test_agreement_of_nobody_is_none(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session)
        assert agreement(session, project.id) is None
        assert progress(session, project, NOON).curve == ()
