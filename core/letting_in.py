"""Who has failed the quiz of a job for good: they ask to be let in, and a coordinator lets them in by hand."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.appeals import settle
from core.enrolment import Account, record_act
from core.finishing import responsible
from core.flags import UNSETTLED
from core.models import Flag, Project, Worker
from core.outbox import owe
from core.qualification import pass_by_hand
from core.restricting import STANDING, hold_worker
from core.standing import change_standing, load_standing
from core.trust import TRAINING

PAUSING = ("pause", "ban")


def ask_in(session: Session, project: Project, worker_id: int, now: datetime) -> bool:
    """Ask whoever is responsible for a job to let somebody in, at most once a day; false where nobody is."""
    coordinator_id = responsible(session, project)
    if coordinator_id is None:
        return False
    owe(
        session,
        worker_id=coordinator_id,
        workspace_id=project.workspace_id,
        kind="asks_in",
        params={"project_id": project.id, "asking_id": worker_id},
        dedupe_key=f"asks-in-{project.id}-{worker_id}-{now.date()}",
        now=now,
    )
    return True


def let_in(session: Session, account: Account, project: Project, worker: Worker, now: datetime) -> bool:
    """Let somebody who has failed the quiz work all the same, and tell them; false where that was done before.

    What a rule made of their answers to known items is lifted with it: the coordinator vouches for them.

    Args:
        account: of the coordinator.
    """
    hold_worker(session, worker.id)
    standing = load_standing(session, worker.id, project.id)
    if standing.qualification != "failed":
        return False
    pass_by_hand(session, project, worker.id, now)
    for flag in _by_known_items(session, project, worker):
        settle(session, account, project.workspace_id, flag.public_id, "lift", now)
    if load_standing(session, worker.id, project.id).restriction == TRAINING:
        change_standing(session, worker.id, project.id, restriction="", restricted_at=now)
    subject = f"{project.public_id} {worker.public_id}"
    record_act(session, project.workspace_id, account.worker.id, "qualify", subject, now)
    owe(
        session,
        worker_id=worker.id,
        workspace_id=project.workspace_id,
        kind="qualified",
        params={"project_id": project.id},
        dedupe_key=f"qualified-{project.id}-{worker.id}-{now.date()}",
        now=now,
    )
    return True


def pausing_flag(session: Session, project: Project, worker: Worker) -> Flag | None:
    """The flag that keeps somebody from a job, whatever they made of its quiz; nothing where none does."""
    statement = select(Flag).where(Flag.project_id == project.id, Flag.worker_id == worker.id)
    statement = statement.where(Flag.state.in_(STANDING), Flag.action.in_(PAUSING)).order_by(Flag.id.desc())
    return session.scalars(statement.limit(1)).first()


def _by_known_items(session: Session, project: Project, worker: Worker) -> list[Flag]:
    """Flags that nobody has settled and that rest on answers to known items, as the answers to a quiz are."""
    mine = Flag.project_id == project.id, Flag.worker_id == worker.id, Flag.kind == "gold"
    flags = session.scalars(select(Flag).where(*mine, Flag.state.in_(UNSETTLED)))
    return [flag for flag in flags if flag.evidence.get("known")]
