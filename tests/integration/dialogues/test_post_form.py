"""Posting a job by a form, on platforms that have them; the file follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from bot.surface import Field
from core.clock import now
from core.models import Dialogue, Item, Project
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.files import inbox, load_all, write

FILLED = {"question": "How is the weather?", "labels": "Good\nBad"}


async def with_forms(chat: Chat, name: str = "Olga", role: str = "coordinator") -> Someone:
    """Somebody on a platform that opens forms."""
    person = await chat.member(name, role)
    person.person = replace(person.person, forms=True)
    return person


def field(person: Someone, name: str) -> Field:
    """A field of the form that was opened."""
    assert person.form is not None
    return next(field for field in person.form.fields if field.name == name)


def projects(chat: Chat) -> list[Project]:
    """All jobs."""
    with chat.writing() as session:
        return list(session.scalars(select(Project).order_by(Project.id)))


async def test_a_job_is_posted_by_form_and_file(chat: Chat, tmp_path: Path) -> None:
    olga = await with_forms(chat)
    heard = await olga.says("/post")
    assert "fill in the form" in heard, "what is sent where the form does not open"
    assert olga.form is not None
    assert [(one.name, one.kind, one.optional) for one in olga.form.fields] == [
        ("question", "text", False),
        ("labels", "lines", False),
        ("file", "file", True),
        ("lines", "lines", True),
        ("overlap", "text", False),
        ("price", "text", False),
        ("time", "text", False),
        ("deadline", "text", False),
        ("who", "choice", False),
        ("language", "text", False),
        ("known", "text", True),
        ("guidelines", "lines", True),
    ]
    assert len(olga.form.title) <= 24
    defaults = {"overlap": "3-8", "price": "0.00", "time": "10 min", "deadline": "none", "who": "everyone"}
    assert {name: field(olga, name).value for name in defaults} == defaults
    given = FILLED | {"overlap": "1-2", "price": "0.05", "deadline": "in 3 days", "guidelines": "Look\ntwice."}
    assert "all of that is kept" in await olga.fills(**given)
    heard = await olga.uploads(write(tmp_path))
    assert "line 4: the text is empty." in heard
    assert "What a lovely day" in heard
    assert "about" in heard
    assert olga.buttons() == ["Post", "Change", "Cancel"]
    assert "Posted" in await olga.taps("Post")
    load_all(chat)
    assert "3 items are open" in (await inbox(chat, olga))[-1]
    [project] = projects(chat)
    assert (project.min_overlap, project.max_overlap, project.price) == (1, 2, 5)
    assert project.guidelines == "Look\ntwice."
    assert project.deadline is not None
    assert project.deadline - now() < timedelta(days=3)


async def test_every_field_that_cannot_be_used_is_named_at_once(chat: Chat) -> None:
    olga = await with_forms(chat)
    await olga.says("/post")
    wrong = {
        "question": "x" * 1001,
        "labels": "Good",
        "overlap": "9-2",
        "price": "much",
        "time": "long",
        "deadline": "2020-01-01",
        "who": "friends",
        "language": "klingonese",
        "guidelines": "x" * 8001,
    }
    await olga.fills(**wrong)
    assert set(olga.problems) == set(wrong)
    assert "at most 1000 fit" in olga.problems["question"]
    assert "for example: 0.05" in olga.problems["price"]
    await olga.fills()
    assert set(olga.problems) == {"question", "labels"}
    assert projects(chat) == []


async def test_pasted_lines_take_the_place_of_a_file(chat: Chat) -> None:
    olga = await with_forms(chat)
    await olga.says("/post")
    heard = await olga.fills(**FILLED, lines="What a lovely day\nRain again")
    assert "2 rows" in heard
    assert "How is the weather?\n\nWhat a lovely day" in heard
    await olga.taps("Post")
    load_all(chat)
    with chat.writing() as session:
        assert len(session.scalars(select(Item)).all()) == 2


async def test_a_file_that_follows_takes_the_place_of_the_lines(chat: Chat, tmp_path: Path) -> None:
    olga = await with_forms(chat)
    await olga.says("/post")
    await olga.fills(**FILLED, lines="What a lovely day\nRain again")
    await olga.uploads(write(tmp_path, "text\nHail and storm\n", "hail.csv"))
    assert "Hail and storm" in olga.transcript[-2]
    await olga.taps("Post")
    load_all(chat)
    with chat.writing() as session:
        assert [item.content[0]["text"] for item in session.scalars(select(Item))] == ["Hail and storm"]


async def test_a_refused_file_leaves_the_form_as_it_was_filled_in(chat: Chat, tmp_path: Path) -> None:
    olga = await with_forms(chat)
    await olga.says("/post")
    await olga.fills(**FILLED, known="truth")
    assert "is empty" in await olga.uploads(write(tmp_path, ""))
    assert "There is no column “truth”. The columns are: id, text, gold" in await olga.uploads(write(tmp_path))
    heard = await olga.uploads(write(tmp_path, "text,truth\nA lovely day,Good\n"))
    assert "How is the weather?\n\nA lovely day" in heard


async def test_the_form_comes_back_filled_in(chat: Chat, tmp_path: Path) -> None:
    olga = await with_forms(chat)
    deadline = f"{now().year + 1}-05-06 07:08"
    await olga.says(f"/post Is it so? | Yes | No | price=0.02 | deadline={deadline}\nfirst line here\nsecond line")
    values = {"question": "Is it so?", "labels": "Yes\nNo", "price": "0.02", "lines": "first line here\nsecond line"}
    assert {name: field(olga, name).value for name in values} == values
    assert field(olga, "deadline").value == deadline
    assert projects(chat) == [], "the form shows it first"
    olga.form = None
    await olga.taps("Open the form")
    assert {name: field(olga, name).value for name in values} == values
    await olga.fills(price="0.03", lines="")
    await olga.says("/post")
    assert field(olga, "price").value == "0.03"
    assert field(olga, "question").value == "Is it so?"


async def test_where_the_form_cannot_be_opened_again_the_steps_take_its_place(chat: Chat) -> None:
    olga = await with_forms(chat)
    await olga.says("/post")
    olga.person = replace(olga.person, forms=False)
    assert "paste them here" in await olga.taps("Open the form")


async def test_an_unclear_column_is_asked_before_the_preview(chat: Chat, tmp_path: Path) -> None:
    olga = await with_forms(chat)
    await olga.says("/post")
    await olga.fills(**FILLED)
    table = (
        "first,second\nA long sentence about rain,Another long sentence here\nMore words about snow,And more words\n"
    )
    assert "Which column" in await olga.uploads(write(tmp_path, table))
    assert "Another long sentence here" in await olga.taps("second")
    assert "Tap what you want to change" in await olga.taps("Change")
    assert "Answers per item: 2 to 4" in await olga.says("2-4")
    assert "Preview" in olga.buttons()[0]


async def test_a_form_sent_off_twice_posts_nothing_twice(chat: Chat, tmp_path: Path) -> None:
    olga = await with_forms(chat)
    await olga.says("/post")
    await olga.fills(**FILLED)
    await olga.fills(**FILLED)
    await olga.uploads(write(tmp_path))
    await olga.taps("Post")
    assert len(projects(chat)) == 1
    with chat.writing() as session:
        assert session.scalars(select(Dialogue)).all() == []


async def test_a_form_of_somebody_without_the_role_is_refused(chat: Chat) -> None:
    olga = await with_forms(chat)
    await olga.says("/post")
    walt = await with_forms(chat, "Walt", "worker")
    walt.form = olga.form
    await walt.fills(**FILLED)
    assert walt.refused == "unknown_button"


async def test_an_old_job_is_no_target_of_a_form(chat: Chat, tmp_path: Path) -> None:
    with chat.writing() as session:
        make_project(session, name="First")
    olga = await with_forms(chat)
    await olga.says("/post")
    await olga.fills(**FILLED)
    assert "Is this a new job?" not in await olga.uploads(write(tmp_path))
