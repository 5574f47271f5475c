"""Which annotation an expert audits next: at random by ids, the risky ones first, never their own."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from core.aggregation.interval import wilson_interval
from core.auditing import find_annotation
from core.db.tables import table_of
from core.models import Annotation, Item, Project, Skill

WINDOW = 200
"""Annotations that are looked at for one draw."""
RISKY_SHARE = 0.7
LOW_SKILL = 0.6
"""Answers of a worker whose estimated accuracy is below this count as risky."""
DECIDED = ("agreed", "adjudicated", "accepted")
BY_EXPERTS = ("accepted", "rejected")

ANNOTATION, ITEM, PROJECT, SKILL = table_of(Annotation), table_of(Item), table_of(Project), table_of(Skill)


@dataclass(frozen=True, slots=True)
class AuditCase:
    """An annotation to audit, without the name of who gave it."""

    annotation_public_id: str
    question: str
    label_schema: dict[str, Any]
    content: list[dict[str, Any]]
    label_id: str
    note: str
    """Why the worker answered so; empty where they did not say."""


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """What audits have found so far."""

    audited: int
    accepted: int

    @property
    def error_rate(self) -> float:
        """Share of rejected annotations among the audited."""
        return 1 - self.accepted / self.audited if self.audited else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the error rate (Wilson)."""
        return wilson_interval(self.audited - self.accepted, self.audited)


def next_case(
    session: Session,
    workspace_id: int,
    auditor_id: int,
    audited: int,
    *,
    project_id: int | None = None,
    after: str = "",
) -> AuditCase | None:
    """The annotation to audit next, in one job or in all of a workspace; nothing where none is left.

    Public ids are random, so their order is one at random, and a draw is a look at `WINDOW` of them from some point on.
    The point follows from ids alone: the same draw comes again until something was audited. In `RISKY_SHARE` of the
    draws the first risky one in the window is taken (it disagrees with the decided label, or its worker's estimated
    accuracy is below `LOW_SKILL`), in the others simply the first: mistakes are found soon, and yet everything has
    its chance. Because of the risky ones, the error rate of a sample overstates that of the job.

    Args:
        audited: how many were audited so far, of `summary`.
        after: public id of an annotation that is passed over for now.
    """
    seed = hashlib.sha256(f"{auditor_id}-{project_id or 0}-{audited}-{after}".encode()).digest()
    start = after or base64.b32encode(seed[:10]).decode().lower()
    window = list(_window(session, workspace_id, auditor_id, project_id, start))
    if after:
        window = [row for row in window if row.public_id != after] or window
    if not window:
        return None
    drawn = next((row for row in window if row.risky), window[0]) if seed[10] < RISKY_SHARE * 256 else window[0]
    return describe(session, *find_annotation(session, workspace_id, drawn.public_id))


def describe(session: Session, annotation: Annotation, project: Project) -> AuditCase:
    """What an auditor sees of an annotation of `project`."""
    return AuditCase(
        annotation_public_id=annotation.public_id,
        question=project.question,
        label_schema=project.label_schema,
        content=session.get_one(Item, annotation.item_id).content,
        label_id=annotation.label_id or "",
        note=annotation.note,
    )


def summary(session: Session, workspace_id: int, project_id: int | None = None) -> AuditSummary:
    """What audits by experts have found in one job or in all of a workspace; what a ban rejected is not among it."""
    statement = (
        select(ANNOTATION.c.audit_state, func.count())
        .join(PROJECT, PROJECT.c.id == ANNOTATION.c.project_id)
        .where(PROJECT.c.workspace_id == workspace_id, ANNOTATION.c.audit_state.in_(BY_EXPERTS))
        .where(ANNOTATION.c.audit_reason != "ban")
        .group_by(ANNOTATION.c.audit_state)
    )
    if project_id is not None:
        statement = statement.where(PROJECT.c.id == project_id)
    counts: dict[str, int] = {state: count for state, count in session.execute(statement)}
    return AuditSummary(sum(counts.values()), counts.get("accepted", 0))


def _window(
    session: Session, workspace_id: int, auditor_id: int, project_id: int | None, start: str
) -> Iterator[Row[Any]]:
    """Up to `WINDOW` candidates in the order of public ids from `start` on, wrapping once."""
    candidates = _candidates(workspace_id, auditor_id, project_id)
    from_here: Sequence[Row[Any]] = session.execute(
        candidates.where(ANNOTATION.c.public_id >= start).limit(WINDOW)
    ).all()
    yield from from_here
    if len(from_here) < WINDOW:
        before = candidates.where(ANNOTATION.c.public_id < start).limit(WINDOW - len(from_here))
        yield from session.execute(before)


def _candidates(workspace_id: int, auditor_id: int, project_id: int | None) -> Select[Any]:
    skill = and_(SKILL.c.worker_id == ANNOTATION.c.worker_id, SKILL.c.project_id == ANNOTATION.c.project_id)
    disagrees = and_(ITEM.c.state.in_(DECIDED), ITEM.c.label_id != ANNOTATION.c.label_id)
    risky = or_(disagrees, func.coalesce(SKILL.c.accuracy, 1.0) < LOW_SKILL)
    statement = (
        select(ANNOTATION.c.public_id, risky.label("risky"))
        .join(ITEM, ITEM.c.id == ANNOTATION.c.item_id)
        .join(PROJECT, PROJECT.c.id == ITEM.c.project_id)
        .outerjoin(SKILL, skill)
        .where(PROJECT.c.workspace_id == workspace_id, ANNOTATION.c.worker_id != auditor_id)
        .where(ANNOTATION.c.state == "counted", ANNOTATION.c.audit_state == "unaudited")
        .order_by(ANNOTATION.c.public_id)
    )
    return statement if project_id is None else statement.where(PROJECT.c.id == project_id)
