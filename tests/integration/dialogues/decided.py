"""Jobs that a model can learn from."""

from __future__ import annotations

from sqlalchemy import select

from core.models import Item, Project
from tests.factories import make_project
from tests.fakes.chat import Chat

ITEMS = 12


def undecided_job(chat: Chat, name: str = "Weather") -> Project:
    """A job with twelve items."""
    with chat.writing() as session:
        return make_project(session, [f"text {number} of {name}" for number in range(ITEMS)], name=name)


def decide(chat: Chat, project: Project) -> None:
    """All items of a job are agreed on, as its two labels in turn."""
    with chat.writing() as session:
        for number, item in enumerate(session.scalars(select(Item).where(Item.project_id == project.id))):
            item.state, item.label_id = "agreed", "ab"[number % 2]


def decided_job(chat: Chat, name: str = "Weather") -> Project:
    """A job with twelve decided items."""
    project = undecided_job(chat, name)
    decide(chat, project)
    return project
