"""What coordinators are told about their jobs, and what they get as files."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from PIL import Image
from redis import Redis
from sqlalchemy import select, update

from bot.surface import Attachment, Message
from core.clock import now
from core.config import Settings
from core.enrolment import record_act
from core.exporting import export_for_chat
from core.models import Annotation, ExportRequest, LogEntry, Project, Workspace
from core.projects import create_project
from core.queue import DEFAULT, connect, queue
from core.runtime import Runtime
from tests.factories import add_items, items_of, make_project
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.members import move_job_elsewhere


async def weather(chat: Chat, texts: tuple[str, ...] = ("one", "two"), **options: Any) -> str:
    """A job in which Ann and Bob agree on one item and on no other; its public id."""
    with chat.writing() as session:
        project = make_project(
            session, texts, ("Good", "Bad"), now(), min_overlap=2, max_overlap=2, error_cost=1e6, **options
        )
    for name, others in (("Ann", "Good"), ("Bob", "Bad")):
        person = await chat.member(name)
        await person.says("/next")
        await person.taps("Good")
        for _ in texts[1:]:
            await person.taps(others)
    return project.public_id


def finish_exports(chat: Chat, settings: Settings, redis: Redis) -> None:
    """What the RQ job `export_project` does, for all that are queued."""
    runtime = Runtime(settings, chat.engine, redis, chat.run_effects)
    for job in queue(DEFAULT, redis).jobs:
        export_for_chat(runtime, job.args[0], now())


async def file_for(chat: Chat, person: Someone) -> tuple[Message, Attachment]:
    """The newest message that was delivered to somebody, with its file."""
    await chat.deliver()
    message = [message for address, message in chat.surface.sent if address == person.person.address][-1]
    assert message.attachment is not None
    return message, message.attachment


# --- /status


async def test_no_job_yet(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    for command in ("/status", "/status details", "/export", "/models", "/train"):
        assert "No jobs yet" in await olga.says(command), command


async def test_one_job_is_a_picture_with_words(chat: Chat, settings: Settings) -> None:
    olga = await chat.member("Olga", "coordinator")
    job = await weather(chat, name="Weather", price=5)
    heard = await olga.says("/status")
    assert "50% decided: 1 of 2 items" in heard
    assert "1 agreed · 1 disputed" in heard
    assert "No item asks for more answers." in heard
    assert "4 answers so far, 2.0 per item" in heard
    assert "2 people answered in the last 24 hours" in heard
    assert "agree on an item in 50% of cases" in heard
    assert "Cost so far $0.20, in the end probably $0.20" in heard
    assert "1 item waits for a verdict: /settle" in heard
    assert "No model: training takes 10 decided items at least." in heard
    assert olga.card is not None
    assert (olga.card.kind, olga.card.heading) == ("picture", "Weather")
    picture = olga.card.attachment
    assert picture is not None
    assert picture.media_type == "image/png"
    assert picture.alt.startswith("50% decided")
    assert Path(picture.path).parent == (settings.home / "pictures").resolve()
    with Image.open(picture.path) as image:
        image.verify()
    assert olga.buttons() == ["Settle disputes", "Refresh", "Export", "Edit", "People"]
    assert job in heard


async def test_answers_to_known_items_are_among_all_answers(chat: Chat) -> None:
    """/status and /costs count the same: what is paid."""
    olga = await chat.member("Olga", "coordinator")
    job = await weather(chat, ("one", "two", "three"), name="Weather", price=5)
    assert "6 answers so far, 2.0 per item\n" in await olga.says("/status")
    with chat.writing() as session:
        project = session.scalars(select(Project)).one()
        known = items_of(session, project.id)[2]
        known.purpose, known.submitted, known.state = "gold", 0, "open"
        session.execute(update(Annotation).where(Annotation.item_id == known.id).values(state="control"))
    assert "6 answers so far, 2.0 per item; 2 of them are to known items" in await olga.says("/status")
    assert "6 answers: $0.30" in await olga.says(f"/costs {job}")


async def test_a_budget_that_is_used_up_says_so_and_what_to_do(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    job = await weather(chat, ("one", "two", "three"), name="Weather", aim="budget", answer_budget=6)
    with chat.writing() as session:
        for item in items_of(session, session.scalars(select(Project)).one().id):
            item.state, item.label_id, item.overlap = "open", None, 2
    heard = await olga.says(f"/status {job}")
    assert "The budget of 6 answers is used up, and items are still open. Raise it to go on" in heard
    assert "Done probably" not in heard
    assert "invite" not in heard
    assert "So far 6 answers are given" in await olga.taps("Raise the budget")
    with chat.writing() as session:
        session.scalars(select(Project)).one().state = "closed"
    heard = await olga.says(f"/status {job}")
    assert "Closed." in heard
    assert "budget" not in heard
    assert "Raise the budget" not in olga.buttons()


async def test_refreshing_shows_what_is_new_in_place(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    job = await weather(chat)
    await olga.says("/status")
    with chat.writing() as session:
        project = session.scalars(select(Project)).one()
        add_items(session, project, ["three", "four"], now())
    heard = await olga.taps("Refresh")
    assert "25% decided: 1 of 4 items" in heard
    assert "Asking is done probably" in heard
    assert "answers per hour; 1 item then waits for an expert: /settle" in heard
    assert olga.refused is None
    assert job in heard


async def test_settling_starts_from_the_status(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    await weather(chat)
    await olga.says("/status")
    assert "1 of 1 disputed" in await olga.taps("Settle disputes")


async def test_a_job_that_nobody_answers_asks_for_more_people(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        make_project(session, ["one"], now=now() - timedelta(days=3), deadline=now() + timedelta(days=1))
    heard = await olga.says("/status")
    assert "0% decided: 0 of 1 items" in heard
    assert "No answers in the last day: /invite more people." in heard
    assert "Deadline: " in heard
    assert "will be tight" not in heard, "nobody knows"


async def test_a_deadline_that_will_be_missed(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    await weather(chat)
    with chat.writing() as session:
        project = session.scalars(select(Project)).one()
        project.deadline = now() - timedelta(hours=1)
        add_items(session, project, ["three"], now())
    assert "That will be tight" in await olga.says("/status")


async def test_a_job_without_items_and_one_that_is_loading(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        project = make_project(session, [])
    assert "No items yet" in await olga.says("/status")
    with chat.writing() as session:
        add_items(session, session.get_one(Project, project.id), ["soon"], now(), "loading")
    assert "still loading" in await olga.says("/status")


@pytest.mark.parametrize(("state", "sentence"), [("closed", "Closed. /open"), ("paused", "Paused: nothing is handed")])
async def test_a_job_that_stands_still_promises_nothing(chat: Chat, state: str, sentence: str) -> None:
    olga = await chat.member("Olga", "coordinator")
    await weather(chat, price=5)
    with chat.writing() as session:
        project = session.scalars(select(Project)).one()
        add_items(session, project, ["three"], now())
        project.state = state
    heard = await olga.says("/status")
    assert sentence in heard
    assert "Done probably" not in heard
    details = await olga.says("/status details")
    assert ("Answers still wanted" in details) is (state != "closed")
    if state == "closed":
        assert "Cost so far $0.20, in the end probably $0.20" in heard


async def test_several_jobs_are_a_line_and_a_button_each(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    await weather(chat, name="Weather")
    with chat.writing() as session:
        make_project(session, [], name="Empty").state = "closed"
    heard = await olga.says("/status")
    assert "Weather\n▓▓▓▓▓░░░░░ 50% · 1 / 2 · 1 disputed" in heard
    assert "Empty\n░░░░░░░░░░ 0% · 0 / 0 · closed" in heard
    assert olga.buttons() == ["Weather", "Empty"], "what is open comes first"
    assert "50% decided: 1 of 2 items" in await olga.taps("Weather")


async def test_of_many_jobs_the_newest_are_listed(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        oldest = make_project(session, ["one"], name="Number 0")
        for number in range(1, 11):
            make_project(session, ["one"], name=f"Number {number}")
    heard = await olga.says("/status")
    assert len(olga.buttons()) == 10
    assert "Number 0" not in heard
    assert "There are older jobs" in heard
    assert "0% decided" in await olga.says(f"/status {oldest.public_id}")


async def test_technical_figures_are_for_who_asks(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    job = await weather(chat)
    heard = await olga.says("/status details")
    assert "1 of 2 items decided, 0 open, 1 disputed" in heard
    assert "4 counted and 0 surplus answers by 2 people; 2.0 per item, at most 2 of 2" in heard
    assert "Queues: assignments " in heard
    assert "scheduled" in heard
    assert "queued jobs" in await olga.says(f"/status details {job}")
    assert "queued jobs" not in await olga.says("/status")
    chat.dispatch._redis = connect("redis://127.0.0.1:1/0")
    assert "Redis does not answer" in await olga.says("/status details")


async def test_a_picture_that_cannot_be_drawn_leaves_the_words(
    chat: Chat, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    olga = await chat.member("Olga", "coordinator")
    await weather(chat)
    (settings.home / "pictures").write_text("a file where the directory should be")
    heard = await olga.says("/status")
    assert "50% decided" in heard
    assert olga.card is not None
    assert (olga.card.kind, olga.card.attachment, olga.card.progress) == ("text", None, 0.5)


async def test_chinese(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    await weather(chat, price=5)
    await olga.says("/language zh")
    heard = await olga.says("/status")
    assert "已完成 50%：2 条中的 1 条" in heard
    assert "US$0.20" in heard


async def test_who_may_not_and_another_workspace(chat: Chat) -> None:
    job = await weather(chat, name="Secret")
    olga = await chat.member("Olga", "coordinator")
    walt = await chat.member("Walt")
    for command in ("/status", f"/status {job}", "/export", "/models", "/train"):
        assert "Secret" not in await walt.says(command)
        assert walt.refused == "unknown_command"
    for payload in (
        f"status.{job}",
        f"export.{job}",
        f"export.{job}.labels-csv",
        f"models.{job}",
        f"pick.{job}.status",
    ):
        await walt.taps_payload(payload)
        assert walt.refused == "unknown_button", payload
    elsewhere = move_job_elsewhere(chat)
    with chat.writing() as session:
        record_act(session, elsewhere.id, None, "post", "x", now())
    for command in (f"/status {job}", f"/status details {job}", f"/export labels {job}", f"/models {job}"):
        assert "Secret" not in await olga.says(command)
        assert olga.refused == "project_unknown", command
    for payload in (f"status.{job}", f"export.{job}.labels-csv", f"models.{job}", f"pick.{job}.status"):
        await olga.taps_payload(payload)
        assert olga.refused == "project_unknown", payload
    assert "No jobs yet" in await olga.says("/status")


# --- the picker


async def test_a_command_for_several_jobs_asks_which(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        first, _ = make_project(session, name="First"), make_project(session, name="Second")
    assert "Which job is /train for?" in await olga.says("/train")
    assert olga.buttons() == ["Second", "First"]
    assert "0 decided items; training takes at least 10" in await olga.taps("First")
    heard = await olga.says("/export annotations jsonl")
    assert f"\nFirst: {first.public_id}" in heard, "a button would lose what was typed"
    assert olga.refused == "several_projects"
    await olga.taps_payload(f"pick.{first.public_id}.nonsense")
    assert olga.refused == "unknown_button"
    ann = await chat.member("Ann")
    await ann.taps_payload(f"pick.{first.public_id}.train")
    assert ann.refused == "unknown_button"


# --- /export


async def test_an_export_asks_what_and_comes_as_a_file(chat: Chat, settings: Settings, redis: Redis) -> None:
    olga = await chat.member("Olga", "coordinator")
    await weather(chat, name="Weather")
    assert "What would you like from “Weather”?" in await olga.says("/export")
    assert olga.buttons() == [
        "Labels · CSV",
        "Labels · JSONL",
        "Labels · XLSX",
        "All answers · CSV",
        "All answers · JSONL",
        "All answers · XLSX",
    ]
    assert "writing the annotations of “Weather” as jsonl" in await olga.taps("All answers · JSONL")
    finish_exports(chat, settings, redis)
    message, file = await file_for(chat, olga)
    assert "4 rows of annotations" in message.plain()
    assert file.name == "annotations.jsonl"
    assert Path(file.path).read_text().count("\n") == 4
    with chat.writing() as session:
        acts = session.execute(select(LogEntry.act, LogEntry.subject).where(LogEntry.act == "export")).all()
    assert [subject.split(" ", 1)[1] for _, subject in acts] == ["annotations jsonl"]


async def test_an_export_in_words_needs_no_buttons(chat: Chat, settings: Settings, redis: Redis) -> None:
    olga = await chat.member("Olga", "coordinator")
    job = await weather(chat)
    assert "labels" in await olga.says(f"/export csv {job}")
    finish_exports(chat, settings, redis)
    _, file = await file_for(chat, olga)
    with open(file.path, encoding="utf-8-sig", newline="") as found:
        assert [row["label"] for row in csv.DictReader(found)] == ["Good"]
    for wrong in ("/export everything as pdf", "/export labels annotations", "/export csv xlsx"):
        assert "csv, jsonl, xlsx" in await olga.says(wrong), wrong


async def test_a_spreadsheet_never_runs_what_it_holds(chat: Chat, settings: Settings, redis: Redis) -> None:
    olga = await chat.member("Olga", "coordinator")
    await weather(chat, ("=1+1",))
    await olga.says("/export labels xlsx")
    finish_exports(chat, settings, redis)
    _, file = await file_for(chat, olga)
    assert file.media_type.endswith("spreadsheetml.sheet")
    sheet = load_workbook(file.path).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    text = rows[0].index("text")
    assert rows[1][text] == "'=1+1"
    assert len(rows) == 2


async def test_a_forged_export_and_one_of_a_button_tapped_twice(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    job = await weather(chat)
    for forged in ("labels-exe", "secrets-csv", "labels", "-"):
        await olga.taps_payload(f"export.{job}.{forged}")
        assert olga.refused == "unknown_button", forged
    await olga.says("/export")
    payload = olga.button("Labels · CSV").payload
    await olga.taps_payload(payload)
    await olga.taps_payload(payload)
    with chat.writing() as session:
        assert len(session.scalars(select(ExportRequest)).all()) == 2, "who asks twice gets it twice"


async def test_the_newest_status_of_one_of_two_workspaces_jobs(chat: Chat) -> None:
    """The only job of a workspace is shown at once, however many others have."""
    olga = await chat.member("Olga", "coordinator")
    await weather(chat, name="Ours")
    with chat.writing() as session:
        elsewhere = Workspace(name="Elsewhere", created_at=now())
        session.add(elsewhere)
        session.flush()
        ours = session.scalars(select(Project)).one()
        from core import labels

        create_project(
            session,
            workspace_id=elsewhere.id,
            worker_id=ours.created_by_id,
            question="Theirs",
            schema=labels.load(ours.label_schema),
            now=now(),
        )
        assert len(items_of(session, ours.id)) == 2
    heard = await olga.says("/status")
    assert "Ours" in heard
    assert "Theirs" not in heard
