"""The members of a workspace, as its coordinators find them."""

from __future__ import annotations

from sqlalchemy import select

from core.models import Membership, Worker
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
