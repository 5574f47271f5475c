"""The learning cycle in SQL: which run is due, which one runs, and which model is the champion.

A run goes due -> running -> done or failed, each step a compare-and-set, so that two schedulers start exactly one and a
job that runs twice counts once. Nothing here knows how a model is trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from croniter import croniter
from sqlalchemy import CursorResult, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.dml import Update

from core.effects import EnqueueJob, add_effect, drop_after, mark
from core.errors import Conflict, InvalidInput
from core.log import get_logger
from core.models import Batch, Item, ModelVersion, Project, TrainingRun
from core.outbox import owe
from core.queue import PRELABEL, RETRAIN, TRAINING

DECIDED = ("agreed", "adjudicated")
UNFINISHED = ("due", "running")
MIN_DECIDED = 10
MIN_LABELS = 2
STALE = timedelta(seconds=40)
"""A run whose process was not heard of for so long, four beats, may be claimed by another."""
MAX_ATTEMPTS = 3
CRON_FIELDS = 5

log = get_logger(__name__)


def decided_items(project_id: int) -> ColumnElement[bool]:
    """The condition on `Item` that its label may be trained on: decided by people, in a published batch."""
    published = select(Batch.id).where(Batch.project_id == project_id, Batch.state == "published")
    return (
        (Item.project_id == project_id)
        & Item.state.in_(DECIDED)
        & (Item.purpose == "label")
        & Item.label_id.is_not(None)
        & Item.batch_id.in_(published)
    )


def label_counts(session: Session, project_id: int) -> dict[str, int]:
    """How many items are decided for each label; labels without any are left out."""
    rows = session.execute(select(Item.label_id, func.count()).where(decided_items(project_id)).group_by(Item.label_id))
    return {str(label_id): count for label_id, count in rows}


# --- what makes a run due ---------------------------------------------------------------------------------------


def request_training(
    session: Session, project_id: int, trigger: str, now: datetime, requested_by_id: int | None = None
) -> TrainingRun | None:
    """Make a training run due; its job is enqueued after the commit.

    Args:
        trigger: button, threshold or cron.

    Returns:
        The run, or None where one is unfinished already, or where a trigger other than the button found too little.

    Raises:
        Conflict: the button, and `training_too_few_labels` (fewer than 10 items decided) or
            `training_too_few_classes` (all decided alike).
    """
    counts = label_counts(session, project_id)
    decided = sum(counts.values())
    if decided < MIN_DECIDED or len(counts) < MIN_LABELS:
        if trigger != "button":
            return None
        if decided < MIN_DECIDED:
            raise Conflict("training_too_few_labels", needed=MIN_DECIDED, have=decided)
        raise Conflict("training_too_few_classes", needed=MIN_LABELS, have=len(counts))
    run = TrainingRun(
        project_id=project_id,
        trigger=trigger,
        state="due",
        label_count=decided,
        requested_by_id=requested_by_id,
        created_at=now,
    )
    if not _add_alone(session, run):
        return None
    session.execute(_project(project_id).values(agreed_count=decided, trained_count=decided))
    add_effect(session, retrain_effect(run))
    return run


def _add_alone(session: Session, run: TrainingRun) -> bool:
    """Insert `run` unless its project has an unfinished one; the partial unique index decides races."""
    if unfinished_run(session, run.project_id) is not None:
        return False
    try:
        with session.begin_nested():
            session.add(run)
            session.flush()
    except IntegrityError:
        if unfinished_run(session, run.project_id) is None:
            raise
        return False
    return True


def due_by_threshold(session: Session, project_id: int, now: datetime) -> TrainingRun | None:
    """Make a run due once `retrain_threshold` more items are decided than at the last run.

    Called by background jobs: it counts, so it has no place on the path of a tap.
    """
    decided = sum(label_counts(session, project_id).values())
    session.execute(_project(project_id).where(Project.agreed_count != decided).values(agreed_count=decided))
    if unfinished_run(session, project_id) is not None:
        return None
    position = mark(session)
    savepoint = session.begin_nested()
    reached = _project(project_id).where(
        Project.retrain_threshold > 0, Project.trained_count + Project.retrain_threshold <= decided
    )
    # The row is claimed before the run is made: a second scheduler waits here, then sees the count moved on.
    run = None
    if _changed(session, reached.values(trained_count=decided)):
        run = request_training(session, project_id, "threshold", now)
    if run is None:
        savepoint.rollback()
        drop_after(session, position)
        return None
    savepoint.commit()
    return run


def check_cron(text: str) -> str:
    """A cron string of five fields, in UTC, as given.

    Raises:
        InvalidInput: bad_cron, where it is none or asks for seconds.
    """
    if len(text.split()) != CRON_FIELDS or not croniter.is_valid(text):
        raise InvalidInput("bad_cron", cron=text[:60])
    return text


def due_by_cron(session: Session, project: Project, now: datetime) -> TrainingRun | None:
    """Make a run due where the cron string fired since it was last looked at and there are new labels since.

    A cron string that cannot be read is logged and never fires; it is refused where a person gives it.
    """
    if not project.retrain_cron:
        return None
    if not croniter.is_valid(project.retrain_cron):
        log.warning("bad_cron", project_id=project.id, cron=project.retrain_cron)
        return None
    seen = project.cron_checked_at
    if croniter(project.retrain_cron, seen).get_next(datetime) > now:
        return None
    moved = _project(project.id).where(Project.cron_checked_at == seen).values(cron_checked_at=now)
    if not _changed(session, moved):
        return None
    trained = session.execute(select(Project.trained_count).where(Project.id == project.id)).scalar_one()
    if sum(label_counts(session, project.id).values()) <= trained:
        return None
    return request_training(session, project.id, "cron", now)


# --- a run and its steps ----------------------------------------------------------------------------------------


def start_run(session: Session, run_id: int, now: datetime) -> bool:
    """Claim a run: one that is due, or one whose process went silent.

    False where it is finished, alive elsewhere, or was tried three times, which ends it as failed.
    """
    unclaimed = or_(TrainingRun.state == "due", _silent(now))
    free = _run(run_id).where(unclaimed)
    claimed = free.where(TrainingRun.attempts < MAX_ATTEMPTS).values(
        state="running", attempts=TrainingRun.attempts + 1, started_at=now, heartbeat_at=now
    )
    if _changed(session, claimed):
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
    return _changed(session, running.values(state="done", finished_at=now, heartbeat_at=now))


def fail_run(session: Session, run_id: int, code: str, params: Mapping[str, Any], now: datetime) -> bool:
    """End a run as failed and owe the coordinator the reason; false where it has ended already.

    Args:
        code, params: of the sentence that says what to do, as in `LightworkError`.
    """
    unfinished = _run(run_id).where(TrainingRun.state.in_(UNFINISHED))
    values = {"state": "failed", "error_code": code, "error_params": dict(params), "finished_at": now}
    if not _changed(session, unfinished.values(values)):
        return False
    run = session.get_one(TrainingRun, run_id)
    message = {"project_id": run.project_id, "code": code, "params": dict(params)}
    _tell(session, run, "training_failed", message, now)
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


# --- models -----------------------------------------------------------------------------------------------------


def models(session: Session, project_id: int) -> list[ModelVersion]:
    """All model versions of a project, the oldest first."""
    statement = select(ModelVersion).where(ModelVersion.project_id == project_id).order_by(ModelVersion.number)
    return list(session.scalars(statement))


def champion(session: Session, project_id: int) -> ModelVersion | None:
    """The model whose predictions order what is asked next, if there is one."""
    statement = select(ModelVersion).where(ModelVersion.project_id == project_id, ModelVersion.state == "champion")
    return session.scalars(statement).first()


def add_version(
    session: Session,
    run: TrainingRun,
    *,
    base_model: str,
    artifact: str,
    snapshot_hash: str,
    metrics: dict[str, Any],
    now: datetime,
) -> ModelVersion:
    """Record what a run has made, as a candidate with the next number of its project.

    Args:
        artifact: directory relative to the home's models.
        metrics: as `promote_if_better` reads them.
    """
    last = select(func.coalesce(func.max(ModelVersion.number), 0)).where(ModelVersion.project_id == run.project_id)
    version = ModelVersion(
        project_id=run.project_id,
        training_run_id=run.id,
        number=session.execute(last).scalar_one() + 1,
        state="candidate",
        base_model=base_model,
        artifact=artifact,
        snapshot_hash=snapshot_hash,
        metrics=metrics,
        created_at=now,
    )
    session.add(version)
    session.flush()
    return version


def promote_if_better(session: Session, run: TrainingRun, version: ModelVersion, now: datetime) -> bool:
    """Make a candidate the champion if it is better on the same holdout, else hold it; tell the coordinator.

    Reads of `version.metrics`: `holdout` (the candidate's scores: accuracy, log_loss), `champion` (the champion's
    scores on the same holdout in the same run, with its `version_id`; None where there was none; without `accuracy`
    where its artifact is lost) and `majority_class_accuracy`, which a candidate without a rival has to beat.
    """
    reigning = champion(session, version.project_id)
    promoted = _is_better(version.metrics, reigning)
    version.state = "champion" if promoted else "held"
    if promoted:
        version.promoted_at = now
        if reigning is not None:
            reigning.state = "retired"
        job_id = f"prelabel-{version.project_id}-{version.id}"
        add_effect(session, EnqueueJob(TRAINING, PRELABEL, (version.id,), job_id))
    session.flush()
    rival = version.metrics["champion"]
    message = {
        "project_id": version.project_id,
        "version": version.number,
        "accuracy": version.metrics["holdout"]["accuracy"],
        "champion_accuracy": rival.get("accuracy") if rival else None,
        "promoted": promoted,
    }
    _tell(session, run, "training_done", message, now)
    return promoted


def _is_better(metrics: Mapping[str, Any], reigning: ModelVersion | None) -> bool:
    mine, rival = metrics["holdout"], metrics["champion"]
    if (rival["version_id"] if rival else None) != (reigning.id if reigning else None):
        return False  # it was never compared with the model that reigns now
    if rival is None or "accuracy" not in rival:
        return bool(mine["accuracy"] > metrics["majority_class_accuracy"])
    # A holdout of a hundred items often gives a tie; then the surer of the right labels wins.
    return bool((mine["accuracy"], -mine["log_loss"]) > (rival["accuracy"], -rival["log_loss"]))


def _tell(session: Session, run: TrainingRun, kind: str, params: dict[str, Any], now: datetime) -> None:
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


def _project(project_id: int) -> Update:
    return update(Project).where(Project.id == project_id)


def _changed(session: Session, statement: Update) -> bool:
    result = cast("CursorResult[Any]", session.execute(statement))
    return result.rowcount == 1
