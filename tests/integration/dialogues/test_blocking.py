"""Somebody blocks the bot: what they hold goes back at once, nothing is sent to them, and coming back is easy."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.surface import Left, Outcome, Person
from core.assignment import next_assignment
from core.clock import now
from core.leases import active_lease
from core.models import Identity, Item, Project
from core.outbox import owe
from tests.factories import START, make_project
from tests.fakes.chat import Chat, Someone


def holding(chat: Chat, person: Someone) -> int:
    """Let the person hold an item; their worker id."""
    with chat.writing() as session:
        project = make_project(session)
        worker_id = identity_of(session, person).worker_id
        assert next_assignment(session, session.get_one(Project, project.id), worker_id, "web", now())
        return worker_id


def identity_of(session: Session, person: Someone) -> Identity:
    return session.scalars(select(Identity).where(Identity.external_id == person.person.external_id)).one()


def state(chat: Chat, person: Someone) -> tuple[bool, bool]:
    """Whether they count as blocked, and whether they hold an item."""
    with chat.writing() as session:
        identity = identity_of(session, person)
        leased = session.scalars(select(Item.leased).where(Item.leased > 0)).all()
        held = active_lease(session, identity.worker_id)
        assert bool(leased) == (held is not None)
        return identity.blocked_at is not None, held is not None


async def test_a_block_gives_back_and_silences_and_any_word_undoes_it(chat: Chat) -> None:
    ann = await chat.member("Ann")
    worker_id = holding(chat, ann)
    assert await chat.dispatch(Left(ann.person)) == Outcome()
    assert state(chat, ann) == (True, False)
    with chat.writing() as session:
        project = session.scalars(select(Project)).one()
        parcel = {"project_id": project.id}
        owe(session, worker_id=worker_id, workspace_id=1, kind="offer", params=parcel, dedupe_key="x", now=now())
    sent = len(chat.surface.sent)
    await chat.deliver()
    assert len(chat.surface.sent) == sent
    await ann.says("hello")
    assert state(chat, ann) == (False, False)


async def test_a_block_told_twice_is_one(chat: Chat) -> None:
    ann = await chat.member("Ann")
    holding(chat, ann)
    for _ in range(2):
        assert await chat.dispatch(Left(ann.person)) == Outcome()
    assert state(chat, ann) == (True, False)


async def test_who_can_be_reached_elsewhere_keeps_their_item(chat: Chat) -> None:
    ann = await chat.member("Ann")
    worker_id = holding(chat, ann)
    with chat.writing() as session:
        elsewhere = {"surface": "telegram", "external_id": "77", "address": "77", "workspace_id": 1}
        session.add(
            Identity(worker_id=worker_id, created_at=START, last_seen_at=START - timedelta(days=1), **elsewhere)
        )
    await chat.dispatch(Left(ann.person))
    assert state(chat, ann) == (True, True)
    with chat.writing() as session:
        session.execute(update(Identity).values(blocked_at=None))
    await chat.dispatch(Left(Person("telegram", "", "77", "77")))
    await chat.dispatch(Left(ann.person))
    assert state(chat, ann) == (True, False)


async def test_a_stranger_who_blocks_is_told_nothing(chat: Chat) -> None:
    assert await chat.dispatch(Left(chat.someone("Nobody").person)) == Outcome()
