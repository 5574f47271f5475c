"""The members of a workspace, as its coordinators find them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import now
from core.enrolment import create_invite
from core.models import Membership, Project, Worker, Workspace
from tests.fakes.chat import Chat, Someone


def member_id(chat: Chat, name: str) -> str:
    """The public id of a person."""
    with chat.writing() as session:
        return session.scalars(select(Worker.public_id).where(Worker.name == name)).one()


def status(chat: Chat, name: str) -> str:
    """The status of a person's membership."""
    with chat.writing() as session:
        found = select(Membership.status).join(Worker, Worker.id == Membership.worker_id).where(Worker.name == name)
        return session.scalars(found).one()


async def opens(chat: Chat, coordinator: Someone, name: str) -> str:
    """The card of a person."""
    return await coordinator.taps_payload(f"member.{member_id(chat, name)}..0")


async def outsider(chat: Chat, name: str, role: str) -> Someone:
    """Somebody who has just joined another workspace, which has no jobs."""
    with chat.writing() as session:
        code = create_invite(session, _elsewhere(session).id, role, 1, now())
    someone = chat.someone(name)
    await someone.says(f"/start {code}")
    await someone.agrees()
    return someone


def move_job_elsewhere(chat: Chat) -> Workspace:
    """From now on the only job belongs to another workspace."""
    with chat.writing() as session:
        other = _elsewhere(session)
        session.scalars(select(Project)).one().workspace_id = other.id
    return other


def _elsewhere(session: Session) -> Workspace:
    other = Workspace(name="Elsewhere", created_at=now())
    session.add(other)
    session.flush()
    return other
