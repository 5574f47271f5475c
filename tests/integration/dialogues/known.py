"""A job with known items in the chat, posted from a file as coordinators do it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from core.clock import now
from core.gold_pool import change_gold
from core.models import Gold, Identity, Item, Participation, Project
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.files import load_all, write

KNOWN = 8


def rows(known: int = KNOWN, others: int = 12) -> str:
    """A file in which the first items are known: Good, Bad, Good ..."""
    header = "id,text,gold,explanation\n"
    first = [f"{number},known {number},{('Good', 'Bad')[number % 2]},see rule {number}" for number in range(known)]
    return header + "\n".join([*first, *(f"{100 + number},item {number},," for number in range(others))]) + "\n"


async def posted(chat: Chat, tmp_path: Path, text: str = "", caption: str = "", **quality: Any) -> tuple[Someone, str]:
    """Who posted it, and the public id of the job."""
    olga = await chat.member("Olga", "coordinator")
    path = write(tmp_path, text or rows())
    await olga.uploads(path, caption or "/post How is it? | Good | Bad | overlap=1-2")
    load_all(chat)
    with chat.writing() as session:
        project = session.scalars(select(Project)).one()
        if quality:
            change_gold(session, project, project.created_by_id, now(), **quality)
        return olga, project.public_id


def make_due(chat: Chat, person: Someone) -> None:
    """The next item of this person is a known one."""
    mine = select(Identity.worker_id).where(Identity.external_id == person.person.external_id).scalar_subquery()
    with chat.writing() as session:
        session.execute(update(Participation).where(Participation.worker_id == mine).values(since_gold=1, gold_due=1))


def never_due(chat: Chat) -> None:
    """Nobody gets a known item by chance."""
    with chat.writing() as session:
        session.execute(update(Participation).values(since_gold=0, gold_due=10_000))


def right_label(chat: Chat, text: str) -> str | None:
    """The button that is right for the item whose text a card shows; nothing where it is not known."""
    with chat.writing() as session:
        known = session.execute(select(Item.content, Gold.label_id).join(Gold, Gold.item_id == Item.id)).all()
    found = {content[0]["text"]: {"a": "Good", "b": "Bad"}[label_id] for content, label_id in known}
    return next((label for item, label in found.items() if item in text.splitlines()), None)


def item_text(person: Someone) -> str:
    """The item on the newest card."""
    assert person.card is not None
    return person.card.parts[-1].text  # what is told about the one before stands above it


async def answers_rightly(chat: Chat, person: Someone, *, wrong: bool = False) -> str:
    """Tap what is right for the known item on the card, or what is wrong; returns what was heard."""
    label = right_label(chat, item_text(person))
    assert label is not None, person.transcript[-1]
    return await person.taps(label if not wrong else {"Good": "Bad", "Bad": "Good"}[label])
