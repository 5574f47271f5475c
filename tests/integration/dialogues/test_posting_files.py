"""Files that coordinators send to post: corrections, additions, other formats, and what cannot be used."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from core.clock import now
from core.models import Dialogue, Gold, Item
from tests.factories import make_project
from tests.fakes.chat import Chat
from tests.integration.dialogues.files import inbox, load_all, write, write_workbook
from tests.integration.dialogues.posting import at_the_hub, projects, texts


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
