"""Experts hear that there are answers to look at: at most once a day, outside their quiet hours, never while paused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.attention import local_day
from core.audit_sample import summary
from core.lanes import Lane
from core.models import Membership, Project, Worker
from core.outbox import owe
from core.runtime import Runtime

FEWEST = 5
"""Audits due in a job from which experts are written to; fewer wait for more."""
KIND = "audits_due"


def remind_experts(runtime: Runtime, project_id: int, clock: Callable[[], datetime]) -> int:
    """Owe the experts of a job's workspace a word where audits are due; returns to how many.

    What is due is counted again when it is sent. Called by background jobs, as often as they like.
    """
    with runtime.reading() as session:
        project = session.get_one(Project, project_id)
        if project.state == "closed" or summary(session, project.workspace_id, project_id).owed < FEWEST:
            return 0
        workspace_id = project.workspace_id
    with runtime.writing() as session:
        experts = (
            select(Worker.id, Worker.time_zone)
            .join(Membership, Membership.worker_id == Worker.id)
            .where(Membership.workspace_id == workspace_id)
            .where(Membership.role == "expert", Membership.status == "active")
        )
        people = session.execute(experts).all()
        return sum(_owe(session, workspace_id, row.id, row.time_zone, clock()) for row in people)


def _owe(session: Session, workspace_id: int, worker_id: int, time_zone: str, now: datetime) -> bool:
    return owe(
        session,
        worker_id=worker_id,
        workspace_id=workspace_id,
        kind=KIND,
        params={},
        dedupe_key=f"audits-{workspace_id}-{worker_id}-{local_day(time_zone, now)}",
        now=now,
        lane=Lane.REMINDER,
    )
