"""Which training runs are under way, and how far they are: whatever else the trainer has to do waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.models import Project, TrainingRun
from core.training_runs import DONE, STALE, in_turn

MOST_DONE = 0.99
"""After its last step a model is measured and saved."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A run that a trainer carries out now.

    done: share of its steps, from 0 to 1; None where nothing is known yet.
    """

    project_id: int
    workspace_id: int
    name: str
    done: float | None


def note_done(session: Session, run_id: int, attempt: int, done: float) -> None:
    """Say how far an attempt at a run is; one whose run was claimed again since says nothing.

    Args:
        done: share of its steps, from 0 to 1.
    """
    run = session.get_one(TrainingRun, run_id, with_for_update=True, populate_existing=True)
    if run.state == "running" and run.attempts == attempt:
        run.snapshot = {**run.snapshot, DONE: round(min(done, MOST_DONE), 2)}
        session.flush()


def under_way(session: Session, now: datetime) -> list[UnderWay]:
    """All runs of which something was heard lately, the oldest first; mostly one, for there is mostly one trainer."""
    statement = (
        select(Project.id, Project.workspace_id, Project.name, TrainingRun.snapshot)
        .join(Project, Project.id == TrainingRun.project_id)
        .where(TrainingRun.state == "running", TrainingRun.heartbeat_at >= now - STALE)
        .order_by(TrainingRun.id)
    )
    return [
        UnderWay(project_id, workspace_id, name, snapshot.get(DONE))
        for project_id, workspace_id, name, snapshot in session.execute(statement)
    ]


def due(session: Session) -> list[str]:
    """The names of the projects whose runs are due, in the order in which a trainer will take them."""
    named = in_turn().join(Project, Project.id == TrainingRun.project_id).with_only_columns(Project.name)
    return list(session.scalars(named))


def in_front(session: Session, project_id: int, now: datetime) -> UnderWay | None:
    """The run that keeps the trainer busy: the project's own where there is one, else another's."""
    found = under_way(session, now)
    own = (one for one in found if one.project_id == project_id)
    return next(own, found[0] if found else None)
