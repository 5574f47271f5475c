"""Posting a job step by step: every question, every setting, and the ways back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from core.clock import now
from core.models import Dialogue, Worker
from tests.fakes.chat import Chat
from tests.integration.dialogues.files import inbox, load_all, write
from tests.integration.dialogues.posting import at_the_hub, projects, seen


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
    assert "3 items are open for labeling.\nLeft out: 1 duplicate (line 6), 1 bad row\nline 4: " in received[-1]
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
