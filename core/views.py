"""What a card shows of an assignment, read in the transaction that leased it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, func, select
from sqlalchemy.orm import Session

from core.assignment import Lease
from core.attention import local_day
from core.db.tables import table_of
from core.hints import Hint, hint_of
from core.models import Batch, Item, Participation, Project, Worker

ITEM, BATCH, PARTICIPATION = table_of(Item), table_of(Batch), table_of(Participation)
CONTENT = select(ITEM.c.content).where(ITEM.c.id == bindparam("item_id"))
PUBLISHED = select(func.coalesce(func.sum(BATCH.c.item_count), 0)).where(
    BATCH.c.project_id == bindparam("project_id"), BATCH.c.state == "published"
)
# Over all projects of the worker: the primary key begins with the worker, so it is one short range.
DAY = select(
    func.sum(case((PARTICIPATION.c.today == bindparam("day"), PARTICIPATION.c.today_count), else_=0)),
    func.max(case((PARTICIPATION.c.project_id == bindparam("project_id"), PARTICIPATION.c.guidelines_seen), else_=0)),
).where(PARTICIPATION.c.worker_id == bindparam("worker_id"))


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
    """Items decided in the project, as last counted."""
    total: int
    """Published items."""
    hint: Hint | None = None
    """What the model thinks, where the job shows that."""


def view_lease(session: Session, project: Project, lease: Lease, worker: Worker, now: datetime) -> LeaseView:
    """Everything on a worker's card."""
    content = session.execute(CONTENT, {"item_id": lease.item_id}).scalar_one()
    keys = {"worker_id": worker.id, "project_id": project.id, "day": local_day(worker.time_zone, now)}
    today, seen = session.execute(DAY, keys).one()
    return LeaseView(
        lease=lease,
        question=project.question,
        label_schema=project.label_schema,
        content=content,
        guidelines=project.guidelines,
        guidelines_changed=bool(seen) and seen != project.guidelines_version,
        today=today or 0,
        goal=worker.daily_goal,
        done=project.agreed_count,
        total=published_items(session, project.id),
        hint=hint_of(session, project, lease.assignment_id),
    )


def answered_today(session: Session, worker: Worker, now: datetime) -> int:
    """Answers of a worker on their present day, in all projects."""
    keys = {"worker_id": worker.id, "project_id": None, "day": local_day(worker.time_zone, now)}
    return int(session.execute(DAY, keys).one()[0] or 0)


def published_items(session: Session, project_id: int) -> int:
    """Items of a project's published batches, from the counts of the batches."""
    return session.scalar(PUBLISHED, {"project_id": project_id}) or 0
