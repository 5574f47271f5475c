"""Jobs by their names, as people write them: with spaces, in any case, before or behind what else a command takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from core.clock import now
from core.models import ExportRequest, Item, Project
from tests.factories import items_of, make_project
from tests.fakes.chat import Chat
from tests.integration.dialogues.files import write
from tests.integration.dialogues.members import outsider

NAME = "Weather of 100% May_be"
"""With all that a comparison of texts could stumble over."""


def two_jobs(chat: Chat, name: str = NAME, other: str = "Other") -> tuple[str, str]:
    """Two open jobs, so that a command has to be told which; their public ids."""
    with chat.writing() as session:
        return tuple(make_project(session, ["one"], name=one).public_id for one in (name, other))  # type: ignore[return-value]


def texts_of(chat: Chat, public_id: str) -> list[str]:
    """The texts of a job's items."""
    with chat.writing() as session:
        project = session.scalars(select(Project).where(Project.public_id == public_id)).one()
        return [item.content[0]["text"] for item in items_of(session, project.id)]


COMMANDS = (
    "status",
    "status details",
    "export",
    "quality",
    "train",
    "models",
    "learning",
    "doubts",
    "edit",
    "close",
    "open",
    "costs",
    "settle",
    "audit",
    "flags",
    "suggestions",
    "next",
)


async def test_every_command_takes_a_name_with_spaces(chat: Chat) -> None:
    two_jobs(chat)
    olga = await chat.member("Olga", "owner")
    for command in COMMANDS:
        for name in (NAME, NAME.upper(), f"  {NAME.replace(' ', '  ')} "):
            heard = await olga.says(f"/{command} {name}")
            assert olga.refused in (None, "training_too_few_labels"), f"{heard} to /{command} {name}"
            assert "Other" not in heard, command
        assert "There is no job" in await olga.says(f"/{command} Weather of")
        assert olga.refused in ("project_unknown", "export_unknown"), command


async def test_a_name_of_another_workspace_is_no_name(chat: Chat) -> None:
    two_jobs(chat)
    eve = await outsider(chat, "Eve", "owner")
    for command in COMMANDS:
        await eve.says(f"/{command} {NAME}")
        assert eve.refused in ("project_unknown", "export_unknown", "status_none"), command


async def test_two_jobs_of_one_name_are_told_apart_by_their_ids(chat: Chat) -> None:
    first, second = two_jobs(chat, "Same name", "same NAME")
    olga = await chat.member("Olga", "owner")
    for command in ("status details", "settle", "audit", "flags", "suggestions", "add", "next"):
        heard = await olga.says(f"/{command} Same name")
        assert olga.refused == "several_projects", command
        assert first in heard
        assert second in heard
        assert f"/{command} {second}" in heard, "the example is one that works"


@pytest.mark.parametrize(
    ("said", "added"),
    [
        (f"{NAME} What a day", "What a day"),
        (f"{NAME.lower()}   What a day", "What a day"),
        (f"{NAME}\nWhat a day\nindeed", "What a day\nindeed"),
        (f"{NAME} {NAME}", NAME),
        ("{id} What a day", "What a day"),
        (f"{{id}} {NAME} rules", f"{NAME} rules"),
    ],
)
async def test_one_more_item_for_a_job_by_its_name(chat: Chat, said: str, added: str) -> None:
    job, other = two_jobs(chat)
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.says(f"/add {said.replace('{id}', job)}")
    assert f"Added to “{NAME}”: “{added}”" in heard
    assert (texts_of(chat, job), texts_of(chat, other)) == (["one", added], ["one"])


async def test_of_two_names_the_longer_one_is_meant(chat: Chat) -> None:
    short, long = two_jobs(chat, "Weather", "Weather in May")
    olga = await chat.member("Olga", "coordinator")
    assert "“Weather in May”: “is fine”" in await olga.says("/add Weather in May is fine")
    assert "“Weather”: “in Maybe”" in await olga.says("/add Weather in Maybe")
    assert (texts_of(chat, short), texts_of(chat, long)) == (["one", "in Maybe"], ["one", "is fine"])


async def test_a_text_that_begins_with_no_name_asks_for_the_job(chat: Chat) -> None:
    job, _ = two_jobs(chat, "Rain")
    olga = await chat.member("Olga", "coordinator")
    for text in ("Rainy days", "What a day"):
        assert job in await olga.says(f"/add {text}")
        assert olga.refused == "several_projects"
    assert "the text of one more item" in await olga.says("/add Rain")
    assert texts_of(chat, job) == ["one"]
    eve = await outsider(chat, "Eve", "owner")
    await eve.says("/add Rain falls")
    assert eve.refused == "status_none", "the name of another workspace's job is none"


async def test_a_chinese_name(chat: Chat) -> None:
    job, _ = two_jobs(chat, "五月 天气")
    olga = await chat.member("Olga", "coordinator")
    assert "“五月 天气”: “今天很好”" in await olga.says("/add 五月 天气 今天很好")
    assert texts_of(chat, job) == ["one", "今天很好"]
    assert "五月 天气" in await olga.says("/export 五月 天气")


async def test_a_name_is_found_whatever_its_case_in_any_script(chat: Chat) -> None:
    job, _ = two_jobs(chat, "Übung Eins")
    olga = await chat.member("Olga", "coordinator")
    for name in ("übung eins", "ÜBUNG EINS", job.upper()):
        assert "“Übung Eins”" in await olga.says(f"/export {name}"), name
        assert f"Added to “Übung Eins”: “{name} noch eine”" in await olga.says(f"/add {name} {name} noch eine")
    assert "“NEIN”" in await olga.says("/export NEIN"), "as it was written"
    assert olga.refused == "export_unknown"


@pytest.mark.parametrize(
    ("said", "name", "expected"),
    [
        ("labels csv {0}", NAME, ("labels", "csv")),
        ("{0} annotations XLSX", NAME, ("annotations", "xlsx")),
        ("jsonl {0} annotations", NAME, ("annotations", "jsonl")),
        ("{0} jsonl", NAME, ("labels", "jsonl")),
        ("{0} jsonl", "My labels csv", ("labels", "jsonl")),
        ("annotations {0}", "labels of May", ("annotations", "csv")),
        ("annotations {0}", "csv", ("annotations", "csv")),
    ],
)
async def test_an_export_of_a_job_by_its_name(chat: Chat, said: str, name: str, expected: tuple[str, str]) -> None:
    job, _ = two_jobs(chat, name)
    olga = await chat.member("Olga", "coordinator")
    assert f"of “{name}” as {expected[1]}" in await olga.says(f"/export {said.format(name)}")
    with chat.writing() as session:
        request = session.scalars(select(ExportRequest)).one()
        assert (request.kind, request.format) == expected
        assert session.get_one(Project, request.project_id).public_id == job


async def test_an_export_looks_all_names_up_at_once(chat: Chat, engine: Engine) -> None:
    olga = await chat.member("Olga", "coordinator")
    known = "csv " * 500
    two_jobs(chat, "csv csv May csv")
    sent: list[str] = []

    def note(*told: Any) -> None:
        sent.append(told[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        await olga.says(f"/export {known}June {known}")
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert olga.refused == "bad_export", "of so many formats none is meant"
    assert len(sent) < 30
    assert "of “csv csv May csv” as csv" in await olga.says("/export csv csv csv May csv")


async def test_an_export_of_what_is_not_there_says_what_there_is(chat: Chat) -> None:
    two_jobs(chat)
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.says("/export labels of yesterday")
    assert "There is no job “of yesterday” here" in heard
    assert "csv, jsonl, xlsx" in heard
    with chat.writing() as session:
        assert session.scalars(select(ExportRequest)).all() == []


async def test_a_file_is_added_to_a_job_by_its_name(chat: Chat, tmp_path: Path) -> None:
    two_jobs(chat)
    olga = await chat.member("Olga", "coordinator")
    assert f"to “{NAME}”" in await olga.uploads(write(tmp_path), f"/add {NAME}")
    assert f"to “{NAME}”" in await olga.uploads(write(tmp_path), f"/ADD\n{NAME}")
    assert "There is no job" in await olga.uploads(write(tmp_path), "/add Weather")
    assert "Which job?" in await olga.uploads(write(tmp_path), "/add")


async def test_a_name_that_was_cut_can_still_be_said(chat: Chat) -> None:
    """A job without a name is called by the beginning of its question, which may end in a space."""
    olga = await chat.member("Olga", "coordinator")
    question = f"{'word ' * 12}more?"
    await olga.says(f"/post {question} | Good | Bad\none\ntwo")
    with chat.writing() as session:
        name = session.scalars(select(Project)).one().name
        make_project(session, ["x"], name="Other", now=now())
    assert name == ("word " * 12).strip()
    assert f"Added to “{name}”" in await olga.says(f"/add {name} three")
    with chat.writing() as session:
        assert session.scalars(select(Item.content).order_by(Item.id.desc())).first()[0]["text"] == "three"  # type: ignore[index]
