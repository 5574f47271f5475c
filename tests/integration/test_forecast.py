"""What a job will take, and how it has gone, on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.db import reading, unit_of_work
from core.enrolment import ensure_workspace
from core.forecast import ANSWERS_TO_MINIMUM, Estimate, estimate_job, forecast
from core.models import Annotation, Assignment, Item, Project, Worker
from core.progress import HOURS, agreement, progress
from tests.factories import START, add_items, items_of, make_member, make_project

NOON = START + timedelta(hours=3)


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A unit of work without effects."""
    with unit_of_work(engine, lambda effects: None) as session:
        yield session


def answer(
    session: Session, item: Item, worker: Worker, at: datetime, label_id: str = "a", state: str = "counted"
) -> None:
    """An annotation, and the count of its item."""
    assignment = Assignment(
        project_id=item.project_id,
        item_id=item.id,
        worker_id=worker.id,
        state="submitted",
        guidelines_version=1,
        surface="web",
        leased_at=at,
        expires_at=at,
    )
    session.add(assignment)
    session.flush()
    session.add(
        Annotation(
            project_id=item.project_id,
            item_id=item.id,
            worker_id=worker.id,
            assignment_id=assignment.id,
            label_id=label_id,
            value={"choice": label_id},
            state=state,
            guidelines_version=1,
            duration_ms=1000,
            created_at=at,
        )
    )
    if state == "counted":
        item.submitted += 1


def decide(item: Item, at: datetime, state: str = "agreed", submitted: int | None = None) -> None:
    """Give an item a state as if people had decided it."""
    item.state, item.label_id, item.decided_at = state, "a", at
    if submitted is not None:
        item.submitted = submitted


def texts(count: int) -> list[str]:
    return [f"text {number}" for number in range(count)]


def steady(session: Session, project: Project, workers: Sequence[Worker], start: datetime, seconds: int) -> None:
    """Each item of a project answered once, one every so many seconds, by workers in turn."""
    for number, item in enumerate(items_of(session, project.id)):
        answer(session, item, workers[number % len(workers)], start + timedelta(seconds=number * seconds))


# --- before a job is posted


def estimate(session: Session, items: int = 100, low: int = 3, high: int = 8) -> Estimate:
    return estimate_job(session, ensure_workspace(session, START).id, items, low, high, 5, 600, NOON)


def test_an_empty_workspace_guesses_from_the_minimum(engine: Engine) -> None:
    with writing(engine) as session:
        guess = estimate(session)
        assert guess.answers == round(100 * 3 * ANSWERS_TO_MINIMUM)
        assert (guess.cost, guess.seconds) == (guess.answers * 5, None)
        assert estimate(session, low=3, high=3).answers == 300, "never above the maximum"
        assert estimate(session, items=0).answers == 0


def test_history_counts_in_minima_of_its_own_jobs(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(24), min_overlap=2, max_overlap=8)
        for item in items_of(session, project.id):
            decide(item, START, submitted=4)
        session.flush()
        assert estimate(session, items=10, low=3, high=8).answers == 60, "twice the minimum, as before"
        assert estimate(session, items=10, low=5, high=6).answers == 60, "never above the maximum"


def test_too_little_history_is_none(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(5), min_overlap=1, max_overlap=8)
        for item in items_of(session, project.id):
            decide(item, START, submitted=8)
        session.flush()
        assert estimate(session, items=10, low=1).answers == round(10 * ANSWERS_TO_MINIMUM)


def test_idle_time_does_not_slow_the_crowd_down(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(20))
        ann, ben = make_member(session, "Ann"), make_member(session, "Ben")
        for number, item in enumerate(items_of(session, project.id)):
            pause = timedelta(hours=2) if number >= 10 else timedelta()
            answer(session, item, (ann, ben)[number % 2], START + timedelta(seconds=10 * number) + pause)
        session.flush()
        guess = estimate(session, items=100, low=1, high=1)
        assert guess.seconds == pytest.approx(100 * (18 * 10) / 19, rel=0.01)


def test_answers_of_long_ago_say_nothing_about_the_pace(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(20))
        steady(session, project, [make_member(session)], NOON - timedelta(days=8), 10)
        session.flush()
        assert estimate(session).seconds is None


def test_another_workspace_is_no_history(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(24), min_overlap=1, max_overlap=8)
        steady(session, project, [make_member(session)], START, 10)
        for item in items_of(session, project.id):
            decide(item, START, submitted=8)
        session.flush()
        elsewhere = estimate_job(session, project.workspace_id + 1, 10, 1, 8, 5, 600, NOON)
        assert (elsewhere.answers, elsewhere.seconds) == (14, None)


# --- while it runs


def test_a_running_job_ends_at_the_pace_of_its_day(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(60), min_overlap=1, max_overlap=1, price=10)
        ann = make_member(session)
        for item in items_of(session, project.id)[:30]:
            answer(session, item, ann, NOON - timedelta(hours=1))
            decide(item, NOON - timedelta(hours=1))
        session.flush()
        ahead = forecast(session, project, NOON)
        assert (ahead.answers_left, ahead.cost_left, ahead.per_hour) == (30, 300, 30.0)
        assert ahead.done_at == NOON + timedelta(hours=1)


def test_at_least_what_open_items_ask_for_is_left(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(30), min_overlap=1, max_overlap=8)
        for item in items_of(session, project.id)[:25]:
            decide(item, START, submitted=1)
        for item in items_of(session, project.id)[25:]:
            item.submitted, item.overlap = 6, 8
        session.flush()
        assert forecast(session, project, NOON).answers_left == 10


def test_nobody_came_for_a_day_and_nothing_is_left(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(2), min_overlap=1, max_overlap=1)
        steady(session, project, [make_member(session)], NOON - timedelta(days=2), 10)
        session.flush()
        add_items(session, project, ["three"])
        add_items(session, project, ["not to be seen yet"], state="loading")
        ahead = forecast(session, project, NOON)
        assert (ahead.answers_left, ahead.done_at, ahead.per_hour) == (1, None, 0.0)
        for item in items_of(session, project.id):
            decide(item, START)
        session.flush()
        assert forecast(session, project, NOON).done_at == NOON


def test_a_first_minute_is_not_an_hour_s_pace(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(10))
        steady(session, project, [make_member(session)], NOON - timedelta(seconds=10), 1)
        session.flush()
        assert forecast(session, project, NOON).per_hour == pytest.approx(60.0)


# --- how it has gone


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


def test_agreement_of_nobody_is_none(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session)
        assert agreement(session, project.id) is None
        assert progress(session, project, NOON).curve == ()
