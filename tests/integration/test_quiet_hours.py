"""Nobody is written to in their quiet hours, and nothing that they could do is forgotten over them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from core.clock import bucket, now
from core.config import Settings
from core.db import unit_of_work
from core.due import COMMIT_MARGIN
from core.effects import Effect, EnqueueJob
from core.lanes import Lane
from core.models import Membership, OutboxMessage, Participation, Project, Worker
from core.offers import next_offer, offer_work
from core.outbox import due, owe, put_off, sweep_outbox
from core.queue import OFFER, is_covered
from core.sweep import sweep_project
from tests.factories import make_member, make_project, make_runtime
from tests.fakes.chat import Chat
from tests.integration.dialogues.work import post

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NIGHT = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
MORNING = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


def sleeper(session: Session, name: str = "Ann", zone: str = "", hours: tuple[int, int] = (22 * 60, 8 * 60)) -> Worker:
    """Somebody with quiet hours."""
    worker = make_member(session, name)
    worker.quiet_from, worker.quiet_to, worker.time_zone = *hours, zone
    session.flush()
    return worker


def offered(session: Session) -> list[int]:
    """To whom offers are owed."""
    return list(session.scalars(select(OutboxMessage.worker_id).order_by(OutboxMessage.id)))


def offer_jobs(effects: list[Effect]) -> list[datetime | None]:
    """When the offer jobs that were asked for are due."""
    return [effect.at for effect in effects if isinstance(effect, EnqueueJob) and effect.function == OFFER]


def owe_one(session: Session, worker: Worker, at: datetime, lane: Lane = Lane.REMINDER, key: str = "one") -> bool:
    """Owe somebody a message that makes sense for an hour."""
    return owe(
        session,
        worker_id=worker.id,
        workspace_id=1,
        kind="feedback",
        params={},
        dedupe_key=key,
        now=at,
        lane=lane,
        expires_after=timedelta(hours=1),
    )


def test_offers_go_to_who_is_awake_and_a_job_waits_for_the_others(engine: Engine, effects: list[Effect]) -> None:
    with unit_of_work(engine, effects.extend) as session:
        project = make_project(session, ["one", "two"])
        for number in range(60):
            sleeper(session, f"s{number}", hours=(22 * 60, 8 * 60 + number))
        up = make_member(session, "Up").id
    effects.clear()
    with unit_of_work(engine, effects.extend) as session:
        assert offer_work(session, project.id, NIGHT) == 1
        assert offered(session) == [up], "those who sleep do not hide them"
    first = min(moment for moment in offer_jobs(effects) if moment is not None and moment > NIGHT + timedelta(hours=1))
    assert MORNING < first <= MORNING + COMMIT_MARGIN + timedelta(seconds=10)
    with unit_of_work(engine, effects.extend) as session:
        assert offer_work(session, project.id, first) >= 1
    with unit_of_work(engine, effects.extend) as session:
        assert len(offered(session)) > 1


def test_hours_are_by_each_persons_own_clock(engine: Engine, effects: list[Effect]) -> None:
    with unit_of_work(engine, effects.extend) as session:
        project = make_project(session)
        sleeper(session, "Asleep", "Asia/Shanghai")
        up = sleeper(session, "Up", "America/New_York").id
        offer_work(session, project.id, datetime(2026, 3, 2, 16, 0, tzinfo=UTC))
        assert offered(session) == [up]


def test_a_shortfall_that_only_sleepers_can_fill_keeps_its_job(
    engine: Engine, redis: Redis, settings: Settings
) -> None:
    runtime = make_runtime(settings, engine, redis)
    with runtime.writing() as session:
        project = make_project(session)
        sleeper(session)
        assert next_offer(session, project, NIGHT) == MORNING
        assert next_offer(session, project, NOON) == NOON
    redis.flushall()
    with runtime.writing() as session:
        sweep_project(session, session.get_one(Project, project.id), NIGHT)
    assert is_covered(redis, f"offer-{project.id}-{bucket(MORNING + COMMIT_MARGIN)}")


def test_without_anybody_or_anything_no_job_is_kept(engine: Engine, effects: list[Effect]) -> None:
    with unit_of_work(engine, effects.extend) as session:
        lonely, empty = make_project(session), make_project(session, [])
        assert next_offer(session, lonely, NIGHT) is None
        sleeper(session)
        assert next_offer(session, empty, NIGHT) is None
        assert next_offer(session, lonely, NIGHT) == MORNING
        lonely.state = "paused"
        assert next_offer(session, lonely, NIGHT) is None


def test_what_nobody_waits_for_is_owed_for_the_morning(engine: Engine, effects: list[Effect]) -> None:
    with unit_of_work(engine, effects.extend) as session:
        ann = sleeper(session)
        owe_one(session, ann, NIGHT)
        owe_one(session, ann, NIGHT, Lane.NOTICE, "answer to a command")
        assert [message.dedupe_key for message in due(session, NIGHT)] == ["answer to a command"]
        assert sweep_outbox(session, NIGHT + timedelta(hours=2)) == 1, "its hour counts from the morning"
        [message] = due(session, MORNING)
        assert (message.not_before, message.expires_at) == (MORNING, MORNING + timedelta(hours=1))


def test_who_sets_quiet_hours_afterwards_is_left_in_peace_too(engine: Engine, effects: list[Effect]) -> None:
    with unit_of_work(engine, effects.extend) as session:
        ann, bob = make_member(session, "Ann"), make_member(session, "Bob")
        for worker in (ann, bob):
            owe_one(session, worker, NIGHT, key=f"for {worker.name}")
        ann.quiet_from, ann.quiet_to = 22 * 60, 8 * 60
        session.flush()
        assert [message.worker_id for message in due(session, NIGHT)] == [bob.id]
        assert put_off(session, NIGHT) == 1
        assert put_off(session, NIGHT) == 0
        waiting = session.scalars(select(OutboxMessage).where(OutboxMessage.worker_id == ann.id)).one()
        session.refresh(waiting)
        assert (waiting.not_before, waiting.expires_at) == (MORNING, MORNING + timedelta(hours=1))


@pytest.mark.parametrize("status", ["paused", "suspended", "banned"])
def test_silence_after_a_pause(engine: Engine, effects: list[Effect], status: str) -> None:
    with unit_of_work(engine, effects.extend) as session:
        ann = make_member(session, "Ann")
        owe_one(session, ann, NOON)
        owe_one(session, ann, NOON, Lane.NOTICE, "a file they asked for")
        session.execute(update(Membership).where(Membership.worker_id == ann.id).values(status=status))
        assert [message.dedupe_key for message in due(session, NOON)] == ["a file they asked for"]


@pytest.fixture
async def chat(settings: Settings, engine: Engine, redis: Redis) -> AsyncIterator[Chat]:
    """A bot with its own database and Valkey."""
    made = Chat(settings, engine, redis)
    yield made
    made.close()


async def test_many_jobs_make_one_offer_that_names_their_number(chat: Chat) -> None:
    await chat.member("Ann")
    first = post(chat, "one")
    for text in ("two", "three"):
        post(chat, text)
    post(chat, "not for her", audience="experts")
    with chat.writing() as session:
        session.execute(update(Participation).values(state="idle"))
        projects = list(session.scalars(select(Project).order_by(Project.id)))
    for project in projects:
        with chat.writing() as session:
            offer_work(session, project.id, now())
    await chat.deliver()
    [(address, message)] = chat.surface.sent
    assert (address, message.text) == ("ann", "There is work in 3 jobs, for example “Is it?”.")
    [[start]] = message.buttons
    with chat.writing() as session:
        assert start.payload == f"next.{session.get_one(Project, first).public_id}..0"


async def test_an_offer_of_one_job_names_it(chat: Chat) -> None:
    await chat.member("Ann")
    project_id = post(chat, "one", min_overlap=1)
    with chat.writing() as session:
        assert offer_work(session, project_id, now()) == 1
    await chat.deliver()
    [(_, message)] = chat.surface.sent
    assert message.text == "There is work in “Is it?”: 1 answer is wanted."


async def test_silence_after_pause_in_the_chat(chat: Chat) -> None:
    ann = await chat.member("Ann")
    project_id = post(chat)
    with chat.writing() as session:
        assert offer_work(session, project_id, now()) == 1
    await ann.says("/pause")
    await chat.deliver()
    assert chat.surface.sent == []
    with chat.writing() as session:
        assert offer_work(session, project_id, now()) == 0
