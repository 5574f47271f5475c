"""A job that starts with a pilot: what is handed out, the report that comes unasked, and the ways on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.tokens import make
from core.clock import now
from core.finishing import look_for_end
from core.models import Batch, Item, LogEntry, Project
from core.pilot import look_for_report
from core.stats import project_stats
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.files import inbox, load_all, write
from tests.integration.dialogues.known import item_text, make_due

TWEETS = "text\n" + "".join(f"tweet number {number}\n" for number in range(100))
PILOT, BEHIND = 30, 70
ON = "Go on with all items"


async def posted(chat: Chat, tmp_path: Path, *, pilot: bool = True) -> Someone:
    """Olga has posted a job of a hundred items, and its file is loaded."""
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path, TWEETS), "How is the weather?")
    await olga.says("Good | Bad")
    await olga.says("2-2")
    await olga.taps("Preview")
    await olga.taps("Start with a pilot" if pilot else "Post")
    load_all(chat)
    return olga


def job(chat: Chat) -> Project:
    """The only job."""
    with chat.writing() as session:
        return session.scalars(select(Project)).one()


def published(chat: Chat) -> dict[str, int]:
    """Items to be labeled by the state of their batch."""
    with chat.writing() as session:
        counted = select(Batch.state, func.count()).join(Item, Item.batch_id == Batch.id).group_by(Batch.state)
        return {state: count for state, count in session.execute(counted)}


def look(chat: Chat) -> bool:
    """What the background job does after each estimate."""
    with chat.writing() as session:
        return look_for_report(session, job(chat).id, now())


def right(number: int) -> str:
    """What people who understand the question say about a tweet."""
    return "Good" if number % 2 else "Bad"


def guessed(number: int) -> str:
    """What somebody says who does not: of two tweets of a kind, one is wrong."""
    return "Good" if number % 4 < 2 else "Bad"


async def answer(person: Someone, count: int, says: Callable[[int], str] = right) -> str:
    """Take the next item and answer so many, each by its number."""
    heard = await person.says("/next")
    for _ in range(count):
        found = re.search(r"tweet number (\d+)", heard)
        assert found is not None, heard
        heard = await person.taps(says(int(found[1])))
    return heard


async def through(chat: Chat, second: Callable[[int], str] = right) -> str:
    """Two people answer the whole pilot; returns what the second one hears at its end."""
    await answer(await chat.member("Ann"), PILOT)
    return await answer(await chat.member("Ben"), PILOT, second)


def section(chat: Chat, argument: str = "") -> str:
    """The payload of a button of the section."""
    return make("pilot", job(chat).public_id, argument)


# --- what is handed out


async def test_only_the_pilot_is_handed_out(chat: Chat, tmp_path: Path) -> None:
    olga = await posted(chat, tmp_path)
    assert published(chat) == {"published": PILOT, "held": BEHIND}
    assert "Pilot: 70 more items wait until you decide" in await olga.says("/status")
    assert "nothing" in (await through(chat)).lower()
    with chat.writing() as session:
        stats = project_stats(session, session.scalars(select(Project)).one())
    assert (stats.items, stats.annotations) == (PILOT, 2 * PILOT)


async def test_the_import_tells_what_is_asked_and_what_waits(chat: Chat, tmp_path: Path) -> None:
    olga = await posted(chat, tmp_path)
    told = "\n".join(await inbox(chat, olga))
    assert "30 items are open for labeling as a pilot" in told
    assert "70 more items wait until you decide" in told
    assert "100 items are open" not in told


async def test_known_items_check_people_and_the_quiz_is_asked_during_a_pilot(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    rest = "".join(f"tweet number {number},\n" for number in range(70))
    known = "".join(f"known {number},{('Good', 'Bad')[number % 2]}\n" for number in range(12))
    await olga.uploads(write(tmp_path, f"text,gold\n{known}{rest}"), "How is the weather?")
    await olga.says("Good | Bad")
    await olga.says("2-2")
    await olga.taps("Preview")
    await olga.taps("Start with a pilot")
    load_all(chat)
    assert "30 items are open for labeling as a pilot" in (await inbox(chat, olga))[-1]
    ann, ben = await chat.member("Ann"), await chat.member("Ben")
    await answer(ann, 1)
    make_due(chat, ann)
    await ann.taps("Good")
    assert item_text(ann).startswith("known")
    await olga.taps_payload(make("goldset", job(chat).public_id, "quiz-1"))
    assert "a short quiz of 5 items" in await ben.says("/next")
    assert "Quiz 1 of 5" in await ben.taps("Start")
    assert item_text(ben).startswith("known")


async def test_a_small_job_has_no_pilot(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path), "How is the weather?")
    await olga.says("Good | Bad")
    await olga.taps("Preview")
    assert not any("pilot" in text for text in olga.buttons())


async def test_a_file_with_fewer_good_rows_than_it_seemed_goes_ahead(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    same = "text\n" + "".join(f"tweet number {number % 40}\n" for number in range(100))
    await olga.uploads(write(tmp_path, same), "How is the weather?")
    await olga.says("Good | Bad")
    await olga.taps("Preview")
    await olga.taps("Start with a pilot")
    load_all(chat)
    assert published(chat) == {"published": 40}
    assert job(chat).pilot_size == 0
    told = (await inbox(chat, olga))[-1]
    assert "40 items are open" in told
    assert "There is no pilot: it takes 30 items to label and leaves at least 30 behind" in told


async def test_what_is_added_meanwhile_waits_too(chat: Chat, tmp_path: Path) -> None:
    olga = await posted(chat, tmp_path)
    await olga.uploads(write(tmp_path, "text\nfirst more\nsecond more\n"), f"/add {job(chat).public_id}")
    load_all(chat)
    assert "2 items are loaded and wait for the end of the pilot" in (await inbox(chat, olga))[-1]
    assert published(chat) == {"published": PILOT, "held": BEHIND + 2}
    await olga.taps_payload(section(chat, "go"))
    assert published(chat) == {"published": PILOT + BEHIND + 2}


# --- the report


async def test_the_report_comes_unasked_and_once(chat: Chat, tmp_path: Path) -> None:
    olga = await posted(chat, tmp_path)
    assert not look(chat), "nobody has answered yet"
    await through(chat)
    assert look(chat)
    assert not look(chat)
    reports = [text for text in await inbox(chat, olga) if "Pilot of" in text]
    assert len(reports) == 1
    said = reports[0]
    assert "people understand the question alike" in said
    for fact in (
        "30 of 30 items decided",
        "60 answers by 2 people",
        "agree on an item in 100%",
        "70 more items",
        "140",
    ):
        assert fact in said, fact
    with chat.writing() as session:
        assert not look_for_end(session, job(chat).id, now()), "a job with items that wait is not at its end"


async def test_people_who_guess_are_noticed(chat: Chat, tmp_path: Path) -> None:
    olga = await posted(chat, tmp_path)
    await through(chat, guessed)
    with chat.writing() as session:
        for item in session.scalars(select(Item).where(Item.state == "open")):
            item.state, item.overlap = "disputed", item.submitted
    assert look(chat)
    said = await olga.taps_payload(section(chat))
    assert "Better not go on like this" in said
    assert "Often confused: “Good” and “Bad”" in said


async def test_skips_are_told_with_their_reasons(chat: Chat, tmp_path: Path) -> None:
    olga = await posted(chat, tmp_path)
    ann = await chat.member("Ann")
    await answer(ann, 1)
    for _ in range(2):
        await ann.taps("Skip")
        await ann.taps("Question unclear")
    said = await olga.taps_payload(section(chat))
    assert "Skipped 2 times (Question unclear: 2)" in said
    assert "Better not go on" in said, "most of what was handed out was skipped"
    assert "Too early to say" not in said


async def test_where_nobody_is_left_the_report_comes_too(chat: Chat, tmp_path: Path) -> None:
    await posted(chat, tmp_path)
    await answer(await chat.member("Ann"), PILOT)
    assert look(chat), "her answers are all there can be"


async def test_a_report_that_is_out_of_date_is_not_sent(chat: Chat, tmp_path: Path) -> None:
    olga = await posted(chat, tmp_path)
    await through(chat)
    assert look(chat)
    await olga.taps_payload(section(chat, "go"))
    assert not [text for text in await inbox(chat, olga) if "Pilot of" in text]


# --- the ways on


async def test_going_on_opens_the_rest_and_keeps_what_is_there(chat: Chat, tmp_path: Path) -> None:
    olga = await posted(chat, tmp_path)
    await through(chat)
    assert look(chat)
    await inbox(chat, olga)
    await olga.says(f"/quality {job(chat).public_id}")
    await olga.taps("Pilot")
    assert ON in olga.buttons()
    heard = await olga.taps(ON)
    assert "are asked now" in heard
    assert published(chat) == {"published": PILOT + BEHIND}
    cem = await chat.member("Cem")
    await answer(cem, BEHIND)
    with chat.writing() as session:
        stats = project_stats(session, session.scalars(select(Project)).one())
    assert (stats.items, stats.annotations) == (PILOT + BEHIND, 2 * PILOT + BEHIND)
    ann = Someone(chat, "Ann")
    assert "tweet number" in await ann.says("/next"), "who answered the pilot finds the rest"


async def test_a_second_tap_changes_nothing(chat: Chat, tmp_path: Path) -> None:
    olga = await posted(chat, tmp_path)
    await olga.taps_payload(section(chat, "go"))
    heard = await olga.taps_payload(section(chat, "go"))
    assert "The pilot of 30 items is over" in heard
    assert ON not in olga.buttons()
    with chat.writing() as session:
        acts = [entry.act for entry in session.scalars(select(LogEntry))]
    assert acts.count("pilot_passed") == 1
    assert not look(chat)


async def test_a_closed_job_does_not_go_on(chat: Chat, tmp_path: Path) -> None:
    olga = await posted(chat, tmp_path)
    await olga.taps_payload(section(chat))
    assert {"Edit", "Close"} <= set(olga.buttons())
    await olga.says(f"/close {job(chat).public_id}")
    await olga.taps("Close")
    await olga.taps_payload(section(chat, "go"))
    assert published(chat) == {"published": PILOT, "held": BEHIND}
    assert job(chat).pilot_state == "running"


async def test_a_pilot_can_come_later_as_long_as_nobody_has_begun(chat: Chat, tmp_path: Path) -> None:
    olga = await posted(chat, tmp_path, pilot=False)
    await olga.says("/quality")
    await olga.taps("Pilot")
    heard = await olga.taps("Pilot of 30 items")
    assert "30 items are being asked" in heard
    assert published(chat) == {"published": PILOT, "held": BEHIND}
    await olga.taps_payload(section(chat, "begin"))
    assert published(chat) == {"published": PILOT, "held": BEHIND}, "a second tap"
    assert "nothing" in (await through(chat)).lower()


async def test_a_pilot_after_the_first_answer_comes_too_late(chat: Chat, tmp_path: Path) -> None:
    olga = await posted(chat, tmp_path, pilot=False)
    await olga.taps_payload(section(chat))
    await answer(await chat.member("Ann"), 1)
    assert "comes too late" in await olga.taps("Pilot of 30 items")
    assert published(chat) == {"published": PILOT + BEHIND}
    assert "This job has no pilot" in await olga.taps_payload(section(chat))


# --- who may


@pytest.mark.parametrize("argument", ["", "begin", "go"])
async def test_it_takes_a_coordinator(chat: Chat, tmp_path: Path, argument: str) -> None:
    await posted(chat, tmp_path)
    expert = await chat.member("Eva", "expert")
    await expert.taps_payload(section(chat, argument))
    assert published(chat)["held"] == BEHIND
    assert expert.refused or expert.card is None or ON not in expert.buttons()


async def test_an_unknown_button_is_refused(chat: Chat, tmp_path: Path) -> None:
    olga = await posted(chat, tmp_path)
    before: Any = published(chat)
    await olga.taps_payload(section(chat, "nonsense"))
    assert olga.refused == "unknown_button"
    await olga.taps_payload(make("pilot", "a" * 16, "go"))
    assert olga.refused == "project_unknown", "nor another workspace's job"
    assert published(chat) == before
