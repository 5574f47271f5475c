"""What coordinators and experts say and hear."""

from __future__ import annotations

from sqlalchemy import select

from core.clock import now
from core.models import Item, OutboxMessage, Project
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone


async def inbox(chat: Chat, person: Someone) -> list[str]:
    """Everything that was owed to a person and is now delivered."""
    await chat.deliver()
    return [message.plain() for address, message in chat.surface.sent if address == person.person.address]


async def test_invites_by_chat(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.says("/invite worker 2")
    code = heard.split("/join/")[1].split()[0]
    for name in ("Ann", "Bob"):
        assert "Welcome" in await chat.someone(name).says(f"/start {code}")
    assert "used up" in await chat.someone("Cid").says(f"/start {code}")
    assert "takes the role of owner" in await olga.says("/invite owner 1")
    assert "/invite worker 20" in await olga.says("/invite everybody")
    assert "1 to 10000" in await olga.says("/invite worker 999999")


async def test_offers_reach_the_people_who_are_free(chat: Chat) -> None:
    from core.offers import offer_work

    with chat.writing() as session:
        project = make_project(session, ["one"], min_overlap=1, max_overlap=1)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Yes")
    with chat.writing() as session:
        from tests.factories import add_items

        add_items(session, session.get_one(Project, project.id), ["two", "three"], now())
    with chat.writing() as session:
        assert offer_work(session, project.id, now()) == 1
    with chat.writing() as session:
        assert offer_work(session, project.id, now()) == 0, "one unanswered offer is enough"
        assert session.scalars(select(OutboxMessage.kind)).all() == ["offer"]
    received = await inbox(chat, ann)
    assert "about 2 answers are wanted" in received[-1]


async def test_one_answer_is_enough_where_only_one_was_wanted(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, ["one", "two"], ("Good", "Bad", "Mixed"), min_overlap=1, max_overlap=1)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Good")
    await ann.taps("Mixed")
    with chat.writing() as session:
        decided = [(item.state, item.label_id) for item in session.scalars(select(Item).order_by(Item.id))]
    assert decided == [("agreed", "a"), ("agreed", "c")]


async def test_people_who_agree_to_the_last_are_not_disputed(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, ["one"], ("Good", "Bad"), min_overlap=2, max_overlap=2, error_cost=1000.0)
    for name in ("Ann", "Bob"):
        person = await chat.member(name)
        await person.says("/next")
        await person.taps("Bad")
    with chat.writing() as session:
        assert session.scalars(select(Item.state)).all() == ["agreed"]


async def test_one_more_item_by_command(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    assert "No jobs yet" in await olga.says("/add What a day")
    with chat.writing() as session:
        project = make_project(session, ["one"], name="First")
    assert "the text of one more item" in await olga.says("/add")
    assert "Added to “First”: “What a day”" in await olga.says("/add What a day")
    assert "in the job already" in await olga.says(f"/add {project.public_id} What a day")
    assert "the text of one more item" in await olga.says(f"/add {project.public_id}")
    ann = await chat.member("Ann")
    await ann.says("/next")
    assert "What a day" in await ann.taps("Yes")
