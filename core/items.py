"""The columns of an item that redundancy lives on: read under its lock, written in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from core.db.prepared import Prepared
from core.db.tables import table_of
from core.db.together import write_soon
from core.due import offer_effect
from core.effects import add_effect
from core.models import Item
from core.ranks import band_of, fresh_rank

ITEM = table_of(Item)


@dataclass(frozen=True, slots=True)
class ItemState:
    """An item without its content."""

    id: int
    project_id: int
    state: str
    purpose: str
    overlap: int
    submitted: int
    leased: int
    slots: int
    rank: int
    revision: int
    posterior: list[float] | None
    trained_at: datetime | None


COLUMNS = [ITEM.c[field.name] for field in fields(ItemState)]
# Statements of the hot path are built once: building one costs as much as running it.
LOCK = Prepared(select(*COLUMNS).where(ITEM.c.id == bindparam("item_id")).with_for_update())
LOCK_MANY = (
    select(ITEM.c.id).where(ITEM.c.id.in_(bindparam("item_ids", expanding=True))).order_by(ITEM.c.id).with_for_update()
)


def lock_item(session: Session, item_id: int) -> ItemState:
    """Read an item's state and hold its row until the commit. Locks are taken in the order item, worker."""
    row = LOCK.row(session, {"item_id": item_id})
    if row is None:
        raise NoResultFound(f"no item {item_id}")
    return ItemState(*row)


def lock_items(session: Session, item_ids: Iterable[int]) -> None:
    """Hold the rows of several items, in the order of ids, before anything else is locked.

    Writing an item may lock its project, for a fresh rank; who then waits for a further item may wait in a ring.
    """
    session.execute(LOCK_MANY, {"item_ids": list(item_ids)}).all()


def write_item(session: Session, item: ItemState, now: datetime, **changes: Any) -> None:
    """Write changed columns. A slot that comes back to a full item takes a fresh rank, so that no cursor misses it."""
    changes = _all_changes(session, item, now, changes)
    _write_of(tuple(changes)).run(session, _written(item, changes))


def write_item_soon(
    session: Session,
    item: ItemState,
    now: datetime,
    changes: Mapping[str, Any],
    other: Prepared,
    values: Mapping[str, Any],
) -> None:
    """As `write_item` by `core.db.together.write_soon`, together with what is written to another table."""
    changes = _all_changes(session, item, now, changes)
    write_soon(session, {**_written(item, changes), **values}, _write_of(tuple(changes)), other)


def _all_changes(session: Session, item: ItemState, now: datetime, changes: Mapping[str, Any]) -> dict[str, Any]:
    found = {**changes, "revision": item.revision + 1}
    if item.slots <= 0 < slots_after(item, changes):
        found["rank"] = fresh_rank(session, item.project_id, band_of(item.rank))
        add_effect(session, offer_effect(item.project_id, now))
    return found


@cache
def _write_of(names: tuple[str, ...]) -> Prepared:
    """The UPDATE of these columns; as many different ones as there are kinds of change."""
    changed: dict[str, Any] = {name: bindparam(f"item_{name}") for name in names}
    return Prepared(update(ITEM).where(ITEM.c.id == bindparam("item_id")).values(changed))


def _written(item: ItemState, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of `_write_of`, of names that no other table has."""
    return {"item_id": item.id, **{f"item_{name}": value for name, value in changes.items()}}


def slots_after(item: ItemState, changes: Mapping[str, Any]) -> int:
    """What the generated column `slots` will say."""
    if changes.get("state", item.state) != "open" or changes.get("purpose", item.purpose) != "label":
        return 0
    overlap, submitted, leased = (changes.get(name, getattr(item, name)) for name in ("overlap", "submitted", "leased"))
    return int(overlap - submitted - leased)
