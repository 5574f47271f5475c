"""Workers' skills: what the hot path reads and updates, one row per worker and project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from core.aggregation.confusion import Counts, Matrix, accuracy, default_pooled, empty_counts
from core.aggregation.online import uniform
from core.db.prepared import Prepared
from core.db.tables import table_of
from core.db.upsert import upsert
from core.models import Project, Skill

SKILL = table_of(Skill)
_COUNTS = select(SKILL.c.counts).where(
    SKILL.c.worker_id == bindparam("worker_id"), SKILL.c.project_id == bindparam("project_id")
)
COUNTS, LOCK_COUNTS = Prepared(_COUNTS), Prepared(_COUNTS.with_for_update())
_ESTIMATE = ("counts", "accuracy", "annotation_count", "updated_at")
SAVE = upsert(Skill, ("worker_id", "project_id", *_ESTIMATE), ("worker_id", "project_id"), _ESTIMATE)


@dataclass(frozen=True, slots=True)
class CrowdModel:
    """What a project knows of its crowd as a whole."""

    pooled: Matrix
    prior: list[float]

    @property
    def classes(self) -> int:
        """Number of labels."""
        return len(self.prior)

    def belief(self, posterior: list[float] | None) -> list[float]:
        """What is believed of an item: the prior where it has no posterior, or labels were added since."""
        return posterior if posterior and len(posterior) == self.classes else self.prior


def crowd_model(project: Project) -> CrowdModel:
    """From the last re-estimation; sane defaults before it, and for labels added since."""
    classes = len(project.label_schema["labels"])
    pooled, prior = project.pooled_confusion, project.class_prior
    if pooled is None or prior is None or len(prior) != classes:
        return _unknown_crowd(classes)
    return CrowdModel(pooled, prior)


@cache
def _unknown_crowd(classes: int) -> CrowdModel:
    return CrowdModel(default_pooled(classes), uniform(classes))


def load_counts(session: Session, worker_id: int, project_id: int, classes: int, *, lock: bool = False) -> Counts:
    """A worker's expected answers; empty where they are new, and about labels that were added since."""
    keys = {"worker_id": worker_id, "project_id": project_id}
    row = (LOCK_COUNTS if lock else COUNTS).row(session, keys)
    return counts_from_json(row[0] if row else None, classes)


def load_many(session: Session, worker_ids: Iterable[int], project_id: int, classes: int) -> dict[int, Counts]:
    """The expected answers of several workers by worker id."""
    ids = list(worker_ids)
    table = table_of(Skill)
    statement = select(table.c.worker_id, table.c.counts)
    found = session.execute(statement.where(table.c.project_id == project_id, table.c.worker_id.in_(ids)))
    stored = {worker_id: counts for worker_id, counts in found}
    return {worker_id: counts_from_json(stored.get(worker_id), classes) for worker_id in ids}


def save_counts(
    session: Session,
    worker_id: int,
    project_id: int,
    counts: Counts,
    crowd: CrowdModel,
    annotation_count: int,
    now: datetime,
) -> None:
    """Write a worker's counts and the accuracy that follows from them."""
    SAVE.run(session, skill_of(worker_id, project_id, counts, crowd, annotation_count, now))


def skill_of(
    worker_id: int, project_id: int, counts: Counts, crowd: CrowdModel, annotation_count: int, now: datetime
) -> dict[str, Any]:
    """The values of `SAVE`: a worker's counts and the accuracy that follows from them."""
    return {
        "worker_id": worker_id,
        "project_id": project_id,
        "counts": _to_json(counts),
        "accuracy": accuracy(counts, crowd.pooled, crowd.prior),
        "annotation_count": annotation_count,
        "updated_at": now,
    }


def _to_json(counts: Counts) -> dict[str, Any]:
    if counts.matrix is None:
        return {"correct": round(counts.correct, 4), "wrong": round(counts.wrong, 4)}
    return {"matrix": [[round(cell, 4) for cell in row] for row in counts.matrix]}


def counts_from_json(stored: Mapping[str, Any] | None, classes: int) -> Counts:
    """Stored counts, widened by zeros to this many labels; empty where nothing is stored, or it does not fit."""
    counts = empty_counts(classes)
    if not stored:
        return counts
    matrix = stored.get("matrix")
    if counts.matrix is None:
        return Counts(correct=stored.get("correct", 0.0), wrong=stored.get("wrong", 0.0))
    if matrix is None or len(matrix) > classes:
        return counts
    missing = classes - len(matrix)
    widened = [[*row, *[0.0] * missing] for row in matrix]
    return Counts(matrix=[*widened, *([0.0] * classes for _ in range(missing))])
