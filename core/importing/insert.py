"""Writing items: whose content the project has already is found first, the others are inserted.

Who writes items of a project takes turns for that: `core.importing.turns`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, any_, func, insert, select
from sqlalchemy.orm import Session

from core.ids import new_public_ids
from core.importing.bulk import NewItem, write_items
from core.importing.checks import Candidate
from core.labels import stored_text
from core.models import Batch, Gold, Item


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


def drafts(ranked: Sequence[tuple[int, Candidate]], *, copied: bool) -> list[Draft]:
    """Candidates with their ranks, made ready. Call it outside the transaction."""
    made = []
    for public_id, (rank, one) in zip(new_public_ids(len(ranked)), ranked, strict=True):
        item = NewItem(public_id, *stored_text(one.text), one.external_id, rank)
        made.append(Draft(one, item, item.line() if copied else ""))
    return made


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
        if stored.get(one.item.rank) == one.item.content_hash:
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


def is_loading(session: Session, project_id: int, content: str) -> bool:
    """Whether an item of this text is in a batch that is being loaded, and may fail yet."""
    statement = select(Item.id).join(Batch, Batch.id == Item.batch_id).where(Batch.state == "loading")
    mine = statement.where(Item.project_id == project_id, Item.content_hash == stored_text(content)[1])
    return session.scalar(mine.limit(1)) is not None


def _known(session: Session, place: Place, hashes: Sequence[str]) -> tuple[dict[int, str], set[str]]:
    """Of an earlier run of this batch, what it stored by rank, and all contents that the project has."""
    found = session.execute(
        select(Item.content_hash, Item.batch_id, Item.rank)
        .join(Batch, Batch.id == Item.batch_id)
        .where(Item.project_id == place.project_id, _one_of(session, hashes), Batch.state != "failed")
    ).all()
    stored = {rank: key for key, batch_id, rank in found if batch_id == place.batch_id}
    return stored, {key for key, _, _ in found}


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
