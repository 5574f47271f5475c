"""Writing items: duplicates by content are found and inserted in one transaction, under the project's lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

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


def lock_project(session: Session, project_id: int) -> None:
    """Let imports into one project take turns. On PostgreSQL taps go on: their foreign keys do not conflict with it."""
    session.execute(select(Project.id).where(Project.id == project_id).with_for_update(key_share=True)).one()


def insert_new(
    session: Session, place: Place, ranked: Sequence[tuple[int, Candidate]], now: datetime
) -> list[Candidate]:
    """Insert the candidates whose content the project does not have yet, each at its rank; returns the others.

    Called again with the same candidates it changes nothing and returns the same. At most 1,000 at once.
    """
    lock_project(session, place.project_id)
    hashes = [content_hash(text_content(candidate.text)) for _, candidate in ranked]
    stored, taken = _known(session, place, hashes)
    fresh: list[dict[str, Any]] = []
    gold: dict[int, str] = {}
    duplicates = []
    for (rank, candidate), key in zip(ranked, hashes, strict=True):
        if rank in stored:
            continue
        if key in taken:
            duplicates.append(candidate)
            continue
        taken.add(key)
        fresh.append(_row(place, candidate, rank, key, now))
        if candidate.gold is not None:
            gold[rank] = candidate.gold
    if fresh:
        session.execute(insert(Item), fresh)
    if gold:
        _insert_gold(session, place, gold, now)
    return duplicates


def _known(session: Session, place: Place, hashes: Sequence[str]) -> tuple[set[int], set[str]]:
    """Ranks of those stored by an earlier run of this batch, and all contents that the project has."""
    found = session.execute(
        select(Item.content_hash, Item.batch_id, Item.rank)
        .join(Batch, Batch.id == Item.batch_id)
        .where(Item.project_id == place.project_id, Item.content_hash.in_(set(hashes)), Batch.state != "failed")
    ).all()
    return {rank for _, batch_id, rank in found if batch_id == place.batch_id}, {key for key, _, _ in found}


def _row(place: Place, candidate: Candidate, rank: int, key: str, now: datetime) -> dict[str, Any]:
    return {
        "project_id": place.project_id,
        "batch_id": place.batch_id,
        "content": text_content(candidate.text),
        "content_hash": key,
        "external_id": candidate.external_id,
        "overlap": place.overlap,
        "rank": rank,
        "created_at": now,
    }


def _insert_gold(session: Session, place: Place, gold: Mapping[int, str], now: datetime) -> None:
    statement = select(Item.id, Item.rank).where(Item.batch_id == place.batch_id, Item.rank.in_(gold))
    rows = [
        {
            "project_id": place.project_id,
            "item_id": item_id,
            "label_id": gold[rank],
            "source": "column",
            "created_at": now,
        }
        for item_id, rank in session.execute(statement)
    ]
    session.execute(insert(Gold), rows)
