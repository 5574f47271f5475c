"""Twelve people label while Valkey is emptied and every process is killed with -9: nothing they were told is lost."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from core.clock import now
from core.models import Annotation, Assignment, Batch, ChatMessage, Item, OutboxMessage, Project, Worker
from core.queue import waiting_counts
from demo.web_chat import WebChat, new_transport
from tests.acceptance.people import Labeler, Ledger, Visitor, read_ledger
from tests.acceptance.running import Running
from tests.invariants import check_redundancy
from tests.waiting import eventually

PEOPLE = 12
ITEMS = 60
MOST = 5
LABELS = ("Yes", "No", "Unsure")
LEASE_SECONDS = 10
THINK_SECONDS = (0.3, 1.2)
PATIENCE_SECONDS = 60.0
CAPTION = f"/post Is it so? | {' | '.join(LABELS)} | overlap=3-{MOST} | lease={LEASE_SECONDS} | retrain=1000000"
TEXTS = [f"Statement number {number}" for number in range(ITEMS)]
IMPORT_ROWS = 3000

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def owner(lightwork: Running) -> Iterator[Visitor]:
    """The coordinator, who has joined."""
    with Visitor(lightwork.url) as visitor:
        assert visitor.join(lightwork.invites[0], "Olga").refused is None
        yield visitor


def memories(seed: int) -> dict[str, dict[str, str]]:
    """What each person thinks: mostly the truth, each with mistakes of their own."""
    dice = random.Random(seed)
    truth = {text: dice.choice(LABELS) for text in TEXTS}
    return {
        f"Person {number}": {
            text: label if dice.random() < 0.85 else dice.choice(LABELS) for text, label in truth.items()
        }
        for number in range(PEOPLE)
    }


def as_csv(texts: list[str]) -> bytes:
    return "\n".join(["text", *texts, ""]).encode()


def undecided(running: Running) -> int:
    with running.reading() as session:
        open_items = select(func.count()).select_from(Item).where(Item.state == "open")
        return session.scalar(open_items) or 0


def lose_an_export(running: Running, owner: Visitor) -> None:
    """Empty Valkey while a requested export can only be there, then kill the worker that would have written it."""
    running.signal("worker", signal.SIGSTOP)
    assert owner.say("/export annotations csv").refused is None
    with running.redis() as redis:
        eventually(lambda: waiting_counts(redis)["default"]["waiting"], 10, "the export's job")
        redis.flushall()
    running.kill("worker")


async def disasters(running: Running, owner: Visitor, ledger: Ledger) -> None:
    """One after the other, each once so many answers more have been given."""
    ways = [partial(lose_an_export, running, owner)]
    ways += [partial(running.kill, name) for name in ("bot", "valkey", "schedule", "trainer")]
    for number, strike in enumerate(ways, start=1):
        # The least that the job takes is 180 answers, so that even the last one strikes in the middle.
        await asyncio.to_thread(ledger.wait_for, 25 * number, PATIENCE_SECONDS)
        await asyncio.to_thread(strike)


async def label_through_disasters(running: Running, owner: Visitor, invite: str, ledger: Ledger) -> None:
    """Let everybody work until all is decided and all disasters have struck."""
    transport = new_transport(PEOPLE)
    people = [
        Labeler(
            name, memory, WebChat(running.url, transport, PATIENCE_SECONDS), ledger, number, 0.2 * (number % 3 == 0)
        )
        for number, (name, memory) in enumerate(memories(seed=7).items())
    ]
    for person in people:
        await person.chat.join(invite, person.name)
    finished = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(person.work(finished.is_set, THINK_SECONDS))
        await disasters(running, owner, ledger)
        await asyncio.to_thread(eventually, lambda: undecided(running) == 0, 80.0, "an end of the labeling")
        finished.set()
    await transport.aclose()
    assert sum(person.chat.retries for person in people) > 0, "nobody noticed that the bot was killed"


def kill_import(running: Running, owner: Visitor) -> int:
    """Kill the worker while it loads a batch, of which some rows are stored by then; returns the batch's id."""
    for attempt in range(5):
        texts = [f"Row {number} of file {attempt}" for number in range(IMPORT_ROWS)]
        worker = running.pid("worker")
        assert worker is not None
        assert owner.upload("rows.csv", as_csv(texts), f"/post File {attempt}? | Yes | No").refused is None
        while (seen := newest_batch(running))[1:] == ("loading", 0):
            time.sleep(0.001)
        os.kill(worker, signal.SIGKILL)
        batch_id, state, stored = newest_batch(running)
        if state == "loading":
            assert 0 < stored < IMPORT_ROWS, seen
            return batch_id
    raise AssertionError("the import was always faster")


def newest_batch(running: Running) -> tuple[int, str, int]:
    """Id, state and stored items of the newest batch."""
    with running.reading() as session:
        batch = session.scalars(select(Batch).order_by(Batch.id.desc()).limit(1)).one()
        stored = session.scalar(select(func.count()).select_from(Item).where(Item.batch_id == batch.id))
    return batch.id, batch.state, stored or 0


def label_alone(running: Running, owner: Visitor, count: int) -> str:
    """A job whose every item the coordinator has decided; returns its id."""
    rows = as_csv([f"The weather is {('fine', 'foul')[number % 2]}, take {number}" for number in range(count)])
    assert owner.upload("alone.csv", rows, "/post Fine? | Yes | No | overlap=1-1 | retrain=1000000").refused is None
    owner.hear("import_done", 40)
    with running.reading() as session:
        project = session.scalars(select(Project).order_by(Project.id.desc()).limit(1)).one()
    said = owner.say(f"/next {project.public_id}")
    for _ in range(count):
        is_foul = "foul" in said.card["content"]["parts"][0]["text"]
        said = owner.tap(said.card["id"], said.payloads()[is_foul])
        assert said.refused is None
    return project.public_id


def lose_a_training(running: Running, owner: Visitor, project: str) -> None:
    """Empty Valkey while a requested training can only be there, then kill the trainer."""
    running.signal("trainer", signal.SIGSTOP)
    assert owner.say(f"/train {project}").refused is None
    with running.redis() as redis:
        eventually(lambda: waiting_counts(redis)["training"]["waiting"], 10, "the training's job")
        redis.flushall()
    running.kill("trainer")


def desert(stack: ExitStack, running: Running) -> None:
    """Two people take an item and are never seen again."""
    for number, invite in enumerate(running.invites[1:3]):
        deserter = stack.enter_context(Visitor(running.url))
        assert deserter.join(invite, f"Deserter {number}").refused is None
        assert deserter.say("/next").card


def check_ledger(running: Running, path: Path) -> None:
    """Each acknowledged answer stands exactly once with its label, and nothing stands that nobody gave."""
    standing = read_ledger(path)
    with running.reading() as session:
        rows = session.execute(
            select(Worker.name, Item.content, Project.label_schema, Annotation.label_id)
            .join(Item, Item.id == Annotation.item_id)
            .join(Worker, Worker.id == Annotation.worker_id)
            .join(Project, Project.id == Annotation.project_id)
            .where(Annotation.state.in_(("counted", "surplus")))
        ).all()
        check_redundancy(session)
    stored = [
        (name, content[0]["text"], next(one["name"] for one in schema["labels"] if one["id"] == label_id))
        for name, content, schema, label_id in rows
    ]
    assert sorted(stored) == sorted((name, item, label) for (name, item), label in standing.items())


def test_nothing_acknowledged_and_no_job_is_lost(lightwork: Running, owner: Visitor, tmp_path: Path) -> None:
    assert owner.upload("statements.csv", as_csv(TEXTS), CAPTION).refused is None
    owner.hear("import_done", 40)
    code = owner.say(f"/invite worker {PEOPLE}").sentences[0].split("/join/")[1].split()[0]
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with ExitStack() as stack:
        desert(stack, lightwork)
        asyncio.run(label_through_disasters(lightwork, owner, code, ledger))
    ledger.close()

    check_ledger(lightwork, ledger.path)
    export = owner.hear("export_ready", 60)
    assert list(csv.DictReader(io.StringIO(owner.download(export))))
    with lightwork.reading() as session:
        counted = list(session.scalars(select(Item.submitted)))
    assert len(counted) == ITEMS
    assert all(1 <= count <= MOST for count in counted)
    eventually(lambda: is_quiet(lightwork), LEASE_SECONDS + 60, "an end of all leases and messages")
    with lightwork.redis() as redis:
        assert {name: counts["failed"] for name, counts in waiting_counts(redis).items()} == {
            "assignments": 0,
            "default": 0,
            "training": 0,
        }


def test_a_lost_training_and_a_killed_import_come_to_their_end(lightwork: Running, owner: Visitor) -> None:
    lose_a_training(lightwork, owner, label_alone(lightwork, owner, 40))
    batch_id = kill_import(lightwork, owner)
    eventually(lambda: newest_batch(lightwork) == (batch_id, "published", IMPORT_ROWS), 60, "the end of the import")
    with lightwork.reading() as session:
        batch = session.get_one(Batch, batch_id)
        assert (batch.item_count, batch.duplicate_count, batch.bad_row_count) == (IMPORT_ROWS, 0, 0)
        different = select(func.count(Item.content_hash.distinct()), func.count(Item.rank.distinct()))
        assert session.execute(different.where(Item.batch_id == batch_id)).one() == (IMPORT_ROWS, IMPORT_ROWS)
        name = session.get_one(Project, batch.project_id).name
    assert name in hear_about(owner, name)["content"]["text"]
    owner.hear("training_done", 60)
    with lightwork.reading() as session:
        bubbles = session.scalars(select(ChatMessage).where(ChatMessage.author == "bot"))
        assert sum(f"“{name}”: {IMPORT_ROWS} items" in bubble.content["text"] for bubble in bubbles) == 1


def hear_about(owner: Visitor, name: str) -> dict[str, Any]:
    """The message that the import of a job is done; earlier jobs may have been too fast to be killed."""
    while name not in (bubble := owner.hear("import_done", 30))["content"]["text"]:
        pass
    return bubble


def is_quiet(running: Running) -> bool:
    """No lease is out, no message is owed; and no lease has ever been a minute late."""
    with running.reading() as session:
        deadlines = list(session.scalars(select(Assignment.expires_at).where(Assignment.state == "active")))
        owed = session.scalar(select(func.count()).select_from(OutboxMessage).where(OutboxMessage.state == "pending"))
    assert all(now() < deadline + timedelta(seconds=60) for deadline in deadlines)
    return not deadlines and not owed
