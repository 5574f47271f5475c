"""What models out of use have said goes, in pieces, as far as nothing rests on it.

Of each job these predictions stay:

- those of the champion and of the one before it, which somebody may go back to;
- those of accepted items: their label is what the version said that spoke last before it was taken;
- those that an answer was given under as a hint, and in a job with hints those that stood while people answered without
  one: what hints do to answers is told by both (`core.hints.hint_effect`);
- those of items in somebody's hands, whose card may show one.

Nothing goes before the champion has spoken on all open items: until then an older prediction may be the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, or_, select, text
from sqlalchemy.orm import Session

from core.champions import champion, models
from core.db import let_others_write
from core.db.tables import table_of
from core.hints import first_hinted
from core.log import get_logger
from core.models import Annotation, Assignment, Item, Prediction, Project
from core.models.labeling import STANDING
from core.predictions import PRELABELED, pieces, said_last
from core.retired_models import last_reigns
from core.runtime import Runtime

ITEM, ANNOTATION, ASSIGNMENT = table_of(Item), table_of(Annotation), table_of(Assignment)
PREDICTION = table_of(Prediction)
OLD = PREDICTION.alias("old")

Condition = ColumnElement[bool]

log = get_logger(__name__)


def clear(runtime: Runtime, project_id: int, now: Callable[[], datetime]) -> int:
    """Remove the predictions of a job that nothing rests on; returns how many. Taps go between the pieces."""
    with runtime.reading() as session:
        ids = spent(session, project_id, now())
    removed = 0
    for piece in pieces(ids):
        with runtime.writing() as session:
            removed += remove(session, project_id, piece, now())
        let_others_write(runtime.engine)
    if removed:
        log.info("predictions_cleared", project_id=project_id, predictions=removed)
    return removed


def spent(session: Session, project_id: int, now: datetime, among: Sequence[int] | None = None) -> list[int]:
    """Ids of the predictions of a job that nothing rests on.

    Args:
        among: look at these alone, at most 1,000.
    """
    reigning = champion(session, project_id)
    if reigning is None or PRELABELED not in reigning.metrics:
        return []
    versions = models(session, project_id)
    kept = {reigning.id, *(version.id for version in last_reigns(versions))}
    old = [version.id for version in versions if version.id not in kept]
    project = session.get_one(Project, project_id)
    resting = [_hinted(), _accepted(), _in_hand(now - timedelta(seconds=project.lease_seconds))]
    if (first := first_hinted(session, project_id)) is not None:
        resting.append(_stood(first))
    statement = select(OLD.c.id).where(OLD.c.model_version_id.in_(old), *(~one for one in resting))
    if among is not None:
        statement = statement.where(OLD.c.id.in_(among))
    return list(session.scalars(statement.order_by(OLD.c.id)))


def remove(session: Session, project_id: int, ids: Sequence[int], now: datetime) -> int:
    """Remove those of at most 1,000 predictions on which still nothing rests; returns how many.

    Whoever puts an old version back into use waits for it, or is seen here; nobody else does.
    """
    session.execute(select(Project.id).where(Project.id == project_id).with_for_update(read=True, key_share=True))
    still = spent(session, project_id, now, among=ids)
    session.connection().execute(delete(PREDICTION).where(PREDICTION.c.id.in_(still)))
    return len(still)


def _hinted() -> Condition:
    return exists().where(ANNOTATION.c.prediction_id == OLD.c.id)


def _accepted() -> Condition:
    return exists().where(ITEM.c.id == OLD.c.item_id, ITEM.c.state == "accepted")


def _in_hand(since: datetime) -> Condition:
    """Whether somebody may still answer the item under a lease; a late answer is taken for one lease more.

    Args:
        since: who was to answer before that is too late.
    """
    answerable = or_(ASSIGNMENT.c.state == "active", ASSIGNMENT.c.expires_at >= since)
    return exists().where(ASSIGNMENT.c.item_id == OLD.c.item_id, answerable)


def _stood(first: int) -> Condition:
    """Whether it was the newest when an answer was given, from the answer of id `first` on."""
    standing: Any = text(f"annotation.{STANDING}")  # as the index says it
    newest = said_last(PREDICTION.c.id, ANNOTATION.c.item_id, ANNOTATION.c.created_at)
    return exists().where(ANNOTATION.c.item_id == OLD.c.item_id, standing, ANNOTATION.c.id >= first, newest == OLD.c.id)
