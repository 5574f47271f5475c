"""From SQL to Redis: whatever the state says is due gets its RQ job, whether Redis has forgotten it or never knew."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import accepting, retreating
from core.asking import unfinished_starts
from core.assignment import expire_leases
from core.changes import unfinished_overlaps
from core.clock import bucket
from core.db.tables import table_of
from core.due import expiry_effect, import_effect, offer_effect, reestimate_effect
from core.effects import EnqueueJob, WakeDelivery, add_effect
from core.explanations import unanswered
from core.exporting import unfinished_exports
from core.label_errors import unfinished_looks
from core.link_requests import sweep_requests
from core.metrics import LEASES_EXPIRED
from core.models import Assignment, Attempt, Batch, Project
from core.offers import next_offer
from core.outbox import pending_count, sweep_outbox
from core.predictions import unfinished_prelabels
from core.recollection import unfinished_recollections
from core.training_runs import unfinished_runs

OVERDUE_GRACE = timedelta(seconds=30)
"""Leases later than this were missed by their bucket's job and are ended by the sweep itself."""


def sweep_project(session: Session, project: Project, now: datetime) -> None:
    """Re-enqueue what one project owes: ends of leases, offers, re-estimation."""
    assignment = table_of(Assignment)
    deadlines = session.scalars(
        select(assignment.c.expires_at).where(assignment.c.project_id == project.id, assignment.c.state == "active")
    )
    for deadline in {bucket(moment): moment for moment in deadlines}.values():
        _doubt(session, expiry_effect(project.id, deadline))
    LEASES_EXPIRED.inc(expire_leases(session, project.id, now - OVERDUE_GRACE))
    if (moment := next_offer(session, project, now)) is not None:
        _doubt(session, offer_effect(project.id, moment))
    _doubt(session, reestimate_effect(project.id, now))


def sweep_rest(session: Session, now: datetime) -> None:
    """Re-enqueue imports, exports and training runs, wake delivery, and forget what no rule keeps."""
    for batch_id in session.scalars(select(Batch.id).where(Batch.state == "loading")):
        _doubt(session, import_effect(batch_id))
    for effect in (
        *unfinished_runs(session, now),
        *unfinished_prelabels(session),
        *accepting.unfinished(session),
        *retreating.unfinished(session),
        *unfinished_starts(session),
        *unfinished_looks(session),
        *unanswered(session, now),
        *unfinished_exports(session),
        *unfinished_overlaps(session, now),
        *unfinished_recollections(session),
    ):
        _doubt(session, effect)
    sweep_outbox(session, now)
    sweep_requests(session, now)
    session.execute(delete(Attempt).where(Attempt.hour < int(now.timestamp()) // 3600 - 24))
    if pending_count(session):
        add_effect(session, WakeDelivery())


def _doubt(session: Session, job: EnqueueJob) -> None:
    add_effect(session, replace(job, doubted=True))
