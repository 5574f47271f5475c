"""Writing items: whose content the project has already is found first, the others are inserted.

Imports into one project take turns for that. On PostgreSQL a turn is a transaction that holds an advisory lock; what is
found in it may be written beside it, in transactions of their own (`core.importing.chunks`), which hold another one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, any_, func, insert, select, text
from sqlalchemy.orm import Session

from core.ids import new_public_ids
from core.importing.bulk import NewItem, write_items
from core.importing.checks import Candidate
from core.labels import stored_text
from core.models import Batch, Gold, Item

TURN_LOCK, COPY_LOCK = 0x4C57, 0x4C58
"""Of PostgreSQL's advisory locks, which are numbers: those of imports and of what they write beside, by the project."""
# By old statistics PostgreSQL would read the whole table for each chunk.
BY_INDEX = "set_config('enable_seqscan', 'off', true)"
TURN = text(f"SELECT pg_advisory_xact_lock({TURN_LOCK}, CAST(:project AS int)), {BY_INDEX}")
NO_COPIES = text(f"SELECT pg_advisory_xact_lock({COPY_LOCK}, CAST(:project AS int))")
A_COPY = text(f"SELECT pg_advisory_xact_lock_shared({COPY_LOCK}, CAST(:project AS int)), {BY_INDEX}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where items of one batch go."""

    project_id: int
    batch_id: int
    overlap: int
    """Annotations wanted at first."""


class Draft(NamedTuple):
    """A candidate made ready, so that the transaction that inserts it is short. line: of the item, if it is copied."""

    candidate: Candidate
    item: NewItem
    line: str


def drafts(first_rank: int, candidates: Sequence[Candidate], *, copied: bool) -> list[Draft]:
    """Candidates of consecutive ranks, made ready. Call it outside the transaction."""
    made = []
    ids = new_public_ids(len(candidates))
    for rank, (public_id, one) in enumerate(zip(ids, candidates, strict=True), start=first_rank):
        item = NewItem(public_id, *stored_text(one.text), one.external_id, rank)
        made.append(Draft(one, item, item.line() if copied else ""))
    return made


def take_turns(session: Session, project_id: int) -> None:
    """Let imports into one project follow one another, until the commit.

    No row is locked for that: taps would wait for it, which take ranks from the project. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(TURN, {"project": project_id})


def wait_for_copies(session: Session, project_id: int) -> None:
    """Wait for what somebody who had the turn before, and was killed, may still be writing beside it."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(NO_COPIES, {"project": project_id})


def begin_copy(session: Session, project_id: int) -> None:
    """Write beside a turn, until the commit."""
    session.execute(A_COPY, {"project": project_id})


def insert_new(session: Session, place: Place, drafts: Sequence[Draft], now: datetime) -> list[Candidate]:
    """Insert the drafts whose content the project does not have yet, each at its rank; returns the other candidates.

    Called again with the same drafts it changes nothing and returns the same. At most 1,000 at once.
    """
    take_turns(session, place.project_id)
    wait_for_copies(session, place.project_id)
    fresh, duplicates = find_new(session, place, drafts)
    write_new(session, place, fresh, now)
    return duplicates


def find_new(
    session: Session, place: Place, drafts: Sequence[Draft], under_way: Collection[str] = ()
) -> tuple[list[Draft], list[Candidate]]:
    """The drafts whose content the project does not have yet, and the other candidates, in the transaction of a turn.

    What an earlier run of this batch has stored is in neither. At most 10,000 at once, on SQLite 1,000.

    Args:
        under_way: hashes of contents that are being written.
    """
    stored, taken = _known(session, place, [one.item.content_hash for one in drafts])
    taken.update(under_way)
    fresh, duplicates = [], []
    for one in drafts:
        if one.item.rank in stored:
            continue
        if one.item.content_hash in taken:
            duplicates.append(one.candidate)
            continue
        taken.add(one.item.content_hash)
        fresh.append(one)
    return fresh, duplicates


def write_new(session: Session, place: Place, fresh: Sequence[Draft], now: datetime) -> None:
    """Insert drafts whose content the project does not have, with the labels that are known of them."""
    if not fresh:
        return
    items, lines = [one.item for one in fresh], [one.line for one in fresh if one.line]
    shared = {"project_id": place.project_id, "batch_id": place.batch_id, "overlap": place.overlap}
    write_items(session, items, lines, **shared, now=now)
    if gold := {one.item.content_hash: one.candidate for one in fresh if one.candidate.gold is not None}:
        _insert_gold(session, place, gold, now)


def same_ids(session: Session, batch_id: int, limit: int) -> list[str]:
    """The first ids of their owner that more than one item of the batch bears, at most `limit`."""
    statement = (
        select(Item.external_id)
        .where(Item.batch_id == batch_id)
        .group_by(Item.external_id)
        .having(func.count() > 1)
        .order_by(func.min(Item.id))
    )
    return list(session.scalars(statement.limit(limit)))


def _known(session: Session, place: Place, hashes: Sequence[str]) -> tuple[set[int], set[str]]:
    """Ranks of those stored by an earlier run of this batch, and all contents that the project has."""
    found = session.execute(
        select(Item.content_hash, Item.batch_id, Item.rank)
        .join(Batch, Batch.id == Item.batch_id)
        .where(Item.project_id == place.project_id, _one_of(session, hashes), Batch.state != "failed")
    ).all()
    return {rank for _, batch_id, rank in found if batch_id == place.batch_id}, {key for key, _, _ in found}


def _one_of(session: Session, hashes: Collection[str]) -> ColumnElement[bool]:
    """That an item's content has one of these hashes, in a form that is found by the index."""
    if session.get_bind().dialect.name == "sqlite":
        return Item.content_hash.in_(set(hashes))
    # One parameter and not thousands, and no array: the driver would make that in Python, one by one.
    return Item.content_hash == any_(func.string_to_array(",".join(hashes), ","))


def _insert_gold(session: Session, place: Place, gold: Mapping[str, Candidate], now: datetime) -> None:
    """Known labels by the hash of their item's content."""
    statement = select(Item.id, Item.batch_id, Item.content_hash).where(
        Item.project_id == place.project_id, _one_of(session, gold)
    )
    rows = [
        {
            "project_id": place.project_id,
            "item_id": item_id,
            "label_id": gold[key].gold,
            "explanation": gold[key].explanation,
            "source": "column",
            "created_at": now,
        }
        for item_id, batch_id, key in session.execute(statement)
        if batch_id == place.batch_id  # said here, since SQLite would read the whole batch by its index instead
    ]
    session.execute(insert(Gold), rows)
