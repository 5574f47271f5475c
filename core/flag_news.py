"""Who hears of a flag: coordinators by a digest, the worker by a message of their own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from core.attention import local_day
from core.enrolment import ROLES
from core.lanes import Lane
from core.models import Flag, Membership, OutboxMessage, Project, Worker
from core.outbox import owe

GATHER = timedelta(minutes=10)
"""How long a digest waits for further flags."""
EXPIRES_AFTER = timedelta(days=2)
COORDINATING = ROLES[ROLES.index("coordinator") :]


def owe_digest(session: Session, project: Project, now: datetime) -> None:
    """Owe everybody who coordinates the workspace one message a day about new flags of a project."""
    for worker_id, time_zone in coordinators(session, project.workspace_id):
        for days in (0, 1):  # where today's has gone out already, tomorrow's takes it along
            key = f"flags-{project.id}-{worker_id}-{local_day(time_zone, now + timedelta(days=days))}"
            owed = owe(
                session,
                worker_id=worker_id,
                workspace_id=project.workspace_id,
                kind="flags_new",
                params={"project_id": project.id, "since": now.isoformat()},
                dedupe_key=key,
                now=now,
                lane=Lane.REMINDER,
                expires_after=EXPIRES_AFTER,
                not_before=now + max(GATHER, timedelta(days=days)),
            )
            state = select(OutboxMessage.state).where(OutboxMessage.dedupe_key == key)
            if owed or session.scalar(state) == "pending":
                break


def coordinators(session: Session, workspace_id: int) -> Sequence[Row[int, str]]:
    """(worker id, time zone) of everybody who coordinates a workspace and can be written to."""
    statement = (
        select(Worker.id, Worker.time_zone)
        .join(Membership, Membership.worker_id == Worker.id)
        .where(Membership.workspace_id == workspace_id, Membership.role.in_(COORDINATING))
        .where(Membership.status.in_(("active", "paused")))
        .order_by(Worker.id)
    )
    return session.execute(statement).all()


def tell(session: Session, project: Project, flag: Flag, kind: str, now: datetime) -> None:
    """Owe the worker a message about a flag; the same one only once."""
    owe(
        session,
        worker_id=flag.worker_id,
        workspace_id=project.workspace_id,
        kind=kind,
        params={"flag_id": flag.id},
        dedupe_key=f"{kind}-{flag.id}",
        now=now,
    )
