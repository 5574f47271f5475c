"""What is known of a model that labels by itself: on the holdout beforehand, and on items that people audit afterwards.

Right is what people say: the agreed or settled label, and where they are still in dispute the one that leads, so that
hard items are not left out. Only what a model said before people were through counts as an audit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import Session

from core.aggregation.acceptance import Bools, exact_interval
from core.arrays import Floats
from core.blind import is_apart, is_audited, is_held_out
from core.db.tables import table_of
from core.labels import item_text
from core.learning import LearningSettings
from core.models import Batch, Item, ModelVersion, Prediction, Project
from core.predictions import LABELED, said_last

PAGE = 1000

ITEM, PREDICTION, BATCH = table_of(Item), table_of(Prediction), table_of(Batch)


@dataclass(frozen=True, slots=True)
class Audits:
    """What people said of items that a model was sure of: `wrong` of `count`; `waiting` are not through yet."""

    wrong: int = 0
    count: int = 0
    waiting: int = 0

    @property
    def interval(self) -> tuple[float, float]:
        """The share of wrong labels among all that it accepts, with 95 % confidence."""
        return exact_interval(self.wrong, self.count)


def author() -> ScalarSelect[int]:
    """The id of the model version that an accepted item has its label from: the last that spoke before it was taken."""
    return said_last(PREDICTION.c.model_version_id, ITEM.c.id, ITEM.c.decided_at)


def accepted_count(session: Session, version: ModelVersion) -> int:
    """Items whose label is a version's."""
    mine = select(func.count()).where(ITEM.c.project_id == version.project_id, ITEM.c.state == "accepted")
    return session.scalar(mine.where(author() == version.id)) or 0


def held_out(session: Session, project: Project, version: ModelVersion) -> tuple[Floats, Bools]:
    """How sure a version is of the holdout's items, and whether people say the same."""
    sure, right = [], []
    for row in _spoken(session, version):
        label = _label(project, row)
        if label is not None and is_held_out(item_text(row.content), row.content_hash):
            sure.append(row.sure)
            right.append(label == row.said)
    return np.array(sure, dtype=np.float64), np.array(right, dtype=np.bool_)


def audits(
    session: Session, project: Project, version: ModelVersion, settings: LearningSettings, threshold: float
) -> Audits:
    """What came of the items drawn to audit a version that accepts from `threshold` on."""
    wrong = count = waiting = 0
    for row in _drawn(session, version, settings, threshold):
        if row.state == "open":
            waiting += 1
        elif (label := _label(project, row)) is not None and (row.decided_at or row.spoken_at) >= row.spoken_at:
            count += 1
            wrong += label != row.said
    return Audits(wrong, count, waiting)


def to_audit(session: Session, version: ModelVersion, settings: LearningSettings, threshold: float) -> list[int]:
    """Ids of the drawn items that are to be asked first. Documents stay in one piece, and where they are."""
    drawn = _drawn(session, version, settings, threshold)
    return [row.id for row in drawn if row.state == "open" and row.group_key is None]


def _drawn(session: Session, version: ModelVersion, settings: LearningSettings, threshold: float) -> Iterator[Any]:
    for row in _spoken(session, version, threshold):
        drawn = is_audited(row.public_id, version.public_id, settings.accept_audit)
        if drawn and not is_apart(item_text(row.content), row.content_hash, settings.blind_share):
            yield row


def _spoken(session: Session, version: ModelVersion, threshold: float = 0.0) -> Iterator[Any]:
    """Items of published batches with what a version said, a page at a time: texts are not kept."""
    columns = [
        ITEM.c[name] for name in ("id", "public_id", "content", "content_hash", "state", "label_id", "group_key")
    ]
    said = [
        PREDICTION.c.label_id.label("said"),
        PREDICTION.c.confidence.label("sure"),
        PREDICTION.c.created_at.label("spoken_at"),
    ]
    statement: Select[Any] = (
        select(*columns, ITEM.c.posterior, ITEM.c.decided_at, *said)
        .join(PREDICTION, PREDICTION.c.item_id == ITEM.c.id)
        .join(BATCH, BATCH.c.id == ITEM.c.batch_id)
        .where(PREDICTION.c.model_version_id == version.id, PREDICTION.c.confidence >= threshold)
        .where(ITEM.c.purpose == "label", BATCH.c.state == "published", ITEM.c.state.in_((*LABELED, "open")))
        .order_by(ITEM.c.id)
    )
    yield from session.execute(statement, execution_options={"yield_per": PAGE})


def _label(project: Project, row: Any) -> str | None:
    """What people say of an item; None where they are not through, or answered about an older set of labels."""
    if row.state == "open":
        return None
    if row.state != "disputed":
        return str(row.label_id)
    schema = project.label_schema["labels"]
    if not row.posterior or len(row.posterior) != len(schema):
        return None
    return str(schema[int(np.argmax(row.posterior))]["id"])
