"""What workers say and hear."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.surface import Command
from core.clock import now
from core.models import Identity, Invite, Item, Project
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.members import outsider
from tests.integration.dialogues.work import expire, kept, post
from tests.waiting import PATIENCE_SECONDS


async def test_a_first_day(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    assert "Is it?\n\nsun" in await ann.says("/next")
    assert ann.buttons() == ["Good", "Bad", "Skip", "Too hard"]
    heard = await ann.taps("Good")
    assert heard.startswith("(✓ Good)")
    assert "rain" in heard
    assert "1 of 40 today · 0 of 3 items done" in heard
    assert ann.buttons() == ["Good", "Bad", "Undo “Good”", "Skip", "Too hard"]
    heard = await ann.taps("Too hard")
    assert heard.startswith("(Skipped)")
    assert "snow" in heard
    heard = await ann.taps("Bad")
    assert "Nothing left for you" in heard
    heard = await ann.says("/stats")
    assert "You have answered 2 items.\nToday: 2 of 40\nSkipped: 1 item" in heard
    assert "/next" in await ann.says("/help")


async def test_undo_brings_the_item_back_and_the_new_answer_counts(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Good")
    heard = await ann.taps("Undo")
    assert heard.startswith("(Taken back: please answer again)")
    assert "sun" in heard
    await ann.taps("Bad")
    assert [row.label_id for row in kept(chat)] == ["b"]
    assert [row.label_id for row in kept(chat, "withdrawn")] == ["a"]


async def test_undo_by_command_and_undo_of_a_skip(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    assert "nothing to undo" in await ann.says("/undo")
    await ann.says("/next")
    await ann.taps("Too hard")
    assert "sun" in await ann.taps("Undo skip")
    await ann.taps("Good")
    assert "sun" in await ann.says("/undo")


async def test_next_shows_the_item_in_hand_again(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    assert "sun" in await ann.says("/next")
    assert "sun" in await ann.says("/next")


async def test_a_tap_that_arrives_five_times_counts_once(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    payload = ann.button("Good").payload
    await ann.taps_payload(payload)
    for _ in range(4):
        assert "already answered" in await ann.taps_payload(payload)
        assert ann.refused == "already_submitted"
    assert len(kept(chat)) == 1


async def test_a_button_from_before_an_undo_is_harmless(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    payload = ann.button("Good").payload
    await ann.taps("Good")
    await ann.taps("Undo")
    assert "from before" in await ann.taps_payload(payload)
    assert kept(chat) == []


async def test_somebody_elses_assignment_is_not_to_be_had(chat: Chat) -> None:
    post(chat)
    ann, bob = await chat.member("Ann"), await chat.member("Bob")
    await ann.says("/next")
    assert "not assigned to you" in await bob.taps_payload(ann.button("Good").payload)
    assert kept(chat) == []


@pytest.mark.parametrize("payload", ["", "x", "answer", "answer.a.b", "answer..a.1", "settle.aaaa.b.1", "🦆" * 30])
async def test_forged_payloads_get_a_sentence(chat: Chat, payload: str) -> None:
    post(chat)
    ann = await chat.member("Ann")
    heard = await ann.taps_payload(payload)
    assert ann.refused is not None
    assert heard.count(".") >= 1
    assert "Traceback" not in heard


async def test_a_late_tap_takes_a_free_slot(chat: Chat) -> None:
    project_id = post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    expire(chat, project_id)
    assert (await ann.taps("Good")).startswith("(✓ Good)")
    assert len(kept(chat)) == 1


async def test_a_late_tap_without_a_free_slot_is_kept_as_surplus(chat: Chat) -> None:
    project_id = post(chat, "only", min_overlap=1, max_overlap=1)
    ann, bob = await chat.member("Ann"), await chat.member("Bob")
    await ann.says("/next")
    expire(chat, project_id)
    await bob.says("/next")
    await bob.taps("Bad")
    assert (await ann.taps("Good")).startswith("(✓ Good)"), "with a known item it would be said just so"
    assert [row.label_id for row in kept(chat, "surplus")] == ["a"]
    assert [row.label_id for row in kept(chat)] == ["b"]


async def test_a_tap_much_too_late_is_refused_with_a_sentence(chat: Chat) -> None:
    project_id = post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    expire(chat, project_id, timedelta(seconds=700))
    assert "Time ran out" in await ann.taps("Good")
    assert kept(chat) == []


async def test_an_expired_item_comes_back_and_its_old_button_still_works(chat: Chat) -> None:
    project_id = post(chat, "only", min_overlap=1, max_overlap=1)
    ann = await chat.member("Ann")
    await ann.says("/next")
    old = ann.button("Good").payload
    expire(chat, project_id)
    assert "only" in await ann.says("/next")
    assert (await ann.taps_payload(old)).startswith("(✓ Good)")
    assert len(kept(chat)) == 1
    with chat.writing() as session:
        item = session.scalars(select(Item)).one()
        assert (item.submitted, item.leased, item.slots) == (1, 0, 0)


async def test_pause_gives_the_item_back_at_once(chat: Chat) -> None:
    post(chat, "only", min_overlap=1, max_overlap=1)
    ann, bob = await chat.member("Ann"), await chat.member("Bob")
    await ann.says("/next")
    good = ann.button("Good").payload
    assert "Nothing left" in await bob.says("/next")
    assert "Paused" in await ann.says("/pause")
    assert "only" in await bob.says("/next")
    assert "paused" in await ann.says("/next")
    assert "✓ Good" in (heard := await ann.taps_payload(good))
    assert "Paused" in heard, "an answer after /pause is kept, and brings no new item"
    assert "Welcome back" in await ann.says("/resume")


async def test_invites_run_out_expire_and_are_not_guessed(chat: Chat) -> None:
    code = chat.invite("worker")
    ann, bob = chat.someone("Ann"), chat.someone("Bob")
    await ann.says(f"/start {code}")
    await ann.taps("I agree")
    assert "used up" in await bob.says(f"/start {code}")
    assert "already a member" in await ann.says(f"/start {code}"), "the same person may open their link again"
    expired = chat.invite("worker")
    with chat.writing() as session:
        session.execute(update(Invite).values(expires_at=now() - timedelta(days=1)))
    assert "expired" in await bob.says(f"/start {expired}")
    for _ in range(20):
        assert "does not exist" in await bob.says("/start aaaabbbbccccdddd")
    assert "Too many wrong codes" in await bob.says(f"/start {chat.invite('worker')}")
    assert "does not exist" in await ann.says("/start nonsense")


async def test_unknown_commands_and_commands_of_others(chat: Chat) -> None:
    ann = await chat.member("Ann")
    assert "I do not know /dance, or it takes another role than yours." in await ann.says("/dance")
    for command in ("/status", "/post", "/export", "/train", "/invite worker 5", "/settle", "/close"):
        await ann.says(command)
        assert ann.refused == "unknown_command"
    assert "no open job" in await ann.says("/next")


async def test_two_workspaces_see_nothing_of_each_other(chat: Chat) -> None:
    project_id = post(chat)
    olga = await outsider(chat, "Olga", "coordinator")
    with chat.writing() as session:
        public_id = session.get_one(Project, project_id).public_id
    assert "No jobs yet" in await olga.says("/status")
    assert "no open job" in await olga.says("/next")
    for command in ("status", "export labels", "train", "close", "settle"):
        assert "no job with the id" in await olga.says(f"/{command} {public_id}")


async def race(people: list[Someone]) -> None:
    """Everybody taps at the same moment."""
    import asyncio

    for person in people:
        await person.says("/next")
    await asyncio.gather(*(person.taps("Good") for person in people if "Good" in person.buttons()))


async def test_people_who_tap_together_do_not_exceed_the_overlap(chat: Chat) -> None:
    post(chat, "one", "two", min_overlap=2, max_overlap=2)
    people = [await chat.member(f"P{number}") for number in range(8)]
    for _ in range(3):
        await race(people)
    with chat.writing() as session:
        assert [(item.submitted, item.leased) for item in session.scalars(select(Item).order_by(Item.id))] == [
            (2, 0),
            (2, 0),
        ]


async def test_an_offer_of_the_newest_of_many_jobs_leads_to_it(chat: Chat) -> None:
    for _ in range(21):
        post(chat, "old", min_overlap=1)
    post(chat, "newest")
    ann = await chat.member("Ann")
    with chat.writing() as session:
        public_id = session.scalars(select(Project.public_id).order_by(Project.id.desc())).first()
    assert "newest" in await ann.taps_payload(f"next.{public_id}..0")


async def test_who_only_reads_does_not_wait_for_a_writer(chat: Chat) -> None:
    ann = await chat.member("Ann")
    with chat.writing() as session:
        session.execute(update(Identity).values(last_seen_at=now() - timedelta(days=1)))
    with chat.writing() as session:
        session.execute(select(Identity).with_for_update()).all()
        async with asyncio.timeout(PATIENCE_SECONDS):  # a writer would be waited for in vain
            outcome = await chat.settled(Command(ann.person, "stats"))
        assert outcome.refused is None
        assert outcome.replies


async def test_next_with_nothing_new_says_so_at_the_button(chat: Chat) -> None:
    post(chat, "sun")
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Good")
    heard = await ann.taps("Next item")
    assert heard.startswith("(Nothing new yet)")
    assert "Nothing left for you" in heard
