"""What there is to audit and what was audited, by risk: read from the rows, a bounded look at a time.

The risk level that an answer had when it was drawn stands in the log entry of its audit, which is never changed: what
came of the audit changes the worker's skill and the item's posterior, and with them what a later look would say.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.orm import Session

from core import quality
from core.audit_rate import Estimate, Risk, Tally, estimate, level, owed
from core.db.tables import table_of
from core.models import Annotation, Item, LogEntry, Project, Skill

WINDOW = 1000
"""Annotations that are looked at at a time; of more, these are taken for all."""
DECIDED = ("agreed", "adjudicated", "accepted")
ACT = "audit"
BY_EXPERTS = ("accepted", "rejected")
LEVEL_MARK = "risk:"

ANNOTATION, ITEM, PROJECT = table_of(Annotation), table_of(Item), table_of(Project)
SKILL, LOG = table_of(Skill), table_of(LogEntry)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An annotation that could be audited."""

    public_id: str
    project_id: int
    level: int
    weight: float = 1.0
    """Annotations that it stands for: more than itself where not all were looked at."""


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit by an expert. level: the risk when it was drawn, None where that was not kept yet."""

    project_id: int
    worker_id: int
    rejected: bool
    level: int | None


@dataclass(frozen=True, slots=True)
class Survey:
    """A look at one job, or at all jobs of a workspace. bases: share asked for by job; closed jobs ask for none."""

    candidates: Sequence[Candidate]
    audits: Sequence[Audit]
    bases: Mapping[int, float] = field(default_factory=dict)

    def tallies(self, project_id: int) -> dict[int, Tally]:
        """Audits of a job by risk level; those of an unknown level are left out."""
        given = Counter(one.level for one in self.audits if one.project_id == project_id)
        wrong = Counter(one.level for one in self.audits if one.project_id == project_id and one.rejected)
        return {risk: Tally(count, wrong[risk]) for risk, count in given.items() if risk is not None}

    def unaudited(self, project_id: int) -> dict[int, float]:
        """How many annotations of a job were not audited, by present risk level."""
        sizes: dict[int, float] = {}
        for one in self.candidates:
            if one.project_id == project_id:
                sizes[one.level] = sizes.get(one.level, 0.0) + one.weight
        return sizes

    @property
    def owed(self) -> int:
        """Audits that are due now, in all jobs that are not closed."""
        jobs = self.bases.items()
        return sum(owed(base, self.tallies(job), self.unaudited(job)) for job, base in jobs)

    @property
    def estimate(self) -> Estimate | None:
        """The share of wrong answers in everything that was looked at; None without an audit."""
        jobs = {one.project_id for one in self.candidates} | {one.project_id for one in self.audits}
        audits: dict[int, Tally] = {}
        sizes: dict[int, float] = {}
        for position, job in enumerate(sorted(jobs)):  # a level of one job is another stratum than that of another
            audits |= {100 * position + risk: tally for risk, tally in self.tallies(job).items()}
            sizes |= {100 * position + risk: count for risk, count in self.unaudited(job).items()}
        return estimate(audits, sizes)


def survey(session: Session, workspace_id: int, *, project_id: int | None = None, auditor_id: int = 0) -> Survey:
    """Look at the annotations of one job or of all of a workspace, up to `WINDOW` of those that were not audited.

    Public ids are random, so the annotations that follow a random one are a sample of all. Where they begin follows
    from ids and from how much was audited: it is the same look until something was.

    Args:
        auditor_id: whose own annotations are left out.
    """
    audits = list(past_audits(session, workspace_id, project_id))
    start = _starting_point(auditor_id, project_id or 0, len(audits))
    rows = _window(session, workspace_id, auditor_id, project_id, start)
    weight = 1.0
    if len(rows) == WINDOW:
        counted = _candidates(workspace_id, auditor_id, project_id).with_only_columns(func.count()).order_by(None)
        weight = (session.scalar(counted) or WINDOW) / WINDOW
    given = Counter((one.project_id, one.worker_id) for one in audits)
    wrong = Counter((one.project_id, one.worker_id) for one in audits if one.rejected)
    candidates = [_candidate(row, weight, given, wrong) for row in rows]
    return Survey(candidates, audits, _bases(session, {row.project_id for row in rows}))


def level_of(session: Session, workspace_id: int, annotation: Annotation) -> int:
    """The risk level of one annotation now; ask before its audit changes anything."""
    audits = list(past_audits(session, workspace_id, annotation.project_id))
    key = (annotation.project_id, annotation.worker_id)
    given = Counter((one.project_id, one.worker_id) for one in audits)
    wrong = Counter((one.project_id, one.worker_id) for one in audits if one.rejected)
    row = session.execute(_facts().where(ANNOTATION.c.id == annotation.id)).one()
    return level(_risk(row, given[key], wrong[key]))


def past_audits(session: Session, workspace_id: int, project_id: int | None = None) -> Iterator[Audit]:
    """All audits by experts of a workspace or a job, the oldest first."""
    for row in session.execute(audited_rows(workspace_id, project_id)):
        mark = row.subject.rpartition(LEVEL_MARK)
        yield Audit(row.project_id, row.worker_id, row.audit_state == "rejected", int(mark[2]) if mark[1] else None)


def audited_rows(workspace_id: int, project_id: int | None = None) -> Select[Any]:
    """Annotations that experts have audited, by way of the log; what a ban or a rule rejected is not among them.

    Of one that was audited again after its audit was taken back, the last audit counts.
    """
    named = func.substr(LOG.c.subject, 10, 16)  # after "accepted " or "rejected "
    mine = LOG.c.workspace_id == workspace_id, LOG.c.act == ACT
    last = select(func.max(LOG.c.id)).where(*mine).group_by(named)
    statement = (
        select(ANNOTATION.c.project_id, ANNOTATION.c.worker_id, ANNOTATION.c.audit_state, LOG.c.subject)
        .select_from(LOG)
        .join(ANNOTATION, ANNOTATION.c.public_id == named)
        .where(*mine, LOG.c.id.in_(last), ANNOTATION.c.audit_state.in_(BY_EXPERTS))
        .order_by(LOG.c.id)
    )
    return statement if project_id is None else statement.where(ANNOTATION.c.project_id == project_id)


def subject_of(audit_state: str, annotation: Annotation, risk_level: int) -> str:
    """What the log entry of an audit says, as `past_audits` reads it."""
    return f"{audit_state} {annotation.public_id} {LEVEL_MARK}{risk_level}"


def _starting_point(*ids: object) -> str:
    """A public id to start from: random, but the same for the same ids."""
    digest = hashlib.sha256("-".join(map(str, ids)).encode()).digest()
    return base64.b32encode(digest[:10]).decode().lower()


def _candidate(row: Row[Any], weight: float, given: Counter[Any], wrong: Counter[Any]) -> Candidate:
    key = (row.project_id, row.worker_id)
    return Candidate(row.public_id, row.project_id, level(_risk(row, given[key], wrong[key])), weight)


def _risk(row: Row[Any], audited: int, rejected: int) -> Risk:
    decided = row.state in DECIDED
    return Risk(
        contrary=decided and row.decided_label != row.label_id,
        confidence=row.confidence if decided else None,
        accuracy=row.accuracy,
        answers=row.answers or 0,
        audited=audited,
        rejected=rejected,
    )


def _bases(session: Session, project_ids: set[int]) -> dict[int, float]:
    rows = session.execute(
        select(PROJECT.c.id, PROJECT.c.quality).where(PROJECT.c.id.in_(project_ids), PROJECT.c.state != "closed")
    )
    return {row.id: quality.load(row.quality).audit_share for row in rows}


def _window(session: Session, workspace_id: int, auditor_id: int, project_id: int | None, start: str) -> list[Row[Any]]:
    """Up to `WINDOW` candidates in the order of public ids from `start` on, wrapping once."""
    candidates = _candidates(workspace_id, auditor_id, project_id)
    found = list(session.execute(candidates.where(ANNOTATION.c.public_id >= start).limit(WINDOW)))
    if len(found) < WINDOW:
        before = candidates.where(ANNOTATION.c.public_id < start).limit(WINDOW - len(found))
        found += session.execute(before)
    return found


def _candidates(workspace_id: int, auditor_id: int, project_id: int | None) -> Select[Any]:
    statement = (
        _facts()
        .join(PROJECT, PROJECT.c.id == ITEM.c.project_id)
        .where(PROJECT.c.workspace_id == workspace_id, ANNOTATION.c.worker_id != auditor_id)
        .where(ANNOTATION.c.state == "counted", ANNOTATION.c.audit_state == "unaudited")
        .order_by(ANNOTATION.c.public_id)
    )
    return statement if project_id is None else statement.where(PROJECT.c.id == project_id)


def _facts() -> Select[Any]:
    """All that the risk of an annotation follows from, but for its worker's audits."""
    skill = and_(SKILL.c.worker_id == ANNOTATION.c.worker_id, SKILL.c.project_id == ANNOTATION.c.project_id)
    return (
        select(
            ANNOTATION.c.public_id,
            ANNOTATION.c.project_id,
            ANNOTATION.c.worker_id,
            ANNOTATION.c.label_id,
            ITEM.c.state,
            ITEM.c.label_id.label("decided_label"),
            ITEM.c.confidence,
            SKILL.c.accuracy,
            SKILL.c.annotation_count.label("answers"),
        )
        .select_from(ANNOTATION)
        .join(ITEM, ITEM.c.id == ANNOTATION.c.item_id)
        .outerjoin(SKILL, skill)
    )
