"""Known labels of a job that is being posted: what is wrong with them is said before anything is posted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import func, select

from bot.job_settings import Clock
from bot.post_options import OPTIONS, parse_caption
from core.clock import now
from core.errors import InvalidInput
from core.models import Gold, Item
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.files import inbox, load_all, write
from tests.integration.dialogues.posting import at_the_hub, projects, seen, texts

VALUES = ("", "no", "0", "1", "200", "-1", "1.5", "3-8", "三", "🙂", "95 %", "* * * * *", "in 3 days", "zh", "check")


def table(known: int, others: int, typo: str = "Postive") -> str:
    """Items with ids and known labels; of the known ones the sixth bears another label than the job has."""
    labels = [("Good", "Bad")[number % 2] for number in range(known)]
    if typo:
        labels[5] = typo
    rows = [f"{number},sky number {number},{label}" for number, label in enumerate(labels)]
    return (
        "id,text,gold\n" + "\n".join([*rows, *(f"{100 + number},cloud {number}," for number in range(others))]) + "\n"
    )


def known_count(chat: Chat) -> int:
    """Known items of all jobs."""
    with chat.writing() as session:
        return session.scalar(select(func.count()).select_from(Gold)) or 0


async def at_the_misfits(chat: Chat, tmp_path: Path, text: str = "") -> Someone:
    """A coordinator who has sent a file with a typo among its known labels, and said the labels."""
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path, text or table(12, 18)), "How is it?")
    await olga.says("Good | Bad")
    return olga


async def test_a_typo_is_named_and_the_other_known_labels_are_used(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_misfits(chat, tmp_path)
    heard = olga.transcript[-1]
    assert "11 of 12 known labels in “gold” can be used" in heard
    assert "line 7: “Postive” is not one of the labels." in heard
    assert olga.buttons() == ["Use the others", "Go on without known labels", "Back", "Cancel"]
    assert "Which labels" in await olga.taps("Back")
    await olga.says("Good | Bad")
    assert "tap" in (await olga.says("hm")).lower()
    use = olga.button("Use the others").payload
    heard = await olga.taps("Use the others")
    assert "Known labels: column “gold”" in heard
    assert "1 row is left out (line 7)" in heard
    await olga.taps_payload(use)
    assert olga.refused == "stale_button"
    assert "Which labels" in await olga.taps("Back"), "what was decided is not asked again on the way back"
    await olga.says("Good | Bad")
    assert "1 row is left out (line 7)" in await olga.taps("Preview")
    await olga.taps("Post")
    load_all(chat)
    assert known_count(chat) == 11
    assert "line 7: “Postive” is not one of the labels." in (await inbox(chat, olga))[-1]


async def test_with_a_typo_one_goes_on_without_known_labels_or_corrects_the_file(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_misfits(chat, tmp_path)
    assert "Known labels: none" in await olga.taps("Go on without")
    heard = await olga.uploads(write(tmp_path, table(12, 18, typo="Good"), "better.csv"))
    assert "better.csv · 30 items\n\n“How is it?”\nLabels: Good | Bad" in heard, "all that was said is kept"
    assert "Known labels: column “gold”" in heard
    assert "left out" not in heard


async def test_a_column_that_holds_no_label_is_refused_at_the_tap(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_hub(chat, tmp_path)
    await olga.taps("Known labels")
    heard = await olga.taps("id")
    assert "“id” does not hold labels of this job, for example line 2: “1”. The labels are: Good, Bad." in heard
    assert (olga.refused, "id" in olga.buttons()) == ("known_column_strange", True), "the step still stands"
    assert "does not hold labels" in await olga.says("id")
    assert "Known labels: column “gold”" in await olga.taps("gold")


async def test_a_guessed_column_of_other_words_is_let_go_and_that_is_said(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_misfits(chat, tmp_path, "id,text,category\n1,Hail and storm,sports\n2,Fog again,news\n")
    heard = olga.transcript[-1]
    assert "Known labels: none" in heard
    assert "“category” does not hold the labels of this job" in heard
    await olga.taps("Preview")
    assert "2 items, about" in olga.transcript[-1]


async def test_a_known_file_is_let_go_where_the_labels_change_after_it(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_misfits(chat, tmp_path, "id,text\n1,Hail and storm\n2,Fog again\n")
    await olga.taps("Known labels")
    await olga.uploads(write(tmp_path, "id,label\n1,Good\n", "gold.csv"))
    await olga.taps("Back")
    heard = await olga.says("Nice | Nasty")
    assert "Known labels: none" in heard
    assert "“gold.csv” does not hold the labels of this job" in heard


async def test_added_items_do_not_fail_for_a_column_of_other_words(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path), "/post Is it? | Good | Bad")
    load_all(chat)
    [project] = projects(chat)
    more = write(tmp_path, "id,text,category\n7,Hail and storm,sports\n8,Fog again,news\n", "more.csv")
    await olga.uploads(more, f"/add {project.public_id}")
    load_all(chat)
    assert len(texts(chat)) == 5


async def test_an_empty_column_is_no_known_labels(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path, "text,note\nHail and storm,\nFog again,\n"), "How is it?")
    await olga.says("Good | Bad")
    await olga.taps("Known labels")
    assert "“note” is empty" in await olga.taps("note")


async def test_a_form_that_names_a_wrong_column_asks_before_the_preview(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    olga.person = replace(olga.person, forms=True)
    await olga.says("/post")
    await olga.fills(question="How is it?", labels="Good\nBad", known="id")
    heard = await olga.uploads(write(tmp_path, table(12, 18, typo="")))
    assert "“id” does not fit the labels of this job: 0 of 30 known labels are among them." in heard
    assert "line 2: “0” is not one of the labels." in heard
    assert olga.buttons() == ["Go on without known labels", "Back", "Cancel"]
    await olga.taps_payload(olga.button("Go on").payload.replace("none", "use"))
    assert olga.refused == "stale_button", "there are no others to use"
    await olga.taps("Go on without")
    assert "Ready to post?" in olga.transcript[-1]


async def test_a_caption_with_known_labels_of_another_job_asks_instead_of_failing(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.uploads(write(tmp_path, table(12, 0)), "/post Which? | Bad | Ugly")
    assert "“gold” does not fit the labels of this job: 5 of 12 known labels" in heard
    assert projects(chat) == []
    await olga.taps("Go on without")
    await olga.taps("Preview")
    await olga.taps("Post")
    load_all(chat)
    assert (len(texts(chat)), known_count(chat)) == (12, 0)


async def test_how_much_of_a_known_file_belongs_to_the_items_is_said_before_post(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    items = "id,text\n" + "".join(f"{number},sky number {number}\n" for number in range(60))
    await olga.uploads(write(tmp_path, items), "How is it?")
    await olga.says("Good | Bad")
    await olga.taps("Known labels")
    strange = write(tmp_path, "id,label\n777,Good\n778,Bad\n", "other.csv")
    assert "For example line 2: I find no item with “777” (id)." in await olga.uploads(strange)
    assert olga.refused == "known_file_strange"
    unknown = write(tmp_path, "id,label\n1,Good\n2,Ugly\n", "typo.csv")
    assert "Line 3: “Ugly” is not one of the labels" in await olga.uploads(unknown)
    numbers = [*range(5), 999, *range(5, 20)]
    rows = "id,label\n" + "".join(f"{number},Good\n" for number in numbers)
    said = "20 of 21 known labels belong to items of the file.\nLine 7 does not: “999”"
    heard = await olga.uploads(write(tmp_path, rows, "gold.csv"))
    assert "Known labels: file “gold.csv”" in heard
    assert said in heard
    await olga.taps("Preview")
    assert said in olga.transcript[-1]
    await olga.taps("Post")
    load_all(chat)
    assert known_count(chat) == 20


async def test_the_preview_counts_what_is_asked_as_the_job_does_then(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path, table(20, 40, typo="")), "How is it?")
    await olga.says("Good | Bad")
    await olga.taps("Preview")
    assert "20 further items have known answers and only check people." in seen(olga).plain()
    assert "40 items, about" in seen(olga).plain()
    assert "Start with a pilot of 30 items" not in olga.buttons(), "40 are too few"
    await olga.taps("Back")
    await olga.taps("Known labels")
    await olga.taps("Only compare")
    await olga.taps("Preview")
    assert "60 items, about" in seen(olga).plain()
    assert "further" not in seen(olga).plain()
    await olga.taps("Back")
    await olga.taps("Known labels")
    await olga.taps("Check people")
    await olga.taps("Preview")
    await olga.taps("Post")
    load_all(chat)
    assert "40 items are open" in (await inbox(chat, olga))[-1]


async def test_nothing_stays_of_a_job_that_could_not_be_loaded_and_its_draft_comes_back(
    chat: Chat, tmp_path: Path
) -> None:
    olga = await chat.member("Olga", "coordinator")
    rows = "id,text\n" + "".join(f"{number},\n" for number in range(9)) + "10,fine day\n"
    await olga.uploads(write(tmp_path, rows), "/post Is it? | Yes | No | overlap=2-4 | price=0.05 | aim=95 %")
    load_all(chat)
    assert "All your settings are kept" in (await inbox(chat, olga))[-1]
    [withdrawn] = projects(chat)
    assert withdrawn.state == "closed"
    for command in ("/status", "/close", "/quality", "/details"):
        assert "Is it?" not in await olga.says(command), command
    again = f"repost.{withdrawn.public_id}..0"
    ann = await chat.member("Ann")
    await ann.taps_payload(again)
    assert ann.refused == "unknown_button"
    heard = await olga.taps_payload(again)
    assert "“Is it?”\nLabels: Yes | No\n\nAnswers per item: 2 to 4\nPrice per answer: $0.05" in heard
    await olga.uploads(write(tmp_path, "id,text\n1,fine day\n2,dull day\n", "better.csv"))
    await olga.taps("Preview")
    await olga.taps("Post")
    load_all(chat)
    newest = projects(chat)[0]
    assert (newest.min_overlap, newest.price, newest.target_accuracy, len(texts(chat))) == (2, 5, 0.95, 2)
    await olga.taps_payload(f"repost.{newest.public_id}..0")
    assert olga.refused == "stale_button", "it was posted"
    await olga.taps_payload("repost.nonsense..0")
    assert olga.refused == "project_unknown"


async def test_a_job_that_has_items_stays_when_more_cannot_be_added(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path), "/post Is it? | Good | Bad")
    load_all(chat)
    [project] = projects(chat)
    bad = "id,text\n" + "".join(f"{number},\n" for number in range(9)) + "10,fine day\n"
    await olga.uploads(write(tmp_path, bad, "more.csv"), f"/add {project.public_id}")
    load_all(chat)
    assert "nothing was added. 9 of 10 rows cannot be used" in (await inbox(chat, olga))[-1]
    assert projects(chat)[0].state == "open"
    assert "Is it?" in await olga.says("/status")


async def test_whatever_an_option_says_the_job_is_posted_or_a_sentence_says_why_not(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    posted = 0
    for option in OPTIONS:
        for value in VALUES:
            try:
                parse_caption(f"Is it? | Yes | No | {option}={value}", Clock(now()))
            except InvalidInput:
                continue
            heard = await olga.says(f"/post Is it? | Yes | No | {option}={value}\nfine day\ndull day")
            assert "Posted" in heard or olga.refused not in ("", "unexpected"), (option, value, heard)
            posted += "Posted" in heard
    assert posted == len(projects(chat)) > len(OPTIONS)
    with chat.writing() as session:
        assert session.scalar(select(func.count()).select_from(Item)) == 0, "nothing is loaded yet"
