"""Labels that a model has given are taken back: its audits break the bound, it drifts, or a coordinator says so.

An order is a note in the version's metrics, so it outlives a restart; the job that accepts labels carries it out, and
the sweep asks for that. Items which people have labeled meanwhile are theirs and stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import learning
from core.acceptance_evidence import Audits, accepted_count, audits, author
from core.accepting import ACCEPTING, CHUNK, UNPROVEN, give_back, is_ordered, retreat_order
from core.aggregation.acceptance import is_broken
from core.db import let_others_write
from core.db.tables import table_of
from core.effects import EnqueueJob, add_effect
from core.enrolment import record_act
from core.log import get_logger
from core.models import Item, ModelVersion, Project
from core.outbox import owe_poster
from core.predictions import accept_effect, pieces
from core.runtime import Runtime

BROKEN, BUTTON = "broken", "button"
REASONS = (BROKEN, "drift", "rollback", BUTTON, UNPROVEN)
USED = ("champion", "retired")
"""States of versions that are in use, or have been."""

ITEM = table_of(Item)
log = get_logger(__name__)


def order_retreat(session: Session, version: ModelVersion, reason: str, now: datetime) -> bool:
    """Have all labels of a version taken back, after the commit; false where it has given none, or that is ordered.

    It labels nothing any more, unless it is forgiven (`core.accepting.is_sent_back`).

    Args:
        reason: one of `REASONS`.
    """
    version = session.get_one(ModelVersion, version.id, with_for_update=True, populate_existing=True)
    found = version.metrics.get(ACCEPTING, {})
    if found.get("retreat") or found.get("threshold") is None:
        return False
    order = retreat_order(session, session.get_one(Project, version.project_id), version, reason, now)
    version.metrics = {**version.metrics, ACCEPTING: found | {"retreat": order}}
    session.flush()
    add_effect(session, accept_effect(version))
    return True


def take_all_back(session: Session, project: Project, worker_id: int, now: datetime) -> bool:
    """A coordinator takes back whatever models have labeled in a job; false where there is nothing. In the log."""
    ordered = [order_retreat(session, version, BUTTON, now) for version in _labeling(session, project.id)]
    if any(ordered):
        record_act(session, project.workspace_id, worker_id, "untake", project.public_id, now)
    return any(ordered)


def forgive(session: Session, project: Project) -> None:
    """A coordinator allows labels again: versions whose labels were taken back by hand alone may give some anew.

    Where audits have shown meanwhile that a version breaks the bound, that is the reason from then on.
    """
    used = select(ModelVersion).where(ModelVersion.project_id == project.id, ModelVersion.state.in_(USED))
    fresh = used.order_by(ModelVersion.id).with_for_update().execution_options(populate_existing=True)
    for version in session.scalars(fresh):
        note = version.metrics.get(ACCEPTING, {})
        order = note.get("retreat", {})
        if order.get("reason") != BUTTON:
            continue
        found = audits_of(session, project, version)
        broken = is_broken(found.wrong, found.count, note["bound"])
        order = order | ({"reason": BROKEN} if broken else {"forgiven": True})
        version.metrics = {**version.metrics, ACCEPTING: note | {"retreat": order}}


def carry_out(runtime: Runtime, version_id: int, clock: Callable[[], datetime]) -> int:
    """Give the items of an ordered retreat back to people; returns how many. Nothing where none is ordered."""
    with runtime.reading() as session:
        version = session.get(ModelVersion, version_id)
        if version is None or not is_ordered(version):
            return 0
        mine = select(ITEM.c.id).where(ITEM.c.project_id == version.project_id, ITEM.c.state == "accepted")
        item_ids = list(session.scalars(mine.where(author() == version_id).order_by(ITEM.c.id)))
    back = 0
    for piece in pieces(item_ids, CHUNK):
        with runtime.writing() as session:
            back += give_back(session, piece, clock())
        let_others_write(runtime.engine)
    with runtime.writing() as session:
        _finish(session, version_id, back, clock())
    log.info("labels_taken_back", version_id=version_id, items=back)
    return back


def look_for_broken(session: Session, project_id: int, now: datetime) -> None:
    """Take labels back where what people say of the audited items shows that the bound does not hold."""
    for version in _labeling(session, project_id):
        project = session.get_one(Project, project_id)
        found = audits_of(session, project, version)
        if is_broken(found.wrong, found.count, version.metrics[ACCEPTING]["bound"]):
            order_retreat(session, version, BROKEN, now)


def audits_of(session: Session, project: Project, version: ModelVersion) -> Audits:
    """What the audits of a version have found so far; nothing where it never labeled."""
    threshold = version.metrics.get(ACCEPTING, {}).get("threshold")
    if threshold is None:
        return Audits()
    return audits(session, project, version, learning.load(project.learning), threshold)


def unfinished(session: Session) -> list[EnqueueJob]:
    """Jobs for the retreats that are ordered and not done, for the sweep."""
    versions = session.scalars(select(ModelVersion).where(ModelVersion.state.in_(USED)))
    return [accept_effect(version) for version in versions if is_ordered(version)]


def _labeling(session: Session, project_id: int) -> list[ModelVersion]:
    """The versions whose labels are in a job, or may be."""
    mine = select(ModelVersion).where(ModelVersion.project_id == project_id)
    versions = session.scalars(mine.where(ModelVersion.state.in_(USED)).order_by(ModelVersion.id))
    notes = ((version, version.metrics.get(ACCEPTING, {})) for version in versions)
    return [version for version, note in notes if note.get("threshold") is not None and not note.get("retreat")]


def _finish(session: Session, version_id: int, back: int, now: datetime) -> None:
    """Note that it is done, and tell the coordinator. A label that was taken meanwhile leaves the order standing."""
    version = session.get_one(ModelVersion, version_id, with_for_update=True, populate_existing=True)
    if not is_ordered(version) or accepted_count(session, version):
        return
    found = version.metrics[ACCEPTING]
    if found["retreat"]["reason"] == UNPROVEN:
        found = found | {"threshold": None}
    order = found["retreat"] | {"done": True, "count": back}
    version.metrics = {**version.metrics, ACCEPTING: found | {"retreat": order}}
    project = session.get_one(Project, version.project_id)
    params = {"project_id": project.id, "version": version.number, "count": back, "reason": order["reason"]}
    owe_poster(session, project, "labels_taken_back", params, f"labels_taken_back-{version.id}-{order['at']}", now)
