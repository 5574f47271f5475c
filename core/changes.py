"""Jobs that change while they run: settings, the range of answers, further labels. Each change is recorded.

A range of answers changes at once for what is decided from then on. The items that there are follow in a background
job, in pieces, because there may be many; until it has passed an item, that item is asked by the old range. That the
job is owed stands in the outbox: the message which tells the coordinator that it is done waits there until it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Engine, and_, or_, select, update
from sqlalchemy.orm import Session

from core import labels, quality
from core.consensus import reconsider
from core.db import let_others_write, reading, unit_of_work
from core.db.tables import table_of
from core.due import overlap_effect, reestimate_effect
from core.effects import Effect, EnqueueJob, WakeDelivery, add_effect
from core.enrolment import record_act
from core.errors import InvalidInput
from core.items import lock_item, lock_items
from core.labels import choice
from core.models import Item, OutboxMessage, Project
from core.outbox import owe
from core.projects import check_overlap, check_settings
from core.skills import crowd_model

CHANGEABLE = ("name", "price", "lease_seconds", "deadline", "priority", "audience", "language", "guidelines")
CHUNK = 200
OWED = "overlap_applied"
"""Kind of the message that waits for the job."""
PATIENCE = timedelta(days=300)
"""So long the message would wait for a job that never ends."""

ITEM, OUTBOX = table_of(Item), table_of(OutboxMessage)


def change_settings(session: Session, project: Project, worker_id: int, now: datetime, **values: Any) -> bool:
    """Change any of `CHANGEABLE`; false where nothing is other than before. New guidelines are a new version.

    Leases in hand keep their deadline and may be answered by whoever holds them.

    Raises:
        InvalidInput: as `core.projects.check_settings`.
    """
    if unknown := set(values) - set(CHANGEABLE):
        raise ValueError(f"not to be changed: {sorted(unknown)}")
    check_settings(values, now)
    locked = _lock(session, project)
    changed = {name: value for name, value in values.items() if getattr(locked, name) != value}
    for name, value in changed.items():
        setattr(locked, name, value)
    if "guidelines" in changed:
        locked.guidelines_version += 1
        changed["guidelines"] = f"version {locked.guidelines_version}"
    for name, value in changed.items():
        _record(session, locked, worker_id, f"{name} {value}", now)
    return bool(changed)


def change_quality(session: Session, project: Project, worker_id: int, now: datetime, **values: Any) -> bool:
    """Change any of `core.quality.QualitySettings`; false where nothing is other than before.

    Raises:
        InvalidInput: as `core.quality.change`.
    """
    locked = _lock(session, project)
    before = quality.load(locked.quality)
    after = quality.change(before, **values)
    if after == before:
        return False
    locked.quality = quality.dump(after)
    changed = (f"{name} {getattr(after, name)}" for name in values if getattr(after, name) != getattr(before, name))
    _record(session, locked, worker_id, f"quality {', '.join(changed)}", now)
    return True


def change_overlap(
    session: Session, project: Project, minimum: int, maximum: int, worker_id: int, now: datetime
) -> bool:
    """Ask for another number of answers per item; false where it is the same. Items follow by way of `apply_overlap`.

    Raises:
        InvalidInput: as `core.projects.check_overlap`.
    """
    check_overlap(minimum, maximum)
    locked = _lock(session, project)
    if (locked.min_overlap, locked.max_overlap) == (minimum, maximum):
        return False
    locked.min_overlap, locked.max_overlap = minimum, maximum
    _record(session, locked, worker_id, f"answers {minimum}-{maximum}", now)
    owe_overlap(session, locked, worker_id, now)
    return True


def add_labels(session: Session, project: Project, names: Sequence[str], worker_id: int, now: datetime) -> None:
    """Put further labels behind those that there are, which stay as they are: answers carry their ids.

    Items keep their state. What is believed of open ones is worked out anew with their next answer, and of all by the
    re-estimation that this makes due.

    Raises:
        InvalidInput: no_labels, or as `core.labels.choice.make`.
    """
    if not names:
        raise InvalidInput("no_labels")
    locked = _lock(session, project)
    schema = choice.extend(labels.load(locked.label_schema), names)
    locked.label_schema = labels.dump(schema)
    locked.estimated_annotations = 0
    added = schema.labels[-len(names) :]
    _record(session, locked, worker_id, f"labels + {' | '.join(label.name for label in added)}", now)
    add_effect(session, reestimate_effect(locked.id, now))


def owe_overlap(session: Session, project: Project, worker_id: int, now: datetime) -> None:
    """Have the items of a project follow its range of answers, and tell `worker_id` when they have."""
    owe(
        session,
        worker_id=worker_id,
        workspace_id=project.workspace_id,
        kind=OWED,
        params={"project_id": project.id, "minimum": project.min_overlap, "maximum": project.max_overlap},
        dedupe_key=f"overlap-{project.id}-{now.timestamp():.6f}",
        now=now,
        not_before=now + PATIENCE,
    )
    add_effect(session, overlap_effect(project.id, now))


def unfinished_overlaps(session: Session, now: datetime) -> list[EnqueueJob]:
    """Jobs for the changed ranges that items have not followed yet, for the sweep."""
    project_ids = sorted({params["project_id"] for params in session.scalars(_owed(now, OUTBOX.c.params))})
    return [overlap_effect(project_id, now) for project_id in project_ids]


def apply_overlap(
    engine: Engine, project_id: int, run_effects: Callable[[list[Effect]], None], clock: Callable[[], datetime]
) -> int:
    """Hold all items of a project against its present range of answers; returns how many changed.

    It may be killed and run again, also beside itself: each item is looked at anew under its lock.
    """
    with reading(engine) as session:
        rows = session.execute(_owed(clock(), OUTBOX.c.id, OUTBOX.c.params))
        message_ids = [message_id for message_id, params in rows if params["project_id"] == project_id]
        waiting = iter(_out_of_range(session, session.get_one(Project, project_id)))
    changed = 0
    while chunk := list(islice(waiting, CHUNK)):
        with unit_of_work(engine, run_effects) as session:
            changed += _reconsider(session, project_id, chunk, clock())
        let_others_write(engine)
    with unit_of_work(engine, run_effects) as session:
        _release(session, message_ids, changed, clock())
    return changed


def _reconsider(session: Session, project_id: int, item_ids: Sequence[int], now: datetime) -> int:
    lock_items(session, item_ids)
    project = session.get_one(Project, project_id)
    crowd = crowd_model(project)
    return sum(reconsider(session, project, crowd, lock_item(session, item_id), now) for item_id in item_ids)


def _out_of_range(session: Session, project: Project) -> list[int]:
    """Ids of the items that the range may change; `reconsider` decides under their locks."""
    item = ITEM.c
    few, open_item = item.submitted < project.min_overlap, item.state == "open"
    statement = select(item.id).where(
        item.project_id == project.id,
        item.purpose == "label",
        or_(
            and_(open_item, few, item.overlap != project.min_overlap),
            and_(open_item, ~few),
            and_(item.state == "agreed", few),
            and_(item.state == "disputed", item.submitted < project.max_overlap),
        ),
    )
    return list(session.scalars(statement.order_by(item.id)))


def _owed(now: datetime, *columns: Any) -> Any:
    return select(*columns).where(OUTBOX.c.state == "pending", OUTBOX.c.kind == OWED, OUTBOX.c.not_before > now)


def _release(session: Session, message_ids: Sequence[int], changed: int, now: datetime) -> None:
    """The messages may go out now; where no item changed there is nothing to tell."""
    values = {"not_before": now, "expires_at": now + timedelta(days=3)} if changed else {"state": "expired"}
    pending = update(OUTBOX).where(OUTBOX.c.id.in_(message_ids), OUTBOX.c.state == "pending")
    session.execute(pending.values(values))
    add_effect(session, WakeDelivery())


def _lock(session: Session, project: Project) -> Project:
    return session.get_one(Project, project.id, with_for_update=True, populate_existing=True)


def _record(session: Session, project: Project, worker_id: int, what: str, now: datetime) -> None:
    record_act(session, project.workspace_id, worker_id, "edit", f"{project.public_id} {what}", now)
