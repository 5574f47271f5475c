"""What a tap reads of who taps and of what they hold, in one statement."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, select

from bot.handling import handle
from bot.surface import Person, Tapped
from bot.tokens import make
from core.assignment import next_assignment
from core.config import Settings
from core.db import reading, unit_of_work
from core.errors import LightworkError
from core.leases import active_lease
from core.membership import ban_by_rule
from core.models import Annotation, Identity
from tests.factories import START, make_member, make_project
from tests.invariants import check_redundancy
from tests.waiting import wait_for_lock

SECOND = timedelta(seconds=1)


class Ann:
    """One worker with a card, who taps."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine, self.settings, self.now = engine, settings, START
        with unit_of_work(engine, lambda effects: None) as session:
            project, worker = make_project(session), make_member(session)
            self.project_id, self.worker_id, self.workspace_id = project.id, worker.id, project.workspace_id
            next_assignment(session, project, worker.id, "web", START)
            self.account = session.scalars(select(Identity.external_id).where(Identity.worker_id == worker.id)).one()

    def payload(self) -> str:
        with reading(self.engine) as session:
            lease = active_lease(session, self.worker_id)
        assert lease is not None
        return make("answer", lease.public_id, "a", lease.version)

    def taps(self, payload: str) -> None:
        person = Person("web", "", self.account, self.account)
        with unit_of_work(self.engine, lambda effects: None) as session:
            handle(session, Tapped(person, payload), self.settings, self.now)


@pytest.fixture
def ann(engine: Engine, settings: Settings) -> Ann:
    return Ann(engine, settings)


def answers(engine: Engine) -> int:
    with reading(engine) as session:
        check_redundancy(session)
        return len(session.scalars(select(Annotation)).all())


def test_from_the_second_answer_on_one_statement_finds_all(ann: Ann) -> None:
    sent: list[str] = []
    event.listen(ann.engine, "before_cursor_execute", lambda *told: sent.append(str(told[2])))
    found = []
    for _ in range(3):
        payload = ann.payload()
        sent.clear()
        ann.taps(payload)
        found.append(len([one for one in sent if one.startswith("SELECT identity.")]))
        held = [one for one in sent if "FROM identity" in one and "JOIN skill" in one]
        assert len(held) == 1
    assert found == [2, 1, 1], "at first there is no skill, and the account is looked for alone"
    assert answers(ann.engine) == 3


def test_a_ban_that_was_waited_for_is_seen(postgresql_engine: Engine, settings: Settings) -> None:
    ann = Ann(postgresql_engine, settings)
    ann.taps(ann.payload())
    payload, refused = ann.payload(), list[str]()

    def tap() -> None:
        try:
            ann.taps(payload)
        except LightworkError as error:
            refused.append(error.code)

    thread = threading.Thread(target=tap)
    with unit_of_work(postgresql_engine, lambda effects: None) as session:
        assert ban_by_rule(session, ann.workspace_id, ann.worker_id, START + SECOND)
        thread.start()
        wait_for_lock(postgresql_engine)
    thread.join(10)
    assert refused == ["banned"]
    assert answers(postgresql_engine) == 1
