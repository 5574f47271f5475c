"""Which annotation an expert audits next: at random, the riskier the likelier, never their own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import log
from typing import Any

from sqlalchemy.orm import Session

from core.audit_rate import ENOUGH, Estimate, chance
from core.audit_survey import Candidate, Survey, survey
from core.auditing import find_annotation
from core.champions import champion
from core.models import Annotation, Item, Project

LEAST_BASE = 0.001
"""Stands in for a share of 0: who asks for audits gets them, the risky ones first."""


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
    explainable: bool = False
    """Whether a model is in use that can say what it sees in the item."""


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """What audits have found so far. owed: audits that are due now.

    estimate: for all answers; None while fewer than `core.audit_rate.ENOUGH` were audited. `accepted` of `audited` say
    nothing of all answers, because risky ones are drawn more often; `estimate` does.
    """

    audited: int
    accepted: int
    owed: int = 0
    estimate: Estimate | None = None


def draw(
    session: Session, workspace_id: int, auditor_id: int, *, project_id: int | None = None, after: str = ""
) -> tuple[AuditSummary, AuditCase | None]:
    """The annotation to audit next, in one job or in all of a workspace, with what was found so far.

    A weighted sample without replacement (Efraimidis & Spirakis 2006): each annotation has a random number of its own,
    u, and they come in the order of -log(u) / chance, so that one of twice the `core.audit_rate.chance` is twice as
    likely to come first. u follows from ids alone: the same draw comes again until something was audited.

    Args:
        after: public id of an annotation that is passed over for now.

    Returns:
        the summary, and nothing for the annotation where none is left.
    """
    found = survey(session, workspace_id, project_id=project_id, auditor_id=auditor_id)
    order = sorted(found.candidates, key=lambda one: _turn(found, one, auditor_id))
    turn = next((place + 1 for place, one in enumerate(order) if one.public_id == after), 0)
    if not order:
        return summary_of(found), None
    drawn = order[turn % len(order)]
    return summary_of(found), describe(session, *find_annotation(session, workspace_id, drawn.public_id))


def summary(session: Session, workspace_id: int, project_id: int | None = None, auditor_id: int = 0) -> AuditSummary:
    """What audits by experts have found in one job or in all of a workspace; what a ban rejected is not among it.

    Args:
        auditor_id: for whom it is told what is due: their own annotations are not.
    """
    return summary_of(survey(session, workspace_id, project_id=project_id, auditor_id=auditor_id))


def summary_of(found: Survey) -> AuditSummary:
    """A survey in four numbers."""
    audited = len(found.audits)
    accepted = sum(not one.rejected for one in found.audits)
    said = found.estimate if audited >= ENOUGH else None
    return AuditSummary(audited, accepted, min(found.owed, len(found.candidates)), said)


def describe(session: Session, annotation: Annotation, project: Project) -> AuditCase:
    """What an auditor sees of an annotation of `project`."""
    return AuditCase(
        annotation_public_id=annotation.public_id,
        question=project.question,
        label_schema=project.label_schema,
        content=session.get_one(Item, annotation.item_id).content,
        label_id=annotation.label_id or "",
        note=annotation.note,
        explainable=champion(session, project.id) is not None,
    )


def _turn(found: Survey, candidate: Candidate, auditor_id: int) -> float:
    """The smaller, the sooner it is drawn. Each expert has an order of their own, so that two seldom meet."""
    digest = hashlib.sha256(f"{auditor_id}-{candidate.public_id}".encode()).digest()
    number = (int.from_bytes(digest[:8]) + 1) / 2**64
    base = found.bases.get(candidate.project_id, 0.0) or LEAST_BASE
    return -log(number) / chance(base, candidate.level)
