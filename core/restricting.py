"""What follows from flags: a worker's restriction in one project, as the gravest of the flags that stand asks for.

Whoever calls these holds the worker by `hold_worker`, which locks in the order items, worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.assignment import end_lease, set_standing
from core.db.tables import table_of
from core.due import offer_effect
from core.effects import add_effect
from core.items import lock_items
from core.models import Assignment, Flag, Participation, Project, Worker
from core.recollection import order_in_project, restore
from core.standing import RESTRICTIONS

STANDING = ("open", "appealed", "upheld")
"""States of a flag in which what followed from it holds."""
RESTRICTION_OF: Mapping[str, str] = {
    "none": "",
    "warn": "warned",
    "gold": "watched",
    "pause": "paused",
    "ban": "paused",
}
"""The restriction that each of `core.quality.ACTIONS` asks for in the project of the flag."""

ASSIGNMENT, PARTICIPATION = table_of(Assignment), table_of(Participation)


def hold_worker(session: Session, worker_id: int) -> Worker:
    """Hold the items that a worker has in hand, and then the worker, until the commit."""
    held = select(ASSIGNMENT.c.item_id).where(ASSIGNMENT.c.worker_id == worker_id, ASSIGNMENT.c.state == "active")
    lock_items(session, list(session.scalars(held)))
    return session.get_one(Worker, worker_id, with_for_update=True, populate_existing=True)


def apply_flags(session: Session, project: Project, worker: Worker, now: datetime, by_id: int | None = None) -> str:
    """Bring a worker's restriction in line with the flags that stand; returns what it is now.

    A pause gives back at once what they hold and has asked again what they alone decided; its end gives them back the
    credit for that. Training, which follows from a low skill and not from a flag, gives way to a pause alone.

    Args:
        by_id: the coordinator whose decision it is; None where a rule of the job made it.
    """
    participation = session.get_one(
        Participation, (worker.id, project.id), with_for_update=True, populate_existing=True
    )
    before, after = participation.restriction, _wanted(session, project.id, worker.id)
    if before == "training" and after != "paused":
        return before
    if before == after:
        return before
    since = participation.restricted_at
    participation.restriction, participation.restricted_at = after, now if after else None
    session.flush()
    if after == "paused":
        _give_back(session, project.id, worker.id, now)
        order_in_project(session, project, worker, by_id, now)
    elif before == "paused":
        restore(session, project.id, worker.id, since or now)
        set_standing(session, worker.id, project.id, "idle", now)
        add_effect(session, offer_effect(project.id, now))
    return after


def _wanted(session: Session, project_id: int, worker_id: int) -> str:
    statement = select(Flag.action).where(
        Flag.project_id == project_id, Flag.worker_id == worker_id, Flag.state.in_(STANDING)
    )
    restrictions = [RESTRICTION_OF[action] for action in session.scalars(statement)]
    return max(restrictions, key=RESTRICTIONS.index, default="")


def _give_back(session: Session, project_id: int, worker_id: int, now: datetime) -> None:
    """The leases of one project; nothing is offered from it any more, while other projects go on."""
    held = session.execute(
        select(ASSIGNMENT.c.id, ASSIGNMENT.c.item_id).where(
            ASSIGNMENT.c.project_id == project_id, ASSIGNMENT.c.worker_id == worker_id, ASSIGNMENT.c.state == "active"
        )
    ).all()
    for assignment_id, item_id in held:
        end_lease(session, assignment_id, item_id, "released", now)
    mine = PARTICIPATION.c.worker_id == worker_id, PARTICIPATION.c.project_id == project_id
    session.execute(update(PARTICIPATION).where(*mine).values(state="away"))


def unite_flags(session: Session, keep_id: int, other_id: int, now: datetime) -> None:
    """The flags of two accounts become those of one person; of two of a kind that are unsettled the later is settled.

    What followed from either holds on.
    """
    statement = select(Flag).where(Flag.worker_id.in_((keep_id, other_id))).order_by(Flag.id).with_for_update()
    seen: set[tuple[int, str]] = set()
    for flag in session.scalars(statement):
        flag.worker_id = keep_id
        if flag.state in ("open", "appealed") and (flag.project_id, flag.kind) in seen:
            flag.state, flag.resolved_at = "upheld", now
        elif flag.state in ("open", "appealed"):
            seen.add((flag.project_id, flag.kind))
    session.flush()
