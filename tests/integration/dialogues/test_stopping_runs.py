"""Coordinators stop a training run, and read why a model is held back or drifts."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select

from core.clock import now
from core.models import Item, LogEntry, ModelVersion, OutboxMessage, TrainingRun
from core.queue import TRAINING, queue
from core.training_runs import end_cancelled, start_run
from tests.factories import make_project
from tests.fakes.chat import Chat
from tests.integration.dialogues.members import move_job_elsewhere


class Labeled:
    """A job with twelve decided items."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        with chat.writing() as session:
            project = make_project(session, [f"text {number}" for number in range(12)], name="Weather")
            self.project_id, self.job = project.id, project.public_id
        with chat.writing() as session:
            for number, item in enumerate(session.scalars(select(Item))):
                item.state, item.label_id = "agreed", "ab"[number % 2]

    def run(self) -> TrainingRun:
        """The newest run."""
        with self.chat.writing() as session:
            return session.scalars(select(TrainingRun).order_by(TrainingRun.id.desc())).first() or pytest.fail("no run")

    def begin(self) -> int:
        """A trainer claims the run."""
        run_id = self.run().id
        with self.chat.writing() as session:
            assert start_run(session, run_id, now())
        return run_id


@pytest.fixture
def labeled(chat: Chat) -> Labeled:
    """A job that can train."""
    return Labeled(chat)


def acts(chat: Chat) -> list[str]:
    with chat.writing() as session:
        return list(session.scalars(select(LogEntry.act).where(LogEntry.act.like("%train%")).order_by(LogEntry.id)))


async def test_a_queued_run_is_stopped_at_once_and_started_again(chat: Chat, labeled: Labeled, redis: Redis) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.says("/train")
    assert olga.buttons() == ["Stop it"]
    stop = olga.button("Stop it").payload
    heard = await olga.taps("Stop it")
    assert "Training of “Weather” has stopped" in heard
    assert labeled.run().state == "cancelled"
    await olga.taps_payload(stop)
    assert olga.refused == "training_ended"
    assert "is on its way" in await olga.taps("Train now")
    assert labeled.run().state == "due"
    assert acts(chat) == ["train", "untrain", "train"]
    assert queue(TRAINING, redis).count == 2, "the ticket of the stopped run finds nothing to do"


async def test_a_run_on_its_way_is_asked_to_stop_and_the_end_is_told(chat: Chat, labeled: Labeled) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.says("/train")
    run_id = labeled.begin()
    heard = await olga.says("/train")
    assert "already on its way" in heard
    stop = olga.button("Stop it").payload
    assert "stops within seconds" in await olga.taps("Stop it")
    assert "stops within seconds" in await olga.taps_payload(stop)
    assert acts(chat) == ["train", "untrain"]
    assert labeled.run().state == "running"
    with chat.writing() as session:
        assert end_cancelled(session, run_id, now())
    with chat.writing() as session:
        assert session.scalars(select(OutboxMessage.kind)).all().count("training_cancelled") == 1
    await olga.taps_payload(stop)
    assert olga.refused == "training_ended"


async def test_the_list_of_models_can_stop_a_run_too(chat: Chat, labeled: Labeled) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.says("/train")
    await olga.says("/models")
    assert olga.buttons() == ["Stop it"]
    assert "has stopped" in await olga.taps("Stop it")
    await olga.says("/models")
    assert olga.buttons() == ["Train now"]


async def test_nobody_else_stops_it(chat: Chat, labeled: Labeled) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.says("/train")
    payload = olga.button("Stop it").payload
    eve = await chat.member("Eve", "expert")
    await eve.taps_payload(payload)
    assert eve.refused == "unknown_button"
    for forged in (f"stoptrain.{labeled.job}.nothing", f"stoptrain.{labeled.job}", "stoptrain.nothing.nothing"):
        await olga.taps_payload(forged)
        assert olga.refused in ("training_ended", "project_unknown", "unknown_button"), forged
    move_job_elsewhere(chat)
    await olga.taps_payload(payload)
    assert olga.refused == "project_unknown"
    assert labeled.run().state == "due"


async def test_the_newest_version_says_why_it_is_held_and_the_champion_that_it_drifts(
    chat: Chat, labeled: Labeled
) -> None:
    olga = await chat.member("Olga", "coordinator")
    gate: dict[str, Any] = {"promote": False, "reason": "held_class"}
    gate["params"] = {"label_id": "b", "before": 0.9, "after": 0.6}
    for number, state in ((1, "held"), (2, "champion"), (3, "held")):
        with chat.writing() as session:
            run = TrainingRun(project_id=labeled.project_id, trigger="button", state="done", created_at=now())
            session.add(run)
            session.flush()
            session.add(
                ModelVersion(
                    project_id=labeled.project_id,
                    training_run_id=run.id,
                    number=number,
                    state=state,
                    base_model="tiny",
                    artifact=f"{labeled.job}/v{number}",
                    snapshot_hash="0" * 64,
                    metrics={"accuracy": 0.8, "holdout": {"accuracy": 0.8}, "champion": None, "gate": gate},
                    drifted_at=now() if state == "champion" else None,
                    created_at=now(),
                )
            )
    heard = await olga.says("/models")
    assert heard.count("It is not used: of “") == 1, "of the newest alone"
    assert "it gets 60% right, the one in use 90%" in heard
    assert heard.index("v2") < heard.index("agrees less with new labels") < heard.index("v1")
