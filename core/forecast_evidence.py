"""What a forecast of a running job stands on, read from its tables: counts of all items, samples of the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import quality
from core.aggregation.confusion import Counts, coin_accuracy, rows
from core.aggregation.correctness import Mistakes, audited, shared_mistakes
from core.aggregation.dawid_skene import coin
from core.arrays import Floats, Ints
from core.db.tables import table_of
from core.models import Batch, Gold, Item, Project, Skill
from core.skills import CrowdModel, counts_from_json

SAMPLE_ITEMS = 2000
SAMPLE_WORKERS = 200
SAMPLE_KNOWN = 5000
AUDIT_FINDS = 0.9
"""Share of the wrong answers among those that experts audit, that they find."""

ITEM = table_of(Item)


@dataclass(frozen=True, slots=True)
class Known:
    """Items with a known label that people decided: how many, how many of them right, how sure they were on average."""

    items: int
    right: int
    confidence: float


@dataclass(slots=True)
class Tally:
    """Items of a project by the answers they have: those that are open, and those that ask for no more.

    settled: items with a verdict. least: answers that open items ask for in any case. used: answers so far.
    """

    open_at: Ints
    stopped_at: Ints
    settled: int = 0
    least: int = 0
    used: int = 0
    waiting: int = field(default=0)
    """Items behind a pilot, which are among the open ones."""


def tally(session: Session, project: Project, *, behind_pilot: bool = False) -> Tally:
    """Counts over all items of published batches.

    Args:
        behind_pilot: count those, too, that wait for the end of a pilot.
    """
    wanted = ("published", "held") if behind_pilot else ("published",)
    batches = select(Batch.id).where(Batch.project_id == project.id, Batch.state.in_(wanted))
    statement = (
        select(ITEM.c.state, ITEM.c.submitted, func.count(), func.sum(ITEM.c.overlap - ITEM.c.submitted))
        .where(ITEM.c.project_id == project.id, ITEM.c.purpose == "label", ITEM.c.batch_id.in_(batches))
        .group_by(ITEM.c.state, ITEM.c.submitted)
    )
    most = project.max_overlap
    found = Tally(np.zeros(most + 1, dtype=np.int64), np.zeros(most + 1, dtype=np.int64))
    for state, submitted, count, missing in session.execute(statement):
        found.used += submitted * count
        if state == "open":
            found.open_at[min(submitted, most)] += count
            found.least += max(0, int(missing))
        elif state == "adjudicated":
            found.settled += count
        elif state in ("agreed", "disputed"):
            found.stopped_at[min(submitted, most)] += count
    return found


def sample_beliefs(session: Session, project: Project, crowd: CrowdModel) -> Floats:
    """The probability of the leading label of items that ask for no more answers: a sample, the same at every look.

    Items are taken in the order of the hash of their content, which says nothing about when they came.
    """
    statement = (
        select(ITEM.c.posterior)
        .where(ITEM.c.project_id == project.id, ITEM.c.purpose == "label", ITEM.c.state.in_(("agreed", "disputed")))
        .order_by(ITEM.c.content_hash)
        .limit(SAMPLE_ITEMS)
    )
    return np.array([max(crowd.belief(posterior)) for posterior in session.scalars(statement)], dtype=np.float64)


def accepted_beliefs(session: Session, project: Project) -> tuple[Floats, int]:
    """How sure a model was of items whose label it gave: a sample, and how many there are in all."""
    accepted = select(ITEM.c.confidence).where(ITEM.c.project_id == project.id, ITEM.c.state == "accepted")
    sure = list(session.scalars(accepted.order_by(ITEM.c.content_hash).limit(SAMPLE_ITEMS)))
    count = (
        len(sure) if len(sure) < SAMPLE_ITEMS else session.scalar(select(func.count()).select_from(accepted.subquery()))
    )
    return np.array(sure, dtype=np.float64), count or 0


def crowd_matrices(session: Session, project: Project, crowd: CrowdModel) -> Floats:
    """P(answer | label) of those who answered most, each as often as their part of the answers: (workers, K, K)."""
    statement = (
        select(Skill.counts, Skill.annotation_count)
        .where(Skill.project_id == project.id, Skill.annotation_count > 0)
        .order_by(Skill.annotation_count.desc(), Skill.worker_id)
        .limit(SAMPLE_WORKERS)
    )
    found = session.execute(statement).all()
    if not found:
        return np.array([crowd.pooled], dtype=np.float64)
    answers = np.array([row[1] for row in found], dtype=np.float64)
    places = np.searchsorted(answers.cumsum() / answers.sum(), (np.arange(SAMPLE_WORKERS) + 0.5) / SAMPLE_WORKERS)
    matrices = [_matrix(row[0], crowd) for row in found]
    return np.array([matrices[place] for place in np.minimum(places, len(matrices) - 1)], dtype=np.float64)


def job_mistakes(session: Session, project: Project) -> Mistakes:
    """What people get wrong together in a job: from its known items, less what audits find of it."""
    found = quality.load(project.quality).audit_share * AUDIT_FINDS
    known = known_items(session, project)
    return audited(shared_mistakes(known.items, known.right, known.confidence), found)


def known_items(session: Session, project: Project) -> Known:
    """How people did on items whose label came with the file and that were asked like all others."""
    statement = (
        select(Gold.label_id, Item.label_id, Item.confidence)
        .join(Item, Item.id == Gold.item_id)
        .where(Gold.project_id == project.id, Gold.source != "verdict")
        .where(Item.purpose == "label", Item.state == "agreed")
        .order_by(Gold.id)
        .limit(SAMPLE_KNOWN)
    )
    found = session.execute(statement).all()
    right = sum(known == decided for known, decided, _ in found)
    sure = [1.0 if confidence is None else confidence for _, _, confidence in found]
    return Known(len(found), right, sum(sure) / len(sure) if sure else 1.0)


def _matrix(stored: dict[str, Any], crowd: CrowdModel) -> Any:
    counts: Counts = counts_from_json(stored, crowd.classes)
    if counts.matrix is not None:
        return rows(counts, crowd.pooled)
    mean = sum(crowd.pooled[label][label] for label in range(crowd.classes)) / crowd.classes
    return coin(coin_accuracy(counts, mean), crowd.classes)
