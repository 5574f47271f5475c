"""A few verdicts are looked at blind by another expert, so that it is known how far experts agree.

Which items: those whose public id ends below `SECOND_BELOW`, a share at random of about 5 %. To the second expert such
an item looks like any other dispute. A verdict is never taken back by the engine: where the two differ, a coordinator
is asked for the last word, and until then the first verdict stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from core import labels
from core.aggregation.interval import wilson_interval
from core.consensus import retire, settle
from core.db.tables import table_of
from core.dispute_order import FINAL, SECOND, UNDECIDED
from core.disputes import find_item, verdict_row
from core.enrolment import record_act
from core.errors import Conflict
from core.finishing import responsible
from core.gold_doubts import follow_last_word
from core.items import lock_item
from core.models import Adjudication, Item, Project
from core.outbox import owe

TOLD_WITHIN = timedelta(days=30)
"""So long a message about two different verdicts makes sense."""

ADJUDICATION, ITEM, PROJECT = table_of(Adjudication), table_of(Item), table_of(Project)


@dataclass(frozen=True, slots=True)
class ExpertAgreement:
    """How far experts agree. compared: items that two of them judged without knowing of each other; same: alike."""

    compared: int
    same: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share of alike verdicts (Wilson)."""
        return wilson_interval(self.same, self.compared)


@dataclass(frozen=True, slots=True)
class Difference:
    """An item about which two experts differ. Label ids; empty: unanswerable. `first` stands meanwhile."""

    item_public_id: str
    project_public_id: str
    question: str
    label_schema: dict[str, Any]
    content: list[dict[str, Any]]
    first: str
    second: str


def record_second(session: Session, item: Item, project: Project, expert_id: int, label_id: str, now: datetime) -> None:
    """Write down what a second expert says of a settled item, whose row is locked; the verdict stays as it is.

    Where they differ, whoever coordinates the job is asked for the last word.

    Args:
        label_id: empty where they found it unanswerable.
    """
    session.add(verdict_row(item, expert_id, label_id, SECOND, now))
    record_act(session, project.workspace_id, expert_id, "settle", item.public_id, now)
    if label_id == item.label_id:
        return
    if (worker_id := responsible(session, project)) is not None:
        owe(
            session,
            worker_id=worker_id,
            workspace_id=project.workspace_id,
            kind="second_differs",
            params={"item_public_id": item.public_id},
            dedupe_key=told_key(item.id),
            now=now,
            expires_after=TOLD_WITHIN,
        )


def told_key(item_id: int) -> str:
    """The `dedupe_key` of the message that two experts differ about an item."""
    return f"second-{item_id}"


def settle_finally(
    session: Session, *, workspace_id: int, worker_id: int, item_public_id: str, label_id: str, now: datetime
) -> tuple[Item, Project]:
    """The last word on an item about which two experts differ.

    Args:
        label_id: one of the project's; empty: nobody can answer it, and it leaves its job.

    Raises:
        NotFound: no such item in this workspace.
        InvalidInput: no such label.
        Conflict: the last word has been spoken, or nobody differs.
    """
    item, project = find_item(session, workspace_id, item_public_id)
    if label_id:
        labels.parse(labels.load(project.label_schema), label_id)
    state = lock_item(session, item.id)
    session.refresh(item)
    if difference(session, workspace_id, item_public_id) is None:
        raise Conflict("final_gone")
    session.add(verdict_row(item, worker_id, label_id, FINAL, now))
    if not label_id:
        retire(session, state, now)
    elif label_id != item.label_id:
        settle(session, state, label_id, now)
    follow_last_word(session, project, item.id, label_id, now)
    record_act(session, workspace_id, worker_id, "settle", item.public_id, now)
    session.flush()
    return item, project


def difference(session: Session, workspace_id: int, item_public_id: str) -> Difference | None:
    """What two experts say of an item, where they differ and nobody has said the last word; else nothing."""
    statement = _differences(workspace_id).where(ITEM.c.public_id == item_public_id)
    row = session.execute(statement.limit(1)).one_or_none()
    return None if row is None else Difference(*row)


def next_difference(session: Session, workspace_id: int, project_id: int | None = None) -> Difference | None:
    """The oldest item that waits for a last word, in one job or in all of a workspace."""
    statement = _differences(workspace_id)
    if project_id is not None:
        statement = statement.where(ITEM.c.project_id == project_id)
    row = session.execute(statement.order_by(ADJUDICATION.c.id).limit(1)).one_or_none()
    return None if row is None else Difference(*row)


def expert_agreement(session: Session, workspace_id: int, project_id: int | None = None) -> ExpertAgreement:
    """How far the verdicts of first and second looks agree, in one job or in all of a workspace."""
    first = aliased(ADJUDICATION)
    pairs = (
        select(first.c.label_id == ADJUDICATION.c.label_id, func.count())
        .select_from(ADJUDICATION)
        .join(first, and_(first.c.item_id == ADJUDICATION.c.item_id, first.c.reason == UNDECIDED))
        .join(PROJECT, PROJECT.c.id == ADJUDICATION.c.project_id)
        .where(PROJECT.c.workspace_id == workspace_id, ADJUDICATION.c.reason == SECOND)
        .group_by(first.c.label_id == ADJUDICATION.c.label_id)
    )
    if project_id is not None:
        pairs = pairs.where(PROJECT.c.id == project_id)
    counts = {bool(same): count for same, count in session.execute(pairs)}
    return ExpertAgreement(sum(counts.values()), counts.get(True, 0))


def _differences(workspace_id: int) -> Select[Any]:
    final = aliased(ADJUDICATION)
    settled = exists().where(final.c.item_id == ITEM.c.id, final.c.reason == FINAL)
    return (
        select(
            ITEM.c.public_id,
            PROJECT.c.public_id,
            PROJECT.c.question,
            PROJECT.c.label_schema,
            ITEM.c.content,
            ITEM.c.label_id,
            ADJUDICATION.c.label_id,
        )
        .join(PROJECT, PROJECT.c.id == ITEM.c.project_id)
        .join(ADJUDICATION, ADJUDICATION.c.item_id == ITEM.c.id)
        .where(PROJECT.c.workspace_id == workspace_id, ITEM.c.state == "adjudicated", ~settled)
        .where(ADJUDICATION.c.reason == SECOND, _differs())
    )


def _differs() -> ColumnElement[bool]:
    return ADJUDICATION.c.label_id != ITEM.c.label_id
