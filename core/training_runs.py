"""Training runs and their steps: due -> running -> done or failed, each a compare-and-set.

So two schedulers start exactly one, and a job that runs twice counts once. Nothing here knows how a model is trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.dml import Update

from core.effects import EnqueueJob
from core.models import Project, TrainingRun
from core.outbox import owe
from core.queue import RETRAIN, TRAINING

UNFINISHED = ("due", "running")
STALE = timedelta(seconds=40)
"""A run whose process was not heard of for so long, four beats, may be claimed by another."""
MAX_ATTEMPTS = 3


def start_run(session: Session, run_id: int, now: datetime) -> bool:
    """Claim a run: one that is due, or one whose process went silent.

    False where it is finished, alive elsewhere, or was tried three times, which ends it as failed.
    """
    unclaimed = or_(TrainingRun.state == "due", _silent(now))
    free = _run(run_id).where(unclaimed)
    claimed = free.where(TrainingRun.attempts < MAX_ATTEMPTS).values(
        state="running", attempts=TrainingRun.attempts + 1, started_at=now, heartbeat_at=now
    )
    if changed_one(session, claimed):
        return True
    if session.execute(select(TrainingRun.id).where(TrainingRun.id == run_id, unclaimed)).first() is not None:
        fail_run(session, run_id, "training_gave_up", {"attempts": MAX_ATTEMPTS}, now)
    return False


def beat(session: Session, run_id: int, now: datetime) -> None:
    """Say that the process that carries out a run is alive."""
    session.execute(_run(run_id).where(TrainingRun.state == "running").values(heartbeat_at=now))


def release_run(session: Session, run_id: int, attempt: int) -> None:
    """Give a run back after a fault, so that the retry of its job can claim it at once.

    Args:
        attempt: the `attempts` that the claim got; a run that was claimed again since stays as it is.
    """
    mine = _run(run_id).where(TrainingRun.state == "running", TrainingRun.attempts == attempt)
    session.execute(mine.values(state="due", heartbeat_at=None))


def finish_run(session: Session, run_id: int, now: datetime) -> bool:
    """End a run as done. False where it has ended already: then nothing of this attempt may be recorded."""
    running = _run(run_id).where(TrainingRun.state == "running")
    return changed_one(session, running.values(state="done", finished_at=now, heartbeat_at=now))


def fail_run(session: Session, run_id: int, code: str, params: Mapping[str, Any], now: datetime) -> bool:
    """End a run as failed and owe the coordinator the reason; false where it has ended already.

    Args:
        code, params: of the sentence that says what to do, as in `LightworkError`.
    """
    unfinished = _run(run_id).where(TrainingRun.state.in_(UNFINISHED))
    values = {"state": "failed", "error_code": code, "error_params": dict(params), "finished_at": now}
    if not changed_one(session, unfinished.values(values)):
        return False
    run = session.get_one(TrainingRun, run_id)
    message = {"project_id": run.project_id, "code": code, "params": dict(params)}
    tell_owner(session, run, "training_failed", message, now)
    return True


def unfinished_run(session: Session, project_id: int) -> TrainingRun | None:
    """The run of a project that is due or running, if there is one."""
    statement = select(TrainingRun).where(TrainingRun.project_id == project_id, TrainingRun.state.in_(UNFINISHED))
    return session.scalars(statement).first()


def unfinished_runs(session: Session, now: datetime) -> list[EnqueueJob]:
    """Jobs for the runs that nobody carries out, for the sweep: those due, and those whose process went silent."""
    statement = select(TrainingRun).where(or_(TrainingRun.state == "due", _silent(now))).order_by(TrainingRun.id)
    return [retrain_effect(run) for run in session.scalars(statement)]


def retrain_effect(run: TrainingRun) -> EnqueueJob:
    """The job that carries out `run`."""
    return EnqueueJob(TRAINING, RETRAIN, (run.id,), f"retrain-{run.project_id}-{run.id}")


def retry_effect(run: TrainingRun) -> EnqueueJob | None:
    """The job that looks again at a run which could not be claimed, once its process would count as silent.

    None where the run has ended. The id differs from that of the job which is running at this moment.
    """
    if run.state != "running" or run.heartbeat_at is None:
        return None
    job_id = f"retrain-{run.project_id}-{run.id}-{run.attempts}"
    return EnqueueJob(TRAINING, RETRAIN, (run.id,), job_id, run.heartbeat_at + STALE)


def _silent(now: datetime) -> ColumnElement[bool]:
    unheard = or_(TrainingRun.heartbeat_at.is_(None), TrainingRun.heartbeat_at < now - STALE)
    return (TrainingRun.state == "running") & unheard


def tell_owner(session: Session, run: TrainingRun, kind: str, params: dict[str, Any], now: datetime) -> None:
    """Owe the project's creator a message about a run, once for each kind."""
    project = session.get_one(Project, run.project_id)
    owe(
        session,
        worker_id=project.created_by_id,
        workspace_id=project.workspace_id,
        kind=kind,
        params=params,
        dedupe_key=f"{kind}-{run.id}",
        now=now,
    )


def _run(run_id: int) -> Update:
    return update(TrainingRun).where(TrainingRun.id == run_id)


def changed_one(session: Session, statement: Update) -> bool:
    """Carry out a compare-and-set; whether it was ours."""
    result = cast("CursorResult[Any]", session.execute(statement))
    return result.rowcount == 1
