"""Twelve people label while Valkey is emptied and every process is killed with -9: nothing they were told is lost."""

from __future__ import annotations

import asyncio
import csv
import io
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.clock import now
from core.models import Annotation, Assignment, Batch, Item, OutboxMessage, Project, TrainingRun, Worker
from core.queue import is_covered, waiting_counts
from demo.chat import Chat, new_transport
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


async def disasters(running: Running, owner: Visitor, ledger: Ledger, over: Callable[[], bool]) -> list[str]:
    """One after the other, each once so many answers more have been given; returns those that were in time."""
    ways: dict[str, Callable[[], None]] = {"an export lost": lambda: lose_an_export(running, owner)}
    ways |= {name: lambda name=name: running.kill(name) for name in ("bot", "valkey", "schedule", "trainer")}  # type: ignore[misc]
    done = []
    for number, (name, strike) in enumerate(ways.items(), start=1):
        while ledger.answers < 25 * number and not over():
            await asyncio.sleep(0.05)
        if over():
            break
        await asyncio.to_thread(strike)
        done.append(name)
    return done


async def label_through_disasters(running: Running, owner: Visitor, invite: str, ledger: Ledger) -> int:
    """Let everybody work until all is decided and all disasters have struck; returns how many replies got lost."""
    transport = new_transport(PEOPLE)
    people = [
        Labeler(name, memory, Chat(running.url, transport, PATIENCE_SECONDS), ledger, number, 0.2 * (number % 3 == 0))
        for number, (name, memory) in enumerate(memories(seed=7).items())
    ]
    for person in people:
        await person.chat.join(invite, person.name)
    finished = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(person.work(finished.is_set, THINK_SECONDS))
        struck = await disasters(running, owner, ledger, finished.is_set)
        await asyncio.to_thread(eventually, lambda: undecided(running) == 0, 80.0, "an end of the labeling")
        finished.set()
    await transport.aclose()
    assert struck == ["an export lost", "bot", "valkey", "schedule", "trainer"]
    return sum(person.saved_unheard for person in people)


def desert(stack: ExitStack, running: Running) -> None:
    """Two people take an item and are never seen again."""
    for number, invite in enumerate(running.invites[1:3]):
        deserter = stack.enter_context(Visitor(running.url))
        assert deserter.join(invite, f"Deserter {number}").refused is None
        assert deserter.say("/next").card


def check_ledger(running: Running, path: Path) -> None:
    """Each acknowledged answer stands exactly once with its label, and nothing stands that nobody gave."""
    standing, doubtful = read_ledger(path)
    assert doubtful == set()
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
        states = session.execute(select(Item.state, func.max(Item.submitted)).group_by(Item.state)).all()
    assert {state for state, _ in states} <= {"agreed", "disputed"}
    assert max(most for _, most in states) <= MOST
    eventually(lambda: is_quiet(lightwork), LEASE_SECONDS + 60, "an end of all leases and messages")
    with lightwork.redis() as redis:
        assert {name: counts["failed"] for name, counts in waiting_counts(redis).items()} == {
            "assignments": 0,
            "default": 0,
            "training": 0,
        }


def is_quiet(running: Running) -> bool:
    """No lease is out, no message is owed; and no lease has ever been a minute late."""
    with running.reading() as session:
        deadlines = list(session.scalars(select(Assignment.expires_at).where(Assignment.state == "active")))
        owed = session.scalar(select(func.count()).select_from(OutboxMessage).where(OutboxMessage.state == "pending"))
    assert all(now() < deadline + timedelta(seconds=60) for deadline in deadlines)
    return not deadlines and not owed
