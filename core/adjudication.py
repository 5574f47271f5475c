"""Experts settle what the crowd disputes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import labels
from core.consensus import settle
from core.enrolment import record_act
from core.errors import Conflict, NotFound
from core.ids import is_public_id
from core.items import lock_item
from core.models import Adjudication, Annotation, Batch, Item, Project


@dataclass(frozen=True, slots=True)
class Dispute:
    """A disputed item as an expert sees it: blind tallies, no names."""

    item: Item
    project: Project
    tallies: dict[str, int]
    """Label id to number of counted annotations, the most frequent first."""
    remaining: int
    """Disputed items left in the project, this one included."""


def next_dispute(session: Session, project: Project, after_item_id: int = 0) -> Dispute | None:
    """The next disputed item of a project after `after_item_id`, wrapping to the start once."""
    disputed = (
        select(Item)
        .join(Batch, Batch.id == Item.batch_id)
        .where(Item.project_id == project.id, Item.state == "disputed", Batch.state == "published")
        .order_by(Item.id)
        .limit(1)
    )
    item = session.scalars(disputed.where(Item.id > after_item_id)).first() or session.scalars(disputed).first()
    return None if item is None else describe(session, project, item)


def describe(session: Session, project: Project, item: Item) -> Dispute:
    """One item with its tallies."""
    votes = session.scalars(
        select(Annotation.label_id).where(Annotation.item_id == item.id, Annotation.state == "counted")
    )
    tallies = {label: count for label, count in Counter(votes).most_common() if label is not None}
    return Dispute(item, project, tallies, dispute_count(session, project.id))


def dispute_count(session: Session, project_id: int) -> int:
    """How many items of a project are disputed."""
    statement = select(func.count()).select_from(Item).where(Item.project_id == project_id, Item.state == "disputed")
    return session.scalar(statement) or 0


def find_item(session: Session, workspace_id: int, public_id: str) -> tuple[Item, Project]:
    """An item of this workspace with its project.

    Raises:
        NotFound: there is none.
    """
    row = None
    if is_public_id(public_id):
        statement = select(Item, Project).join(Project, Project.id == Item.project_id)
        row = session.execute(
            statement.where(Item.public_id == public_id, Project.workspace_id == workspace_id)
        ).one_or_none()
    if row is None:
        raise NotFound("item_unknown")
    return row[0], row[1]


def adjudicate(
    session: Session, *, workspace_id: int, worker_id: int, item_public_id: str, label_id: str, now: datetime
) -> tuple[Item, Project]:
    """Settle a disputed item.

    Raises:
        NotFound: no such item in this workspace.
        InvalidInput: the label is not among the project's.
        Conflict: it is not disputed any more.
    """
    item, project = find_item(session, workspace_id, item_public_id)
    labels.parse(labels.load(project.label_schema), label_id)
    state = lock_item(session, item.id)
    if state.state != "disputed":
        raise Conflict("already_settled" if state.state == "adjudicated" else "not_disputed")
    session.add(
        Adjudication(project_id=project.id, item_id=item.id, worker_id=worker_id, label_id=label_id, created_at=now)
    )
    settle(session, state, label_id, now)
    record_act(session, workspace_id, worker_id, "settle", item.public_id, now)
    return item, project
