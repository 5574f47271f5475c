"""Posting a job, step by step and by one caption: what coordinators say and hear."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.surface import Message
from core.clock import now
from core.models import Dialogue, Gold, Identity, Item, LogEntry, Membership, Project, Worker, Workspace
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.files import inbox, load_all, write, write_workbook


def projects(chat: Chat) -> list[Project]:
    """All jobs, the newest first."""
    with chat.writing() as session:
        return list(session.scalars(select(Project).order_by(Project.id.desc())))


def texts(chat: Chat) -> list[str]:
    """The texts of all items."""
    with chat.writing() as session:
        return [item.content[0]["text"] for item in session.scalars(select(Item).order_by(Item.id))]


async def at_the_hub(chat: Chat, tmp_path: Path, labels: str = "Good | Bad") -> Someone:
    """A coordinator who has sent a file and answered what had to be answered."""
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path), "How is the weather?")
    await olga.says(labels)
    return olga


def seen(person: Someone) -> Message:
    """The newest message with buttons."""
    assert person.card is not None
    return person.card


async def test_posting_step_by_step(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.uploads(write(tmp_path))
    assert heard.startswith("tweets.csv\n\n5 rows. I will show workers the column “text”. Columns: id, text, gold.")
    assert "Known labels are in “gold”." in heard
    assert "1 bad row will be left out:\nline 4: the text is empty." in heard
    assert "What is the question?" in heard
    assert olga.buttons() == ["Use: Which label fits best?", "Back", "Cancel"]
    heard = await olga.says("How is the weather?")
    assert "“How is the weather?”" in heard
    assert "Which labels" in heard
    assert olga.buttons() == ["Use: Good | Bad", "Back", "Cancel"], "what the column of known labels holds"
    assert "there twice" in await olga.says("Good | good")
    heard = await olga.says("Good | Bad")
    for line in (
        "tweets.csv · 4 items",
        "Labels: Good | Bad",
        "Answers per item: 3 to 8",
        "Price per answer: nothing",
        "Time per item: 10 minutes",
        "Deadline: none",
        "Who may work: Everyone",
        "Language: any",
        "Known labels: column “gold”",
        "Guidelines: none",
    ):
        assert line in heard
    assert "Answers per item: 1 to 2" in await olga.says("1-2"), "the numbers need no button first"
    assert "3-8" in await olga.says("five")
    assert "both must lie between" in await olga.says("9-2")
    heard = await olga.taps("Preview")
    assert "How is the weather?\n\nWhat a lovely day" in heard
    assert "4 items, about " in heard
    assert "Cost: nothing" in heard
    assert olga.buttons() == ["Post", "Back", "Cancel"]
    assert "Posted “How is the weather?”" in await olga.taps("Post")
    load_all(chat)
    received = await inbox(chat, olga)
    assert "3 items are open for labeling. Left out: 1 as duplicates, 1 as bad rows." in received[-1]
    walt = await chat.member("Walt")
    assert "What a lovely day" in await walt.says("/next")


async def test_every_setting_has_a_button_a_default_and_a_way_back(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_hub(chat, tmp_path)
    for button, chosen, line in (
        ("Answers per item", "5 to 10", "Answers per item: 5 to 10"),
        ("Price per answer", "$0.05", "Price per answer: $0.05"),
        ("Time per item", "2 minutes", "Time per item: 2 minutes"),
        ("Who may work", "Experts only", "Who may work: Experts only"),
        ("Language", "Chinese", "Language: Chinese"),
        ("Known labels", "None", "Known labels: none"),
    ):
        heard = await olga.taps(button)
        assert "Now: " in heard
        assert olga.buttons()[-2:] == ["Back", "Cancel"]
        assert "Tap what you want to change" in await olga.taps("Back")
        await olga.taps(button)
        assert line in await olga.taps(chosen)
    assert "Time per item: 90 seconds" in (await olga.taps("Time per item"), await olga.says("90 s"))[1]
    assert "Price per answer: $1.50" in (await olga.taps("Price per answer"), await olga.says("1.5 USD"))[1]
    await olga.taps("Deadline")
    assert "over already" in await olga.says("2020-01-01")
    assert "is not clear" in await olga.says("soon")
    assert "Deadline: " in await olga.says("in 3 days")
    await olga.taps("Known labels")
    assert "There is no column “text”" in await olga.says("text"), "the text itself is no label"
    assert "Known labels: column “gold”" in await olga.says("GOLD")
    await olga.taps("Preview")
    await olga.taps("Post")
    [project] = projects(chat)
    assert (project.price, project.lease_seconds, project.audience, project.language) == (150, 90, "experts", "zh")
    assert project.deadline is not None
    assert timedelta(days=2, hours=23) < project.deadline - now() <= timedelta(days=3)


async def test_a_deadline_is_read_by_the_clock_of_who_types_it(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_hub(chat, tmp_path)
    with chat.writing() as session:
        session.execute(update(Worker).values(time_zone="Asia/Shanghai"))
    await olga.taps("Deadline")
    assert "17:00" in await olga.says(f"{now().year + 1}-12-24 17:00")
    await olga.taps("Preview")
    await olga.taps("Post")
    [project] = projects(chat)
    assert project.deadline is not None
    assert (project.deadline.day, project.deadline.hour) == (24, 9)


async def test_guidelines_may_come_in_several_messages(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_hub(chat, tmp_path)
    await olga.taps("Guidelines")
    await olga.says("Good: sun and warmth. " * 180)
    heard = await olga.says("Bad: rain.")
    assert "characters" in heard
    assert olga.buttons() == ["Done", "No guidelines", "Back", "Cancel"]
    assert "at most 8000 fit" in await olga.says("x" * 5000)
    assert "Guidelines: 3,970 characters" in await olga.taps("Done")
    await olga.taps("Guidelines")
    await olga.says("Look twice.")
    assert "Guidelines: 11 characters" in await olga.taps("Done"), "the first message takes the place of the old ones"
    assert "Look twice." in await olga.taps("Preview"), "the preview shows them as the worker's card does"
    await olga.taps("Post")
    [project] = projects(chat)
    assert (project.guidelines, project.guidelines_version) == ("Look twice.", 1)


async def test_the_preview_is_the_workers_card_and_does_nothing(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_hub(chat, tmp_path)
    await olga.says("1-1")
    heard = await olga.taps("Preview")
    assert heard.index("What a lovely day") < heard.index("Ready to post?")
    assert "This is a preview" in await olga.taps_payload("sample...0")
    await olga.taps("Post")
    load_all(chat)
    walt = await chat.member("Walt")
    await walt.says("/next")
    card = seen(walt)
    assert card.heading == "How is the weather?"
    assert card.parts[0].text in heard


async def test_price_and_answers_are_estimated(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_hub(chat, tmp_path)
    await olga.says("2-2")
    await olga.taps("Price per answer")
    await olga.says("0.10")
    heard = await olga.taps("Preview")
    assert "4 items, about 8 answers" in heard
    assert "Cost: about $0.80 ($0.10 per answer)" in heard
    assert "too early to say" in heard


async def test_going_back_keeps_what_was_typed(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path))
    first = olga.button("Use").payload
    await olga.says("Which one?")
    assert "What is the question?" in await olga.taps("Back")
    assert olga.buttons()[0] == "Use: Which one?"
    assert "from before" in await olga.taps_payload(first)
    await olga.taps("Use: Which one?")
    await olga.says("Yes\nNo\nMaybe")
    assert "Which labels" in await olga.taps("Back")
    assert olga.buttons()[0] == "Use: Yes | No | Maybe"
    await olga.taps("Back")
    assert "“Which one of them?”" in await olga.says("Which one of them?"), "the labels are there already"
    assert "Labels: Yes | No | Maybe" in seen(olga).plain()
    await olga.taps("Preview")
    assert "Tap what you want to change" in await olga.taps("Back")


async def test_the_dialogue_survives_a_restart_and_is_cancelled_for_good(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path))
    await olga.says("How is it?")
    again = Chat(chat.settings, chat.engine, chat.redis)
    olga.chat = again
    assert "Labels: Yes | No" in await olga.says("Yes\nNo")
    old = olga.button("Preview").payload
    assert "Nothing was posted" in await olga.taps("Cancel")
    assert "form is closed" in await olga.taps_payload(old)
    with chat.writing() as session:
        assert session.scalars(select(Dialogue)).all() == []
    assert projects(chat) == []
    again.close()


async def test_the_second_tap_on_post_posts_nothing_more(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_hub(chat, tmp_path)
    await olga.taps("Preview")
    post = olga.button("Post").payload
    await olga.taps("Post")
    assert "form is closed" in await olga.taps_payload(post)
    assert len(projects(chat)) == 1


@pytest.mark.parametrize(
    "argument", ["post", "add", "new", "c99", "v99", "v0", "keep", "set_overlap", "set_secret", "none", "done", "x"]
)
async def test_forged_buttons_change_nothing(chat: Chat, tmp_path: Path, argument: str) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path), "How is it?")  # at the labels, where only keep is a button
    version = olga.button("Use").payload.rsplit(".", 1)[1]
    heard = await olga.taps_payload(f"post..{argument}.{version}")
    assert projects(chat) == []
    assert ("Labels: Good | Bad" in heard) if argument == "keep" else ("from before" in heard)


async def test_a_question_that_is_too_long_is_refused_at_its_step(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path))
    assert "at most 1000 fit" in await olga.says("x" * 1001)
    assert "The question is empty" in await olga.says("  ")
    assert "Which labels" in await olga.says("x" * 1000)
    assert "too many" in await olga.says("\n".join(f"label {number}" for number in range(101)))
    assert "give at least 2" in await olga.says("Only one")


async def test_a_corrected_file_takes_the_place_of_the_first(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_hub(chat, tmp_path)
    await olga.says("1-2")
    heard = await olga.uploads(write(tmp_path, "id,text\n1,What a lovely day\n2,Rain again\n", "better.csv"))
    assert "better.csv · 2 items\n\n“How is the weather?”\nLabels: Good | Bad\n\nAnswers per item: 1 to 2" in heard
    with chat.writing() as session:
        session.execute(update(Dialogue).values(updated_at=now() - timedelta(hours=2)))
    heard = await olga.uploads(write(tmp_path, "id,text\n1,Hail and storm\n2,Fog again\n", "other.csv"))
    assert "What is the question?" in heard, "what was begun long ago is another job"


async def test_adding_to_a_job_that_is_open(chat: Chat, tmp_path: Path) -> None:
    with chat.writing() as session:
        project = make_project(session, ["one"], ("Good", "Bad"), name="First")
    olga = await chat.member("Olga", "coordinator")
    assert "Is this a new job?" in await olga.uploads(write(tmp_path))
    assert olga.buttons() == ["New job", "Add to “First”", "Back", "Cancel"]
    assert "Adding 5 rows to “First”" in await olga.taps("Add to")
    load_all(chat)
    assert len(texts(chat)) == 4
    await olga.uploads(write(tmp_path, "text\nHail and storm\n", "more.csv"))
    assert "What is the question?" in await olga.taps("New job")
    assert "Is this a new job?" in await olga.taps("Back")
    assert len(projects(chat)) == 1
    assert project.id == projects(chat)[0].id


async def test_the_column_is_asked_where_it_is_not_clear(chat: Chat, tmp_path: Path) -> None:
    table = (
        "first,second\nA long sentence about rain,Another long sentence here\nMore words about snow,And more words\n"
    )
    olga = await chat.member("Olga", "coordinator")
    assert "Which column holds the text" in await olga.uploads(write(tmp_path, table), "Is it?")
    assert olga.buttons() == ["first", "second", "Cancel"]
    assert "There is no column “third”" in await olga.says("third")
    assert "Which labels" in await olga.taps("second")
    await olga.taps("Use: Yes | No")
    assert "Another long sentence here" in await olga.taps("Preview")


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


# --- pasted lines and other files -------------------------------------------------------------------------------


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


async def test_an_excel_file_is_posted(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    path = write_workbook(tmp_path, ("id", "text"), (7, "What a lovely day"), (8, None), (9, "Rain again"))
    heard = await olga.uploads(path, "How is it?")
    assert "line 3: the text is empty." in heard
    await olga.says("Good, Bad")
    await olga.taps("Preview")
    await olga.taps("Post")
    load_all(chat)
    assert texts(chat) == ["What a lovely day", "Rain again"]
    with chat.writing() as session:
        assert session.scalars(select(Item.external_id).order_by(Item.id)).all() == ["7", "9"]


async def test_known_labels_come_from_a_file_of_their_own(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path, "id,text\n1,What a lovely day\n2,Rain again\n3,Snow and ice\n"), "How is it?")
    await olga.says("Good | Bad")
    await olga.taps("Known labels")
    assert "Its columns are: comment" in await olga.uploads(write(tmp_path, "comment\nhello there\n", "a.csv"))
    unknown = write(tmp_path, "id,label\n1,Ugly\n", "b.csv")
    assert "“Ugly” is not one of the labels of this job: Good, Bad" in await olga.uploads(unknown)
    heard = await olga.uploads(write(tmp_path, "id,label\n1,good\n3,Bad\n", "gold.csv"))
    assert "Known labels: file “gold.csv”" in heard
    await olga.taps("Preview")
    await olga.taps("Post")
    load_all(chat)
    with chat.writing() as session:
        known = session.execute(select(Item.external_id, Gold.label_id).join(Gold, Gold.item_id == Item.id)).all()
    assert sorted((row[0], row[1]) for row in known) == [("1", "a"), ("3", "b")]


async def test_files_that_cannot_be_used_get_a_sentence(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    assert "is empty" in await olga.uploads(write(tmp_path, ""))
    assert "no rows below" in await olga.uploads(write(tmp_path, "id,text\n"))
    assert "no column with text" in await olga.uploads(write(tmp_path, "id,score\n1,2\n2,3\n"))
    assert "Save it as Excel" in await olga.uploads(write(tmp_path, b"\x89PNG\r\n\x1a\n" + bytes(100), "a.png"))
    assert "is damaged" in await olga.uploads(write(tmp_path, b"PK\x03\x04" + bytes(100), "a.xlsx"))
    assert "has a password" in await olga.uploads(write(tmp_path, bytes.fromhex("d0cf11e0") + bytes(99), "a.xls"))
    heard = await olga.uploads(write(tmp_path, "id,text\n1,ok\n2," + "x" * 5_000_000 + "\n"))
    assert "line 3: it is longer than 200000 characters." in heard
    assert "1 bad row" in heard
    labels = " | ".join(f"label {number}" for number in range(300))
    assert "300 labels are too many" in await olga.uploads(write(tmp_path), f"/post Which? | {labels}")
    assert projects(chat) == []


async def test_a_batch_with_too_many_bad_rows_is_not_posted_at_all(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    rows = "id,text\n" + "".join(f"{number},\n" for number in range(9)) + "10,fine\n"
    await olga.uploads(write(tmp_path, rows), "/post Is it? | Yes | No")
    load_all(chat)
    received = await inbox(chat, olga)
    assert "nothing was posted. 9 of 10 rows cannot be used" in received[-1]
    assert "line 2: the text is empty." in received[-1]
    assert texts(chat) == []


# --- who may --------------------------------------------------------------------------------------------------------


async def test_workers_neither_post_nor_learn_of_it(chat: Chat, tmp_path: Path) -> None:
    ann = await chat.member("Ann")
    assert "do not know /post" in await ann.says("/post")
    assert "takes the role of coordinator" in await ann.uploads(write(tmp_path))
    for payload in ("post..new.1", "post..post.1", "postform...0", "sample...0"):
        await ann.taps_payload(payload)
        assert ann.refused == "unknown_button"
    assert projects(chat) == []


async def test_who_is_no_coordinator_any_more_cannot_go_on(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_hub(chat, tmp_path)
    payload = olga.button("Preview").payload
    with chat.writing() as session:
        session.execute(update(Membership).values(role="worker"))
    assert "/next" in await olga.says("1-2")
    await olga.taps_payload(payload)
    assert olga.refused == "unknown_button"


async def test_the_jobs_of_another_workspace_are_not_offered(chat: Chat, tmp_path: Path) -> None:
    with chat.writing() as session:
        theirs = make_project(session, ["one"], ("Good", "Bad"), name="Theirs")
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        other = Workspace(name="Other", created_at=now())
        session.add(other)
        session.flush()
        worker_id = session.scalars(select(Identity.worker_id).where(Identity.external_id == "olga")).one()
        session.execute(update(Membership).where(Membership.worker_id == worker_id).values(workspace_id=other.id))
        session.execute(update(Identity).where(Identity.worker_id == worker_id).values(workspace_id=other.id))
    assert "What is the question?" in await olga.uploads(write(tmp_path)), "there is nothing to add to"
    assert "no job with the id" in await olga.uploads(write(tmp_path), f"/add {theirs.public_id}")
    await olga.uploads(write(tmp_path), "/post Mine? | Good | Bad")
    with chat.writing() as session:
        assert session.scalars(select(Project.workspace_id).order_by(Project.id.desc())).first() == other.id
        posted = session.scalars(select(LogEntry.workspace_id).where(LogEntry.act == "post")).all()
    assert posted[-1] == other.id


async def test_posting_in_chinese(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        session.execute(update(Worker).values(locale="zh"))
    assert "要问的问题是什么" in await olga.uploads(write(tmp_path))
    await olga.says("天气怎么样？")
    assert "标签：好 | 坏" in await olga.says("好、坏")
    await olga.taps("截止时间")
    assert "截止时间：" in await olga.says("3天后")
    await olga.taps("每条时限")
    assert "每条时限：5 分钟" in await olga.says("5分钟")
    assert "可以发布了吗" in await olga.taps("预览和费用")
    assert "已发布" in await olga.taps("发布")
