"""What a job will take, and how it has gone, on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from core.cli.forecast import describe, look
from core.config import Settings
from core.db import reading, unit_of_work
from core.enrolment import ensure_workspace
from core.errors import SettingsError
from core.forecast import ANSWERS_TO_MINIMUM, Estimate, estimate_job, forecast
from core.models import Annotation, Assignment, Gold, Item, Membership, Project, Worker
from core.pace import nobody_left
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


# --- whether anybody is left, the deadline, how right it will be


def have(session: Session, project: Project, *people: Worker, label_id: str = "a") -> None:
    """Everybody has answered every item, which stays open."""
    for item in items_of(session, project.id):
        for person in people:
            answer(session, item, person, NOON - timedelta(minutes=30), label_id)


def test_where_everybody_has_had_what_is_open_somebody_else_is_needed(engine: Engine) -> None:
    with writing(engine) as session:
        ann = make_member(session, "Ann")
        project = make_project(session, texts(2), min_overlap=2, max_overlap=3)
        assert not nobody_left(session, project), "she has not begun"
        have(session, project, ann)
        session.flush()
        assert nobody_left(session, project)
        ahead = forecast(session, project, NOON)
        assert (ahead.nobody, ahead.done_at, ahead.on_time) == (True, None, None)
        assert ahead.answers_left >= 2, "what is open still asks for answers"
        make_member(session, "Ben")
        assert not nobody_left(session, project)
        assert forecast(session, project, NOON).done_at is not None


@pytest.mark.parametrize(
    ("role", "options", "left"),
    [
        ("worker", {}, False),
        ("coordinator", {}, True),
        ("worker", {"audience": "experts"}, True),
        ("expert", {"audience": "experts"}, False),
    ],
)
def test_only_who_may_work_counts(engine: Engine, role: str, options: dict[str, Any], left: bool) -> None:
    with writing(engine) as session:
        ann = make_member(session, "Ann", "expert")
        project = make_project(session, texts(1), min_overlap=2, **options)
        have(session, project, ann)
        make_member(session, "Ben", role)
        session.flush()
        assert nobody_left(session, project) is left


@pytest.mark.parametrize("standing", [{"status": "banned"}, {"status": "paused"}])
def test_who_is_away_does_not_count(engine: Engine, standing: dict[str, str]) -> None:
    with writing(engine) as session:
        ann, ben = make_member(session, "Ann"), make_member(session, "Ben")
        project = make_project(session, texts(1), min_overlap=2)
        have(session, project, ann)
        session.execute(update(Membership).where(Membership.worker_id == ben.id).values(**standing))
        session.flush()
        assert nobody_left(session, project)


def test_an_item_in_somebody_s_hands_is_not_stuck(engine: Engine) -> None:
    with writing(engine) as session:
        ann = make_member(session, "Ann")
        project = make_project(session, texts(1), min_overlap=2)
        have(session, project, ann)
        assignment = session.scalars(select(Assignment)).one()
        session.execute(update(Assignment).where(Assignment.id == assignment.id).values(state="active"))
        session.flush()
        assert not nobody_left(session, project)


def test_the_chance_to_be_in_time_follows_the_deadline(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(60), min_overlap=1, max_overlap=1)
        ann = make_member(session)
        make_member(session, "Ben")
        for item in items_of(session, project.id)[:30]:
            answer(session, item, ann, NOON - timedelta(hours=1))
            decide(item, NOON - timedelta(hours=1))
        session.flush()
        chances = []
        for hours in (0.2, 1, 5):
            project.deadline = NOON + timedelta(hours=hours)
            chances.append(forecast(session, project, NOON).on_time)
        assert chances[0] == pytest.approx(0.0, abs=0.02)
        assert chances[1] == pytest.approx(0.5, abs=0.1)
        assert chances[2] == pytest.approx(1.0, abs=0.02)
        ahead = forecast(session, project, NOON)
        assert ahead.done_low is not None
        assert ahead.done_high is not None
        assert ahead.done_low < NOON + timedelta(hours=1) < ahead.done_high


def test_known_items_that_came_out_wrong_are_believed(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(80), min_overlap=1, max_overlap=1)
        for item in items_of(session, project.id):
            decide(item, NOON, submitted=1)
            item.posterior, item.confidence = [0.98, 0.02], 0.98
        session.flush()
        before = forecast(session, project, NOON).accuracy
        for number, item in enumerate(items_of(session, project.id)[:60]):
            known = "a" if number % 2 else "b"
            session.add(Gold(project_id=project.id, item_id=item.id, label_id=known, source="column", created_at=NOON))
        session.flush()
        ahead = forecast(session, project, NOON)
        assert before is not None
        assert ahead.accuracy is not None
        assert ahead.accuracy.middle < before.low < before.middle
        assert (ahead.answers_left, ahead.answers_high) == (0, 0)
        assert ahead.all_right is not None
        assert ahead.all_right < 1e-6
        assert [share for share, _ in ahead.shares] == [0.8, 0.9, 0.95, 0.99]
        assert [chance for _, chance in ahead.shares] == sorted((chance for _, chance in ahead.shares), reverse=True)


def test_a_settled_job_is_right(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(3))
        for item in items_of(session, project.id):
            decide(item, NOON, state="adjudicated", submitted=3)
        session.flush()
        ahead = forecast(session, project, NOON)
        assert ahead.accuracy is not None
        assert (ahead.accuracy.middle, ahead.all_right) == (1.0, 1.0)


def test_a_job_without_items_says_nothing_of_labels(engine: Engine) -> None:
    with writing(engine) as session:
        ahead = forecast(session, make_project(session, []), NOON)
        assert (ahead.answers_left, ahead.accuracy, ahead.all_right, ahead.shares) == (0, None, None, ())


def test_a_budget_bounds_the_forecast(engine: Engine) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(100), min_overlap=2, max_overlap=4, aim="budget", answer_budget=50)
        ahead = forecast(session, project, NOON)
        assert (ahead.answers_left, ahead.answers_low, ahead.answers_high) == (50, 50, 50)


# --- the command


def test_the_command_tells_the_same_by_id_and_by_name(
    engine: Engine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(40), name="Weather", price=5, deadline=NOON + timedelta(days=90))
        public_id = project.public_id
    found = look(settings, public_id)
    assert look(settings, "weather") | {"done_at": 0} == found | {"done_at": 0}
    assert set(found) >= {
        *("answers_left", "answers_low", "answers_high", "cost_left", "done_at", "done_low", "done_high", "on_time"),
        *("accuracy", "accuracy_low", "accuracy_high", "all_right", "share_right"),
    }
    assert json.loads(json.dumps(found)) == found
    assert found["answers_low"] < found["answers_left"] < found["answers_high"]
    assert found["cost_left"] > 0
    assert found["done_at"] is None, "nobody has answered yet"
    assert set(found["share_right"]) == {"0.8", "0.9", "0.95", "0.99"}
    said = describe(found)
    assert "no end in sight" in said
    assert "more answers" in said


def test_the_command_asks_which_job(engine: Engine, settings: Settings) -> None:
    with writing(engine) as session:
        ids = [make_project(session, texts(1), name="Twice").public_id for _ in range(2)]
    with pytest.raises(SettingsError, match="There is no job 'nothing'"):
        look(settings, "nothing")
    with pytest.raises(SettingsError, match="More than one job") as failure:
        look(settings, "twice")
    assert all(public_id in str(failure.value) for public_id in ids)
