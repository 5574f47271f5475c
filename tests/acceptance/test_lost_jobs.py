"""Jobs that are lost, or killed amid their work, come to their end: a training, and an import."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from core.models import Batch, ChatMessage, Item, Project
from core.queue import waiting_counts
from tests.acceptance.people import Visitor
from tests.acceptance.running import Running
from tests.waiting import eventually

IMPORT_ROWS = 3000

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def owner(lightwork: Running) -> Iterator[Visitor]:
    """The coordinator, who has joined."""
    with Visitor(lightwork.url) as visitor:
        assert visitor.join(lightwork.invites[0], "Olga").refused is None
        yield visitor


def as_csv(texts: list[str]) -> bytes:
    return "\n".join(["text", *texts, ""]).encode()


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
