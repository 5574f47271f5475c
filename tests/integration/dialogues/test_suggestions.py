"""What experts would have the guidelines say, from their word to the coordinator who is done with it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from core.clock import now
from core.models import Adjudication, Assignment, Dialogue, Item, LogEntry, OutboxMessage, Project
from tests.fakes.chat import Chat
from tests.integration.dialogues.members import outsider
from tests.integration.dialogues.test_settling import disputed


def skip(chat: Chat, text_at: int, times: int, reason: str = "unclear") -> None:
    """Let people skip an item."""
    with chat.writing() as session:
        item = session.scalars(select(Item).order_by(Item.id)).all()[text_at]
        for number in range(times):
            session.add(
                Assignment(
                    project_id=item.project_id,
                    item_id=item.id,
                    worker_id=number + 1,
                    state="skipped",
                    skip_reason=reason,
                    guidelines_version=1,
                    surface="web",
                    leased_at=now(),
                    expires_at=now(),
                )
            )


async def test_from_the_expert_to_the_coordinator(chat: Chat) -> None:
    job = await disputed(chat, ("one", "two"))
    olga = await chat.member("Olga", "owner")
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    heard = await eve.taps("Guidelines unclear")
    assert "Unclear: “one”. What should the guidelines say? Send it as a message, or just go on." in heard
    assert "two" in heard, "the next one is there already"
    heard = await eve.says("  Say what to do  with irony. ")
    assert "✓ Passed on to the coordinator" in heard
    assert "two" in heard
    with chat.writing() as session:
        assert session.scalars(select(Adjudication.note)).one() == "Say what to do  with irony."
        assert session.scalars(select(Dialogue)).all() == []
        session.execute(update(OutboxMessage).values(not_before=now() - timedelta(minutes=1)))
    await chat.deliver()
    [told] = [message for address, message in chat.surface.sent if "guidelines" in message.text]
    assert told.text == "The guidelines leave 1 item unclear."
    heard = await olga.taps_payload(told.buttons[0][0].payload)
    assert "The guidelines do not cover 1 item" in heard
    assert "1. “one” (Is it?)\n– Say what to do with irony." in heard
    assert olga.buttons() == ["✓ 1 is done", "Edit guidelines: Is it?"]
    await olga.taps("Edit guidelines")
    assert olga.refused is None
    assert "“one”\n" in await olga.says(f"/suggestions {job}"), "of one job its name is not repeated"
    done = olga.button("✓ 1 is done").payload
    heard = await olga.taps("✓ 1 is done")
    assert "(✓ Done)" in heard
    assert "All done: nothing in the guidelines is unclear any more." in heard
    assert "(This is done already.)" in await olga.taps_payload(done)
    with chat.writing() as session:
        assert session.scalars(select(LogEntry.act).where(LogEntry.act == "clarify")).all() == ["clarify"]
    heard = await eve.says("/settle")
    assert "one" in heard
    assert "put this one aside" not in heard, "it has its usual place again"


async def test_only_an_empty_list_from_the_start_says_that_nobody_found_anything(chat: Chat) -> None:
    await disputed(chat, ("one",))
    olga, eve = await chat.member("Olga", "owner"), await chat.member("Eve", "expert")
    assert "Nobody has found the guidelines unclear." in await olga.says("/suggestions")
    await eve.says("/settle")
    await eve.taps("Guidelines unclear")
    await olga.says("/suggestions")
    done = olga.button("✓ 1 is done").payload
    assert "Nobody has found" not in await olga.taps("✓ 1 is done")
    assert "All done" in await olga.taps_payload(done), "a second tap"


async def test_nothing_has_to_be_said(chat: Chat) -> None:
    await disputed(chat, ("one", "two"))
    olga, eve = await chat.member("Olga", "owner"), await chat.member("Eve", "expert")
    await eve.says("/settle")
    await eve.taps("Guidelines unclear")
    assert "Unclear:" not in await eve.taps("Good")
    with chat.writing() as session:
        assert session.scalars(select(Dialogue)).all() == [], "going on is an answer too"
    assert "✓ Passed on" not in await eve.says("hello")
    assert "– Unclear to an expert; nothing was suggested." in await olga.says("/suggestions")


async def test_what_is_too_long_or_too_late(chat: Chat) -> None:
    await disputed(chat, ("one", "two"))
    olga, eve = await chat.member("Olga", "owner"), await chat.member("Eve", "expert")
    await eve.says("/settle")
    await eve.taps("Guidelines unclear")
    assert "Your message has 501 characters" in await eve.says("x" * 501)
    await olga.says("/suggestions")
    await olga.taps("✓ 1 is done")
    assert "This is done already." in await eve.says("too late")


async def test_a_dialogue_that_is_under_way_is_left_alone(chat: Chat) -> None:
    await disputed(chat, ("one", "two"))
    olga = await chat.member("Olga", "owner")
    await olga.says("/post")
    await olga.says("/settle")
    assert "Unclear:" not in await olga.taps("Guidelines unclear")
    with chat.writing() as session:
        assert session.scalars(select(Dialogue.name)).one() == "post"


async def test_who_is_no_expert_any_more_cannot_suggest(chat: Chat) -> None:
    from core.models import Membership, Worker

    await disputed(chat, ("one", "two"))
    eve = await chat.member("Eve", "expert")
    await eve.says("/settle")
    await eve.taps("Guidelines unclear")
    with chat.writing() as session:
        session.scalars(select(Membership).join(Worker).where(Worker.name == "Eve")).one().role = "worker"
    assert "takes the role of expert" in await eve.says("say more")


async def test_skips_are_counted_under_the_guidelines_that_hold(chat: Chat) -> None:
    await disputed(chat, ("one", "two", "three"))
    olga, eve = await chat.member("Olga", "owner"), await chat.member("Eve", "expert")
    skip(chat, 0, 2, "hard")
    skip(chat, 1, 3)
    skip(chat, 2, 1)
    await eve.says("/settle")
    await eve.taps("Guidelines unclear")
    heard = await olga.says("/suggestions")
    assert "Also skipped by 2 people as unclear or hard." in heard
    assert "– “two”, 3 times" in heard
    assert "three" not in heard, "one skip says little"
    with chat.writing() as session:
        session.scalars(select(Project)).one().guidelines_version = 2
    heard = await olga.says("/suggestions")
    assert "skipped" not in heard, "the guidelines have changed since"


async def test_many_come_in_pages(chat: Chat) -> None:
    await disputed(chat, tuple(f"t{number}" for number in range(6)))
    olga, eve = await chat.member("Olga", "owner"), await chat.member("Eve", "expert")
    await eve.says("/settle")
    for _ in range(6):
        await eve.taps("Guidelines unclear")
    heard = await olga.says("/suggestions")
    assert "6 items" in heard
    assert "page 1 of 2" in heard
    heard = await olga.taps("›")
    assert "5. “" in heard
    assert "page 2 of 2" in heard
    await olga.taps("✓ 6 is done")
    assert "page 1 of 2" in await olga.taps("‹")


async def test_suggestions_are_for_coordinators_of_this_workspace(chat: Chat) -> None:
    job = await disputed(chat, ("one", "two"))
    olga, eve = await chat.member("Olga", "owner"), await chat.member("Eve", "expert")
    await eve.says("/settle")
    await eve.taps("Guidelines unclear")
    assert "I do not know /suggestions" in await eve.says("/suggestions")
    await olga.says("/suggestions")
    payload = olga.button("✓ 1 is done").payload
    await eve.taps_payload(payload)
    assert eve.refused == "unknown_button"
    sam = await outsider(chat, "Sam", "owner")
    assert "Nobody has found the guidelines unclear." in await sam.says("/suggestions")
    assert "There is no job" in await sam.says(f"/suggestions {job}")
    assert "That item does not exist here" in await sam.taps_payload(payload)
    with chat.writing() as session:
        assert session.scalars(select(Adjudication.reason)).all() == ["unclear"]
