"""A number of answers that a job never exceeds, however many people answer at once.

A place is what somebody may take: a slot of an item. In a job with a budget the tap makes no places; it only turns
one into a lease and that into an answer, and the sum over an item stays as it is. Places are given out here alone, in
the background, under the lock of the project, and never more than the budget has left. So a tap counts nothing. What
is answered outside of places (known items, answers that come late) asks here first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.db.tables import table_of
from core.items import ITEM, lock_item, lock_items, write_item
from core.models import Annotation, Project

BUDGET = "budget"
"""The aim that this is about."""
BESIDE = ("surplus", "control")
"""States of answers that took no place of an item."""

ANNOTATION = table_of(Annotation)


@dataclass(frozen=True, slots=True)
class Spent:
    """used: answers given and in hand. places: that may be taken now. Both count against the budget."""

    used: int
    places: int

    @property
    def claimed(self) -> int:
        """What the budget has to cover."""
        return self.used + self.places


def has_budget(project: Project) -> bool:
    """Whether the aim of a project is a number of answers."""
    return project.aim == BUDGET


def first_overlap(project: Project) -> int:
    """Answers that a new item asks for: the minimum, or none before the budget gives it places."""
    return 0 if has_budget(project) else project.min_overlap


def spent(session: Session, project_id: int) -> Spent:
    """What a project has used, and what may be taken; two aggregates, so never on the path of a tap."""
    used = func.coalesce(func.sum(ITEM.c.submitted + ITEM.c.leased), 0)
    places = func.coalesce(func.sum(ITEM.c.slots), 0)
    row = session.execute(select(used, places).where(ITEM.c.project_id == project_id)).one()
    beside = select(func.count()).where(ANNOTATION.c.project_id == project_id, ANNOTATION.c.state.in_(BESIDE))
    return Spent(int(row[0]) + (session.scalar(beside) or 0), int(row[1]))


def affords(session: Session, project: Project) -> bool:
    """Whether an answer outside of places is within the budget. Then the project is held until the commit.

    Who else asks meanwhile waits, and counts this one in.
    """
    if not has_budget(project):
        return True
    budget = budget_of(lock(session, project.id))  # before it is counted: what others commit until then is seen
    return spent(session, project.id).claimed < budget


def budget_of(project: Project) -> int:
    """The budget as a number; 0 where none is set."""
    return project.answer_budget or 0


def lock(session: Session, project_id: int) -> Project:
    """The project as it is now, held until the commit; items that will be written are locked before it."""
    return session.get_one(Project, project_id, with_for_update=True, populate_existing=True)


def hold_back(session: Session, project_id: int, over: int | None = None) -> int:
    """Take places back, those that are asked last first; returns how many.

    Args:
        over: how many at most; None: all.
    """
    waiting = select(ITEM.c.id).where(ITEM.c.project_id == project_id, ITEM.c.slots > 0)
    statement = waiting.order_by(ITEM.c.rank.desc())
    chosen = list(session.scalars(statement if over is None else statement.limit(over)))
    lock_items(session, chosen)
    taken = 0
    for start in range(0, len(chosen), 500):
        some = ITEM.c.id.in_(chosen[start : start + 500]), ITEM.c.slots > 0
        taken += session.scalar(select(func.coalesce(func.sum(ITEM.c.slots), 0)).where(*some)) or 0
        values = {"overlap": ITEM.c.submitted + ITEM.c.leased, "revision": ITEM.c.revision + 1}
        session.execute(update(ITEM).where(*some).values(values))
    return taken


def give(session: Session, project_id: int, wanted: Iterable[tuple[int, int]], now: datetime) -> int:
    """Give places to items while the budget lasts; returns how many.

    Args:
        wanted: (item id, the overlap it should have), the most worth giving first.
    """
    asked = dict(wanted)
    lock_items(session, asked)
    project = lock(session, project_id)
    if not has_budget(project) or project.state == "closed":
        return 0
    left = budget_of(project) - spent(session, project_id).claimed
    given = 0
    for item_id, overlap in asked.items():
        if given >= left:
            break
        item = lock_item(session, item_id)
        if item.state != "open" or item.purpose != "label":
            continue
        more = min(min(overlap, project.max_overlap) - item.overlap, left - given)
        if more > 0:
            write_item(session, item, now, overlap=item.overlap + more)
            given += more
    return given
