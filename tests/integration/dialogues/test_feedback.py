"""What workers hear of the verdicts on items they answered."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from core.clock import now
from core.models import Adjudication, Membership, OutboxMessage, Worker
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.test_settling import disputed


async def inbox(chat: Chat, person: Someone) -> list[str]:
    """What reaches a person once the digests are due."""
    with chat.writing() as session:
        session.execute(update(OutboxMessage).where(OutboxMessage.state == "pending").values(not_before=now()))
    await chat.deliver()
    return [message.plain() for address, message in chat.surface.sent if address == person.person.address]


def owed(chat: Chat) -> list[OutboxMessage]:
    """The digests in the outbox."""
    with chat.writing() as session:
        return list(session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "feedback")))


async def test_one_digest_gathers_the_verdicts_of_a_day(chat: Chat) -> None:
    long = "a long story " * 20
    await disputed(chat, ("one", "two", long))
    ann, bob, eve = chat.someone("Ann1"), chat.someone("Bob1"), await chat.member("Eve", "expert")
    await eve.says("/settle")
    for _ in range(3):
        await eve.taps("Good")
    messages = owed(chat)
    assert len(messages) == 2, "one for each of them"
    assert all(message.not_before >= message.created_at + timedelta(hours=1) for message in messages)
    await chat.deliver()
    assert chat.surface.sent == [], "it waits for further verdicts"
    assert await inbox(chat, ann) == [
        "An expert looked at 3 items you answered, and agrees with you on all of them.\n\n"
        "Hard ones, all of them: people did not agree. Thank you for your answers!"
    ]
    [heard] = await inbox(chat, bob)
    assert heard.startswith("An expert looked at 3 items you answered: 0 as you said.")
    assert "“one” is Good (you said Bad)." in heard
    assert "“" + " ".join(long.split())[:79] + "…” is Good (you said Bad)." in heard
    assert "Eve" not in heard
    assert "Ann" not in heard


async def test_at_most_three_examples(chat: Chat) -> None:
    await disputed(chat, tuple(f"text {number}" for number in range(5)))
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    for verdict in ("Bad", "Good", "Good", "Good", "Good"):
        await eve.taps(verdict)
    [heard] = await inbox(chat, chat.someone("Bob1"))
    assert "5 items you answered: 1 as you said." in heard
    assert heard.count("you said Bad") == 3


async def test_a_verdict_after_the_digest_goes_into_tomorrows(chat: Chat) -> None:
    await disputed(chat, ("one", "two"))
    ann, eve = chat.someone("Ann1"), await chat.member("Eve", "expert")
    await eve.says("/settle")
    await eve.taps("Good")
    assert len(await inbox(chat, ann)) == 1
    await eve.taps("Bad")
    pending = [message for message in owed(chat) if message.state == "pending"]
    assert len(pending) == 2
    assert all(message.not_before > now() + timedelta(hours=20) for message in pending)
    first, second = await inbox(chat, ann)
    assert "1 item you answered, and agrees" in first
    assert "“two” is Bad (you said Good)." in second
    assert "one" not in second.replace("ones", ""), "nothing is told twice"


async def test_those_who_paused_and_what_no_longer_holds_are_left_out(chat: Chat) -> None:
    await disputed(chat, ("one", "two"))
    ann, bob, eve = chat.someone("Ann1"), chat.someone("Bob1"), await chat.member("Eve", "expert")
    await bob.says("/pause")
    await eve.says("/settle")
    await eve.taps("Good")
    await eve.taps("Unanswerable")
    assert len(owed(chat)) == 1, "Bob wants no messages, and where there is no verdict there is nothing to tell"
    with chat.writing() as session:
        session.execute(update(Adjudication).values(created_at=now() - timedelta(days=3)))
    assert await inbox(chat, ann) == [], "nothing to say, nothing sent"
    assert [message.state for message in owed(chat)] == ["expired"]


async def test_an_expert_is_not_told_of_their_own_verdict(chat: Chat) -> None:
    await disputed(chat, ("one",))
    with chat.writing() as session:
        ann = session.scalars(select(Membership).join(Worker).where(Worker.name == "Ann1")).one()
        ann.role = "expert"
    ann_speaks = chat.someone("Ann1")
    await ann_speaks.says("/settle")
    await ann_speaks.taps("Good")
    assert len(owed(chat)) == 1


async def test_it_speaks_the_readers_language(chat: Chat) -> None:
    await disputed(chat, ("one",))
    with chat.writing() as session:
        session.execute(update(Worker).where(Worker.name == "Bob1").values(locale="zh"))
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    await eve.taps("Good")
    [heard] = await inbox(chat, chat.someone("Bob1"))
    assert "专家看了你回答过的 1 条" in heard
    assert "“one”是“Good”（你的回答是“Bad”）。" in heard
