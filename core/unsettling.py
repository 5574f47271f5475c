"""What an expert has just said of an item, and how they take it back: it waits again as if they had not spoken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from core import labels
from core.auditing import UNDO_WITHIN
from core.consensus import unsettle
from core.db.tables import table_of
from core.dispute_order import CLARIFIED, FINAL, SECOND, UNDECIDED, VERDICTS
from core.disputes import find_item
from core.enrolment import record_act
from core.errors import Conflict, NotFound
from core.feedback import was_told, withdraw_feedback
from core.gold_doubts import learn_anew
from core.items import ItemState, lock_item
from core.models import Adjudication, Annotation, Assignment, Gold, Item, OutboxMessage, Project
from core.second_looks import told_key
from core.suggestions import UNCLEAR

ACT = "unsettle"
UNDOABLE = (*VERDICTS, SECOND, UNCLEAR)
"""Reasons of what an expert may take back."""
HOLDS = {UNDECIDED: "adjudicated", "unanswerable": "withdrawn", SECOND: "adjudicated", UNCLEAR: "disputed"}
"""The state of an item of which that holds."""
HELD = ("active", "submitted")
"""States of an assignment whose worker has the item as one that checks them, or has answered it."""
STAMPS = 1_000_000

ADJUDICATION, GOLD, OUTBOX = table_of(Adjudication), table_of(Gold), table_of(OutboxMessage)
ANNOTATION, ASSIGNMENT = table_of(Annotation), table_of(Assignment)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an expert said of an item, in words for people.

    label: empty where it is unanswerable, or where only the guidelines were called unclear (reason "unclear").
    is_gold: its label is known, from a verdict or from the file.
    stamp: by which a button takes it back (`stamp_of`); None once it is too late for that.
    """

    item_public_id: str
    text: str
    label: str
    is_gold: bool = False
    reason: str = UNDECIDED
    stamp: int | None = None

    @property
    def may_be_gold(self) -> bool:
        """Whether its label may be kept as known; that of a second look may not."""
        return self.reason == UNDECIDED and not self.is_gold


def verdict_on(
    session: Session, workspace_id: int, item_public_id: str, expert_id: int, now: datetime
) -> Verdict | None:
    """The last thing that this expert said of an item of a workspace; nothing where none of it holds."""
    try:
        item, project = find_item(session, workspace_id, item_public_id)
    except NotFound:
        return None
    mine = select(Adjudication).where(
        ADJUDICATION.c.item_id == item.id, ADJUDICATION.c.worker_id == expert_id, ADJUDICATION.c.reason.in_(UNDOABLE)
    )
    said = session.scalars(mine.order_by(ADJUDICATION.c.id.desc()).limit(1)).first()
    if said is None or item.state != HOLDS[said.reason]:
        return None
    fresh = is_fresh(said.created_at, now)
    if said.reason != UNDECIDED and not fresh:
        return None
    label_id = item.label_id if said.reason == UNDECIDED else said.label_id
    known = said.reason == UNDECIDED and session.scalar(select(exists().where(GOLD.c.item_id == item.id)))
    return Verdict(
        item_public_id=item.public_id,
        text=labels.item_text(item.content),
        label=labels.name_of(labels.load(project.label_schema), label_id) if label_id else "",
        is_gold=bool(known),
        reason=said.reason,
        stamp=stamp_of(said.created_at) if fresh else None,
    )


def stamp_of(moment: datetime) -> int:
    """What a button calls a verdict of this moment by: its milliseconds, which repeat after a quarter of an hour."""
    return int(moment.timestamp() * 1000) % STAMPS


def is_fresh(moment: datetime, now: datetime) -> bool:
    """Whether what was said at a moment may still be taken back."""
    return moment >= now - UNDO_WITHIN


def take_back(
    session: Session, *, workspace_id: int, worker_id: int, item_public_id: str, stamp: int, now: datetime
) -> tuple[Item, Project]:
    """Undo a verdict, a second look, or "the guidelines are unclear", by the expert who gave it.

    The item is what it was before: no label, not known, nobody is told. What its answers are paid does not change.

    Args:
        stamp: of the moment at which it was given (`stamp_of`).

    Raises:
        NotFound: no such item in this workspace.
        Conflict: it was undone before or is another expert's, or it is too late: longer ago than `UNDO_WITHIN`, judged
            again since, used by training, asked as a known item, or somebody was told. The code says which.
    """
    item, project = find_item(session, workspace_id, item_public_id)
    state = lock_item(session, item.id)
    session.refresh(item)
    said = _said(session, item, worker_id, stamp)
    _check_time(session, said, now)
    if said.reason in VERDICTS:
        _check_unused(session, project, state, said)
    elif said.reason == SECOND:
        _check_untold(session, item.id)
    session.delete(said)
    session.flush()
    if said.reason in VERDICTS:
        session.execute(delete(Gold).where(GOLD.c.item_id == item.id, GOLD.c.source == "verdict"))
        unsettle(session, project, state, now)
        withdraw_feedback(session, project, item.id)
        learn_anew(session, project, now)
    elif said.reason == SECOND:
        session.execute(delete(OutboxMessage).where(OUTBOX.c.dedupe_key == told_key(item.id)))
    record_act(session, workspace_id, worker_id, ACT, item.public_id, now)
    return item, project


def _said(session: Session, item: Item, worker_id: int, stamp: int) -> Adjudication:
    """What the button means.

    Raises:
        Conflict: another expert said it, or nobody does any more.
    """
    statement = select(Adjudication).where(
        ADJUDICATION.c.item_id == item.id, ADJUDICATION.c.reason.in_((*UNDOABLE, CLARIFIED))
    )
    newest = statement.order_by(ADJUDICATION.c.id.desc()).execution_options(populate_existing=True)
    found = [row for row in session.scalars(newest) if stamp_of(row.created_at) == stamp]
    mine = [row for row in found if row.worker_id == worker_id]
    if not mine:
        raise Conflict("verdict_of_another" if found else "verdict_undone_before")
    return mine[0]


def _check_time(session: Session, said: Adjudication, now: datetime) -> None:
    """Refuse what is too old, or was followed by another expert's word or a coordinator's."""
    if not is_fresh(said.created_at, now):
        raise Conflict("verdict_late", minutes=int(UNDO_WITHIN.total_seconds() // 60))
    since = select(ADJUDICATION.c.id).where(
        ADJUDICATION.c.item_id == said.item_id,
        ADJUDICATION.c.id > said.id,
        ADJUDICATION.c.reason.in_((*VERDICTS, SECOND, FINAL)),
    )
    if said.reason == CLARIFIED or session.scalars(since.limit(1)).first() is not None:
        raise Conflict("verdict_followed")


def _check_unused(session: Session, project: Project, item: ItemState, said: Adjudication) -> None:
    """Refuse to take back a verdict that something rests on already."""
    if said.reason == UNDECIDED and item.trained_at is not None:
        raise Conflict("verdict_trained")
    if was_told(session, project, item.id, said.created_at):
        raise Conflict("verdict_told")
    asked = exists().where(
        ASSIGNMENT.c.item_id == item.id, ASSIGNMENT.c.state.in_(HELD), ASSIGNMENT.c.leased_at >= said.created_at
    )
    answered = exists().where(ANNOTATION.c.item_id == item.id, ANNOTATION.c.state == "control")
    if session.scalar(select(asked | answered)):
        raise Conflict("verdict_asked")


def _check_untold(session: Session, item_id: int) -> None:
    """Refuse to take back a second look that a coordinator was told of."""
    told = select(OUTBOX.c.id).where(OUTBOX.c.dedupe_key == told_key(item_id), OUTBOX.c.state == "sent")
    if session.scalars(told).first() is not None:
        raise Conflict("verdict_told")
