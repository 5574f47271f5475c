"""What a card shows of an assignment, read in the transaction that leased it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from core.assignment import Lease
from core.db.tables import table_of
from core.models import Batch, Item, Participation, Project

ITEM, BATCH, PARTICIPATION = table_of(Item), table_of(Batch), table_of(Participation)
CONTENT = select(ITEM.c.content).where(ITEM.c.id == bindparam("item_id"))
PUBLISHED = select(func.coalesce(func.sum(BATCH.c.item_count), 0)).where(
    BATCH.c.project_id == bindparam("project_id"), BATCH.c.state == "published"
)
ANSWERED = select(PARTICIPATION.c.annotation_count).where(
    PARTICIPATION.c.worker_id == bindparam("worker_id"), PARTICIPATION.c.project_id == bindparam("project_id")
)


@dataclass(frozen=True, slots=True)
class LeaseView:
    """An item to answer, with the question and the progress of worker and job."""

    lease: Lease
    question: str
    label_schema: dict[str, Any]
    content: list[dict[str, Any]]
    guidelines: str
    answered: int
    """By this worker in this project."""
    done: int
    """Items decided in the project, as last counted."""
    total: int
    """Published items."""


def view_lease(session: Session, project: Project, lease: Lease, worker_id: int) -> LeaseView:
    """Everything on a worker's card."""
    content = session.execute(CONTENT, {"item_id": lease.item_id}).scalar_one()
    return LeaseView(
        lease=lease,
        question=project.question,
        label_schema=project.label_schema,
        content=content,
        guidelines=project.guidelines,
        answered=answered_by(session, worker_id, project.id),
        done=project.agreed_count,
        total=published_items(session, project.id),
    )


def published_items(session: Session, project_id: int) -> int:
    """Items of a project's published batches, from the counts of the batches."""
    return session.scalar(PUBLISHED, {"project_id": project_id}) or 0


def answered_by(session: Session, worker_id: int, project_id: int) -> int:
    """How many answers of this worker stand in the project."""
    return session.scalar(ANSWERED, {"worker_id": worker_id, "project_id": project_id}) or 0
