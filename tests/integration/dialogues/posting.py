"""A coordinator who is posting a job, and what was posted."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from bot.surface import Message
from core.models import Item, Project
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.files import write


def projects(chat: Chat) -> list[Project]:
    """All jobs, the newest first."""
    with chat.writing() as session:
        return list(session.scalars(select(Project).order_by(Project.id.desc())))


def texts(chat: Chat) -> list[str]:
    """The texts of all items."""
    with chat.writing() as session:
        return [item.content[0]["text"] for item in session.scalars(select(Item).order_by(Item.id))]


async def at_the_hub(chat: Chat, tmp_path: Path, labels: str = "Good | Bad") -> Someone:
    """A coordinator who has sent a file and answered what had to be answered."""
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path), "How is the weather?")
    await olga.says(labels)
    return olga


def seen(person: Someone) -> Message:
    """The newest message with buttons."""
    assert person.card is not None
    return person.card
