"""Experts settle what the crowd disputes: a verdict, "nobody can answer this", or aside for now."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import labels
from core.consensus import retire, settle
from core.db.upsert import insert_or_ignore
from core.dispute_order import SECOND, UNDECIDED, VERDICTS, awaits
from core.disputes import find_item, verdict_row
from core.enrolment import record_act
from core.errors import Conflict
from core.feedback import owe_feedback
from core.items import ItemState, lock_item
from core.models import Adjudication, Gold, Item, Project
from core.second_looks import record_second


def adjudicate(
    session: Session, *, workspace_id: int, worker_id: int, item_public_id: str, label_id: str, now: datetime
) -> tuple[Item, Project]:
    """Settle a disputed item. Those who answered it are told in their next digest.

    Of an item that is due for this expert's second look, the verdict stands and what they say is written beside it.

    Raises:
        NotFound: no such item in this workspace.
        InvalidInput: the label is not among the project's.
        Conflict: it is not disputed any more.
    """
    item, project = find_item(session, workspace_id, item_public_id)
    labels.parse(labels.load(project.label_schema), label_id)
    state = _lock_waiting(session, item, worker_id, now)
    if state.state == "adjudicated":
        record_second(session, item, project, worker_id, label_id, now)
        return item, project
    _write(session, item, worker_id, label_id, UNDECIDED, now)
    settle(session, state, label_id, now)
    record_act(session, workspace_id, worker_id, "settle", item.public_id, now)
    owe_feedback(session, project, item.id, worker_id, now)
    return item, project


def rule_unanswerable(
    session: Session, *, workspace_id: int, worker_id: int, item_public_id: str, now: datetime
) -> tuple[Item, Project]:
    """Take an item out of its job, because no label fits it and none ever will; a second look as in `adjudicate`.

    Raises:
        NotFound, Conflict: as `adjudicate`.
    """
    item, project = find_item(session, workspace_id, item_public_id)
    state = _lock_waiting(session, item, worker_id, now)
    if state.state == "adjudicated":
        record_second(session, item, project, worker_id, UNDECIDED, now)
        return item, project
    _write(session, item, worker_id, UNDECIDED, "unanswerable", now)
    retire(session, state, now)
    record_act(session, workspace_id, worker_id, "settle", item.public_id, now)
    return item, project


def put_aside(
    session: Session, *, workspace_id: int, worker_id: int, item_public_id: str, reason: str, now: datetime
) -> tuple[Item, Project]:
    """Leave an item disputed and put it behind all others, for this expert alone.

    Args:
        reason: one of `ASIDE`: later, or unclear, where the guidelines do not say how to answer it.

    Raises:
        NotFound, Conflict: as `adjudicate`.
    """
    item, project = find_item(session, workspace_id, item_public_id)
    _lock_waiting(session, item, worker_id, now)
    if reason == "later":  # but not "unclear": what was said with it stays, also where this one is taken back
        mine = Adjudication.item_id == item.id, Adjudication.worker_id == worker_id
        session.execute(delete(Adjudication).where(*mine, Adjudication.reason == reason))
    session.add(verdict_row(item, worker_id, UNDECIDED, reason, now))
    return item, project


def promote_to_gold(
    session: Session, *, workspace_id: int, worker_id: int, item_public_id: str, now: datetime
) -> tuple[Item, Project]:
    """Keep a verdict as a known label. The item stays adjudicated; it may be asked again only to check people.

    Raises:
        NotFound: no such item in this workspace.
        Conflict: it is not settled by a verdict, or its label is known already.
    """
    item, project = find_item(session, workspace_id, item_public_id)
    state = lock_item(session, item.id)
    session.refresh(item)
    if state.state != "adjudicated":
        raise Conflict("not_settled")
    gold = {
        "project_id": project.id,
        "item_id": item.id,
        "label_id": item.label_id,
        "source": "verdict",
        "created_at": now,
    }
    if not insert_or_ignore(session, Gold, gold):
        raise Conflict("already_gold")
    record_act(session, workspace_id, worker_id, "gold", item.public_id, now)
    return item, project


def _lock_waiting(session: Session, item: Item, worker_id: int, now: datetime) -> ItemState:
    """Hold an item that waits for this expert: disputed, or due for their second look.

    Raises:
        Conflict: it does not wait for them any more; the code says who was faster.
    """
    state = lock_item(session, item.id)
    session.refresh(item)
    if awaits(session, item.id, worker_id, now):
        return state
    if state.state not in ("adjudicated", "withdrawn"):
        raise Conflict("not_disputed")
    judged = select(Adjudication.worker_id).where(
        Adjudication.item_id == item.id, Adjudication.reason.in_((*VERDICTS, SECOND))
    )
    by_them = session.scalars(judged.where(Adjudication.worker_id == worker_id).limit(1)).first()
    raise Conflict("already_settled" if by_them is None else "settled_by_you")


def _write(session: Session, item: Item, worker_id: int, label_id: str, reason: str, now: datetime) -> None:
    """Write a verdict; what was only put aside until then needs no memory."""
    session.execute(delete(Adjudication).where(Adjudication.item_id == item.id, Adjudication.reason == "later"))
    session.add(verdict_row(item, worker_id, label_id, reason, now))
