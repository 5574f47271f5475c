"""What a job of second looks has decided goes back: it confirms or corrects the labels that were in doubt.

Item by item, as soon as people agree or an expert settles what they dispute: the first item becomes adjudicated, and
the log and the exports say by what (`core/second_look_jobs.py` makes such jobs).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import learning
from core.consensus import settle
from core.db.tables import table_of
from core.dispute_order import CONFIRMED, CORRECTED
from core.disputes import verdict_row
from core.enrolment import record_act
from core.finishing import responsible
from core.items import lock_item, lock_items
from core.models import Adjudication, Item, Project
from core.outbox import owe
from core.training import DECIDED

CHUNK = 200
TOLD_WITHIN = timedelta(days=30)

ADJUDICATION, ITEM = table_of(Adjudication), table_of(Item)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a second look: items whose label was confirmed, corrected, or left as it was found meanwhile."""

    confirmed: int
    corrected: int
    left: int


def carry_back(session: Session, project_id: int, now: datetime) -> int:
    """Let what a second look has decided confirm or correct the labels in doubt, at most `CHUNK`; returns how many.

    Called by background jobs, as often as they like. An answer to such an item can be undone until then. An item that
    people or an expert have decided anew meanwhile is left as it is.
    """
    project = session.get_one(Project, project_id)
    if not learning.load(project.learning).second_look_of:
        return 0
    rows = session.execute(_decided_copies(project_id)).all()
    lock_items(session, [item_id for row in rows for item_id in (row.id, row.parent_id)])
    rows = session.execute(_decided_copies(project_id).where(ITEM.c.id.in_([row.id for row in rows]))).all()
    for row in rows:
        _carry(session, project, row, now)
    done = [row.id for row in rows]
    session.execute(update(ITEM).where(ITEM.c.id.in_(done)).values(trained_at=now))
    _tell_end(session, project, now)
    return len(done)


def outcome(session: Session, project: Project) -> Outcome:
    """What a job of second looks has come to."""
    copies = select(ITEM.c.parent_id).where(ITEM.c.project_id == project.id, ITEM.c.parent_id.is_not(None))
    total = session.scalar(select(func.count()).select_from(copies.subquery())) or 0
    verdicts = select(ADJUDICATION.c.reason, func.count(ADJUDICATION.c.item_id.distinct()))
    mine = ADJUDICATION.c.item_id.in_(copies), ADJUDICATION.c.reason.in_((CONFIRMED, CORRECTED))
    counts = Counter({reason: count for reason, count in session.execute(verdicts.where(*mine).group_by("reason"))})
    return Outcome(counts[CONFIRMED], counts[CORRECTED], total - counts.total())


def _carry(session: Session, child: Project, row: Any, now: datetime) -> None:
    state = lock_item(session, row.parent_id)
    item = session.get_one(Item, row.parent_id, populate_existing=True)
    if state.state != "agreed":
        return
    verdict = CONFIRMED if item.label_id == row.label_id else CORRECTED
    session.add(verdict_row(item, child.created_by_id, row.label_id, verdict, now))
    settle(session, state, row.label_id, now)
    record_act(session, child.workspace_id, None, verdict, f"{item.public_id} {child.public_id}", now)


def _tell_end(session: Session, child: Project, now: datetime) -> None:
    """Tell once what a second look has come to, as soon as nothing of it waits."""
    waiting = select(ITEM.c.id).where(ITEM.c.project_id == child.id, ITEM.c.state.in_(("open", "disputed")))
    uncarried = _decided_copies(child.id)
    if session.execute(waiting.limit(1)).first() or session.execute(uncarried.limit(1)).first():
        return
    if (worker_id := responsible(session, child)) is not None:
        owe(
            session,
            worker_id=worker_id,
            workspace_id=child.workspace_id,
            kind="second_look_done",
            params={"project_id": child.id},
            dedupe_key=f"second_look_done-{child.id}",
            now=now,
            expires_after=TOLD_WITHIN,
        )


def _decided_copies(project_id: int) -> Any:
    return (
        select(ITEM.c.id, ITEM.c.parent_id, ITEM.c.label_id)
        .where(ITEM.c.project_id == project_id, ITEM.c.state.in_(DECIDED), ITEM.c.trained_at.is_(None))
        .where(ITEM.c.parent_id.is_not(None))
        .order_by(ITEM.c.id)
        .limit(CHUNK)
    )
