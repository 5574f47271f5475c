"""Training runs and their steps: due -> running -> done, failed or cancelled, each a compare-and-set.

So two schedulers start exactly one, a job that runs twice counts once, and a run ends once. Nothing here knows how a
model is trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from sqlalchemy import CursorResult, Select, func, or_, select, update
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.dml import Update

from core.effects import EnqueueJob
from core.errors import Conflict
from core.models import Project, TrainingRun
from core.outbox import owe_poster
from core.queue import RETRAIN, TRAINING

UNFINISHED = ("due", "running")
STALE = timedelta(seconds=40)
"""A run whose process was not heard of for so long, four beats, may be claimed by another."""
MAX_ATTEMPTS = 3
"""A run that was claimed so often without getting any further is given up."""
PROGRESS = "progress_attempt"
"""Key in a run's snapshot: the last attempt that saved a checkpoint. Those before it do not count against the run."""
DONE = "done"
"""Key in a run's snapshot: how far its present attempt is, as `core.under_way.note_done` keeps it."""


def claim(session: Session, run_id: int, now: datetime) -> TrainingRun | None:
    """Claim the run that a job is to carry out: its own where that one's process went silent, else whose turn it is.

    A job is a ticket for one run, of whichever project waits longest since it last trained. So a project that is due
    again and again stands behind every other each time.
    """
    own = select(TrainingRun.id).where(TrainingRun.id == run_id, _silent(now))
    for candidate in (*session.scalars(own), *session.scalars(in_turn())):
        if start_run(session, candidate, now):
            return session.get_one(TrainingRun, candidate, populate_existing=True)
    return None


def in_turn() -> Select[int]:
    """Selects the ids of the runs that are due, in the order in which they will be claimed.

    Those of projects that have never trained come first, then those of the projects that did so longest ago.
    """
    other = aliased(TrainingRun)
    last = select(func.max(other.started_at)).where(other.project_id == TrainingRun.project_id).scalar_subquery()
    due = select(TrainingRun.id).where(TrainingRun.state == "due")
    return due.order_by(last.is_not(None), last, TrainingRun.id)


def start_run(session: Session, run_id: int, now: datetime) -> bool:
    """Claim a run: one that is due, or one whose process went silent.

    False where it has ended, is alive elsewhere, was cancelled, or was tried three times in vain, which fails it.
    """
    if end_cancelled(session, run_id, now):
        return False
    unclaimed = or_(TrainingRun.state == "due", _silent(now))
    columns = select(TrainingRun.attempts, TrainingRun.snapshot)
    seen = session.execute(columns.where(TrainingRun.id == run_id, unclaimed)).one_or_none()
    if seen is None:
        return False
    attempts, snapshot = seen
    if attempts >= MAX_ATTEMPTS + snapshot.get(PROGRESS, 0):
        fail_run(session, run_id, "training_gave_up", {"attempts": MAX_ATTEMPTS}, now)
        return False
    claimed = _run(run_id).where(unclaimed, TrainingRun.attempts == attempts)
    values = {"state": "running", "attempts": attempts + 1, "started_at": now, "heartbeat_at": now}
    if not changed_one(session, claimed.values(values)):
        return False
    _forget_done(session, run_id)
    return True


def _forget_done(session: Session, run_id: int) -> None:
    """How far an earlier attempt was says nothing of a new one. For whoever has claimed the run, and so its row."""
    run = session.get_one(TrainingRun, run_id, populate_existing=True)
    if DONE in run.snapshot:
        run.snapshot = {key: value for key, value in run.snapshot.items() if key != DONE}
        session.flush()


def note_progress(session: Session, run_id: int, attempt: int) -> None:
    """Say that an attempt has got a run further than it was: it may be killed as often as it makes progress."""
    run = session.get_one(TrainingRun, run_id, with_for_update=True, populate_existing=True)
    if run.attempts == attempt and run.snapshot.get(PROGRESS) != attempt:
        run.snapshot = {**run.snapshot, PROGRESS: attempt}
        session.flush()


def beat(session: Session, run_id: int, now: datetime) -> None:
    """Say that the process that carries out a run is alive."""
    session.execute(_run(run_id).where(TrainingRun.state == "running").values(heartbeat_at=now))


def is_wanted(session: Session, run_id: int, attempt: int) -> bool:
    """Whether the process that got `attempt` by its claim is still to carry out a run: nobody else has it, and nobody
    asked to stop it.
    """
    mine = select(TrainingRun.id).where(TrainingRun.id == run_id, TrainingRun.attempts == attempt)
    going = mine.where(TrainingRun.state == "running", TrainingRun.cancel_requested_at.is_(None))
    return session.execute(going).first() is not None


def release_run(session: Session, run_id: int, attempt: int, now: datetime) -> None:
    """Give a run back after a fault, so that the retry of its job can claim it at once; a cancelled one ends.

    Args:
        attempt: the `attempts` that the claim got; a run that was claimed again since stays as it is.
    """
    if end_cancelled(session, run_id, now):
        return
    mine = _run(run_id).where(TrainingRun.state == "running", TrainingRun.attempts == attempt)
    session.execute(mine.values(state="due", heartbeat_at=None))


def note_snapshot(session: Session, run_id: int, snapshot: Mapping[str, Any]) -> None:
    """Keep what a run is trained on; a later attempt at it trains on the same."""
    run = session.get_one(TrainingRun, run_id, with_for_update=True, populate_existing=True)
    kept = {PROGRESS: run.snapshot[PROGRESS]} if PROGRESS in run.snapshot else {}
    run.snapshot = {**snapshot, **kept}
    session.flush()


def finish_run(session: Session, run_id: int, now: datetime, attempt: int | None = None) -> bool:
    """End a run as done. False where it has ended or was cancelled: then nothing of this attempt may be recorded.

    Args:
        attempt: the `attempts` that the claim got, so that a process whose run was taken over records nothing.
    """
    running = _run(run_id).where(TrainingRun.state == "running", TrainingRun.cancel_requested_at.is_(None))
    if attempt is not None:
        running = running.where(TrainingRun.attempts == attempt)
    return changed_one(session, running.values(state="done", finished_at=now, heartbeat_at=now))


def fail_run(session: Session, run_id: int, code: str, params: Mapping[str, Any], now: datetime) -> bool:
    """End a run as failed and owe the coordinator the reason; false where it has ended already.

    Args:
        code, params: of the sentence that says what to do, as in `LightworkError`.
    """
    if end_cancelled(session, run_id, now):
        return False
    unfinished = _run(run_id).where(TrainingRun.state.in_(UNFINISHED))
    values = {"state": "failed", "error_code": code, "error_params": dict(params), "finished_at": now}
    if not changed_one(session, unfinished.values(values)):
        return False
    run = session.get_one(TrainingRun, run_id)
    message = {"project_id": run.project_id, "code": code, "params": dict(params)}
    tell_owner(session, run, "training_failed", message, now)
    return True


def cancel_run(session: Session, run: TrainingRun, worker_id: int, now: datetime) -> Literal["cancelled", "stopping"]:
    """Stop a run: one that nobody carries out at once, else its process stops between two steps.

    Asking twice is asking once. Its labels count as trained on, so the next run comes with new ones, or by button.

    Raises:
        Conflict: training_ended, it is over.
    """
    idle = or_(TrainingRun.state == "due", _silent(now))
    over = {"state": "cancelled", "cancel_requested_at": now, "finished_at": now, "heartbeat_at": None}
    if changed_one(session, _run(run.id).where(idle).values(over)):
        if worker_id != session.get_one(Project, run.project_id).created_by_id:
            tell_owner(session, run, "training_cancelled", {"project_id": run.project_id}, now)
        return "cancelled"
    running = _run(run.id).where(TrainingRun.state == "running")
    asked = func.coalesce(TrainingRun.cancel_requested_at, now)
    if not changed_one(session, running.values(cancel_requested_at=asked)):
        raise Conflict("training_ended")
    return "stopping"


def end_cancelled(session: Session, run_id: int, now: datetime) -> bool:
    """End a run that somebody asked to stop, and say so to the coordinator; false where nobody did, or it has ended."""
    asked = _run(run_id).where(TrainingRun.state.in_(UNFINISHED), TrainingRun.cancel_requested_at.is_not(None))
    if not changed_one(session, asked.values(state="cancelled", finished_at=now, heartbeat_at=None)):
        return False
    run = session.get_one(TrainingRun, run_id)
    tell_owner(session, run, "training_cancelled", {"project_id": run.project_id}, now)
    return True


def find_run(session: Session, project_id: int, public_id: str) -> TrainingRun:
    """A run of a project.

    Raises:
        Conflict: training_ended, there is no such run (any more).
    """
    statement = select(TrainingRun).where(TrainingRun.project_id == project_id, TrainingRun.public_id == public_id)
    run = session.scalars(statement).one_or_none()
    if run is None:
        raise Conflict("training_ended")
    return run


def unfinished_run(session: Session, project_id: int) -> TrainingRun | None:
    """The run of a project that is due or running, if there is one."""
    statement = select(TrainingRun).where(TrainingRun.project_id == project_id, TrainingRun.state.in_(UNFINISHED))
    return session.scalars(statement).first()


def unfinished_ids(session: Session) -> set[str]:
    """Public ids of all runs that are due or running."""
    return set(session.scalars(select(TrainingRun.public_id).where(TrainingRun.state.in_(UNFINISHED))))


def trained_since(session: Session, project_id: int, moment: datetime) -> bool:
    """Whether a run of the project has begun, and so has read its labels, after a moment."""
    begun = select(TrainingRun.id).where(TrainingRun.project_id == project_id, TrainingRun.started_at > moment)
    return session.scalars(begun.limit(1)).first() is not None


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
    owe_poster(session, project, kind, params, f"{kind}-{run.id}", now)


def _run(run_id: int) -> Update:
    return update(TrainingRun).where(TrainingRun.id == run_id)


def changed_one(session: Session, statement: Update) -> bool:
    """Carry out a compare-and-set; whether it was ours."""
    result = cast("CursorResult[Any]", session.execute(statement))
    return result.rowcount == 1
