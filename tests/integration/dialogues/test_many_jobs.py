"""What somebody did, and what waits for them, is found in the oldest of many jobs too."""

from __future__ import annotations

from sqlalchemy import select

from core.models import Annotation, Item
from tests.factories import make_project
from tests.fakes.chat import Chat

NEWER = 25


def post_newer(chat: Chat) -> None:
    """More jobs than any list shows."""
    with chat.writing() as session:
        for number in range(NEWER):
            make_project(session, ["newer"], name=f"Newer {number}")


async def test_the_last_answer_is_undone_in_an_old_job(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, ["sun", "rain"], name="Oldest", min_overlap=2, max_overlap=2)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Yes")
    await ann.taps("No")
    post_newer(chat)
    assert "rain" in await ann.says("/undo")
    assert "sun" in await ann.says("/undo")
    with chat.writing() as session:
        assert set(session.scalars(select(Annotation.state))) == {"withdrawn"}
    await ann.says("/undo")
    assert ann.refused == "nothing_to_undo"


async def test_a_dispute_in_an_old_job_is_found(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, ["sun"], name="Oldest", min_overlap=2, max_overlap=2, error_cost=1e6)
    for name, label in (("Ann", "Yes"), ("Bob", "No")):
        person = await chat.member(name)
        await person.says("/next")
        await person.taps(label)
    post_newer(chat)
    erin = await chat.member("Erin", "expert")
    assert "1 of 1 disputed" in await erin.says("/settle")
    await erin.taps("Yes")
    with chat.writing() as session:
        assert session.scalars(select(Item.state).order_by(Item.id)).first() == "adjudicated"
    heard = await erin.says("/settle Oldest")
    assert "Oldest" in heard
    assert "1 of 1" not in heard, "nothing is left"
