"""Experts settle what the crowd disputes: a verdict, "nobody can answer this", or aside for now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import labels
from core.consensus import retire, settle
from core.db.upsert import insert_or_ignore
from core.disputes import ASIDE, UNDECIDED, find_item
from core.enrolment import record_act
from core.errors import Conflict, NotFound
from core.feedback import owe_feedback
from core.items import ItemState, lock_item
from core.models import Adjudication, Gold, Item, Project


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an item was settled as, in words for people."""

    item_public_id: str
    text: str
    label: str
    is_gold: bool
    """Whether its label is known, from a verdict or from the file."""


def adjudicate(
    session: Session, *, workspace_id: int, worker_id: int, item_public_id: str, label_id: str, now: datetime
) -> tuple[Item, Project]:
    """Settle a disputed item. Those who answered it are told in their next digest.

    Raises:
        NotFound: no such item in this workspace.
        InvalidInput: the label is not among the project's.
        Conflict: it is not disputed any more.
    """
    item, project = find_item(session, workspace_id, item_public_id)
    labels.parse(labels.load(project.label_schema), label_id)
    state = _lock_disputed(session, item, worker_id)
    _write(session, item, worker_id, label_id, "", now)
    settle(session, state, label_id, now)
    record_act(session, workspace_id, worker_id, "settle", item.public_id, now)
    owe_feedback(session, project, item.id, worker_id, now)
    return item, project


def rule_unanswerable(
    session: Session, *, workspace_id: int, worker_id: int, item_public_id: str, now: datetime
) -> tuple[Item, Project]:
    """Take an item out of its job, because no label fits it and none ever will.

    Raises:
        NotFound, Conflict: as `adjudicate`.
    """
    item, project = find_item(session, workspace_id, item_public_id)
    state = _lock_disputed(session, item, worker_id)
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
    _lock_disputed(session, item, worker_id)
    session.execute(
        delete(Adjudication).where(
            Adjudication.item_id == item.id, Adjudication.worker_id == worker_id, Adjudication.reason == reason
        )
    )
    session.add(_row(item, worker_id, UNDECIDED, reason, now))
    return item, project


def verdict_on(session: Session, workspace_id: int, item_public_id: str) -> Verdict | None:
    """The verdict on an item of a workspace; nothing where there is none."""
    try:
        item, project = find_item(session, workspace_id, item_public_id)
    except NotFound:
        return None
    if item.state != "adjudicated" or item.label_id is None:
        return None
    label = labels.name_of(labels.load(project.label_schema), item.label_id)
    gold = session.scalars(select(Gold.id).where(Gold.item_id == item.id)).first()
    return Verdict(item.public_id, labels.item_text(item.content), label, gold is not None)


def promote_to_gold(
    session: Session, *, workspace_id: int, worker_id: int, item_public_id: str, now: datetime
) -> tuple[Item, Project]:
    """Keep a verdict as a known label. The item stays adjudicated; nobody is asked it again.

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


def _lock_disputed(session: Session, item: Item, worker_id: int) -> ItemState:
    """Hold an item that is disputed.

    Raises:
        Conflict: it is not disputed any more; the code says who was faster.
    """
    state = lock_item(session, item.id)
    if state.state == "disputed":
        return state
    if state.state not in ("adjudicated", "withdrawn"):
        raise Conflict("not_disputed")
    last = select(Adjudication.worker_id).where(Adjudication.item_id == item.id, Adjudication.reason.not_in(ASIDE))
    judge = session.scalars(last.order_by(Adjudication.id.desc()).limit(1)).first()
    raise Conflict("settled_by_you" if judge == worker_id else "already_settled")


def _write(session: Session, item: Item, worker_id: int, label_id: str, reason: str, now: datetime) -> None:
    """Write a verdict; what was only put aside until then needs no memory."""
    session.execute(delete(Adjudication).where(Adjudication.item_id == item.id, Adjudication.reason == "later"))
    session.add(_row(item, worker_id, label_id, reason, now))


def _row(item: Item, worker_id: int, label_id: str, reason: str, now: datetime) -> Adjudication:
    return Adjudication(
        project_id=item.project_id,
        item_id=item.id,
        worker_id=worker_id,
        label_id=label_id,
        reason=reason,
        created_at=now,
    )
