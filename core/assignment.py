"""Who gets what next: leases under exact redundancy, found by rank and cursor without a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from core.aggregation.value import expected_information
from core.db.tables import table_of
from core.db.upsert import insert_statement
from core.due import expiry_effect, offer_effect
from core.effects import add_effect
from core.ids import new_public_id
from core.items import ITEM, lock_item, lock_items, write_item
from core.models import Assignment, Batch, Cursor, Participation, Project
from core.ranks import band_of
from core.skills import crowd_model, load_counts

WINDOW = 16
MAX_WINDOW = 256
MAX_STEPS = 12
"""Bounds of one search: at most this many windows, growing from WINDOW to MAX_WINDOW candidates."""

ASSIGNMENT, BATCH, CURSOR = table_of(Assignment), table_of(Batch), table_of(Cursor)
TAKEN_STATES = ("active", "submitted", "skipped")

# Statements of the hot path are built once: building one costs as much as running it.
LEASE_COLUMNS = [ASSIGNMENT.c[name] for name in ("id", "public_id", "version", "item_id", "project_id", "expires_at")]
HELD = (
    select(*LEASE_COLUMNS)
    .where(ASSIGNMENT.c.worker_id == bindparam("worker_id"), ASSIGNMENT.c.state == "active")
    .order_by(ASSIGNMENT.c.id.desc())
    .limit(1)
)
HELD_IN_PROJECT = HELD.where(ASSIGNMENT.c.project_id == bindparam("project_id"))
OPEN_LEASE = insert(ASSIGNMENT).returning(ASSIGNMENT.c.id)
CANDIDATES = (
    select(ITEM.c.id, ITEM.c.rank, ITEM.c.posterior, BATCH.c.state.label("batch_state"), BATCH.c.last_rank)
    .join(BATCH, BATCH.c.id == ITEM.c.batch_id)
    .where(ITEM.c.project_id == bindparam("project_id"), ITEM.c.slots > 0, ITEM.c.rank > bindparam("floor"))
    .order_by(ITEM.c.rank)
    .limit(bindparam("window"))
)
TAKEN = select(ASSIGNMENT.c.item_id).where(
    ASSIGNMENT.c.item_id.in_(bindparam("item_ids", expanding=True)),
    ASSIGNMENT.c.worker_id == bindparam("worker_id"),
    ASSIGNMENT.c.state.in_(TAKEN_STATES),
)
FREE = select(ITEM.c.id).where(ITEM.c.id == bindparam("item_id"), ITEM.c.slots > 0).with_for_update(skip_locked=True)
COUNT_LEASE = update(ITEM).where(ITEM.c.id == bindparam("item_id"), ITEM.c.slots > 0).values(leased=ITEM.c.leased + 1)
CURSORS = select(CURSOR.c.band, CURSOR.c.rank).where(
    CURSOR.c.worker_id == bindparam("worker_id"), CURSOR.c.project_id == bindparam("project_id")
)
END = update(ASSIGNMENT).where(ASSIGNMENT.c.id == bindparam("assignment_id"), ASSIGNMENT.c.state == "active")


@dataclass(frozen=True, slots=True)
class Lease:
    """An active assignment, as a card needs it."""

    assignment_id: int
    public_id: str
    version: int
    item_id: int
    project_id: int
    expires_at: datetime


def active_lease(session: Session, worker_id: int, project_id: int | None = None) -> Lease | None:
    """The worker's active assignment, in one project or in any."""
    if project_id is None:
        row = session.execute(HELD, {"worker_id": worker_id}).one_or_none()
    else:
        row = session.execute(HELD_IN_PROJECT, {"worker_id": worker_id, "project_id": project_id}).one_or_none()
    return Lease(*row) if row else None


def next_assignment(session: Session, project: Project, worker_id: int, surface: str, now: datetime) -> Lease | None:
    """The worker's active assignment in the project, or a new lease, or nothing where nothing is left for them."""
    if project.state != "open":
        return None
    if (held := active_lease(session, worker_id, project.id)) is not None:
        return held
    item_id = find_item(session, project, worker_id, lease=True)
    set_standing(session, worker_id, project.id, "idle" if item_id is None else "working", now)
    if item_id is not None:
        return open_lease(session, project, item_id, worker_id, surface, now)
    if find_item(session, project, worker_id, lease=False) is not None:
        add_effect(session, offer_effect(project.id, now))  # others hold what is left at this moment
    return None


def open_lease(session: Session, project: Project, item_id: int, worker_id: int, surface: str, now: datetime) -> Lease:
    """Write the assignment for an item whose `leased` already counts it."""
    expires_at = now + timedelta(seconds=project.lease_seconds)
    values = {
        "public_id": new_public_id(),
        "project_id": project.id,
        "item_id": item_id,
        "worker_id": worker_id,
        "state": "active",
        "version": 1,
        "guidelines_version": project.guidelines_version,
        "surface": surface,
        "leased_at": now,
        "expires_at": expires_at,
    }
    new_id = session.execute(OPEN_LEASE, values).scalar_one()
    add_effect(session, expiry_effect(project.id, expires_at))
    return Lease(new_id, str(values["public_id"]), 1, item_id, project.id, expires_at)


def find_item(session: Session, project: Project, worker_id: int, *, lease: bool) -> int | None:
    """The best open item for a worker, by rank, one cursor per band, and bounded scoring.

    A search that finds nothing wraps to the start once. With `lease` the item's `leased` is counted up.
    """
    cursors = _load_cursors(session, worker_id, project.id)
    found = _search(session, project, worker_id, dict(cursors), lease=lease)
    if found is None and cursors:
        session.execute(_own_cursors(worker_id, project.id))
        found = _search(session, project, worker_id, {}, lease=lease)
    return found


def _search(session: Session, project: Project, worker_id: int, cursors: dict[int, int], *, lease: bool) -> int | None:
    floor, window, left_behind = -1, WINDOW, False
    for _ in range(MAX_STEPS):
        candidates = _candidates(session, project.id, floor, window)
        if not candidates:
            return None
        band = band_of(candidates[0].rank)
        if candidates[0].rank <= cursors.get(band, -1):
            floor = cursors[band]
            continue
        if candidates[0].batch_state != "published":
            floor = max(candidates[0].rank, candidates[0].last_rank)
            continue
        visible = _same_band_and_visible(candidates, band)
        taken = _taken(session, worker_id, [row.id for row in visible])
        free = [row for row in visible if row.id not in taken]
        passed = visible[-1].rank if not free else free[0].rank - 1
        if visible[0].rank <= passed and not left_behind:
            cursors[band] = passed
            _save_cursor(session, worker_id, project.id, band, passed)
        for row in _by_value(session, project, worker_id, free):
            if not lease or _count_lease(session, row.id):
                return int(row.id)
        left_behind = left_behind or bool(free)
        floor, window = visible[-1].rank, min(window * 4, MAX_WINDOW)
    return None


def _candidates(session: Session, project_id: int, floor: int, window: int) -> Sequence[Any]:
    return session.execute(CANDIDATES, {"project_id": project_id, "floor": floor, "window": window}).all()


def _same_band_and_visible(candidates: Sequence[Any], band: int) -> list[Any]:
    visible = []
    for row in candidates:
        if row.batch_state != "published" or band_of(row.rank) != band:
            break
        visible.append(row)
    return visible


def _taken(session: Session, worker_id: int, item_ids: list[int]) -> set[int]:
    return set(session.scalars(TAKEN, {"item_ids": item_ids, "worker_id": worker_id}))


def _by_value(session: Session, project: Project, worker_id: int, rows: list[Any]) -> list[Any]:
    """At most `WINDOW` candidates, the one first about which this worker's answer tells most; ties by rank."""
    rows = rows[:WINDOW]
    if len({None if row.posterior is None else tuple(row.posterior) for row in rows}) <= 1:
        return rows
    crowd = crowd_model(project)
    counts = load_counts(session, worker_id, project.id, crowd.classes)
    value = {row.id: expected_information(crowd.belief(row.posterior), counts, crowd.pooled) for row in rows}
    return sorted(rows, key=lambda row: (-value[row.id], row.rank))


def _count_lease(session: Session, item_id: int) -> bool:
    """Take one slot, unless another transaction holds the row or has taken the last one: then try the next item.

    Never waits for a row lock: the tapping transaction already holds its own item.
    """
    postgresql = session.get_bind().dialect.name == "postgresql"
    if postgresql and session.execute(FREE, {"item_id": item_id}).one_or_none() is None:
        return False
    taken = session.execute(COUNT_LEASE, {"item_id": item_id})
    return getattr(taken, "rowcount", 0) == 1


def _load_cursors(session: Session, worker_id: int, project_id: int) -> dict[int, int]:
    rows = session.execute(CURSORS, {"worker_id": worker_id, "project_id": project_id})
    return {band: rank for band, rank in rows}


def _own_cursors(worker_id: int, project_id: int) -> Any:
    return delete(Cursor).where(Cursor.worker_id == worker_id, Cursor.project_id == project_id)


def _save_cursor(session: Session, worker_id: int, project_id: int, band: int, rank: int) -> None:
    statement = insert_statement(session, Cursor).values(
        worker_id=worker_id, project_id=project_id, band=band, rank=rank
    )
    keys = ["worker_id", "project_id", "band"]
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_={"rank": rank}))


def end_lease(
    session: Session, assignment_id: int, item_id: int, state: str, now: datetime, skip_reason: str = ""
) -> bool:
    """End an active assignment without an answer and give its slot back at once; false where it was not active."""
    item = lock_item(session, item_id)
    values = {"assignment_id": assignment_id, "state": state, "ended_at": now, "skip_reason": skip_reason}
    ended = session.execute(END, values)
    if getattr(ended, "rowcount", 0) != 1:
        return False
    write_item(session, item, now, leased=item.leased - 1)
    return True


def release_leases(session: Session, worker_id: int, now: datetime, workspace_id: int | None = None) -> int:
    """Give back all that a worker holds, in one workspace or in all: `/pause`, a blocked bot. Returns how many."""
    statement = select(ASSIGNMENT.c.id, ASSIGNMENT.c.item_id, ASSIGNMENT.c.project_id).where(
        ASSIGNMENT.c.worker_id == worker_id, ASSIGNMENT.c.state == "active"
    )
    if workspace_id is not None:
        statement = statement.where(ASSIGNMENT.c.project_id.in_(_projects_of(workspace_id)))
    held = session.execute(statement.order_by(ASSIGNMENT.c.item_id)).all()
    lock_items(session, (item_id for _, item_id, _ in held))
    for assignment_id, item_id, project_id in held:
        end_lease(session, assignment_id, item_id, "released", now)
        set_standing(session, worker_id, project_id, "away", now)
    leave_in_peace(session, [worker_id], workspace_id)
    return len(held)


def expire_leases(session: Session, project_id: int, now: datetime, limit: int = 500) -> int:
    """End leases of a project that are over their deadline; their workers are left in peace until they speak.

    Items are locked before anything else: a tap that holds its item may be waiting for the project.

    Returns how many; call again while it returns `limit`.
    """
    statement = (
        select(ASSIGNMENT.c.id, ASSIGNMENT.c.item_id, ASSIGNMENT.c.worker_id)
        .where(ASSIGNMENT.c.project_id == project_id, ASSIGNMENT.c.state == "active", ASSIGNMENT.c.expires_at <= now)
        .order_by(ASSIGNMENT.c.item_id)
        .limit(limit)
    )
    overdue = session.execute(statement).all()
    lock_items(session, (item_id for _, item_id, _ in overdue))
    silent = []
    for assignment_id, item_id, worker_id in overdue:
        if end_lease(session, assignment_id, item_id, "expired", now):
            set_standing(session, worker_id, project_id, "away", now)
            silent.append(worker_id)
    leave_in_peace(session, silent)
    return len(overdue)


def leave_in_peace(session: Session, worker_ids: Sequence[int], workspace_id: int | None = None) -> None:
    """Nothing more is offered to these people, in any job of the workspace or at all, until they speak."""
    table = table_of(Participation)
    idle = update(table).where(table.c.worker_id.in_(worker_ids), table.c.state.in_(("idle", "offered")))
    if workspace_id is not None:
        idle = idle.where(table.c.project_id.in_(_projects_of(workspace_id)))
    session.execute(idle.values(state="away"))


def ask_once_more(session: Session, worker_id: int, workspace_id: int) -> None:
    """The end of `leave_in_peace`: the worker may be asked again, in every job of the workspace."""
    table = table_of(Participation)
    away = update(table).where(table.c.worker_id == worker_id, table.c.state == "away")
    session.execute(away.where(table.c.project_id.in_(_projects_of(workspace_id))).values(state="idle"))


def _projects_of(workspace_id: int) -> Any:
    return select(Project.id).where(Project.workspace_id == workspace_id)


def set_standing(session: Session, worker_id: int, project_id: int, state: str, now: datetime) -> None:
    """Write where a worker stands in a project, making their participation on the first visit."""
    table = table_of(Participation)
    statement = insert_statement(session, Participation).values(
        worker_id=worker_id,
        project_id=project_id,
        pseudonym=new_public_id(),
        state=state,
        annotation_count=0,
        skip_count=0,
        created_at=now,
    )
    changed = statement.on_conflict_do_update(
        index_elements=["worker_id", "project_id"], set_={"state": state}, where=table.c.state != state
    )
    session.execute(changed)
