"""Whoever's answers tell nothing for now: known items in place of the usual ones, and the way back.

Nothing of this is for good. The usual items return by themselves as soon as their answers tell something again, and
where there is nothing known to practise on, they are given the usual items after a day, to show what they can do.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from core.gold_serving import next_control
from core.models import Project
from core.outbox import owe
from core.quality import load
from core.standing import Standing, change_standing

TRAINING = "training"
LIGHTER = ("", "warned")
"""Restrictions that training may take the place of."""
AGAIN_AFTER = timedelta(days=1)
PROBATION = timedelta(minutes=20)
"""So long somebody who was let in again is asked whatever there is."""


def on_probation(standing: Standing, now: datetime) -> bool:
    """Whether somebody was let in again just now, so that what is known of them is no reason to ask others."""
    since = standing.restricted_at
    return not standing.restriction and since is not None and now - since < PROBATION


def practise(session: Session, project: Project, worker_id: int, standing: Standing, now: datetime) -> int | None:
    """A known item for somebody whose answers tell nothing, counted as leased; nothing where they have done them all.

    The first time they are told, kindly, and how they come back.
    """
    item_id = None
    if load(project.quality).gold_use == "check":
        item_id = next_control(session, project, worker_id, kind="gold")
        if item_id is None:
            item_id = next_control(session, project, worker_id, kind="practice")
    if standing.restriction in LIGHTER:
        change_standing(session, worker_id, project.id, restriction=TRAINING, restricted_at=now)
        _tell(session, project, worker_id, "training_waits" if item_id is None else "training_began", now)
    return item_id


def let_in_again(session: Session, project: Project, worker_id: int, standing: Standing, now: datetime) -> bool:
    """Trust somebody anew whose training is a day old; whether it is."""
    if standing.restriction != TRAINING or standing.restricted_at is None:
        return False
    if now - standing.restricted_at < AGAIN_AFTER:
        return False
    change_standing(session, worker_id, project.id, restriction="", restricted_at=now)
    return True


def recovered(session: Session, project: Project, worker_id: int, now: datetime) -> None:
    """Somebody's answers tell something again: the training is over, and they are told."""
    change_standing(session, worker_id, project.id, restriction="", restricted_at=None)
    _tell(session, project, worker_id, "training_over", now)


def _tell(session: Session, project: Project, worker_id: int, code: str, now: datetime) -> None:
    owe(
        session,
        worker_id=worker_id,
        workspace_id=project.workspace_id,
        kind="training",
        params={"project_id": project.id, "code": code},
        dedupe_key=f"{code}-{project.id}-{worker_id}-{now:%Y%m%d}",
        now=now,
    )
