"""Writing items: duplicates by content are found and inserted in one transaction, under the project's lock."""

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

TURNS = 0x4C57
"""Of PostgreSQL's advisory locks, which are numbers: those of imports, by the project."""
TURN = text("SELECT pg_advisory_xact_lock(:space, CAST(:project AS int))")
BY_INDEX = text("SET LOCAL enable_seqscan = off")


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
        session.execute(TURN, {"space": TURNS, "project": project_id})


def insert_new(session: Session, place: Place, drafts: Sequence[Draft], now: datetime) -> list[Candidate]:
    """Insert the drafts whose content the project does not have yet, each at its rank; returns the other candidates.

    Called again with the same drafts it changes nothing and returns the same. At most 10,000 at once, on SQLite 1,000.
    """
    take_turns(session, place.project_id)
    stored, taken = _known(session, place, [one.item.content_hash for one in drafts])
    fresh: list[Draft] = []
    duplicates = []
    for one in drafts:
        if one.item.rank in stored:
            continue
        if one.item.content_hash in taken:
            duplicates.append(one.candidate)
            continue
        taken.add(one.item.content_hash)
        fresh.append(one)
    if fresh:
        items, lines = [one.item for one in fresh], [one.line for one in fresh if one.line]
        shared = {"project_id": place.project_id, "batch_id": place.batch_id, "overlap": place.overlap}
        write_items(session, items, lines, **shared, now=now)
    if gold := {one.item.content_hash: one.candidate for one in fresh if one.candidate.gold is not None}:
        _insert_gold(session, place, gold, now)
    return duplicates


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
    session.execute(BY_INDEX)  # by old statistics PostgreSQL would read the whole table for each chunk
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
