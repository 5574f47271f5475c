"""Around the card: skip with a reason, guidelines, long texts, pages of labels, the goal of a day."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.surface import Send, Tapped
from core.clock import now
from core.models import Annotation, Participation
from tests.fakes.chat import Chat
from tests.integration.dialogues.work import assignments, change, change_person, kept, post

LABELS = tuple(f"Label {number}" for number in range(1, 61))


async def test_skip_asks_why_in_the_place_of_the_card(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    heard = await ann.taps("Skip")
    assert "sun" in heard, "the item stays in sight"
    assert "Why do you skip" in heard
    assert ann.buttons() == ["Too hard", "Question unclear", "Broken item", "Not my language", "Other reason", "Back"]
    assert "sun" in await ann.taps("Back")
    assert ann.buttons() == ["Good", "Bad", "Skip", "Too hard"]
    await ann.taps("Skip")
    heard = await ann.taps("Broken item")
    assert heard.startswith("(Skipped)")
    assert "rain" in heard
    assert [(row.state, row.skip_reason) for row in assignments(chat)] == [("skipped", "broken"), ("active", "")]


@pytest.mark.parametrize(
    ("button", "reason"),
    [
        ("Too hard", "hard"),
        ("Question unclear", "unclear"),
        ("Broken item", "broken"),
        ("Not my language", "language"),
        ("Other reason", "other"),
    ],
)
async def test_each_reason_is_kept(chat: Chat, button: str, reason: str) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Skip")
    await ann.taps(button)
    assert assignments(chat)[0].skip_reason == reason


async def test_the_undo_of_a_skip_forgets_its_reason(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Too hard")
    await ann.taps("Undo skip")
    reopened = assignments(chat)[0]
    assert (reopened.state, reopened.skip_reason) == ("active", "")


async def test_skip_twice_and_skip_of_what_is_answered(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    menu, hard, good = (ann.button(text).payload for text in ("Skip", "Too hard", "Good"))
    await ann.taps_payload(hard)
    for payload in (hard, menu):
        assert "already skipped" in await ann.taps_payload(payload)
    assert "already skipped" in await ann.taps_payload(good)
    await ann.taps("Good")
    assert [row.state for row in assignments(chat)] == ["skipped", "submitted", "active"]
    forged = hard.replace(".hard.", ".nonsense.")
    assert "does not work any more" in await ann.taps_payload(forged)


async def test_back_and_pages_keep_the_undo_of_the_answer_before(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Good")
    await ann.taps("Skip")
    await ann.taps("Back")
    assert ann.buttons() == ["Good", "Bad", "Undo “Good”", "Skip", "Too hard"]
    assert "sun" in await ann.taps("Undo “Good”")


async def test_many_labels_come_in_pages(chat: Chat) -> None:
    post(chat, labels=LABELS)
    ann = await chat.member("Ann")
    assert "page 1 of 2" in await ann.says("/next")
    assert "Label 48" in ann.buttons()
    assert "Label 49" not in ann.buttons()
    assert "page 2 of 2" in await ann.taps("›")
    assert ann.buttons()[:2] == ["Label 49", "Label 50"]
    await ann.taps("‹")
    await ann.taps("›")
    assert (await ann.taps("Label 60")).startswith("(✓ Label 60)")
    assert [row.label_id for row in kept(chat)] == ["bh"]


async def test_pages_of_somebody_else_after_an_answer_and_forged(chat: Chat) -> None:
    post(chat, labels=LABELS)
    ann, bob = await chat.member("Ann"), await chat.member("Bob")
    await ann.says("/next")
    payload = ann.button("›").payload
    assert "not assigned to you" in await bob.taps_payload(payload)
    assert "does not work any more" in await ann.taps_payload(payload.replace(".1.", ".x.", 1))
    assert "page 2 of 2" in await ann.taps_payload(payload.replace(".1.1", ".99.1"))
    await ann.taps("Label 60")
    assert "already answered" in await ann.taps_payload(payload)


async def test_guidelines_are_sent_and_noted_as_seen(chat: Chat) -> None:
    guidelines = "Look at the whole sentence. " * 10
    project_id = post(chat, guidelines=guidelines)
    ann = await chat.member("Ann")
    assert "Look at" not in await ann.says("/next"), "long guidelines do not stand in the card"
    card = ann.card
    heard = await ann.taps("Guidelines")
    assert heard.startswith("Guidelines\n\nLook at")
    assert ann.buttons() == ["Back to the item"]
    with chat.writing() as session:
        assert session.scalars(select(Participation.guidelines_seen)).one() == 1
    assert "sun" in await ann.taps("Back to the item")
    change(chat, project_id, guidelines="Now even longer. " * 30, guidelines_version=2)
    await ann.says("/next")
    assert "New guidelines" in ann.buttons()
    ann.card = card
    change(chat, project_id, guidelines="")
    assert "no guidelines any more" in await ann.taps("Guidelines")


async def test_a_long_item_is_shown_whole_in_pieces(chat: Chat) -> None:
    text = " ".join(f"word{number}" for number in range(1200))
    post(chat, text)
    ann = await chat.member("Ann")
    heard = await ann.says("/next")
    assert "word0 " in heard
    assert "word1199" not in heard
    assert "…" in heard
    heard = await ann.taps("Show all")
    assert "1 of 3" in heard
    assert "3 of 3" in heard
    pieces = [line for line in heard.split("\n") if line.startswith("word")]
    assert " ".join(pieces).split() == text.split()
    assert heard.startswith("The whole item\n\nIs it?")
    assert ann.buttons() == ["Back to the item"]


async def test_a_very_long_item_comes_as_a_file(chat: Chat) -> None:
    text = "x" * 40_000
    post(chat, text)
    ann = await chat.member("Ann")
    await ann.says("/next")
    outcome = await chat.dispatch(Tapped(ann.person, ann.button("Show all").payload))
    reply = outcome.replies[0]
    assert isinstance(reply, Send)
    assert "as a file" in reply.message.text
    attachment = reply.message.attachment
    assert attachment is not None
    assert (attachment.name, attachment.media_type) == ("item.txt", "text/plain")
    assert Path(attachment.path).read_text() == f"Is it?\n\n{text}"


async def test_the_day_is_counted_over_all_jobs_and_the_goal_is_cheered_once(chat: Chat) -> None:
    post(chat, "sun")
    post(chat, "rain", "snow", "hail")
    ann = await chat.member("Ann")
    change_person(chat, ann, daily_goal=2)
    assert "0 of 2 today" in await ann.says("/next")
    assert "1 of 2 today" in await ann.taps("Good")
    heard = await ann.taps("Good")
    assert "2 of 2 today" in heard
    assert "2 answers today: you have reached your goal" in heard
    heard = await ann.taps("Good")
    assert "3 of 2 today" in heard
    assert "reached" not in heard


async def test_a_goal_that_is_reached_with_the_last_item_is_cheered_too(chat: Chat) -> None:
    post(chat, "sun")
    ann = await chat.member("Ann")
    change_person(chat, ann, daily_goal=1)
    await ann.says("/next")
    heard = await ann.taps("Good")
    assert "reached your goal" in heard
    assert "nothing left" in heard


async def test_undo_takes_it_out_of_the_day_and_yesterday_does_not_count(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    assert "1 of 40 today" in await ann.taps("Good")
    assert "0 of 40 today" in await ann.taps("Undo")
    assert "1 of 40 today" in await ann.taps("Bad")
    with chat.writing() as session:
        session.execute(update(Participation).values(today="2020-01-01", today_count=9))
        session.execute(update(Annotation).values(created_at=now() - timedelta(days=2)))
    assert "0 of 40 today" in await ann.says("/next")
    assert "1 of 40 today" in await ann.taps("Good")
    await ann.says("/undo")
    assert "0 of 40 today" in await ann.says("/undo"), "an answer of another day is not taken from this one"


async def test_the_day_is_the_workers_own(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    change_person(chat, ann, time_zone="Pacific/Kiritimati")
    await ann.says("/next")
    await ann.taps("Good")
    with chat.writing() as session:
        day = session.scalars(select(Participation.today)).one()
    assert day == (now() + timedelta(hours=14)).date().isoformat()
