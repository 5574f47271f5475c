"""What a model says about items. A prediction is never an annotation; `core/asking.py` orders items by it.

Everything here works in pieces of at most 1,000 rows, so that a caller can commit between them and let taps through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ScalarSelect, Select, bindparam, exists, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from core.asking import start_effect, wants_start
from core.blind import is_held_out
from core.db.tables import table_of
from core.db.upsert import insert_statement
from core.effects import EnqueueJob, add_effect
from core.labels import item_text
from core.models import Batch, Item, ModelVersion, Prediction, Project
from core.outbox import owe_poster
from core.queue import ACCEPT, DEFAULT, FIND_LABEL_ERRORS, PRELABEL, TRAINING

MAX_ROWS = 1000
PRELABELED = "prelabeled_at"
"""Key in a champion's metrics: when it had spoken on every open item. Without it, predictions are due."""
LABEL_ERRORS = "label_errors"
"""Key in a champion's metrics: which labels look wrong, found in this reign. Without it, looking is due."""
UNSETTLED = ("open", "disputed")
"""States of items that may still get another label: an expert who settles one may ask what the model says."""
LABELED = ("agreed", "adjudicated", "disputed")
"""States of items on which people are through, though they may differ."""

ITEM, PREDICTION = table_of(Item), table_of(Prediction)


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """A model's label for one item.

    probabilities: in the order of the project's labels, as many as the model knows; labels that were added to the
        project since stand behind them. confidence: the highest of them.
    uncertainty: 0 sure to 1 undecided.
    """

    item_id: int
    label_id: str
    confidence: float
    probabilities: tuple[float, ...]
    uncertainty: float


# --- predictions ------------------------------------------------------------------------------------------------


def unpredicted(session: Session, version: ModelVersion, after_id: int = 0, limit: int = 500) -> list[Item]:
    """Open and disputed items of published batches on which `version` has not spoken since it was promoted, by id.

    A model that is put back into use speaks anew: another has reordered the items meanwhile.

    Args:
        after_id: the last id of the page before.
    """
    statement = _unsettled_items(version.project_id).where(Item.id > after_id, ~_spoken(version))
    return list(session.scalars(statement.order_by(Item.id).limit(limit)))


def unspoken(session: Session, version: ModelVersion, after_id: int = 0, limit: int = 500) -> list[Item]:
    """As `unpredicted`, but of the items on which people are through: those that a model is measured by.

    Only the holdout is given: what a model has trained on says nothing of how right it is.
    """
    statement = _labeled_items(version.project_id).where(~_spoken(version)).order_by(Item.id).limit(MAX_ROWS)
    held: list[Item] = []
    while len(held) < limit:
        page = list(session.scalars(statement.where(Item.id > after_id)))
        held += [item for item in page if is_held_out(item_text(item.content), item.content_hash)]
        if len(page) < MAX_ROWS:
            break
        after_id = page[-1].id
    return held[:limit]


def record(session: Session, version_id: int, rows: Sequence[PredictionRow], now: datetime) -> None:
    """Write predictions, over those that `version_id` made before, and a champion's uncertainty to the items.

    Raises:
        ValueError: more than 1,000 rows; write them in pieces with a commit between.
    """
    if not rows:
        return
    if len(rows) > MAX_ROWS:
        raise ValueError(f"{len(rows)} predictions at once, at most {MAX_ROWS}")
    # In the order of ids: two writers then lock items in one order and never wait for each other in a ring.
    ordered = sorted(rows, key=lambda row: row.item_id)
    statement = insert_statement(session, Prediction)
    # An upsert, not delete and insert: annotations may point at the prediction that they were made under.
    changed = {name: statement.excluded[name] for name in ("label_id", "confidence", "probabilities", "created_at")}
    session.connection().execute(
        statement.on_conflict_do_update(index_elements=["item_id", "model_version_id"], set_=changed),
        [_prediction(version_id, row, now) for row in ordered],
    )
    if not _reigns(session, version_id):
        return
    session.connection().execute(
        update(ITEM).where(ITEM.c.id == bindparam("key")).values(uncertainty=bindparam("value")),
        [{"key": row.item_id, "value": row.uncertainty} for row in ordered],
    )


def _prediction(version_id: int, row: PredictionRow, now: datetime) -> dict[str, Any]:
    return {
        "item_id": row.item_id,
        "model_version_id": version_id,
        "label_id": row.label_id,
        "confidence": row.confidence,
        "probabilities": list(row.probabilities),
        "created_at": now,
    }


# --- whether predictions are due --------------------------------------------------------------------------------


def request_prelabel(session: Session, project_id: int) -> bool:
    """New items are open: have the champion speak on them after the commit; false where there is none.

    Before there is one, its place is taken by a start that is spread over the texts. Call it in the transaction that
    publishes them.
    """
    statement = select(ModelVersion).where(ModelVersion.project_id == project_id, ModelVersion.state == "champion")
    version = session.scalars(statement.with_for_update()).first()
    if version is None:
        session.flush()
        if wants_start(session, project_id):
            add_effect(session, start_effect(project_id))
        return False
    version.metrics = {key: value for key, value in version.metrics.items() if key != PRELABELED}
    session.flush()
    add_effect(session, prelabel_effect(version))
    return True


def finish_prelabel(session: Session, version_id: int, now: datetime) -> bool:
    """Note that a champion has spoken on every open or disputed item; false where items were published meanwhile.

    The version's row is locked first, so a batch that is published at this moment is either seen here or asks again.
    """
    version = session.get_one(ModelVersion, version_id, with_for_update=True, populate_existing=True)
    if unpredicted(session, version, limit=1):
        return False
    version.metrics = {**version.metrics, PRELABELED: now.isoformat()}
    session.flush()
    if has_say(session.get_one(Project, version.project_id).learning):
        add_effect(session, accept_effect(version))
    if LABEL_ERRORS not in version.metrics:
        add_effect(session, look_effect(version))
    return True


def said_last(
    wanted: ColumnElement[int], item_id: ColumnElement[int], moment: ColumnElement[datetime]
) -> ScalarSelect[int]:
    """A column of the prediction that was the newest on an item at a moment, for each row of their table."""
    return (
        select(wanted)
        .where(PREDICTION.c.item_id == item_id, PREDICTION.c.created_at <= moment)
        .order_by(PREDICTION.c.created_at.desc(), PREDICTION.c.id.desc())
        .limit(1)
        .correlate_except(PREDICTION)
        .scalar_subquery()
    )


def has_say(settings: Mapping[str, Any]) -> bool:
    """Whether by a job's learning settings, as stored, its model may do more than order what is asked."""
    return bool(settings.get("accept") or settings.get("prior"))


def fail_prelabel(session: Session, version: ModelVersion, code: str, params: Mapping[str, Any], now: datetime) -> None:
    """Owe the coordinator, once, the reason why a champion cannot speak; its predictions stay due."""
    project = session.get_one(Project, version.project_id)
    params = {"project_id": project.id, "code": code, "params": dict(params)}
    owe_poster(session, project, "training_failed", params, f"prelabel_failed-{version.id}", now)


def unfinished_prelabels(session: Session) -> list[EnqueueJob]:
    """Jobs for the champions whose predictions are due, for the sweep."""
    champions = session.scalars(select(ModelVersion).where(ModelVersion.state == "champion").order_by(ModelVersion.id))
    return [prelabel_effect(version) for version in champions if PRELABELED not in version.metrics]


def prelabel_effect(version: ModelVersion) -> EnqueueJob:
    """The job that lets `version` speak on all open items."""
    return EnqueueJob(TRAINING, PRELABEL, (version.id,), f"prelabel-{version.project_id}-{version.id}")


def accept_effect(version: ModelVersion) -> EnqueueJob:
    """The job that takes labels from `version`, or takes them back, as its job's settings and its audits say."""
    return EnqueueJob(DEFAULT, ACCEPT, (version.id,), f"accept-{version.project_id}-{version.id}")


def look_effect(version: ModelVersion) -> EnqueueJob:
    """The job that looks for labels which a champion's project may have wrong."""
    return EnqueueJob(TRAINING, FIND_LABEL_ERRORS, (version.id,), f"doubts-{version.project_id}-{version.id}")


def pieces(item_ids: Sequence[int], size: int = MAX_ROWS) -> Iterator[list[int]]:
    """`item_ids` in lists of at most `size`."""
    rest = iter(item_ids)
    while piece := list(islice(rest, size)):
        yield piece


def _spoken(version: ModelVersion) -> ColumnElement[bool]:
    # The moment of promotion is read with the rows: it may have changed since whoever asks has read the version.
    return exists().where(
        Prediction.item_id == Item.id,
        Prediction.model_version_id == version.id,
        ModelVersion.id == version.id,
        or_(ModelVersion.promoted_at.is_(None), Prediction.created_at >= ModelVersion.promoted_at),
    )


def _reigns(session: Session, version_id: int) -> bool:
    return session.scalar(select(ModelVersion.state).where(ModelVersion.id == version_id)) == "champion"


def _unsettled_items(project_id: int) -> Select[Item]:
    published = select(Batch.id).where(Batch.project_id == project_id, Batch.state == "published")
    return select(Item).where(
        Item.project_id == project_id, Item.state.in_(UNSETTLED), Item.purpose == "label", Item.batch_id.in_(published)
    )


def _labeled_items(project_id: int) -> Select[Item]:
    published = select(Batch.id).where(Batch.project_id == project_id, Batch.state == "published")
    return select(Item).where(
        Item.project_id == project_id,
        Item.state.in_(LABELED),
        Item.purpose == "label",
        Item.batch_id.in_(published),
    )
