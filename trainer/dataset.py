"""Decided items as a data set: a training side and a holdout side that never mix."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from core.blind import lot
from core.errors import Conflict
from core.labels import item_text
from core.models import Batch, Item, Project
from core.training import decided_items
from trainer.heads import Head

PAGE = 5000


@dataclass(frozen=True, slots=True)
class Example:
    """A decided item: its text, its label, and P(label) from people in the order of the head's labels."""

    public_id: str
    text: str
    label_id: str
    target: tuple[float, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class Dataset:
    """What one run trains on and is measured on.

    snapshot_hash: SHA-256 over (public id, label, confidence) of all examples: the same labels, the same hash.
    holdout_items: published items on the holdout side, decided or not.
    """

    train: tuple[Example, ...]
    holdout: tuple[Example, ...]
    snapshot_hash: str
    holdout_items: int

    @property
    def holdout_coverage(self) -> float:
        """Share of the holdout's items that are decided: low means that easy items are measured first."""
        return len(self.holdout) / self.holdout_items if self.holdout_items else 0.0


def unmarked(session: Session, project_id: int) -> list[int]:
    """Ids of the decided items that no run has used yet."""
    statement = select(Item.id).where(decided_items(project_id), Item.trained_at.is_(None)).order_by(Item.id)
    return list(session.scalars(statement))


def mark_trained(session: Session, project_id: int, item_ids: Sequence[int], now: datetime) -> None:
    """Say that a run uses these labels, before it reads them: undo ends there. At most 1,000 at once."""
    statement = update(Item).where(Item.id.in_(item_ids), decided_items(project_id), Item.trained_at.is_(None))
    session.execute(statement.values(trained_at=now).execution_options(synchronize_session=False))


def build(session: Session, project: Project, head: Head, holdout_share: float) -> Dataset:
    """The decided items that are marked, split by `on_holdout`. Only reads.

    Raises:
        Conflict: `training_too_few_classes`, the training side has one label only, or `training_no_holdout`, no decided
            item lies on the holdout side, so that no model could be measured.
    """
    train: list[Example] = []
    holdout: list[Example] = []
    for item in _pages(session, select(Item).where(decided_items(project.id), Item.trained_at.is_not(None))):
        if item.label_id in head.label_ids:
            side = holdout if on_holdout(item_text(item.content), item.content_hash, holdout_share) else train
            side.append(_example(item, head))
    classes = len({example.label_id for example in train})
    if classes < 2:
        raise Conflict("training_too_few_classes", needed=2, have=classes)
    if not holdout:
        raise Conflict("training_no_holdout", have=len(train))
    everything = sorted((one.public_id, one.label_id, repr(one.confidence)) for one in (*train, *holdout))
    snapshot = hashlib.sha256(repr(everything).encode()).hexdigest()
    return Dataset(tuple(train), tuple(holdout), snapshot, _holdout_size(session, project.id, holdout_share))


def on_holdout(text: str, content_hash: str, share: float) -> bool:
    """Which side an item is on: fixed by its text for ever (`core.blind.lot`), so that copies lie on one side."""
    return lot(text, content_hash) < share


def _example(item: Item, head: Head) -> Example:
    label_id = str(item.label_id)
    # An adjudicated item has a verdict over its posterior: there the verdict alone counts.
    posterior = item.posterior if item.state == "agreed" else None
    target = tuple(head.target(label_id, posterior))
    confidence = item.confidence if item.confidence is not None else max(target)
    return Example(item.public_id, item_text(item.content), label_id, target, confidence)


def _holdout_size(session: Session, project_id: int, share: float) -> int:
    published = select(Batch.id).where(Batch.project_id == project_id, Batch.state == "published")
    items = select(Item).where(
        Item.project_id == project_id, Item.purpose == "label", Item.state != "withdrawn", Item.batch_id.in_(published)
    )
    return sum(on_holdout(item_text(item.content), item.content_hash, share) for item in _pages(session, items))


def _pages(session: Session, statement: Select[Any]) -> Any:
    after = 0
    while True:
        page = list(session.scalars(statement.where(Item.id > after).order_by(Item.id).limit(PAGE)))
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id
        session.expunge_all()  # a million items need not lie in memory at once
