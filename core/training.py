"""What makes a training run due: enough new labels, a cron string, a button or drift; one run a project at a time.

`core/training_runs.py` has the steps of a run, `core/champions.py` says which model is in use.
"""

from __future__ import annotations

from datetime import datetime

from croniter import croniter
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.dml import Update

from core import learning
from core.effects import add_effect, drop_after, mark
from core.errors import Conflict, InvalidInput
from core.log import get_logger
from core.models import Batch, Item, ModelVersion, Project, TrainingRun
from core.training_runs import changed_one, retrain_effect, unfinished_run

DECIDED = ("agreed", "adjudicated")
MIN_DECIDED = 10
MIN_LABELS = 2
CRON_FIELDS, MAX_CRON = 5, 100
ROUNDING = 1e-9
"""So that 240 labels are 20 % more than 200."""

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


def request_training(
    session: Session, project_id: int, trigger: str, now: datetime, requested_by_id: int | None = None
) -> TrainingRun | None:
    """Make a training run due; its job is enqueued after the commit.

    Args:
        trigger: button, threshold, cron or drift.

    Returns:
        The run, or None where one is unfinished already, or where a trigger other than the button found too little.

    Raises:
        Conflict: the button, and `training_too_few_labels` (fewer than 10 items decided; with an ending that says
            what starts a run then) or `training_too_few_classes` (all decided alike).
    """
    counts = label_counts(session, project_id)
    decided = sum(counts.values())
    if decided < MIN_DECIDED or len(counts) < MIN_LABELS:
        if trigger != "button":
            return None
        if decided < MIN_DECIDED:
            raise _too_few(session.get_one(Project, project_id), decided)
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
    session.execute(_project(project_id).values(trained_count=decided))
    add_effect(session, retrain_effect(run))
    return run


def _too_few(project: Project, decided: int) -> Conflict:
    have = {"needed": MIN_DECIDED, "have": decided}
    if project.retrain_threshold:
        return Conflict("training_too_few_labels", **have, enough=max(MIN_DECIDED, project.retrain_threshold))
    return Conflict("training_too_few_labels_clock" if project.retrain_cron else "training_too_few_labels_off", **have)


def labels_since(session: Session, project_id: int) -> tuple[int, int] | None:
    """The newest version's number, and how many more items are decided than its run began with; None before one."""
    newest = (
        select(ModelVersion.number, TrainingRun.label_count)
        .join(TrainingRun, TrainingRun.id == ModelVersion.training_run_id)
        .where(ModelVersion.project_id == project_id)
        .order_by(ModelVersion.number.desc())
    )
    row = session.execute(newest.limit(1)).one_or_none()
    if row is None:
        return None
    decided = sum(label_counts(session, project_id).values())
    return row.number, max(0, decided - row.label_count)


def note_learned(session: Session, project_id: int, decided: int) -> None:
    """A run has read its labels, and so many items were decided at that moment: what comes later is new."""
    session.execute(_project(project_id).values(trained_count=decided))


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
    """Make a run due once `retrain_threshold` more items are decided than at the last run, and `retrain_growth` more.

    The second is a share of what was decided then: what a hundred more labels teach a model of thousands is noise.
    Called by background jobs: it counts, so it has no place on the path of a tap.
    """
    decided = sum(label_counts(session, project_id).values())
    if unfinished_run(session, project_id) is not None:
        return None
    position = mark(session)
    savepoint = session.begin_nested()
    growth = learning.load(session.scalar(select(Project.learning).where(Project.id == project_id))).retrain_growth
    reached = _project(project_id).where(
        Project.retrain_threshold > 0,
        Project.trained_count + Project.retrain_threshold <= decided,
        Project.trained_count <= int(decided / (1.0 + growth) + ROUNDING),
    )
    # The row is claimed before the run is made: a second scheduler waits here, then sees the count moved on.
    run = None
    if changed_one(session, reached.values(trained_count=decided)):
        run = request_training(session, project_id, "threshold", now)
    if run is None:
        savepoint.rollback()
        drop_after(session, position)
        return None
    savepoint.commit()
    return run


def has_new_labels(session: Session, project_id: int) -> bool:
    """Whether more items are decided than at the last run."""
    trained = session.execute(select(Project.trained_count).where(Project.id == project_id)).scalar_one()
    return sum(label_counts(session, project_id).values()) > trained


def check_cron(text: str) -> str:
    """A cron string of five fields, in UTC, as given.

    Raises:
        InvalidInput: bad_cron, where it is none, too long, or asks for seconds.
    """
    if len(text) > MAX_CRON or len(text.split()) != CRON_FIELDS or not croniter.is_valid(text):
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
    if not changed_one(session, moved):
        return None
    if not has_new_labels(session, project.id):
        return None
    return request_training(session, project.id, "cron", now)


def _project(project_id: int) -> Update:
    return update(Project).where(Project.id == project_id)
