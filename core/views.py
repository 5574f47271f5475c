"""What a card shows of an assignment, read in the transaction that leased it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from core.attention import local_day
from core.db.prepared import Prepared
from core.db.tables import table_of
from core.hints import Hint, hint_of
from core.leases import Lease
from core.models import Batch, Item, Participation, Project, Worker

ITEM, BATCH, PARTICIPATION = table_of(Item), table_of(Batch), table_of(Participation)
_PUBLISHED = select(func.coalesce(func.sum(BATCH.c.item_count), 0)).where(
    BATCH.c.project_id == bindparam("project_id"), BATCH.c.state == "published"
)
_MINE = PARTICIPATION.c.worker_id == bindparam("worker_id")
# Over all projects of the worker: the primary key begins with the worker, so it is one short range.
_TODAY = select(func.sum(PARTICIPATION.c.today_count)).where(_MINE, PARTICIPATION.c.today == bindparam("day"))
_SEEN = select(PARTICIPATION.c.guidelines_seen).where(_MINE, PARTICIPATION.c.project_id == bindparam("project_id"))
# Statements of the hot path are built once; all that a card shows comes in one of them.
SHOWN = Prepared(
    select(ITEM.c.content, *(one.scalar_subquery() for one in (_TODAY, _SEEN, _PUBLISHED))).where(
        ITEM.c.id == bindparam("item_id")
    )
)
PUBLISHED, TODAY = Prepared(_PUBLISHED), Prepared(_TODAY)


@dataclass(frozen=True, slots=True)
class LeaseView:
    """An item to answer, with the question and the progress of worker and job."""

    lease: Lease
    question: str
    label_schema: dict[str, Any]
    content: list[dict[str, Any]]
    guidelines: str
    guidelines_changed: bool
    """There is another version than the one that this worker was last shown, and they were shown one."""
    today: int
    """Answers of this worker on their present day, in all projects."""
    goal: int
    """Answers that they have set themselves for a day; 0: none."""
    done: int
    """Items that ask nobody for answers any more, as last counted; at the end of the job it is `total`."""
    total: int
    """Published items that are to be labeled."""
    hint: Hint | None = None
    """What the model thinks, where the job shows that."""


def view_lease(session: Session, project: Project, lease: Lease, worker: Worker, now: datetime) -> LeaseView:
    """Everything on a worker's card."""
    keys = {"worker_id": worker.id, "project_id": project.id, "day": local_day(worker.time_zone, now)}
    [(content, today, seen, total)] = SHOWN.rows(session, {"item_id": lease.item_id, **keys})
    return LeaseView(
        lease=lease,
        question=project.question,
        label_schema=project.label_schema,
        content=content,
        guidelines=project.guidelines,
        guidelines_changed=bool(seen) and seen != project.guidelines_version,
        today=today or 0,
        goal=worker.daily_goal,
        done=project.done_count,
        total=total,
        hint=hint_of(session, project, lease.assignment_id),
    )


def answered_today(session: Session, worker: Worker, now: datetime) -> int:
    """Answers of a worker on their present day, in all projects."""
    row = TODAY.row(session, {"worker_id": worker.id, "day": local_day(worker.time_zone, now)})
    return int(row[0] or 0) if row else 0


def published_items(session: Session, project_id: int) -> int:
    """Items of a project's published batches, from the counts of the batches."""
    row = PUBLISHED.row(session, {"project_id": project_id})
    return int(row[0]) if row else 0
