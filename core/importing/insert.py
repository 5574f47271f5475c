"""Writing items: duplicates by content are found and inserted in one transaction, under the project's lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from core.db.tables import table_of
from core.importing.checks import Candidate
from core.labels import content_hash, text_content
from core.models import Batch, Gold, Item, Project


@dataclass(frozen=True, slots=True)
class Place:
    """Where items of one batch go."""

    project_id: int
    batch_id: int
    overlap: int
    """Annotations wanted at first."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A candidate made ready, so that the transaction that inserts it is short."""

    rank: int
    candidate: Candidate
    content: list[dict[str, Any]]
    key: str
    """Hash of `content`."""


def draft(rank: int, candidate: Candidate) -> Draft:
    """Content and hash of a candidate. Call it outside the transaction."""
    content = text_content(candidate.text)
    return Draft(rank, candidate, content, content_hash(content))


def lock_project(session: Session, project_id: int) -> None:
    """Let imports into one project take turns. On PostgreSQL taps go on: their foreign keys do not conflict with it."""
    session.execute(select(Project.id).where(Project.id == project_id).with_for_update(key_share=True)).one()


def insert_new(session: Session, place: Place, drafts: Sequence[Draft], now: datetime) -> list[Candidate]:
    """Insert the drafts whose content the project does not have yet, each at its rank; returns the other candidates.

    Called again with the same drafts it changes nothing and returns the same. At most 1,000 at once.
    """
    lock_project(session, place.project_id)
    stored, taken = _known(session, place, [draft.key for draft in drafts])
    fresh: list[Draft] = []
    duplicates = []
    for one in drafts:
        if one.rank in stored:
            continue
        if one.key in taken:
            duplicates.append(one.candidate)
            continue
        taken.add(one.key)
        fresh.append(one)
    if fresh:
        session.execute(insert(table_of(Item)), [_row(place, one, now) for one in fresh])
    if gold := {one.rank: one.candidate for one in fresh if one.candidate.gold is not None}:
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
        .where(Item.project_id == place.project_id, Item.content_hash.in_(set(hashes)), Batch.state != "failed")
    ).all()
    return {rank for _, batch_id, rank in found if batch_id == place.batch_id}, {key for key, _, _ in found}


def _row(place: Place, one: Draft, now: datetime) -> dict[str, Any]:
    return {
        "project_id": place.project_id,
        "batch_id": place.batch_id,
        "content": one.content,
        "content_hash": one.key,
        "external_id": one.candidate.external_id,
        "overlap": place.overlap,
        "rank": one.rank,
        "created_at": now,
    }


def _insert_gold(session: Session, place: Place, gold: Mapping[int, Candidate], now: datetime) -> None:
    statement = select(Item.id, Item.rank).where(Item.batch_id == place.batch_id, Item.rank.in_(gold))
    rows = [
        {
            "project_id": place.project_id,
            "item_id": item_id,
            "label_id": gold[rank].gold,
            "explanation": gold[rank].explanation,
            "source": "column",
            "created_at": now,
        }
        for item_id, rank in session.execute(statement)
    ]
    session.execute(insert(Gold), rows)
