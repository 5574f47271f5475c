"""Experts audit annotations: accept, or reject with a reason, which takes the answer back out of everything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import labels
from core.attention import local_day
from core.audit_evidence import belief_after, learn
from core.audit_survey import ACT, level_of, subject_of
from core.consensus import withdraw
from core.dispute_order import AUDITED
from core.enrolment import record_act
from core.errors import Conflict, InvalidInput, NotFound, Refused
from core.ids import is_public_id
from core.items import ItemState, lock_item
from core.labeling import count_answer
from core.models import Adjudication, Annotation, Project, Worker
from core.skills import crowd_model

REASONS = ("wrong", "guidelines", "careless")
"""Reasons by button; anything else is the auditor's own words."""
MAX_REASON = 300
UNDO_WITHIN = timedelta(minutes=10)
"""For so long an expert may take an acceptance back."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What came of an audit."""

    project: Project
    item_state: str


def accept(session: Session, workspace_id: int, auditor_id: int, annotation_public_id: str, now: datetime) -> Audited:
    """Let an annotation stand for good: its worker cannot undo it any more, and was right for sure.

    Raises:
        NotFound: no such annotation in this workspace.
        Refused: it is the auditor's own.
        Conflict: it was audited before, or taken back.
    """
    annotation, project, item = _lock(session, workspace_id, auditor_id, annotation_public_id)
    risk = level_of(session, workspace_id, annotation)
    _stamp(annotation, "accepted", "", auditor_id, now)
    _teach(session, project, item, annotation, str(annotation.label_id), now)
    record_act(session, workspace_id, auditor_id, ACT, subject_of("accepted", annotation, risk), now)
    return Audited(project, item.state)


def take_back(session: Session, workspace_id: int, auditor_id: int, annotation_public_id: str, now: datetime) -> None:
    """Undo an acceptance by the expert who has just given it: as if the annotation had not been audited.

    Raises:
        NotFound: as `accept`.
        Conflict: audit_too_late, where it was accepted by somebody else or longer ago than `UNDO_WITHIN`, or is gone.
    """
    annotation, project = find_annotation(session, workspace_id, annotation_public_id)
    item = lock_item(session, annotation.item_id)
    session.refresh(annotation)
    accepted = annotation.state == "counted" and annotation.audit_state == "accepted"
    fresh = annotation.audited_at is not None and annotation.audited_at >= now - UNDO_WITHIN
    if not (accepted and fresh and annotation.audited_by_id == auditor_id):
        raise Conflict("audit_too_late")
    _stamp(annotation, "unaudited", "", None, None)
    _teach(session, project, item, annotation, str(annotation.label_id), now, weight=-1.0)
    record_act(session, workspace_id, auditor_id, "unaudit", annotation.public_id, now)


def reject(
    session: Session,
    workspace_id: int,
    auditor_id: int,
    annotation_public_id: str,
    reason: str,
    now: datetime,
    right_label_id: str = "",
) -> Audited:
    """Reject an annotation for good. Its item asks somebody else where it no longer stands without it.

    Its worker was wrong for sure; what they were taken for learns from that.

    Args:
        reason: one of `REASONS`, or the auditor's own words.
        right_label_id: the label that it should have been; empty where the auditor does not say.

    Raises:
        InvalidInput: no reason, one longer than `MAX_REASON` characters, or no such label.
        NotFound, Refused, Conflict: as `accept`; audit_same_label, where the right label is the one that was given.
    """
    reason = reason.strip()
    if not reason:
        raise InvalidInput("audit_reason_missing")
    if len(reason) > MAX_REASON:
        raise InvalidInput("audit_reason_long", length=len(reason), limit=MAX_REASON)
    annotation, project, item = _lock(session, workspace_id, auditor_id, annotation_public_id)
    if right_label_id:
        _keep_right_label(session, project, annotation, right_label_id, auditor_id, now)
    risk = level_of(session, workspace_id, annotation)
    state = reject_annotation(session, project, item, annotation, reason, now, auditor_id)
    _teach(session, project, item, annotation, right_label_id, now)
    record_act(session, workspace_id, auditor_id, ACT, subject_of("rejected", annotation, risk), now)
    return Audited(project, state)


def reject_annotation(
    session: Session,
    project: Project,
    item: ItemState,
    annotation: Annotation,
    reason: str,
    now: datetime,
    auditor_id: int | None = None,
) -> str:
    """Take a counted annotation out of its item, its worker's count and skill; returns the item's new state.

    The worker's assignment stays submitted, so that the item never comes back to them.

    Args:
        item: its state, read under its lock.
    """
    annotation.state = "rejected"
    _stamp(annotation, "rejected", reason, auditor_id, now)
    session.flush()
    day = local_day(session.get_one(Worker, annotation.worker_id).time_zone, now)
    count = count_answer(session, annotation.worker_id, project.id, day, step=-1, day_step=0)
    answer = labels.index_of(labels.load(project.label_schema), str(annotation.label_id))
    return withdraw(session, project, item, annotation.worker_id, answer, count, now, submitted=item.submitted - 1)


def find_annotation(session: Session, workspace_id: int, public_id: str) -> tuple[Annotation, Project]:
    """An annotation of this workspace with its project.

    Raises:
        NotFound: there is none.
    """
    row = None
    if is_public_id(public_id):
        statement = select(Annotation, Project).join(Project, Project.id == Annotation.project_id)
        row = session.execute(
            statement.where(Annotation.public_id == public_id, Project.workspace_id == workspace_id)
        ).one_or_none()
    if row is None:
        raise NotFound("audit_unknown")
    return row[0], row[1]


def check_open(annotation: Annotation, auditor_id: int) -> None:
    """Refuse what this expert cannot audit (any more).

    Raises:
        Refused, Conflict: as `accept`.
    """
    if annotation.worker_id == auditor_id:
        raise Refused("audit_own")
    if annotation.audit_state == "accepted":
        raise Conflict("audit_accepted_before")
    if annotation.audit_state == "rejected":
        raise Conflict("audit_rejected_before")
    if annotation.state != "counted":
        raise Conflict("audit_gone")


def _lock(
    session: Session, workspace_id: int, auditor_id: int, annotation_public_id: str
) -> tuple[Annotation, Project, ItemState]:
    """Hold the item of an annotation that may be audited, and read the annotation as it is by then."""
    annotation, project = find_annotation(session, workspace_id, annotation_public_id)
    item = lock_item(session, annotation.item_id)
    session.refresh(annotation)
    check_open(annotation, auditor_id)
    return annotation, project, item


def _keep_right_label(
    session: Session, project: Project, annotation: Annotation, label_id: str, auditor_id: int, now: datetime
) -> None:
    """Write down what an auditor says that the label is.

    Raises:
        InvalidInput: no such label.
        Conflict: it is the one that was given, so that there is nothing to reject.
    """
    labels.parse(labels.load(project.label_schema), label_id)
    if label_id == annotation.label_id:
        raise Conflict("audit_same_label")
    session.add(
        Adjudication(
            project_id=project.id,
            item_id=annotation.item_id,
            worker_id=auditor_id,
            label_id=label_id,
            reason=AUDITED,
            created_at=now,
        )
    )


def _teach(
    session: Session,
    project: Project,
    item: ItemState,
    annotation: Annotation,
    right_label_id: str,
    now: datetime,
    weight: float = 1.0,
) -> None:
    """Let the worker's skill learn what the audit says of their answer; an unknown right label is any other one.

    Args:
        weight: -1 takes back what it has learnt.
    """
    schema = labels.load(project.label_schema)
    answer = labels.index_of(schema, str(annotation.label_id))
    right = labels.index_of(schema, right_label_id) if right_label_id else None
    belief = belief_after(crowd_model(project), item.posterior, answer, right)
    learn(session, project, annotation.worker_id, answer, belief, now, weight)


def _stamp(annotation: Annotation, audit_state: str, reason: str, auditor_id: int | None, now: datetime | None) -> None:
    annotation.audit_state, annotation.audit_reason = audit_state, reason
    annotation.audited_by_id, annotation.audited_at = auditor_id, now
