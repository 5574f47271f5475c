"""Jobs that change while they run: what coordinators say and hear."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis
from sqlalchemy import select, update

from core.changes import apply_overlap
from core.clock import now
from core.models import Dialogue, Item, LogEntry, Membership, Project, Worker, Workspace
from core.queue import ASSIGNMENTS, queue
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.files import inbox


def post(chat: Chat, **options: object) -> int:
    """A job beside the chat."""
    with chat.writing() as session:
        made: dict[str, object] = {"texts": ["sun", "rain", "snow"], "labels": ("Good", "Bad"), "name": "Weather"}
        return make_project(session, **made | options).id  # type: ignore[arg-type]


def job(chat: Chat, project_id: int) -> Project:
    """The job as it is now."""
    with chat.writing() as session:
        return session.get_one(Project, project_id)


def edits(chat: Chat) -> list[str]:
    """What the log says of changes, without the job's id."""
    with chat.writing() as session:
        subjects = session.scalars(select(LogEntry.subject).where(LogEntry.act == "edit").order_by(LogEntry.id))
        return [subject.split(" ", 1)[1] for subject in subjects]


async def coordinator(chat: Chat) -> Someone:
    """Somebody who may change jobs."""
    return await chat.member("Olga", "coordinator")


async def test_the_card_shows_everything_and_says_what_cannot_change(chat: Chat) -> None:
    project_id = post(chat)
    olga = await coordinator(chat)
    heard = await olga.says("/edit")
    for line in (
        "Weather · open",
        "“Is it?”\nLabels: Good | Bad",
        "Answers per item: 3 to 8",
        "Price per answer: nothing",
        "Time per item: 10 minutes",
        "Deadline: none",
        "Priority: normal",
        "Who may work: Everyone",
        "Language: any",
        "Guidelines: none",
        "The question stays as it was posted",
        f"id {job(chat, project_id).public_id}",
    ):
        assert line in heard
    assert olga.buttons()[-2:] == ["Pause", "Close"]
    assert edits(chat) == []


async def test_settings_change_by_button_and_in_words(chat: Chat) -> None:
    project_id = post(chat)
    olga = await coordinator(chat)
    await olga.says("/edit")
    for button, answer, line in (
        ("Price per answer", "$0.05", "Price per answer: $0.05"),
        ("Time per item", "2 hours", "Time per item: 2 hours"),
        ("Priority", "high (+10)", "Priority: high (+10)"),
        ("Who may work", "Experts only", "Who may work: Experts only"),
        ("Language", "Chinese", "Language: Chinese"),
    ):
        assert "Now: " in await olga.taps(button)
        heard = await olga.taps(answer)
        assert "✓ Saved" in heard
        assert line in heard
    for button, said, line in (
        ("Price per answer", "0,25 EUR", "Price per answer: $0.25"),
        ("Time per item", "45 s", "Time per item: 45 seconds"),
        ("Priority", "-3", "Priority: low (-3)"),
        ("Name", "  The   weather ", "The weather · open"),
        ("Language", "any", "Language: any"),
    ):
        await olga.taps(button)
        assert line in await olga.says(said)
    await olga.taps("Deadline")
    assert "over already" in await olga.says("2020-01-01")
    await olga.says("in 2 days")
    changed = job(chat, project_id)
    assert (changed.price, changed.lease_seconds, changed.priority, changed.name) == (25, 45, -3, "The weather")
    assert changed.deadline is not None
    assert changed.deadline > now() + timedelta(days=1)
    assert edits(chat)[:2] == ["price 5", "lease_seconds 7200"]
    assert len(edits(chat)) == 11


async def test_the_same_value_again_is_no_change(chat: Chat) -> None:
    post(chat)
    olga = await coordinator(chat)
    await olga.says("/edit")
    await olga.taps("Price per answer")
    assert "Saved" not in await olga.taps("nothing")
    assert edits(chat) == []


async def test_more_answers_are_asked_of_a_job_that_runs(chat: Chat, redis: Redis) -> None:
    project_id = post(chat, min_overlap=1, max_overlap=1)
    walt = await chat.member("Walt")
    await walt.says("/next")
    for _ in range(3):
        await walt.taps("Good")
    with chat.writing() as session:
        assert set(session.scalars(select(Item.state))) == {"agreed"}
    olga = await coordinator(chat)
    await olga.says("/edit")
    await olga.taps("Answers per item")
    assert "both must lie between" in await olga.says("5-2")
    assert "Answers per item: 2 to 4" in await olga.says("2-4")
    assert any(name.startswith("overlap-") for name in queue(ASSIGNMENTS, redis).scheduled_job_registry.get_job_ids())
    assert await inbox(chat, olga) == [], "it is told when it is done"
    assert apply_overlap(chat.engine, project_id, chat.run_effects, now) == 3
    assert "“Weather”: all items now ask for 2 to 4 answers." in (await inbox(chat, olga))[-1]
    assert "Nothing left" in await walt.says("/next"), "not from the same person"
    anna = await chat.member("Anna")
    assert "Is it?" in await anna.says("/next")


async def test_labels_are_added_while_a_card_is_in_hand(chat: Chat) -> None:
    project_id = post(chat)
    walt = await chat.member("Walt")
    await walt.says("/next")
    olga = await coordinator(chat)
    await olga.says("/edit")
    assert "Those that are there stay as they are" in await olga.taps("Labels")
    assert "there twice" in await olga.says("good")
    assert "Labels: Good | Bad | Mixed | Odd" in await olga.says("Mixed\nOdd")
    assert (await walt.taps("Good")).startswith("(✓ Good)")
    assert walt.buttons()[:4] == ["Good", "Bad", "Mixed", "Odd"]
    assert (await walt.taps("Odd")).startswith("(✓ Odd)")
    assert [label["id"] for label in job(chat, project_id).label_schema["labels"]] == ["a", "b", "c", "d"]


async def test_guidelines_get_a_new_version_once_they_are_done(chat: Chat) -> None:
    project_id = post(chat)
    olga = await coordinator(chat)
    await olga.says("/edit")
    await olga.taps("Guidelines")
    await olga.says("Good: sun.")
    heard = await olga.says("Bad: rain.")
    assert "Good: sun.\nBad: rain." in heard
    assert job(chat, project_id).guidelines == ""
    assert "Guidelines: 21 characters" in await olga.taps("Done")
    assert (job(chat, project_id).guidelines, job(chat, project_id).guidelines_version) == ("Good: sun.\nBad: rain.", 2)
    await olga.taps("Guidelines")
    await olga.taps("No guidelines")
    assert (job(chat, project_id).guidelines, job(chat, project_id).guidelines_version) == ("", 3)


async def test_pause_and_resume(chat: Chat) -> None:
    post(chat)
    walt, anna, olga = await chat.member("Walt"), await chat.member("Anna"), await coordinator(chat)
    await walt.says("/next")
    await olga.says("/edit")
    heard = await olga.taps("Pause")
    assert "may still be answered" in heard
    assert "Weather · paused" in heard
    assert "no open job" in await anna.says("/next")
    assert (await walt.taps("Good")).startswith("(✓ Good)"), "what is in hand may be answered"
    assert olga.buttons()[-2:] == ["Resume", "Close"]
    assert "Weather · open" in await olga.taps("Resume")
    assert "rain" in await anna.says("/next") or "sun" in anna.transcript[-1]
    with chat.writing() as session:
        acts = session.scalars(select(LogEntry.act).where(LogEntry.act.in_(("paused", "open")))).all()
    assert acts == ["paused", "open"]


async def test_closing_asks_first(chat: Chat) -> None:
    project_id = post(chat)
    olga = await coordinator(chat)
    assert "Close “Weather”? 3 items are open" in await olga.says("/close")
    assert olga.buttons() == ["Close", "Keep it open"]
    sure = olga.button("Close").payload
    assert "Weather · open" in await olga.taps("Keep it open")
    assert job(chat, project_id).state == "open"
    await olga.taps("Close")
    assert "is closed" in await olga.taps("Close")
    assert job(chat, project_id).state == "closed"
    assert "is closed" in await olga.taps_payload(sure), "the second tap says the same"
    assert "closed already" in await olga.says(f"/close {job(chat, project_id).public_id}")
    assert "Weather · open" in await olga.taps("Open again")
    assert job(chat, project_id).state == "open"


async def test_a_pause_button_from_before_the_closing_is_refused(chat: Chat) -> None:
    project_id = post(chat)
    olga = await coordinator(chat)
    await olga.says("/edit")
    pause = olga.button("Pause").payload
    await olga.says("/close")
    await olga.taps("Close")
    assert "is closed. Open it again first" in await olga.taps_payload(pause)
    assert "is open. Items are handed out" in await olga.says(f"/open {job(chat, project_id).public_id}")


async def test_more_jobs_than_fit_are_picked_page_by_page(chat: Chat) -> None:
    olga, ann = await chat.member("Olga", "owner"), await chat.member("Ann")
    with chat.writing() as session:
        for number in range(45):
            make_project(session, ("sun",), name=f"Job {number:02}").state = "open" if number < 30 else "closed"
    await olga.says("/edit")
    seen = [olga.buttons()]
    more = olga.button("More").payload
    while "More" in olga.buttons():
        await olga.taps("More")
        seen.append(olga.buttons())
    named = [name for names in seen for name in names if name.startswith("Job")]
    assert named == [f"Job {number:02}" for number in range(29, -1, -1)], "the newest first, those that are open"
    await olga.taps("‹")
    assert olga.buttons() == seen[1]
    assert "Job 10" in await olga.taps("Job 10")
    await ann.taps_payload(more)
    assert ann.refused == "unknown_button"
    await olga.taps_payload(more.replace("edit", "nonsense"))
    assert olga.refused == "unknown_button"
    await olga.taps_payload(more.rpartition(".")[0] + ".77")
    assert olga.buttons() == seen[0], "a page that is gone"
    with chat.writing() as session:
        session.execute(update(Project).values(state="closed"))
    await olga.says("/edit")
    assert olga.buttons()[0] == "Job 44", "where none is open, all can be meant"


async def test_several_jobs_are_picked_by_button(chat: Chat) -> None:
    post(chat, name="First")
    second = post(chat, name="Second")
    olga = await coordinator(chat)
    await olga.says("/edit")
    assert "Second · open" in await olga.taps("Second")
    await olga.says("/close")
    await olga.taps("Second")
    await olga.taps("Close")
    assert job(chat, second).state == "closed"
    assert "No jobs" not in await olga.says("/edit"), "the only one that is open"


async def test_old_buttons_of_a_step_change_nothing(chat: Chat) -> None:
    project_id = post(chat)
    olga = await coordinator(chat)
    await olga.says("/edit")
    await olga.taps("Price per answer")
    old = olga.button("$0.05").payload
    await olga.taps("Back")
    assert "closed" in await olga.taps_payload(old)
    await olga.says("/edit")
    await olga.taps("Priority")
    assert "from before" in await olga.taps_payload(old)
    assert (job(chat, project_id).price, job(chat, project_id).priority) == (0, 0)


@pytest.mark.parametrize("argument", ["v0", "v99", "done", "none", "question", "set_price", "x"])
async def test_forged_buttons_change_nothing(chat: Chat, argument: str) -> None:
    project_id = post(chat)
    public_id = job(chat, project_id).public_id
    olga = await coordinator(chat)
    for version in (0, 1):
        await olga.taps_payload(f"edit.{public_id}.{argument}.{version}")
        assert olga.refused == "no_dialogue"
    await olga.taps_payload(f"edit.{public_id}.labels.0")
    with chat.writing() as session:
        version = session.scalars(select(Dialogue.version)).one()
    await olga.taps_payload(f"edit.{public_id}.{argument}.{version}")
    assert olga.refused == "stale_button"
    assert edits(chat) == []


async def test_who_may_not_change_jobs_does_not_learn_of_it(chat: Chat) -> None:
    project_id = post(chat)
    public_id = job(chat, project_id).public_id
    eve = await chat.member("Eve", "expert")
    for command in ("/edit", "/close", "/open"):
        await eve.says(command)
        assert eve.refused == "unknown_command"
    await eve.taps_payload(f"edit.{public_id}.closenow.0")
    assert eve.refused == "unknown_button"
    olga = await coordinator(chat)
    await olga.says("/edit")
    await olga.taps("Name")
    with chat.writing() as session:
        session.execute(update(Membership).values(role="worker"))
    assert "/next" in await olga.says("Mine now")
    assert job(chat, project_id).name == "Weather"


async def test_jobs_of_another_workspace_do_not_exist(chat: Chat) -> None:
    project_id = post(chat)
    olga = await coordinator(chat)
    with chat.writing() as session:
        other = Workspace(name="Other", created_at=now())
        session.add(other)
        session.flush()
        session.execute(update(Project).values(workspace_id=other.id))
    public_id = job(chat, project_id).public_id
    for command in ("edit", "close", "open"):
        assert "no job with the id" in await olga.says(f"/{command} {public_id}")
        assert "no job with the id" in await olga.taps_payload(
            f"edit.{public_id}.{'' if command == 'edit' else command}.0"
        )
    assert job(chat, project_id).state == "open"


async def test_without_jobs_there_is_nothing_to_change(chat: Chat) -> None:
    olga = await coordinator(chat)
    for command in ("/edit", "/close", "/open"):
        await olga.says(command)
        assert olga.refused == "status_none"


async def test_changing_in_chinese(chat: Chat) -> None:
    post(chat)
    olga = await coordinator(chat)
    with chat.writing() as session:
        session.execute(update(Worker).values(locale="zh"))
    assert "每条回答数：3 到 8 个" in await olga.says("/edit")
    await olga.taps("优先级")
    assert "✓ 已保存" in await olga.taps("高")
    assert "还有 3 条没有完成" in await olga.says("/close")


async def test_the_card_leads_to_what_the_model_learns_but_of_a_second_look(chat: Chat) -> None:
    project_id = post(chat)
    olga = await coordinator(chat)
    await olga.says("/edit")
    payload = olga.button("Learning").payload
    assert "Trains by itself" in await olga.taps("Learning")
    with chat.writing() as session:
        project = session.get_one(Project, project_id)
        project.learning = {**project.learning, "second_look_of": project_id}
        public_id = project.public_id
    await olga.says(f"/edit {public_id}")
    assert "Learning" not in olga.buttons(), "nothing is learned from it"
    walt = await chat.member("Walt")
    await walt.taps_payload(payload)
    assert walt.refused == "unknown_button"
