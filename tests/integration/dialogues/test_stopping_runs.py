"""Coordinators stop a training run, and read why a model is held back or drifts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select

from core.clock import now
from core.config import Settings
from core.models import LogEntry, ModelVersion, OutboxMessage, TrainingRun
from core.predictions import PRELABELED
from core.queue import TRAINING, queue
from core.training_runs import end_cancelled, start_run
from core.under_way import note_done
from tests.factories import make_artifact, make_project
from tests.fakes.chat import Chat
from tests.integration.dialogues.champions import crown
from tests.integration.dialogues.decided import decided_job
from tests.integration.dialogues.members import move_job_elsewhere


class Labeled:
    """A job with twelve decided items."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        project = decided_job(chat)
        self.project_id, self.job = project.id, project.public_id

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


async def test_who_waits_is_told_for_what_and_how_far_that_is(chat: Chat, labeled: Labeled) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.says("/train")
    run_id = labeled.begin()
    assert "already on its way." in await olga.says("/train Weather"), "nothing is known yet"
    with chat.writing() as session:
        note_done(session, run_id, 1, 0.4)
    assert "already on its way, 40% done." in await olga.says("/train Weather")
    assert "A training run is on its way, 40% done." in await olga.says("/models Weather")
    assert "A training run is on its way, 40% done." in await olga.says("/status Weather")
    mails = decided_job(chat, "Mails")
    waits = "A model of “Weather” is being trained now (40% done); this comes after it."
    assert f"Training of “Mails” waits for its turn. {waits}" in await olga.says("/train Mails")
    assert f"A training run of “Mails” waits for its turn already. {waits}" in await olga.says("/train Mails")
    assert f"A training run waits for its turn. {waits}" in await olga.says("/models Mails")
    crown(chat, mails.public_id, {}, {"holdout": {"accuracy": 0.8}})
    assert f"so I look for wrong labels anew. {waits}" in await olga.says("/doubts Mails")
    with chat.writing() as session:
        session.get_one(TrainingRun, run_id).heartbeat_at = now() - timedelta(minutes=2)
    assert "A training run is about to start." in await olga.says("/models Mails"), "of a silent run nothing is said"


async def test_a_model_that_has_just_come_into_use_says_what_it_waits_for(
    chat: Chat, labeled: Labeled, settings: Settings
) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.says("/train")
    run_id = labeled.begin()
    with chat.writing() as session:
        note_done(session, run_id, 1, 0.4)
        mails = make_project(session, ["one"], name="Mails")
    crown(chat, mails.public_id, {}, {"holdout": {"accuracy": 0.8}})
    with chat.writing() as session:
        artifact = session.scalars(select(ModelVersion.artifact)).one()
    make_artifact(settings.model_directory / artifact)
    silent = "It has not been through the open items yet; until then they are asked in the order of before."
    heard = await olga.says("/models Mails")
    assert f"{silent} A model of “Weather” is being trained now (40% done); this comes after it." in heard
    with chat.writing() as session:
        version = session.scalars(select(ModelVersion)).one()
        version.metrics = version.metrics | {PRELABELED: "2026"}
    assert silent not in await olga.says("/models Mails")


async def test_the_job_of_another_workspace_is_not_named(chat: Chat, labeled: Labeled) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.says("/train")
    labeled.begin()
    move_job_elsewhere(chat)
    decided_job(chat, "Mails")
    heard = await olga.says("/train Mails")
    assert "A model of another job is being trained now; this comes after it." in heard
    assert "Weather" not in heard


async def test_what_is_said_of_a_stopped_run_depends_on_whether_a_model_is_in_use(chat: Chat, labeled: Labeled) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.says("/train")
    heard = await olga.taps("Stop it")
    assert "has stopped. It starts again" in heard
    crown(chat, labeled.job, {}, {"holdout": {"accuracy": 0.8}})
    await olga.taps("Train now")
    assert "has stopped; the model in use stays." in await olga.taps("Stop it")


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
