"""The chance to be in time and to be right, a budget, and the command that tells it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from bot.texts import measures
from core import clock
from core.cli.forecast import describe, look
from core.config import Settings
from core.errors import SettingsError
from core.forecast import forecast
from core.models import Gold, Project
from tests.factories import items_of, make_member, make_project
from tests.integration.forecasting.jobs import NOON, answer, decide, texts, writing


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


def test_a_budget_that_is_used_up_has_no_end(engine: Engine, settings: Settings) -> None:
    with writing(engine) as session:
        project = make_project(
            session, texts(10), min_overlap=2, max_overlap=4, name="Dear", aim="budget", answer_budget=2
        )
        ann = make_member(session)
        items = items_of(session, project.id)
        answer(session, items[0], ann, NOON - timedelta(minutes=5))
        session.flush()
        assert forecast(session, project, NOON).used_up == 0, "one answer is left"
        answer(session, items[1], ann, NOON - timedelta(minutes=4))
        session.flush()
        ahead = forecast(session, project, NOON)
        assert (ahead.used_up, ahead.answers_left, ahead.done_at, ahead.nobody) == (2, 0, None, False)
    found = look(settings, "dear")
    assert found["budget_used_up"] == 2
    said = describe(found, NOON)
    assert "The budget of 2 answers is used up, and items are still open." in said
    with writing(engine) as session:
        for item in items_of(session, project.id):
            decide(item, NOON)
        session.flush()
        assert forecast(session, project, NOON).used_up == 0, "nothing is open any more"


def test_a_closed_job_has_no_forecast(engine: Engine, settings: Settings) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(10), name="Over", state="closed")
        answer(session, items_of(session, project.id)[0], make_member(session), NOON)
        ahead = forecast(session, project, NOON)
        assert (ahead.answers_left, ahead.cost_left, ahead.done_at, ahead.accuracy) == (0, 0, None, None)
    found = look(settings, "Over")
    assert (found["state"], found["done_at"], found["answers_left"]) == ("closed", None, 0)
    said = describe(found, NOON)
    assert "Closed: nothing is to come." in said
    assert "Done" not in said


def test_the_command_writes_as_the_chat_does(engine: Engine, settings: Settings) -> None:
    with writing(engine) as session:
        project = make_project(session, texts(60), name="Rain", min_overlap=1, max_overlap=1, price=5)
        project.deadline = NOON + timedelta(days=9)
        ann = make_member(session)
        make_member(session, "Ben")
        for item in items_of(session, project.id)[:20]:
            answer(session, item, ann, clock.now() - timedelta(hours=1))
            decide(item, clock.now() - timedelta(hours=1))
    moment = clock.now()
    found = look(settings, "rain")
    said = describe(found, moment)
    assert "40 more answers, $2.00" in said
    done = measures.moment(datetime.fromisoformat(found["done_at"]), "", "en", moment)
    assert f"Done probably {done} (in 2 hours;" in said
    assert " UTC" in said
    assert "at about 20 answers per hour" in said
    assert f"Deadline: {measures.moment(NOON + timedelta(days=9), '', 'en', moment)}. Chance to make it:" in said
    assert found["done_at"] not in said, "no raw ISO time"
    assert "of the labels right (" in said
    assert "of at least so many right: 80%:" in said
    tiny = describe(found | {"all_right": 6e-65, "share_right": {"0.9": 0.004, "0.95": 0.5}}, moment)
    assert "right: 90%: 0.4%, 95%: 50%, all: less than 0.1%" in tiny
    for state, sentence in (("paused", "Paused: nothing is handed out."), ("open", "Done probably")):
        with writing(engine) as session:
            session.get_one(Project, project.id).state = state
        assert sentence in describe(look(settings, "rain"), moment)
    with writing(engine) as session:
        for item in items_of(session, project.id):
            decide(item, NOON)
    assert "No item asks for more answers." in describe(look(settings, "rain"), moment)


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
    said = describe(found, NOON)
    assert "No end in sight" in said
    assert "more answers" in said


def test_the_command_asks_which_job(engine: Engine, settings: Settings) -> None:
    with writing(engine) as session:
        ids = [make_project(session, texts(1), name="Twice").public_id for _ in range(2)]
    with pytest.raises(SettingsError, match="There is no job 'nothing'"):
        look(settings, "nothing")
    with pytest.raises(SettingsError, match="More than one job") as failure:
        look(settings, "twice")
    assert all(public_id in str(failure.value) for public_id in ids)


@pytest.mark.parametrize("disputed", [0, 1, 4])
def test_the_command_tells_the_end_of_asking_from_the_end(engine: Engine, settings: Settings, disputed: int) -> None:
    """As the chat does: what is disputed waits for experts, whose pace nobody knows."""
    with writing(engine) as session:
        project = make_project(session, texts(60), name="Rain", min_overlap=1, max_overlap=1)
        ann = make_member(session)
        make_member(session, "Ben")
        for item in items_of(session, project.id)[:20]:
            answer(session, item, ann, clock.now() - timedelta(hours=1))
            decide(item, clock.now() - timedelta(hours=1))
        for item in items_of(session, project.id)[20 : 20 + disputed]:
            item.state = "disputed"
        hidden = make_project(session, texts(3), name="Other")
        for item in items_of(session, hidden.id):
            item.state = "disputed"
    found = look(settings, "rain")
    assert found["wait_for_experts"] == disputed
    said = describe(found, clock.now())
    assert ("  Asking is done probably" in said) is bool(disputed)
    assert ("  Done probably" in said) is not disputed
    assert ("experts: /settle in the chat" in said) is bool(disputed)
    if disputed:
        assert f"{disputed} disputed {'item waits' if disputed == 1 else 'items wait'} for experts" in said
