"""Leases: an item in a worker's hands for a while, written as an active assignment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, literal_column, select, update
from sqlalchemy.orm import Session

from core.db.prepared import Prepared
from core.db.tables import table_of
from core.db.together import rows_along
from core.due import expiry_effect
from core.effects import add_effect
from core.ids import new_public_id
from core.items import ITEM
from core.models import Assignment, Project

ASSIGNMENT = table_of(Assignment)
# Statements of the hot path are built once: building one costs as much as running it.
LEASE_COLUMNS = [ASSIGNMENT.c[name] for name in ("id", "public_id", "version", "item_id", "project_id", "expires_at")]
# Written into the statements: the databases take the partial index only where they can read its condition there.
_ACTIVE = ASSIGNMENT.c.state == literal_column("'active'")
_HELD = select(*LEASE_COLUMNS).where(ASSIGNMENT.c.worker_id == bindparam("worker_id"), _ACTIVE)
_NEWEST = _HELD.order_by(ASSIGNMENT.c.id.desc()).limit(literal_column("1"))
HELD, HELD_IN_PROJECT = Prepared(_NEWEST), Prepared(_HELD.where(ASSIGNMENT.c.project_id == bindparam("project_id")))
_NEW = (
    *("public_id", "project_id", "worker_id", "state", "version", "guidelines_version", "surface"),
    *("leased_at", "expires_at", "skip_reason"),
)
_VALUES = {name: bindparam(name, type_=ASSIGNMENT.c[name].type) for name in _NEW}
OPEN = Prepared(insert(ASSIGNMENT).values({**_VALUES, "item_id": bindparam("item_id")}).returning(ASSIGNMENT.c.id))
_FREE = (
    select(ITEM.c.id)
    .where(ITEM.c.id == bindparam("item_id"), ITEM.c.slots > literal_column("0"))
    .with_for_update(skip_locked=True)
)
_COUNTED = update(ITEM).where(ITEM.c.id == _FREE.scalar_subquery()).values(leased=ITEM.c.leased + 1)
COUNT = Prepared(_COUNTED)


def _count_and_open() -> Any:
    counted = _COUNTED.returning(ITEM.c.id).cte("counted")
    new = select(*_VALUES.values(), counted.c.id)
    return insert(ASSIGNMENT).from_select([*_NEW, "item_id"], new, include_defaults=False).returning(ASSIGNMENT.c.id)


COUNT_AND_OPEN = Prepared(_count_and_open())
"""`COUNT` and `OPEN` at once, for PostgreSQL. It may go along with a cursor, never with the end of an assignment: of
two active ones the index would refuse the second. The search for the item stands between them."""


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
        row = HELD.row(session, {"worker_id": worker_id})
    else:
        row = HELD_IN_PROJECT.row(session, {"worker_id": worker_id, "project_id": project_id})
    return Lease(*row) if row else None


def open_lease(session: Session, project: Project, item_id: int, worker_id: int, surface: str, now: datetime) -> Lease:
    """Write the assignment for an item whose `leased` already counts it."""
    values = _new_assignment(project, item_id, worker_id, surface, now)
    [(new_id,)] = OPEN.rows(session, values)
    return _opened(session, new_id, values)


def take_lease(
    session: Session, project: Project, item_id: int, worker_id: int, surface: str, now: datetime
) -> Lease | None:
    """Take one slot of an item; nothing where another transaction holds the row or has taken the last one.

    Never waits for a row lock: the transaction of a tap already holds its own item.
    """
    values = _new_assignment(project, item_id, worker_id, surface, now)
    if session.get_bind().dialect.name == "postgresql":
        new = rows_along(session, COUNT_AND_OPEN, values)
    else:
        new = OPEN.rows(session, values) if COUNT.run(session, {"item_id": item_id}) == 1 else []
    return _opened(session, new[0][0], values) if new else None


def _new_assignment(project: Project, item_id: int, worker_id: int, surface: str, now: datetime) -> dict[str, Any]:
    return {
        "public_id": new_public_id(),
        "project_id": project.id,
        "item_id": item_id,
        "worker_id": worker_id,
        "state": "active",
        "version": 1,
        "guidelines_version": project.guidelines_version,
        "surface": surface,
        "leased_at": now,
        "expires_at": now + timedelta(seconds=project.lease_seconds),
        "skip_reason": "",
    }


def _opened(session: Session, new_id: int, values: dict[str, Any]) -> Lease:
    add_effect(session, expiry_effect(values["project_id"], values["expires_at"]))
    return Lease(
        new_id, values["public_id"], values["version"], values["item_id"], values["project_id"], values["expires_at"]
    )
