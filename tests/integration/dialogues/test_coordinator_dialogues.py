"""What coordinators and experts say and hear."""

from __future__ import annotations

import re
from pathlib import Path

from redis import Redis
from sqlalchemy import select

from core.clock import now
from core.config import Settings
from core.exporting import export_for_chat
from core.importing import load_batch
from core.models import Batch, Dialogue, Item, LogEntry, OutboxMessage, Project, TrainingRun
from core.queue import DEFAULT, TRAINING, queue
from core.runtime import Runtime
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone

TWEETS = "id,text,gold\n1,What a lovely day,Good\n2,Rain again,Bad\n3,,Good\n4,Snow,Bad\n4,Snow,Bad\n"


def write(tmp_path: Path, text: str | bytes, name: str = "tweets.csv") -> Path:
    """A file to upload."""
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def load_all(chat: Chat) -> None:
    """What the RQ job `import_batch` does."""
    with chat.writing() as session:
        batch_ids = list(session.scalars(select(Batch.id).where(Batch.state == "loading")))
    for batch_id in batch_ids:
        load_batch(chat.engine, chat.settings, batch_id, chat.run_effects)


async def inbox(chat: Chat, person: Someone) -> list[str]:
    """Everything that was owed to a person and is now delivered."""
    await chat.deliver()
    return [message.plain() for address, message in chat.surface.sent if address == person.person.address]


async def test_posting_step_by_step(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.uploads(write(tmp_path, TWEETS))
    assert "the column “text”" in heard
    assert "1 bad row(s) will be left out:\nline 4: the text is empty." in heard
    assert olga.buttons() == ["New job", "Back", "Cancel"]
    assert "What is the question?" in await olga.taps("New job")
    assert "Which labels" in await olga.says("How is the weather?")
    assert "there twice" in await olga.says("Good | good")
    heard = await olga.says("Good | Bad")
    assert "at least 3 and at most 8" in heard
    assert "What a lovely day" in heard
    assert "at least 1 and at most 2" in await olga.says("1-2")
    assert "3-8" in await olga.says("five")
    assert "both must lie between" in await olga.says("9-2")
    await olga.says("1-2")
    assert "Posted “How is the weather?”" in await olga.taps("Post")
    load_all(chat)
    received = await inbox(chat, olga)
    assert "3 items are open for labeling. Left out: 1 duplicate(s), 1 bad row(s)." in received[-1]
    walt = await chat.member("Walt")
    assert "What a lovely day" in await walt.says("/next")


async def test_posting_goes_back_and_cancels_and_survives_a_restart(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path, TWEETS))
    first = olga.button("New job").payload
    await olga.taps("New job")
    await olga.says("Which one?")
    assert "What is the question?" in await olga.taps("Back")
    assert "from before" in await olga.taps_payload(first)
    await olga.says("How is it?")
    again = Chat(chat.settings, chat.engine, chat.redis)
    olga.chat = again
    assert "labels: Yes | No" in await olga.says("Yes\nNo")
    assert "Nothing was posted" in await olga.taps("Cancel")
    assert "form is closed" in await olga.taps_payload(first)
    with chat.writing() as session:
        assert session.scalars(select(Dialogue)).all() == []
        assert session.scalars(select(Project)).all() == []
    again.close()


async def test_posting_by_one_caption_and_adding_to_it(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.uploads(write(tmp_path, TWEETS), "/post Weather? | Good | Bad | overlap=1-2 | retrain=50")
    assert "Posted “Weather?”" in heard
    project_id = heard.rsplit(" ", 1)[1]
    assert "Adding 1 rows" in await olga.uploads(write(tmp_path, "text\nHail\n", "more.csv"), f"/add {project_id}")
    load_all(chat)
    with chat.writing() as session:
        project = session.scalars(select(Project)).one()
        assert (project.min_overlap, project.max_overlap, project.retrain_threshold) == (1, 2, 50)
        assert len(session.scalars(select(Item)).all()) == 4
    options = "cron=30 4 * * 1 | error=40 | lease=60 | retrain=off"
    assert "Posted" in await olga.uploads(write(tmp_path, TWEETS), f"/post Again? | Good | Bad | {options}")
    with chat.writing() as session:
        again = session.scalars(select(Project).order_by(Project.id.desc())).first()
        assert again is not None
        assert (again.retrain_cron, again.error_cost, again.lease_seconds) == ("30 4 * * 1", 40.0, 60)
        assert again.retrain_threshold == 0
    assert "five fields" in await olga.uploads(write(tmp_path, TWEETS), "/post A? | Good | Bad | cron=daily")
    assert "retrain=none" in await olga.uploads(write(tmp_path, TWEETS), "/post A? | Good | Bad | retrain=none")
    misspelt = await olga.uploads(write(tmp_path, TWEETS), "/post A? | Good | Bad | overlaps=1-2")
    assert "do not know the option overlaps=" in misspelt
    with chat.writing() as session:
        assert len(session.scalars(select(Project)).all()) == 2


async def test_a_caption_with_a_question_alone_leaves_the_labels_to_ask(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    assert "Is this a new job?" in await olga.uploads(write(tmp_path, TWEETS), "/post Weather = good?")
    heard = await olga.taps("New job")
    assert "Which labels" in heard
    assert "“Weather = good?”" in heard
    assert "at least 3 and at most 8" in await olga.says("Yes, No")
    assert "the first not above the second" in await olga.says("9-2")
    assert "at least 1 and at most 2" in await olga.says("1-2")
    assert "Posted “Weather = good?”" in await olga.taps("Post")


async def test_files_that_cannot_be_used_get_a_sentence(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    assert "is empty" in await olga.uploads(write(tmp_path, ""))
    assert "no rows below" in await olga.uploads(write(tmp_path, "id,text\n"))
    assert "Save it as CSV" in await olga.uploads(write(tmp_path, b"\x89PNG\r\n\x1a\n" + bytes(100), "a.png"))
    huge = "id,text\n1,ok\n2," + "x" * 5_000_000 + "\n"
    heard = await olga.uploads(write(tmp_path, huge))
    assert "line 3: it is longer than 200000 characters." in heard
    assert "1 bad row(s)" in heard
    labels = " | ".join(f"label {number}" for number in range(300))
    heard = await olga.uploads(write(tmp_path, TWEETS), f"/post Which? | {labels}")
    assert "300 labels are too many" in heard
    with chat.writing() as session:
        assert session.scalars(select(Project)).all() == []
    ann = await chat.member("Ann")
    assert "Only a coordinator" in await ann.uploads(write(tmp_path, TWEETS))


async def test_a_batch_with_too_many_bad_rows_is_not_posted_at_all(chat: Chat, tmp_path: Path) -> None:
    olga = await chat.member("Olga", "coordinator")
    rows = "id,text\n" + "".join(f"{number},\n" for number in range(9)) + "10,fine\n"
    await olga.uploads(write(tmp_path, rows), "/post Is it? | Yes | No")
    load_all(chat)
    received = await inbox(chat, olga)
    assert "nothing was posted. 9 of 10 rows cannot be used" in received[-1]
    assert "line 2: the text is empty." in received[-1]
    with chat.writing() as session:
        assert session.scalars(select(Item)).all() == []


async def disputed(chat: Chat) -> tuple[Someone, int]:
    """A job in which people disagree on everything."""
    with chat.writing() as session:
        project = make_project(session, ["one", "two"], ("Good", "Bad"), min_overlap=2, max_overlap=2)
        project_id = project.id
    for name, answer in (("Ann", "Good"), ("Bob", "Bad")):
        person = await chat.member(name)
        await person.says("/next")
        for _ in range(2):
            await person.taps(answer)
    return await chat.member("Eve", "expert"), project_id


async def test_settling_disputes_by_tap(chat: Chat) -> None:
    eve, _ = await disputed(chat)
    heard = await eve.says("/settle")
    assert "one" in heard
    assert "People said: Good 1 · Bad 1" in heard
    assert "2 disputed" in heard
    first = eve.button("Bad").payload
    assert "two" in await eve.taps("Later")
    assert "one" in await eve.taps("Later")
    heard = await eve.taps("Bad")
    assert heard.startswith("(✓ Bad)")
    assert "two" in heard
    assert "settled this item already" in await eve.taps_payload(first)
    assert "Nothing is disputed" in await eve.taps("Good")
    with chat.writing() as session:
        settled = [(item.state, item.label_id) for item in session.scalars(select(Item).order_by(Item.id))]
        assert settled == [("adjudicated", "b"), ("adjudicated", "a")]
        assert "settle" in session.scalars(select(LogEntry.act)).all()


async def test_status_counts_what_is_there_and_what_waits_in_redis(chat: Chat, redis: Redis) -> None:
    olga = await chat.member("Olga", "coordinator")
    assert "No jobs yet" in await olga.says("/status")
    await disputed(chat)
    heard = await olga.says("/status")
    assert "0 of 2 items decided (0%), 0 open, 2 disputed" in heard
    assert "4 answers by 2 people, 2.0 per item, at most 2 of 2" in heard
    assert "queued jobs: " in heard
    assert re.search(r"Queues: assignments \d scheduled", heard)


async def test_status_without_redis(chat: Chat) -> None:
    from core.queue import connect

    olga = await chat.member("Olga", "coordinator")
    await disputed(chat)
    chat.dispatch._redis = connect("redis://127.0.0.1:1/0")
    assert "Redis does not answer" in await olga.says("/status")


async def test_export_comes_as_a_file(chat: Chat, settings: Settings, redis: Redis) -> None:
    olga = await chat.member("Olga", "coordinator")
    assert "No jobs yet" in await olga.says("/export")
    await disputed(chat)
    assert "labels or annotations" in await olga.says("/export everything as xlsx")
    assert "I am writing annotations" in await olga.says("/export annotations jsonl")
    [request_id] = queue(DEFAULT, redis).jobs[0].args
    runtime = Runtime(settings, chat.engine, redis, chat.run_effects)
    export_for_chat(runtime, request_id, now())
    await chat.deliver()
    message = chat.surface.sent[-1][1]
    assert "4 rows of annotations" in message.plain()
    assert message.attachment is not None
    assert Path(message.attachment.path).read_text().count("\n") == 4


async def test_train_says_what_is_missing_and_starts_one_run(chat: Chat, redis: Redis) -> None:
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        project = make_project(session, [f"text {number}" for number in range(12)])
    assert "0 decided items; training takes at least 10" in await olga.says("/train")
    with chat.writing() as session:
        for number, item in enumerate(session.scalars(select(Item).where(Item.project_id == project.id))):
            item.state, item.label_id = "agreed", "ab"[number % 2]
    assert "is on its way" in await olga.says("/train")
    assert "already on its way" in await olga.says("/train")
    with chat.writing() as session:
        assert [run.trigger for run in session.scalars(select(TrainingRun))] == ["button"]
    assert queue(TRAINING, redis).count == 1


async def test_invites_by_chat(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.says("/invite worker 2")
    code = heard.split("/join/")[1].split()[0]
    for name in ("Ann", "Bob"):
        assert "Welcome" in await chat.someone(name).says(f"/start {code}")
    assert "used up" in await chat.someone("Cid").says(f"/start {code}")
    assert "Only a owner" in await olga.says("/invite owner 1")
    assert "/invite worker 20" in await olga.says("/invite everybody")
    assert "1 to 10000" in await olga.says("/invite worker 999999")


async def test_several_jobs_must_be_named(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        first, _ = make_project(session, name="First"), make_project(session, name="Second")
    assert "Which job?" in await olga.says("/close")
    assert "“First” is closed" in await olga.says(f"/close {first.public_id}")
    assert "“Second” is closed" in await olga.says("/close")
    ann = await chat.member("Ann")
    assert "no open job" in await ann.says("/next")


async def test_offers_reach_the_people_who_are_free(chat: Chat) -> None:
    from core.offers import offer_work

    with chat.writing() as session:
        project = make_project(session, ["one"], min_overlap=1, max_overlap=1)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Yes")
    with chat.writing() as session:
        from tests.factories import add_items

        add_items(session, session.get_one(Project, project.id), ["two", "three"], now())
    with chat.writing() as session:
        assert offer_work(session, project.id, now()) == 1
    with chat.writing() as session:
        assert offer_work(session, project.id, now()) == 0, "one unanswered offer is enough"
        assert session.scalars(select(OutboxMessage.kind)).all() == ["offer"]
    received = await inbox(chat, ann)
    assert "about 2 answers are wanted" in received[-1]


async def test_one_answer_is_enough_where_only_one_was_wanted(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, ["one", "two"], ("Good", "Bad", "Mixed"), min_overlap=1, max_overlap=1)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Good")
    await ann.taps("Mixed")
    with chat.writing() as session:
        decided = [(item.state, item.label_id) for item in session.scalars(select(Item).order_by(Item.id))]
    assert decided == [("agreed", "a"), ("agreed", "c")]


async def test_people_who_agree_to_the_last_are_not_disputed(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, ["one"], ("Good", "Bad"), min_overlap=2, max_overlap=2, error_cost=1000.0)
    for name in ("Ann", "Bob"):
        person = await chat.member(name)
        await person.says("/next")
        await person.taps("Bad")
    with chat.writing() as session:
        assert session.scalars(select(Item.state)).all() == ["agreed"]


async def test_one_more_item_by_command(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    assert "No jobs yet" in await olga.says("/add What a day")
    with chat.writing() as session:
        project = make_project(session, ["one"], name="First")
    assert "the text of one more item" in await olga.says("/add")
    assert "Added to “First”" in await olga.says("/add What a day")
    assert "in the job already" in await olga.says(f"/add {project.public_id} What a day")
    assert "the text of one more item" in await olga.says(f"/add {project.public_id}")
    ann = await chat.member("Ann")
    await ann.says("/next")
    assert "What a day" in await ann.taps("Yes")
