"""The order in which open items are asked: what is read to choose it, and the moves that carry it out.

Two bands take part, `UNCERTAIN` and `ORDINARY`; urgent items stay urgent. Which items go ahead is the trainer's choice
(`trainer/selection.py`). Everything is read without locks and written in pieces of at most 1,000 rows, so that a
caller can commit between them and let taps through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, bindparam, exists, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from core.aggregation.value import average_information
from core.arrays import Floats
from core.blind import lot
from core.db.tables import table_of
from core.effects import EnqueueJob
from core.errors import Conflict
from core.labels import item_text
from core.models import Batch, Item, ModelVersion, Project
from core.queue import DIVERSIFY, TRAINING
from core.ranks import ORDINARY, UNCERTAIN, make_rank, take_sequences
from core.skills import CrowdModel, crowd_model
from core.training import decided_items

MAX_ROWS = 1000
PAGE = 2000
LEAST_ITEMS = 50
"""Of fewer open items it does not matter much which are asked first."""

ASKING = "asking"
"""Key in a champion's metrics: how it orders what is asked."""

ITEM = table_of(Item)
NAMES = ("id", "rank", "uncertainty", "posterior", "submitted", "content", "content_hash", "group_key")


@dataclass(frozen=True, slots=True)
class OpenItems:
    """Open items that may be reordered, one entry per item in each column, in the order in which they stand.

    doubt: of the champion, 0 sure to 1 undecided; not a number where it has not spoken.
    told: what a further answer is expected to tell, as a share of what it tells about a fresh item, from 0 to 1;
        not a number where nobody has answered. lots: `core.blind.lot` of each. ahead: it stands in `UNCERTAIN`.
    alone: it belongs to no document.
    """

    ids: NDArray[np.int64]
    doubt: Floats
    told: Floats
    lots: Floats
    ahead: NDArray[np.bool_]
    alone: NDArray[np.bool_]


def open_items(session: Session, project: Project) -> OpenItems:
    """What may be reordered in a project. Only reads, a page at a time: texts are not kept."""
    crowd = crowd_model(project)
    statement = _reorderable(project.id).with_only_columns(*(getattr(Item, name) for name in NAMES)).order_by(Item.rank)
    ids, ranks, doubt, told, lots, alone = [], [], [], [], [], []
    for page in session.execute(statement.execution_options(yield_per=PAGE)).partitions():
        ids += [row.id for row in page]
        ranks += [row.rank for row in page]
        doubt += [np.nan if row.uncertainty is None else row.uncertainty for row in page]
        told.append(_told(crowd, [row.posterior if row.submitted else None for row in page]))
        lots += [lot(item_text(row.content), row.content_hash) for row in page]
        alone += [row.group_key is None for row in page]
    return OpenItems(
        np.array(ids, dtype=np.int64),
        np.array(doubt, dtype=np.float64),
        np.concatenate([np.zeros(0), *told]),
        np.array(lots, dtype=np.float64),
        np.array(ranks, dtype=np.int64) < make_rank(ORDINARY, 0),
        np.array(alone, dtype=np.bool_),
    )


def _told(crowd: CrowdModel, posteriors: Sequence[list[float] | None]) -> Floats:
    pooled = np.array(crowd.pooled)
    fresh = float(average_information(np.array([crowd.prior]), pooled)[0])
    beliefs = np.array([crowd.belief(posterior) for posterior in posteriors])
    told = np.clip(average_information(beliefs, pooled) / max(fresh, 1e-9), 0.0, 1.0)
    return np.where([posterior is None for posterior in posteriors], np.nan, told)


def move(session: Session, project_id: int, version_id: int | None, item_ids: Sequence[int], band: int) -> int:
    """Give items fresh ranks in `band`, in the order given; returns how many were still open.

    Args:
        version_id: the champion that the order follows; None where there is no model yet.

    Raises:
        ValueError: more than 1,000 items; move them in pieces with a commit between.
        Conflict: `model_replaced`, another model has become the champion since the order was chosen.
    """
    if len(item_ids) > MAX_ROWS:
        raise ValueError(f"{len(item_ids)} items at once, at most {MAX_ROWS}")
    if _champion_id(session, project_id) != version_id:
        raise Conflict("model_replaced", version=version_id or 0)
    locked = select(ITEM.c.id).where(ITEM.c.id.in_(item_ids), ITEM.c.state == "open")
    still_open = set(session.scalars(locked.order_by(ITEM.c.id).with_for_update()))
    moved = [item_id for item_id in item_ids if item_id in still_open]
    if not moved:
        return 0
    first = take_sequences(session, project_id, len(moved))
    session.connection().execute(
        update(ITEM).where(ITEM.c.id == bindparam("key")).values(rank=bindparam("value")),
        [{"key": item_id, "value": make_rank(band, first + place)} for place, item_id in enumerate(moved)],
    )
    return len(moved)


def note_order(session: Session, version_id: int, note: Mapping[str, Any]) -> None:
    """Keep with a champion how it orders what is asked, as JSON under `asking` in its metrics."""
    version = session.get_one(ModelVersion, version_id, with_for_update=True, populate_existing=True)
    version.metrics = {**version.metrics, ASKING: dict(note)}


# --- texts to embed -----------------------------------------------------------------------------------------------


def texts_of(session: Session, project_id: int, item_ids: Sequence[int]) -> list[str]:
    """The texts of items of a project, in the order given. At most 5,000 ids."""
    statement = select(Item.id, Item.content).where(Item.id.in_(item_ids), Item.project_id == project_id)
    found = {item_id: item_text(content) for item_id, content in session.execute(statement)}
    return [found[item_id] for item_id in item_ids]


def latest_labels(session: Session, project_id: int, limit: int) -> list[tuple[str, str, float]]:
    """Text, label id and lot of the items that were decided last."""
    columns = select(Item.content, Item.label_id, Item.content_hash).where(decided_items(project_id))
    rows = session.execute(columns.order_by(Item.decided_at.desc(), Item.id).limit(limit))
    texts = [(item_text(content), str(label_id), content_hash) for content, label_id, content_hash in rows]
    return [(text, label_id, lot(text, content_hash)) for text, label_id, content_hash in texts]


# --- before there is a model --------------------------------------------------------------------------------------


def wants_start(session: Session, project_id: int) -> bool:
    """Whether a diverse start is due: no model yet, enough items wait in the order of the file, and none goes ahead.

    Never where the job does not train by itself: the trainer would choose again and again for a model that never comes.
    """
    project = session.get_one(Project, project_id)
    if not (project.retrain_threshold or project.retrain_cron) or _champion_id(session, project_id) is not None:
        return False
    waiting = select(Item.id).where(Item.project_id == project_id, Item.slots > 0)
    if session.scalar(select(exists(waiting.where(_in_band(UNCERTAIN))))):
        return False
    published = select(Batch.id).where(Batch.project_id == project_id, Batch.state == "published")
    fresh = waiting.where(_in_band(ORDINARY), Item.submitted == 0, Item.batch_id.in_(published))
    fresh = fresh.where(Item.group_key.is_(None))
    return session.scalar(fresh.order_by(Item.rank).offset(LEAST_ITEMS - 1).limit(1)) is not None


def start_effect(project_id: int) -> EnqueueJob:
    """The job that chooses what is asked first, before there is a model."""
    return EnqueueJob(TRAINING, DIVERSIFY, (project_id,), f"diversify-{project_id}")


def unfinished_starts(session: Session) -> list[EnqueueJob]:
    """Jobs for the projects whose diverse start is due, for the sweep."""
    champions = exists().where(ModelVersion.project_id == Project.id, ModelVersion.state == "champion")
    statement = select(Project.id).where(Project.state == "open", ~champions).order_by(Project.id)
    return [start_effect(project_id) for project_id in session.scalars(statement) if wants_start(session, project_id)]


def _champion_id(session: Session, project_id: int) -> int | None:
    statement = select(ModelVersion.id).where(ModelVersion.project_id == project_id, ModelVersion.state == "champion")
    return session.scalar(statement)


def _in_band(band: int) -> ColumnElement[bool]:
    return Item.rank.between(make_rank(band, 0), make_rank(band + 1, 0) - 1)


def _reorderable(project_id: int) -> Select[Item]:
    published = select(Batch.id).where(Batch.project_id == project_id, Batch.state == "published")
    return select(Item).where(
        Item.project_id == project_id,
        Item.state == "open",
        Item.purpose == "label",
        Item.batch_id.in_(published),
        _in_band(UNCERTAIN) | _in_band(ORDINARY),
    )
