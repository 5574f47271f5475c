"""When nobody here can say more about what is open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from core.forecast import forecast
from core.models import Assignment, Membership, Project, Worker
from core.pace import nobody_left
from tests.factories import items_of, make_member, make_project
from tests.integration.forecasting.jobs import NOON, answer, texts, writing


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
