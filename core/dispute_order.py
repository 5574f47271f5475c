"""Which item an expert judges next: what is disputed, by worth, and a few verdicts of others for a blind second one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from core.aggregation.verdict_value import verdict_value
from core.db.tables import table_of
from core.models import Adjudication, Annotation, Batch, Item, Project

CANDIDATES = 200
UNDECIDED = ""
"""The label id of an adjudication that is no verdict; its `reason` says what it is."""
ASIDE = ("later", "unclear")
"""Reasons with which an expert leaves an item disputed and puts it behind all others, for themselves alone."""
VERDICTS = (UNDECIDED, "unanswerable")
"""Reasons of what settles a dispute: a label needs none."""
SECOND, FINAL, AUDITED, CLARIFIED = "second", "final", "audit", "clarified"
"""Further reasons: a blind second look at a verdict; the last word where two differ; the right label of an answer that
an audit rejected; and what "unclear" becomes once the guidelines say more."""
CONFIRMED, CORRECTED = "confirmed", "corrected"
"""Reasons of what other people found who were asked a doubtful label again; the worker is who had them asked."""
SECOND_BELOW = "3n"
"""Second looks go to items whose public id ends in two characters that sort before these: 51 of 1024."""
SECOND_WITHIN = timedelta(days=14)
"""Older verdicts are not looked at again."""

ITEM, PROJECT, BATCH = table_of(Item), table_of(Project), table_of(Batch)
ADJUDICATION, ANNOTATION = table_of(Adjudication), table_of(Annotation)
LOOK = ADJUDICATION.alias("look")


def next_in_line(
    session: Session, workspace_id: int, expert_id: int, now: datetime, staying_in: int | None, only_in: int | None
) -> str | None:
    """The public id of the item that is worth most to judge now, over all jobs of a workspace; None where none is.

    First what this expert has not put aside, in the job they are at, then by `verdict_value`. What they put aside comes
    back after all others, the oldest first. Items that they have answered themselves come last of all: somebody else
    should judge those. At most `CANDIDATES` items, by all but their value, are compared. A few items that another
    expert has settled are among them, for a blind second look (`core.second_looks`).

    Args:
        staying_in: id of the job whose guidelines the expert has in mind.
        only_in: id of the only job that is looked at.
    """
    statement = _queue(workspace_id, expert_id, staying_in or 0, now)
    if only_in is not None:
        statement = statement.where(PROJECT.c.id == only_in)
    rows = session.execute(statement).all()
    return min(rows, key=lambda row: _worth(row, now)).public_id if rows else None


def _queue(workspace_id: int, expert_id: int, staying_in: int, now: datetime) -> Select[Any]:
    """Up to `CANDIDATES` items with all that `_worth` compares."""
    mine = select(ANNOTATION.c.item_id).where(ANNOTATION.c.worker_id == expert_id, ANNOTATION.c.state == "counted")
    own, elsewhere = ITEM.c.id.in_(mine), PROJECT.c.id != staying_in
    aside = (
        select(func.max(ADJUDICATION.c.created_at))
        .where(ADJUDICATION.c.item_id == ITEM.c.id, ADJUDICATION.c.worker_id == expert_id)
        .where(ADJUDICATION.c.reason.in_(ASIDE))
        .scalar_subquery()
    )
    keys = (own.label("own"), aside.label("aside"), elsewhere.label("elsewhere"), PROJECT.c.priority)
    return (
        select(ITEM.c.public_id, ITEM.c.posterior, ITEM.c.submitted, PROJECT.c.deadline, *keys)
        .join(PROJECT, PROJECT.c.id == ITEM.c.project_id)
        .join(BATCH, BATCH.c.id == ITEM.c.batch_id)
        .where(PROJECT.c.workspace_id == workspace_id, BATCH.c.state == "published", awaiting(expert_id, now))
        .order_by(own, aside.is_not(None), aside, elsewhere, PROJECT.c.priority.desc(), ITEM.c.id)
        .limit(CANDIDATES)
    )


def awaiting(expert_id: int, now: datetime) -> ColumnElement[bool]:
    """The condition that an item waits for this expert: it is disputed, or due for their second look."""
    touched = exists().where(LOOK.c.item_id == ITEM.c.id, LOOK.c.reason == SECOND)
    mine = exists().where(LOOK.c.item_id == ITEM.c.id, LOOK.c.worker_id == expert_id, LOOK.c.reason.in_(VERDICTS))
    answered = exists().where(
        ANNOTATION.c.item_id == ITEM.c.id, ANNOTATION.c.worker_id == expert_id, ANNOTATION.c.state == "counted"
    )
    recent = exists().where(
        LOOK.c.item_id == ITEM.c.id, LOOK.c.reason == UNDECIDED, LOOK.c.created_at > now - SECOND_WITHIN
    )
    chosen = func.substr(ITEM.c.public_id, 15, 2) < SECOND_BELOW
    second = and_(
        ITEM.c.state == "adjudicated", chosen, PROJECT.c.state != "closed", ~touched, ~mine, ~answered, recent
    )
    return or_(ITEM.c.state == "disputed", second)


def awaits(session: Session, item_id: int, expert_id: int, now: datetime) -> bool:
    """Whether an item waits for this expert's verdict, as a dispute or for a blind second look."""
    statement = select(ITEM.c.id).join(PROJECT, PROJECT.c.id == ITEM.c.project_id)
    found = session.execute(statement.where(ITEM.c.id == item_id, awaiting(expert_id, now)))
    return found.first() is not None


def _worth(row: Row[Any], now: datetime) -> tuple[Any, ...]:
    """The smallest is worth most; `min` keeps the order of ids among equals."""
    aside = row.aside.timestamp() if row.aside is not None else 0.0
    hours = None if row.deadline is None else (row.deadline - now).total_seconds() / 3600
    value = verdict_value(row.posterior or [], row.submitted, row.priority, hours)
    return row.own, aside, row.elsewhere, -value
