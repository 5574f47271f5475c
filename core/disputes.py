"""What the crowd disputes, as an expert sees it: which item comes next, and what is known of it without names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from core.consensus import STANDS
from core.db.tables import table_of
from core.dispute_order import (
    ADJUDICATION,
    ANNOTATION,
    ASIDE,
    BATCH,
    ITEM,
    PROJECT,
    SECOND,
    VERDICTS,
    awaiting,
    next_in_line,
)
from core.errors import NotFound
from core.ids import is_public_id
from core.models import Adjudication, Assignment, Item, ModelVersion, Prediction, Project

REASONS = 5
SITTING = timedelta(hours=12)
"""Verdicts this recent count as progress: an expert thinks of the pile of today."""
ASSIGNMENT = table_of(Assignment)


@dataclass(frozen=True, slots=True)
class Dispute:
    """A disputed item: blind tallies and reasons, nothing of who said what."""

    item_public_id: str
    project_public_id: str
    question: str
    label_schema: dict[str, Any]
    content: list[dict[str, Any]]
    tallies: dict[str, int]
    """Label id to number of counted annotations, the most frequent first, else in the order of the project."""
    reasons: tuple[tuple[str, str], ...]
    """Label id and why somebody chose it, in their words."""
    skips: dict[str, int]
    """Reason of a skip to how often it was given."""
    position: int
    """1 for the first item of this sitting."""
    total: int
    """Items settled in this sitting, and those left in the workspace."""
    aside: bool
    """Whether this expert has put it aside before."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the model in use says about an item."""

    version: int | None
    """Nothing where no model is in use."""
    label_id: str | None = None
    """Nothing where it has not looked at this item."""
    confidence: float = 0.0


def next_dispute(
    session: Session,
    workspace_id: int,
    expert_id: int,
    now: datetime,
    *,
    staying_in: int | None = None,
    only_in: int | None = None,
) -> Dispute | None:
    """The disputed item that is worth most to settle now; arguments and order as of `core.dispute_order`."""
    public_id = next_in_line(session, workspace_id, expert_id, now, staying_in, only_in)
    return None if public_id is None else describe(session, workspace_id, expert_id, public_id, now)


def describe(session: Session, workspace_id: int, expert_id: int, item_public_id: str, now: datetime) -> Dispute:
    """One item of a workspace with all that helps to judge it.

    Raises:
        NotFound: there is none.
    """
    item, project = find_item(session, workspace_id, item_public_id)
    standing = session.execute(
        select(ANNOTATION.c.label_id, ANNOTATION.c.state, ANNOTATION.c.note)
        .where(ANNOTATION.c.item_id == item.id, STANDS)
        .order_by(ANNOTATION.c.public_id)  # random: the order of arrival could tell who it was
    ).all()
    votes = Counter(row.label_id for row in standing if row.state == "counted")
    in_order = {label["id"]: votes[label["id"]] for label in project.label_schema["labels"] if votes[label["id"]]}
    reasons = tuple((row.label_id, " ".join(row.note.split())) for row in standing if row.note.strip())
    settled, left = _progress(session, workspace_id, expert_id, now)
    return Dispute(
        item_public_id=item.public_id,
        project_public_id=project.public_id,
        question=project.question,
        label_schema=project.label_schema,
        content=item.content,
        tallies=dict(Counter(in_order).most_common()),
        reasons=reasons[:REASONS],
        skips=_skips(session, item.id),
        position=settled + 1,
        total=settled + left,
        aside=_is_aside(session, item.id, expert_id),
    )


def find_item(session: Session, workspace_id: int, public_id: str) -> tuple[Item, Project]:
    """An item of this workspace with its project, as the transaction has left them.

    Raises:
        NotFound: there is none.
    """
    row = None
    if is_public_id(public_id):
        statement = select(Item, Project).join(Project, Project.id == Item.project_id)
        row = session.execute(
            statement.where(Item.public_id == public_id, Project.workspace_id == workspace_id),
            execution_options={"populate_existing": True},  # consensus writes past the session
        ).one_or_none()
    if row is None:
        raise NotFound("item_unknown")
    return row[0], row[1]


def opinion(session: Session, item_id: int, project_id: int) -> Opinion:
    """What the project's champion says about an item; asked for on demand, so that it does not lead the hand."""
    row = session.execute(
        select(ModelVersion.number, Prediction.label_id, Prediction.confidence)
        .outerjoin(Prediction, (Prediction.model_version_id == ModelVersion.id) & (Prediction.item_id == item_id))
        .where(ModelVersion.project_id == project_id, ModelVersion.state == "champion")
        .order_by(ModelVersion.number.desc())
        .limit(1)
    ).one_or_none()
    return Opinion(None) if row is None else Opinion(row[0], row[1], row[2] or 0.0)


def unclear_count(session: Session, workspace_id: int) -> int:
    """How many disputed items wait for clearer guidelines: an expert said that the present ones do not cover them."""
    statement = (
        select(func.count(ADJUDICATION.c.item_id.distinct()))
        .join(ITEM, ITEM.c.id == ADJUDICATION.c.item_id)
        .join(PROJECT, PROJECT.c.id == ITEM.c.project_id)
        .where(PROJECT.c.workspace_id == workspace_id, ITEM.c.state == "disputed")
        .where(ADJUDICATION.c.reason == "unclear")
    )
    return session.scalar(statement) or 0


def disputed_count(session: Session, project_id: int) -> int:
    """How many items of a job wait for a verdict; nobody is asked them any more."""
    statement = (
        select(func.count())
        .select_from(ITEM)
        .join(BATCH, BATCH.c.id == ITEM.c.batch_id)
        .where(ITEM.c.project_id == project_id, ITEM.c.state == "disputed", BATCH.c.state == "published")
    )
    return session.scalar(statement) or 0


def _progress(session: Session, workspace_id: int, expert_id: int, now: datetime) -> tuple[int, int]:
    """Items this expert has settled in this sitting, and those left for them."""
    settled = (
        select(func.count(ADJUDICATION.c.item_id.distinct()))
        .join(PROJECT, PROJECT.c.id == ADJUDICATION.c.project_id)
        .where(PROJECT.c.workspace_id == workspace_id, ADJUDICATION.c.worker_id == expert_id)
        .where(ADJUDICATION.c.created_at > now - SITTING, ADJUDICATION.c.reason.in_((*VERDICTS, SECOND)))
    )
    left = (
        select(func.count())
        .select_from(ITEM)
        .join(PROJECT, PROJECT.c.id == ITEM.c.project_id)
        .join(BATCH, BATCH.c.id == ITEM.c.batch_id)
        .where(PROJECT.c.workspace_id == workspace_id, BATCH.c.state == "published", awaiting(expert_id, now))
    )
    return session.scalar(settled) or 0, session.scalar(left) or 0


def _skips(session: Session, item_id: int) -> dict[str, int]:
    statement = (
        select(ASSIGNMENT.c.skip_reason, func.count())
        .where(ASSIGNMENT.c.item_id == item_id, ASSIGNMENT.c.state == "skipped", ASSIGNMENT.c.skip_reason != "")
        .group_by(ASSIGNMENT.c.skip_reason)
        .order_by(func.count().desc(), ASSIGNMENT.c.skip_reason)
    )
    return {reason: count for reason, count in session.execute(statement)}


def _is_aside(session: Session, item_id: int, expert_id: int) -> bool:
    own = exists().where(
        ADJUDICATION.c.item_id == item_id, ADJUDICATION.c.worker_id == expert_id, ADJUDICATION.c.reason.in_(ASIDE)
    )
    return bool(session.scalar(select(own)))


def verdict_row(item: Item, expert_id: int, label_id: str, reason: str, now: datetime) -> Adjudication:
    """What an expert did with an item, to be written."""
    return Adjudication(
        project_id=item.project_id,
        item_id=item.id,
        worker_id=expert_id,
        label_id=label_id,
        reason=reason,
        created_at=now,
    )
