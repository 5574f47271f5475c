"""A word before a lease runs out, and giving the item back from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis import Redis
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from core import jobs
from core.assignment import end_lease, next_assignment
from core.clock import now
from core.config import Settings
from core.db import unit_of_work
from core.effects import Effect
from core.leases import Lease, active_lease
from core.models import Assignment, Identity, Item, Membership, OutboxMessage, Participation, Project, Worker, Workspace
from core.reminders import PAUSE, REMINDERS_PER_RUN, notice_for, remind
from tests.factories import START, make_member, make_project, make_runtime
from tests.fakes.chat import Chat
from tests.integration.dialogues.work import post

LEASE = 600
LATE = START + timedelta(seconds=LEASE - 120)


def lease_one(session: Session, lease_seconds: int = LEASE, name: str = "Ann") -> tuple[Worker, Project, Lease]:
    """Somebody who holds an item since `START`."""
    project = make_project(session, lease_seconds=lease_seconds)
    worker = make_member(session, name)
    lease = next_assignment(session, project, worker.id, "web", START)
    assert lease is not None
    return worker, project, lease


def reminded(session: Session) -> list[int]:
    """Who is owed a reminder, in the order in which they were."""
    owed = select(OutboxMessage.worker_id).where(OutboxMessage.kind == "reminder")
    return list(session.scalars(owed.order_by(OutboxMessage.id)))


@pytest.mark.parametrize(("lease", "notice"), [(60, 30), (100, 50), (200, 60), (600, 120), (3600, 720), (86_400, 3600)])
def test_a_reminder_comes_in_time_but_not_too_soon(lease: int, notice: int) -> None:
    assert notice_for(lease) == timedelta(seconds=notice)


def test_it_comes_once_and_expires_with_the_lease(engine: Engine, effects: list[Effect]) -> None:
    with unit_of_work(engine, effects.extend) as session:
        worker, _, lease = lease_one(session)
        assert remind(session, LATE - timedelta(seconds=1)) == 0, "too soon"
        assert remind(session, LATE) == 1
        assert remind(session, LATE) == 0
        assert remind(session, LATE + timedelta(seconds=60)) == 0
    with unit_of_work(engine, effects.extend) as session:
        [message] = session.scalars(select(OutboxMessage)).all()
        assert (message.worker_id, message.kind, message.expires_at) == (worker.id, "reminder", lease.expires_at)
        assert message.params["minutes"] == 2
        assert session.scalars(select(Assignment.reminded_at)).all() == [LATE]


def test_an_item_that_is_dealt_with_or_over_is_not_reminded_of(engine: Engine, effects: list[Effect]) -> None:
    with unit_of_work(engine, effects.extend) as session:
        _, _, lease = lease_one(session)
        assert remind(session, lease.expires_at) == 0, "it is over"
        end_lease(session, lease.assignment_id, lease.item_id, "skipped", START)
        assert remind(session, LATE) == 0


def test_people_are_left_in_peace(engine: Engine, effects: list[Effect]) -> None:
    with unit_of_work(engine, effects.extend) as session:
        worker, _, _ = lease_one(session)
        status = update(Membership).where(Membership.worker_id == worker.id)
        for value in ("paused", "suspended", "banned"):
            session.execute(status.values(status=value))
            assert remind(session, LATE) == 0, value
        session.execute(status.values(status="active", consent_version=None))
        assert remind(session, LATE) == 0, "they have not agreed"
        session.execute(status.values(consent_version=2))
        account = update(Identity).where(Identity.worker_id == worker.id)
        session.execute(account.values(blocked_at=START))
        assert remind(session, LATE) == 0, "they have blocked the bot"
        session.execute(account.values(blocked_at=None))
        worker.quiet_from, worker.quiet_to = 0, 23 * 60
        assert remind(session, LATE) == 0, "they have quiet hours"
        worker.quiet_from = worker.quiet_to = None
        assert remind(session, LATE) == 1


def test_nobody_is_reminded_twice_within_hours(engine: Engine, effects: list[Effect]) -> None:
    with unit_of_work(engine, effects.extend) as session:
        worker, _, _ = lease_one(session)
        other = make_project(session, lease_seconds=LEASE)
        assert next_assignment(session, other, worker.id, "web", START)
        assert remind(session, LATE) == 1, "one word for two items"
        assert reminded(session) == [worker.id]
        third = make_project(session, lease_seconds=LEASE)
        later = LATE + PAUSE - timedelta(seconds=1)
        assert next_assignment(session, third, worker.id, "web", later - timedelta(seconds=LEASE - 60))
        assert remind(session, later) == 0
        assert remind(session, later + timedelta(seconds=2)) == 1


def test_one_run_is_bounded_and_the_most_urgent_come_first(
    engine: Engine, effects: list[Effect], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert REMINDERS_PER_RUN == 500
    monkeypatch.setattr("core.reminders.REMINDERS_PER_RUN", 2)
    with unit_of_work(engine, effects.extend) as session:
        project = make_project(session, lease_seconds=LEASE)
        workers = [make_member(session, f"w{number}").id for number in range(3)]
        for number, worker_id in enumerate(workers):
            moment = START - timedelta(seconds=number)
            assert next_assignment(session, project, worker_id, "web", moment)
        assert remind(session, LATE) == 2
        assert reminded(session) == [workers[2], workers[1]]
        assert remind(session, LATE) == 1


def test_the_sweep_reminds(engine: Engine, redis: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = make_runtime(settings, engine, redis)
    monkeypatch.setattr(jobs, "process_runtime", lambda: runtime)
    monkeypatch.setattr(jobs, "now", lambda: LATE)
    with runtime.writing() as session:
        lease_one(session)
    jobs.sweep()
    jobs.sweep()
    with runtime.reading() as session:
        assert len(reminded(session)) == 1


def test_an_account_that_acts_in_another_community_is_not_written_to(engine: Engine, effects: list[Effect]) -> None:
    with unit_of_work(engine, effects.extend) as session:
        worker, project, _ = lease_one(session)
        here = session.scalars(select(Identity).where(Identity.worker_id == worker.id)).one()
        other = Workspace(name="Elsewhere", created_at=START)
        session.add(other)
        session.flush()
        here.blocked_at = START
        there = Identity(
            worker_id=worker.id,
            workspace_id=other.id,
            surface="telegram",
            tenant="",
            external_id="7",
            address="7",
            last_seen_at=START,
            created_at=START,
        )
        session.add(there)
        session.flush()
        assert remind(session, LATE) == 0, "their buttons would not work there"
        assert session.scalars(select(Assignment.reminded_at)).all() == [None]
        there.workspace_id = project.workspace_id
        session.flush()
        assert remind(session, LATE) == 1


async def remind_all(chat: Chat) -> None:
    """Let everybody's time run short, and send what comes of it."""
    with chat.writing() as session:
        session.execute(update(Assignment).values(expires_at=now() + timedelta(seconds=90)))
    with chat.writing() as session:
        remind(session, now())
    await chat.deliver()


@pytest.fixture
async def chat(settings: Settings, engine: Engine, redis: Redis) -> AsyncIterator[Chat]:
    """A bot with its own database and Valkey."""
    made = Chat(settings, engine, redis)
    yield made
    made.close()


async def test_the_reminder_shows_the_item_or_gives_it_back(chat: Chat) -> None:
    post(chat, "only", min_overlap=1, max_overlap=1)
    ann, bob = await chat.member("Ann"), await chat.member("Bob")
    await ann.says("/next")
    await remind_all(chat)
    [(address, message)] = chat.surface.sent
    assert address == "ann"
    assert message.text == "Your item in “Is it?” is yours for another 2 minutes; then it goes to somebody else."
    ann.card = message
    assert ann.buttons() == ["Show it", "Give it back"]
    back = ann.button("Give it back").payload
    assert "only" in await ann.taps("Show it")
    await bob.taps_payload(back)
    assert bob.refused == "not_your_assignment"
    assert "Given back" in await ann.taps_payload(back)
    assert "Given back" in await ann.taps_payload(back), "the second tap does no harm"
    with chat.writing() as session:
        assert session.scalars(select(Assignment.state)).all() == ["released"]
        assert session.scalars(select(Item.leased)).all() == [0]
        mine = select(Participation.state).join(Worker, Worker.id == Participation.worker_id)
        assert session.scalars(mine.where(Worker.name == "Ann")).all() == ["away"]
    assert "only" in await bob.says("/next")


async def test_a_reminder_of_an_item_that_was_answered_meanwhile_is_not_sent(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    with chat.writing() as session:
        session.execute(update(Assignment).values(expires_at=now() + timedelta(seconds=90)))
    with chat.writing() as session:
        assert remind(session, now()) == 1
        back = session.scalars(select(Assignment.public_id)).one()
    await ann.taps("Good")
    await chat.deliver()
    assert chat.surface.sent == []
    await ann.taps_payload(f"giveback.{back}..0")
    assert ann.refused == "already_submitted"
    with chat.writing() as session:
        assert active_lease(session, session.scalars(select(Worker.id).where(Worker.name == "Ann")).one())
