"""Posting a job in one message: by the caption of a file, or with pasted lines."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.factories import make_project
from tests.fakes.chat import Chat
from tests.integration.dialogues.files import load_all, write
from tests.integration.dialogues.posting import projects, seen, texts


@pytest.mark.parametrize("caption", ["What a file", "see attached."])
async def test_a_caption_that_says_nothing_is_set_aside_and_named(chat: Chat, tmp_path: Path, caption: str) -> None:
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.uploads(write(tmp_path), caption)
    assert f"I have left your words aside: “{caption}”" in heard
    assert "What is the question?" in heard


async def test_posting_by_one_caption_and_adding_to_it(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.uploads(write(tmp_path), "/post Weather? | Good | Bad | overlap=1-2 | retrain=50")
    assert "Posted “Weather?”" in heard
    project_id = heard.rsplit(" ", 1)[1]
    assert "Adding 1 rows" in await olga.uploads(write(tmp_path, "text\nHail\n", "more.csv"), f"/add {project_id}")
    load_all(chat)
    [project] = projects(chat)
    assert (project.min_overlap, project.max_overlap, project.retrain_threshold) == (1, 2, 50)
    assert len(texts(chat)) == 4
    options = "cron=30 4 * * 1 | error=40 | lease=60 | retrain=off | price=0.05 | deadline=in 2 days | who=experts"
    more = "language=zh | priority=high | guidelines=Look twice. | name=Second"
    assert "Posted" in await olga.uploads(write(tmp_path), f"/post Again? | Good | Bad | {options} | {more}")
    again = projects(chat)[0]
    expected: dict[str, Any] = {
        "retrain_cron": "30 4 * * 1",
        "error_cost": 40.0,
        "lease_seconds": 60,
        "retrain_threshold": 0,
        "price": 5,
        "audience": "experts",
        "language": "zh",
        "priority": 10,
        "guidelines": "Look twice.",
        "name": "Second",
    }
    assert {name: getattr(again, name) for name in expected} == expected
    assert isinstance(again.deadline, datetime)


@pytest.mark.parametrize(
    ("caption", "labels"),
    [
        ("/post | Good | Bad", "Good | Bad"),
        ("/post q= | Good | Bad | overlap=1-2", "Good | Bad"),
        ("/post Question= | Good | Bad", "Good | Bad"),
        ("/post Good | Bad", "Good | Bad"),
        ("/post | Good", "Yes | No"),
        ("/post q= | Good", "Yes | No"),
        ("/post q=", "Yes | No"),
        ("/post q= | overlap=1-2", "Yes | No"),
    ],
)
async def test_a_caption_without_a_question_says_what_to_write(
    chat: Chat, tmp_path: Path, caption: str, labels: str
) -> None:
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.uploads(write(tmp_path), caption)
    assert "The question is missing. Write it first" in heard
    assert heard.endswith(f"? | {labels}")
    assert projects(chat) == []
    example = heard[heard.index("/post ") :]
    assert "Posted “Is this about the weather?”" in await olga.uploads(write(tmp_path), example)


async def test_labels_of_the_file_are_no_question(chat: Chat, tmp_path: Path) -> None:
    """Three words between bars could be a question and two labels; where the file has them as labels, they are not."""
    known = write(tmp_path, "text,label\nSun,Good\nRain,Bad\nFog,Dull\n")
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.uploads(known, "/post Good | Bad | Dull")
    assert "The question is missing." in heard
    assert heard.endswith("? | Good | Bad | Dull")
    assert "Posted “Rate it”" in await olga.uploads(known, "/post Rate it | Good | Bad | Dull")


async def test_the_question_may_stand_behind_its_key(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    assert "Posted “Rain?”" in await olga.uploads(write(tmp_path), "/post Good | Bad | question=Rain?")
    assert "Posted “q=Rain?”" in await olga.uploads(write(tmp_path), "/post Good | Bad | question=q=Rain?")
    assert "Which labels may people choose?" in await olga.uploads(write(tmp_path), "/post q=Weather?")
    await olga.says("Good | Bad")
    assert "“Weather?”" in seen(olga).plain()


async def test_what_was_posted_leads_to_its_learning(chat: Chat, tmp_path: Path) -> None:
    """No step asks when a model trains: the way there is a button of what was posted."""
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path), "/post Weather? | Good | Bad")
    assert olga.buttons() == ["Change", "Learning"]
    for _ in range(2):
        assert "Trains by itself" in await olga.taps_payload(olga.button("Learning").payload)
        assert olga.refused is None
        await olga.says("/edit")
    walt = await chat.member("Walt")
    await walt.taps_payload(olga.button("Learning").payload)
    assert walt.refused == "unknown_button"


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("cron=daily", "five fields"),
        ("retrain=none", "retrain=none"),
        ("overlaps=1-2", "do not know the option overlaps="),
        ("price=much", "at most two decimals"),
        ("time=long", "10 min"),
        ("who=friends", "everyone or experts"),
        ("language=klingonese", "do not know the language"),
        ("deadline=yesterday", "is not clear"),
        ("lease=900000", "7 days"),
    ],
)
async def test_an_option_that_cannot_be_is_refused(chat: Chat, tmp_path: Path, option: str, sentence: str) -> None:
    olga = await chat.member("Olga", "coordinator")
    assert sentence in await olga.uploads(write(tmp_path), f"/post A? | Good | Bad | {option}")
    assert projects(chat) == []


async def test_a_caption_with_a_question_alone_leaves_the_labels_to_ask(chat: Chat, tmp_path: Path) -> None:
    with chat.writing() as session:
        make_project(session, name="First")
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.uploads(write(tmp_path), "/post Weather = good?")
    assert "Which labels" in heard
    assert "“Weather = good?”" in heard
    assert "Labels: Yes | No" in await olga.says("Yes, No")
    assert "Known labels: none" in seen(olga).plain(), "the guessed column holds other labels"
    await olga.taps("Preview")
    assert "Posted “Weather = good?”" in await olga.taps("Post")


async def test_lines_are_pasted_after_the_command_or_behind_it(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    assert "paste them here, one per line" in await olga.says("/post")
    assert "Send all items in one message" in await olga.says("What a lovely day")
    heard = await olga.says("What a lovely day\n\nRain, again\nSnow")
    assert heard.startswith("pasted.txt\n\n3 rows.")
    await olga.taps("Cancel")
    assert "What is the question?" in await olga.says("/post\nWhat a lovely day\nRain, again")
    await olga.says("How is it?")
    await olga.taps("Use: Yes | No")
    assert "What a lovely day" in await olga.taps("Preview")
    await olga.taps("Post")
    load_all(chat)
    assert texts(chat) == ["What a lovely day", "Rain, again"]


async def test_a_question_stands_before_the_pasted_lines(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    assert "Which labels" in await olga.says("/post How is it?\nWhat a lovely day\nRain again")
    heard = await olga.says("/post Is it so? | Yes | No | overlap=1-1\nWhat a lovely day\nRain again")
    assert "Posted “Is it so?”" in heard
    load_all(chat)
    assert texts(chat) == ["What a lovely day", "Rain again"]


async def test_a_question_waits_for_its_file(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.says("/post Is it so? | Yes | No | price=0.02")
    assert "“Is it so?”\n\nNow send me the items" in heard
    assert "is empty" in await olga.uploads(write(tmp_path, ""))
    heard = await olga.uploads(write(tmp_path))
    assert "Price per answer: $0.02" in heard
    assert projects(chat) == [], "it is shown before it is posted"
