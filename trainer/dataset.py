"""Labels that people have decided as a data set: a training side and a holdout side that never mix."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from core.blind import lot
from core.errors import Conflict
from core.labels import item_text
from core.models import Batch, Gold, Item, Project
from core.training import decided_items
from trainer import snapshots
from trainer.duplicates import HASHES, Signatures, resemblance, signatures, too_alike
from trainer.heads import Head
from trainer.redaction import Redaction

PAGE = 5000
GOLD = "gold"
"""State of an example whose label was known before anybody answered; the others have the state of their item."""


@dataclass(frozen=True, slots=True)
class Example:
    """An item with a label: its text as a model may read it, and P(label) from people in the head's order.

    confidence: of the decision. state: agreed, adjudicated or gold. weight: how much it counts in training, 0 to 1.
    source: as the upload named it. decided_at: None for gold.
    """

    public_id: str
    text: str
    label_id: str
    target: tuple[float, ...]
    confidence: float
    state: str = "agreed"
    weight: float = 1.0
    source: str = ""
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """What one run trains on and is measured on.

    snapshot_hash: SHA-256 over the rows of `trainer.snapshots`: the same labels on the same sides, the same hash.
    holdout_items: published items on the holdout side, decided or not, gold among them.
    left_out: examples of neither side: they resemble an item of the holdout by more than `like`.
    redaction: names of what was done to the texts.
    """

    train: tuple[Example, ...]
    holdout: tuple[Example, ...]
    snapshot_hash: str
    holdout_items: int
    left_out: tuple[Example, ...] = ()
    like: float = 1.0
    redaction: tuple[str, ...] = ()

    @property
    def holdout_coverage(self) -> float:
        """Share of the holdout's items that have a label: low means that easy items are measured first."""
        return len(self.holdout) / self.holdout_items if self.holdout_items else 0.0


def unmarked(session: Session, project_id: int) -> list[int]:
    """Ids of the decided items that no run has used yet."""
    statement = select(Item.id).where(decided_items(project_id), Item.trained_at.is_(None)).order_by(Item.id)
    return list(session.scalars(statement))


def mark_trained(session: Session, project_id: int, item_ids: Sequence[int], now: datetime) -> None:
    """Say that a run uses these labels, before it reads them: undo ends there. At most 1,000 at once."""
    statement = update(Item).where(Item.id.in_(item_ids), decided_items(project_id), Item.trained_at.is_(None))
    session.execute(statement.values(trained_at=now).execution_options(synchronize_session=False))


def build(
    session: Session, project: Project, head: Head, holdout_share: float, redact: Redaction | None = None
) -> Dataset:
    """Gold and the decided items that are marked, split by `on_holdout`. Only reads.

    Args:
        redact: what is done to texts before a model reads them; the sides follow from the texts as they are.

    Raises:
        Conflict: `training_too_few_classes`, the training side has one label only; `training_no_holdout`, no label
            lies on the holdout side, so that no model could be measured; or `redaction_failed`.
    """
    redact = redact or Redaction()
    sides: dict[bool, list[Example]] = {True: [], False: []}
    prints: list[Signatures] = []
    for page in _labeled(session, project.id):
        usable = [(item, label_id) for item, label_id in page if label_id in head.label_ids]
        plain = []
        for item, label_id in usable:
            text = item_text(item.content)
            held = on_holdout(text, item.content_hash, holdout_share)
            sides[held].append(_example(item, label_id, redact(text), head))
            plain += [] if held else [text]
        prints.append(signatures(plain))
    held_prints = _of_holdout(session, project.id, holdout_share)
    out, like = too_alike(resemblance(_stacked(prints), held_prints))
    train = tuple(one for one, left in zip(sides[False], out, strict=True) if not left)
    left_out = tuple(one for one, left in zip(sides[False], out, strict=True) if left)
    _check(train, sides[True])
    rows = snapshots.rows(train, sides[True], left_out)
    snapshot = hashlib.sha256("".join(rows).encode()).hexdigest()
    return Dataset(train, tuple(sides[True]), snapshot, len(held_prints), left_out, like, redact.names)


def on_holdout(text: str, content_hash: str, share: float) -> bool:
    """Which side an item is on: fixed by its text for ever (`core.blind.lot`), so that copies lie on one side."""
    return lot(text, content_hash) < share


def describe(data: Dataset, project: Project, labels: Sequence[str]) -> dict[str, object]:
    """What a run was trained on, as `TrainingRun.snapshot` keeps it: counts, and the settings that made the labels."""
    counts = {side: Counter(one.label_id for one in getattr(data, side)) for side in ("train", "holdout")}
    states = Counter(one.state for one in (*data.train, *data.holdout))
    consensus = ("min_overlap", "max_overlap", "error_cost", "aim", "target_accuracy", "answer_budget", "information")
    return {
        "hash": data.snapshot_hash,
        "train": len(data.train),
        "holdout": len(data.holdout),
        "holdout_items": data.holdout_items,
        "left_out": len(data.left_out),
        "like": data.like,
        "classes": {label_id: {side: counts[side][label_id] for side in counts} for label_id in labels},
        "states": dict(states),
        "consensus": {name: getattr(project, name) for name in consensus},
        "guidelines_version": project.guidelines_version,
        "redaction": list(data.redaction),
    }


def _check(train: Sequence[Example], holdout: Sequence[Example]) -> None:
    classes = len({example.label_id for example in train})
    if classes < 2:
        raise Conflict("training_too_few_classes", needed=2, have=classes)
    if not holdout:
        raise Conflict("training_no_holdout", have=len(train))


def _example(item: Item, label_id: str, text: str, head: Head) -> Example:
    # Where an expert has settled it, or it was known before, that label stands alone, whatever the crowd said.
    crowd = item.state == "agreed" and item.purpose == "label"
    target = tuple(head.target(label_id, item.posterior if crowd else None))
    confidence = item.confidence if crowd and item.confidence is not None else max(target)
    state = item.state if item.purpose == "label" else GOLD
    weight = min(confidence, 1.0) if crowd else 1.0
    decided_at = item.decided_at if item.purpose == "label" else None
    return Example(item.public_id, text, label_id, target, confidence, state, weight, item.source, decided_at)


def _labeled(session: Session, project_id: int) -> Iterator[list[tuple[Item, str]]]:
    """Items with their labels in pages: gold first, then what people have decided."""
    rows = session.execute(select(Gold.item_id, Gold.label_id).where(Gold.project_id == project_id, ACTIVE))
    known = {item_id: label_id for item_id, label_id in rows}
    for page in _pages(session, _published(project_id).where(Item.id.in_(select(Gold.item_id).where(ACTIVE)), CONTROL)):
        yield [(item, known[item.id]) for item in page]
    decided = select(Item).where(decided_items(project_id), Item.trained_at.is_not(None))
    for page in _pages(session, decided):
        yield [(item, str(item.label_id)) for item in page]


def _of_holdout(session: Session, project_id: int, share: float) -> Signatures:
    """Signatures of all items that are or will be measured on: one that is not decided yet must not be learned from."""
    gold = CONTROL & Item.id.in_(select(Gold.item_id).where(ACTIVE))
    found = []
    for page in _pages(session, _published(project_id).where((Item.purpose == "label") | gold)):
        texts = [(item_text(item.content), item.content_hash) for item in page]
        found.append(signatures([text for text, content in texts if on_holdout(text, content, share)]))
    return _stacked(found)


def _published(project_id: int) -> Select[Item]:
    published = select(Batch.id).where(Batch.project_id == project_id, Batch.state == "published")
    return select(Item).where(Item.project_id == project_id, Item.state != "withdrawn", Item.batch_id.in_(published))


def _pages(session: Session, statement: Select[Item]) -> Iterator[list[Item]]:
    after = 0
    while page := list(session.scalars(statement.where(Item.id > after).order_by(Item.id).limit(PAGE))):
        after = page[-1].id
        yield page
        session.expunge_all()  # a million items need not lie in memory at once


def _stacked(some: Sequence[Signatures]) -> Signatures:
    return np.concatenate(some) if some else np.zeros((0, HASHES), dtype=np.uint32)


ACTIVE = Gold.state == "active"
"""Known labels that nobody has reason to doubt."""
CONTROL = Item.purpose.in_(("gold", "practice"))
