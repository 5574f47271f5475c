"""What a job will take: by history before it is posted, at the pace of its day while it runs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.enrolment import ensure_workspace
from core.forecast import ANSWERS_TO_MINIMUM, Estimate, estimate_job, forecast
from tests.factories import START, add_items, items_of, make_member, make_project
from tests.integration.forecasting.jobs import NOON, answer, decide, steady, texts, writing


def estimate(session: Session, items: int = 100, low: int = 3, high: int = 8) -> Estimate:
    return estimate_job(session, ensure_workspace(session, START).id, items, low, high, 5, 600, NOON)


def test_an_empty_workspace_guesses_from_the_minimum(engine: Engine) -> None:
    with writing(engine) as session:
        guess = estimate(session)
        assert guess.answers == round(100 * 3 * ANSWERS_TO_MINIMUM.middle)
        assert guess.low < guess.answers < guess.high
        assert guess.accuracy is not None
        assert guess.accuracy.low < guess.accuracy.middle < guess.accuracy.high < 1.0
        assert (guess.cost, guess.seconds) == (guess.answers * 5, None)
        assert estimate(session, low=3, high=3).answers == 300, "never above the maximum"
        nothing = estimate(session, items=0)
        assert (nothing.answers, nothing.high, nothing.accuracy) == (0, 0, None)


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
        assert estimate(session, items=100, low=1).answers == round(100 * ANSWERS_TO_MINIMUM.middle)


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
        assert (elsewhere.answers, elsewhere.seconds) == (round(10 * ANSWERS_TO_MINIMUM.middle), None)


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


# --- whether anybody is left, the deadline, how right it will be


# --- the command
