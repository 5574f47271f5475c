"""A pilot: a few dozen items of a job come first, and its coordinator decides on the rest when they are through.

The items of a pilot are a batch of their own, and published; the batches that they were taken from are `held`, which
assignment passes over like one that is still loading. Going on publishes what is held, in one stroke. A pilot is
decided upon when nearly all of its items are through, or nobody is left who could answer the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, CursorResult, exists, func, select, update
from sqlalchemy.orm import Session

from core.db.tables import table_of
from core.due import offer_effect, reestimate_effect
from core.effects import add_effect
from core.enrolment import record_act
from core.errors import Conflict
from core.finishing import responsible
from core.items import lock_items
from core.models import Assignment, Batch, Item, Project
from core.outbox import owe
from core.pace import nobody_left
from core.predictions import request_prelabel
from core.ranks import ORDINARY, make_rank, take_sequences

PILOT_ITEMS = 30
LEAST_BEHIND = 30
"""A pilot pays only where it leaves at least so many items behind."""
OPEN_SHARE = 0.1
"""Of a pilot's items, at most so many may still be open when it is reported."""
HELD, PUBLISHED = "held", "published"
Outcome = Literal["", "begun", "held", "too_small"]
"""What a pilot means for a batch that was loaded. Empty: all of it is asked, as it would be without one."""
UNDECIDED = ("running", "reported")
"""States of a pilot whose coordinator has not decided yet."""
MARK = {"pilot": True}
"""The mapping of the batch that holds a pilot's items."""

ITEM, BATCH, PROJECT = table_of(Item), table_of(Batch), table_of(Project)


def pays(items: int) -> bool:
    """Whether a job of so many items is large enough for a pilot."""
    return items >= PILOT_ITEMS + LEAST_BEHIND


def holds_back(project: Project) -> bool:
    """Whether items that come now have to wait for the end of a pilot."""
    return project.pilot_state in UNDECIDED


def hold_back(session: Session, project: Project, batch: Batch, now: datetime) -> Outcome:
    """Let a batch that has just been published wait, where its project has a pilot; the first one gives its items.

    A batch that is too small for a pilot of its own goes ahead, and the pilot is forgotten. Its items are those that
    are to be labeled: what only checks people is set aside before.
    """
    if not project.pilot_size or project.pilot_state == "passed":
        return ""
    if holds_back(project):
        batch.state = HELD
        return "held"
    if batch.item_count >= project.pilot_size + LEAST_BEHIND:
        _begin(session, project, [batch], now)
        return "begun"
    project.pilot_size = 0
    return "too_small"


def may_begin(session: Session, project: Project) -> bool:
    """Whether a pilot can still be put before the items of a project: nobody has been given one of them."""
    if project.state == "closed" or project.pilot_size:
        return False
    begun = session.scalar(select(exists().where(Assignment.project_id == project.id)))
    return not begun and pays(_published_items(session, project.id))


def begin(session: Session, project: Project, worker_id: int, now: datetime) -> None:
    """Put a pilot of `PILOT_ITEMS` items before those that a project has.

    Raises:
        Conflict: pilot_too_late, where people have begun, or pilot_too_small.
    """
    if project.pilot_size:
        return
    if not may_begin(session, project):
        large = pays(_published_items(session, project.id))
        raise Conflict("pilot_too_late" if large else "pilot_too_small", items=PILOT_ITEMS, least=LEAST_BEHIND)
    project.pilot_size = PILOT_ITEMS
    statement = select(Batch).where(Batch.project_id == project.id, Batch.state == PUBLISHED).with_for_update()
    _begin(session, project, list(session.scalars(statement.order_by(Batch.id))), now)
    record_act(session, project.workspace_id, worker_id, "pilot", project.public_id, now)


def _begin(session: Session, project: Project, batches: Sequence[Batch], now: datetime) -> None:
    """Move items into a batch of their own: in the order of the hash of their content, which is as good as at random.

    They take fresh ranks, behind those of the batches that are held: a search skips these as a whole.
    """
    chosen = (
        select(ITEM.c.id)
        .where(ITEM.c.project_id == project.id, ITEM.c.batch_id.in_([batch.id for batch in batches]))
        .where(ITEM.c.purpose == "label", ITEM.c.state == "open")
        .order_by(ITEM.c.content_hash, ITEM.c.id)
        .limit(project.pilot_size)
    )
    item_ids = list(session.scalars(chosen))
    lock_items(session, item_ids)
    first = make_rank(ORDINARY, take_sequences(session, project.id, len(item_ids)))
    pilot = Batch(
        project_id=project.id,
        upload_id=batches[0].upload_id,
        state=PUBLISHED,
        mapping=MARK,
        first_rank=first,
        last_rank=first + len(item_ids) - 1,
        item_count=len(item_ids),
        bad_rows=[],
        created_by_id=batches[0].created_by_id,
        created_at=now,
        published_at=now,
    )
    session.add(pilot)
    session.flush()
    for place, item_id in enumerate(item_ids):
        moved = update(ITEM).where(ITEM.c.id == item_id).values(batch_id=pilot.id, rank=first + place)
        session.execute(moved)
    for batch in batches:
        batch.state = HELD
        batch.item_count = _label_items(session, batch.id)
    project.pilot_state = "running"
    add_effect(session, offer_effect(project.id, now))
    add_effect(session, reestimate_effect(project.id, now))


def pilot_batch(session: Session, project: Project) -> Batch | None:
    """The batch that holds the items of a project's pilot."""
    statement = select(Batch).where(Batch.project_id == project.id).order_by(Batch.id)
    return next((batch for batch in session.scalars(statement) if batch.mapping == MARK), None)


def waiting_items(session: Session, project_id: int) -> int:
    """Items that wait for the end of a pilot."""
    held = select(func.coalesce(func.sum(BATCH.c.item_count), 0))
    return session.scalar(held.where(BATCH.c.project_id == project_id, BATCH.c.state == HELD)) or 0


def look_for_report(session: Session, project_id: int, now: datetime) -> bool:
    """Whether a pilot has come to its end just now; its coordinator is then told, once. Called by background jobs."""
    project = session.get_one(Project, project_id)
    if project.pilot_state != "running" or project.state != "open" or not _is_through(session, project):
        return False
    if not _change(session, project, "reported", PROJECT.c.pilot_state == "running"):
        return False
    if (worker_id := responsible(session, project)) is not None:
        owe(
            session,
            worker_id=worker_id,
            workspace_id=project.workspace_id,
            kind="pilot_report",
            params={"project_id": project.id},
            dedupe_key=f"pilot-{project.id}",
            now=now,
        )
    return True


def go_on(session: Session, project: Project, worker_id: int, now: datetime) -> bool:
    """Ask all items; false where that was decided before."""
    if not _change(session, project, "passed", PROJECT.c.pilot_state.in_(UNDECIDED)):
        return False
    held = update(BATCH).where(BATCH.c.project_id == project.id, BATCH.c.state == HELD)
    session.execute(held.values(state=PUBLISHED, published_at=now))
    session.expire_all()
    request_prelabel(session, project.id)
    record_act(session, project.workspace_id, worker_id, "pilot_passed", project.public_id, now)
    add_effect(session, offer_effect(project.id, now))
    add_effect(session, reestimate_effect(project.id, now))
    return True


def _change(session: Session, project: Project, state: str, still: ColumnElement[bool]) -> bool:
    """Compare and set; whoever comes second changes nothing."""
    session.flush()
    first = update(PROJECT).where(PROJECT.c.id == project.id, still).values(pilot_state=state)
    changed = cast("CursorResult[Any]", session.execute(first)).rowcount == 1
    session.refresh(project)
    return changed


def _is_through(session: Session, project: Project) -> bool:
    batch = pilot_batch(session, project)
    if batch is None:
        return False
    still = select(func.count()).select_from(ITEM).where(ITEM.c.batch_id == batch.id, ITEM.c.state == "open")
    open_items = session.scalar(still.where(ITEM.c.purpose == "label")) or 0
    return open_items <= OPEN_SHARE * batch.item_count or nobody_left(session, project)


def _published_items(session: Session, project_id: int) -> int:
    counted = select(func.coalesce(func.sum(BATCH.c.item_count), 0))
    return session.scalar(counted.where(BATCH.c.project_id == project_id, BATCH.c.state == PUBLISHED)) or 0


def _label_items(session: Session, batch_id: int) -> int:
    counted = select(func.count()).select_from(ITEM)
    return session.scalar(counted.where(ITEM.c.batch_id == batch_id, ITEM.c.purpose == "label")) or 0
