"""A model labels by itself what it is sure of, where the coordinator allows it and the holdout shows that it may.

After a champion has spoken on all open items, the lowest confidence is chosen from which on its labels are wrong no
more often than the job's bound (`core/aggregation/acceptance.py`). Open items above it that nobody has begun are
accepted. What measures models is left to people: blind items, the holdout, known items, and a random share of what
would have been accepted, which goes ahead of the others and shows whether the bound holds (`core/retreating.py`).

Everything follows from SQL: a version's metrics say under which settings it was done, so the job may run twice, and
the sweep asks for it again where settings or labels have changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import learning
from core.acceptance_evidence import accepted_count, audits, author, held_out, to_audit
from core.aggregation.acceptance import choose_threshold
from core.asking import move
from core.blind import is_apart, is_audited
from core.consensus import accept, take_back
from core.db import let_others_write
from core.db.tables import table_of
from core.due import reestimate_effect
from core.effects import EnqueueJob, add_effect
from core.errors import Conflict
from core.items import lock_item, lock_items
from core.labels import item_text
from core.learning import LearningSettings
from core.log import get_logger
from core.models import Batch, Item, ModelVersion, Prediction, Project
from core.outbox import owe_poster
from core.predictions import PRELABELED, accept_effect, has_say, pieces
from core.prior_gain import measured_prior
from core.priors import PRIOR
from core.ranks import AUDITED
from core.runtime import Runtime

ACCEPTING = "accepting"
"""Key in a version's metrics: what it may label by itself, and under which settings that was found."""
FORGIVEN = ("drift", "rollback")
"""Why labels were taken back from a version that may label again once it is promoted again."""
UNPROVEN = "unproven"
"""They were taken back because the holdout bears them out no more: it has grown, or the bound was made stricter."""
EVIDENCE = ("threshold", "held", "bound", "audit", "count", "wrong", "upper")
"""What is noted of a measurement: the confidence from which on it labels, or None; items of the holdout; the bound and
the share that is audited; and of items at or above the threshold how many there are, how many wrong, and at most which
share."""
CHUNK = 500
GROWTH, MORE = 1.1, 20
"""A version that could not be relied on is looked at again after a tenth more answers, and at least so many."""

ITEM, PREDICTION, BATCH = table_of(Item), table_of(Prediction), table_of(Batch)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to change: items to accept with label and confidence, to give back to people, and to ask first."""

    accept: dict[int, tuple[str, float]]
    give_back: list[int]
    ahead: list[int]


def apply(runtime: Runtime, version_id: int, clock: Callable[[], datetime]) -> int:
    """Bring what a champion has labeled into line with the settings of its job; returns how many items it labeled.

    Nothing where the version is not in use, or has not spoken on all open items yet.
    """
    if (note := _note(runtime, version_id, clock())) is None:
        return 0
    with runtime.reading() as session:
        threshold = note["threshold"] if note["may"] else None
        plan = _plan(session, session.get_one(ModelVersion, version_id), threshold)
    for piece in pieces(plan.give_back, CHUNK):
        with runtime.writing() as session:
            give_back(session, piece, clock())
        let_others_write(runtime.engine)
    labeled = 0
    for piece in pieces(list(plan.accept), CHUNK):
        with runtime.writing() as session:
            labeled += _accept(session, version_id, note["basis"], {key: plan.accept[key] for key in piece}, clock())
        let_others_write(runtime.engine)
    for piece in pieces(plan.ahead, CHUNK):
        with runtime.writing() as session:
            _ask_first(session, version_id, piece)
        let_others_write(runtime.engine)
    with runtime.writing() as session:
        _finish(session, version_id, note, clock())
    log.info("labels_accepted", version_id=version_id, items=labeled, back=len(plan.give_back))
    return labeled


def unfinished(session: Session) -> list[EnqueueJob]:
    """Jobs for the champions whose acceptance is due, for the sweep."""
    statement = select(ModelVersion, Project).join(Project, Project.id == ModelVersion.project_id)
    rows = session.execute(statement.where(ModelVersion.state == "champion").order_by(ModelVersion.id))
    return [accept_effect(version) for version, project in rows if is_due(version, project)]


def give_back(session: Session, item_ids: Sequence[int], now: datetime) -> int:
    """Have people label these items after all, where a model labeled them; returns how many."""
    lock_items(session, item_ids)
    back, project = 0, None
    for item_id in item_ids:
        item = lock_item(session, item_id)
        project = project or session.get_one(Project, item.project_id)
        back += take_back(session, project, item, now)
    if back and project is not None:
        add_effect(session, reestimate_effect(project.id, now))
    return back


def is_due(version: ModelVersion, project: Project) -> bool:
    """Whether it is to be measured anew what a champion may label: settings, predictions or answers have changed."""
    known = version.metrics.get(ACCEPTING, {})
    if PRELABELED not in version.metrics or not (known or has_say(project.learning)):
        return False
    return known.get("basis") != _basis(version, project) or not known.get("done") or _may_prove_itself(known, project)


def _may_prove_itself(known: dict[str, Any], project: Project) -> bool:
    """Whether a version that too few labels spoke for has been waiting while so many answers came that it may pass."""
    if not known.get("may") or known.get("threshold") is not None:
        return False
    before = int(known.get("answers", 0))
    return project.estimated_annotations > max(GROWTH * before, before + MORE)


def _basis(version: ModelVersion, project: Project) -> list[Any]:
    """What the outcome depends on. Of the settings only those that have a say."""
    one = learning.load(project.learning)
    allowed = may_accept(version, one)
    asked = [one.accept_error, one.accept_audit] if allowed else []
    return [version.metrics.get(PRELABELED), allowed, one.blind_share, one.prior, *asked]


def may_accept(version: ModelVersion, settings: LearningSettings) -> bool:
    """Whether a version may label by itself at all: allowed, still right, and not sent back before."""
    return settings.accept and version.drifted_at is None and not is_sent_back(version)


def is_sent_back(version: ModelVersion) -> bool:
    """Whether the labels of a version were taken back, so that it gives none.

    A new reign makes up for some reasons, and a coordinator who allows it anew for their own (`"forgiven"`).
    """
    order = version.metrics.get(ACCEPTING, {}).get("retreat")
    if not order:
        return False
    if not order["done"]:
        return True
    if order.get("forgiven"):
        return False
    again = version.promoted_at is not None and version.promoted_at > datetime.fromisoformat(order["at"])
    return order["reason"] != UNPROVEN and not (again and order["reason"] in FORGIVEN)


def is_ordered(version: ModelVersion) -> bool:
    """Whether the labels of a version are to be taken back, and that is not done yet."""
    return version.metrics.get(ACCEPTING, {}).get("retreat", {}).get("done") is False


def retreat_order(
    session: Session, project: Project, version: ModelVersion, reason: str, now: datetime
) -> dict[str, Any]:
    """The note that a version's labels are to be taken back, with what its audits have found until then."""
    threshold = version.metrics[ACCEPTING]["threshold"]
    found = audits(session, project, version, learning.load(project.learning), threshold)
    return {"reason": reason, "at": now.isoformat(), "done": False, "wrong": found.wrong, "audited": found.count}


def _note(runtime: Runtime, version_id: int, now: datetime) -> dict[str, Any] | None:
    """Measure the version and keep that with it; None where it has no say, or a retreat is under way."""
    with runtime.reading() as session:
        version = session.get(ModelVersion, version_id)
        if version is None or version.state != "champion" or PRELABELED not in version.metrics or is_ordered(version):
            return None
        project = session.get_one(Project, version.project_id)
        note, basis = _measure(session, project, version, now), _basis(version, project)
        prior = measured_prior(session, project, version)
    with runtime.writing() as session:
        version = session.get_one(ModelVersion, version_id, with_for_update=True, populate_existing=True)
        if is_ordered(version):
            return None
        kept = {"retreat": version.metrics[ACCEPTING]["retreat"]} if is_sent_back(version) else {}
        found = kept | note | {"basis": basis}
        version.metrics = {**version.metrics, ACCEPTING: found, PRIOR: asdict(prior) | {"helps": prior.helps}}
    return found


def _measure(session: Session, project: Project, version: ModelVersion, now: datetime) -> dict[str, Any]:
    """From which confidence on it may label, and by what evidence; that of old where it has labeled and may not now."""
    settings, before = learning.load(project.learning), version.metrics.get(ACCEPTING, {})
    old: dict[str, Any] = {"threshold": None} | {name: before[name] for name in EVIDENCE if name in before}
    if not may_accept(version, settings):
        return old | {"may": False}
    sure, right = held_out(session, project, version)
    found = choose_threshold(sure, right, settings.accept_error)
    if found is None and old["threshold"] is not None:
        return old | {"may": False, "retreat": retreat_order(session, project, version, UNPROVEN, now)}
    note: dict[str, Any] = {"may": True, "held": len(sure), "answers": project.estimated_annotations}
    note |= {"bound": settings.accept_error, "audit": settings.accept_audit}
    if found is None:
        return note | {"threshold": None}
    return note | {"threshold": found.confidence, "count": found.count, "wrong": found.wrong, "upper": found.upper}


def _plan(session: Session, version: ModelVersion, threshold: float | None) -> Plan:
    project = session.get_one(Project, version.project_id)
    settings = learning.load(project.learning)
    back = _unfit(session, version, settings, threshold)
    if threshold is None:
        return Plan({}, back, [])
    return Plan(_sure(session, version, settings, threshold), back, to_audit(session, version, settings, threshold))


def _unfit(session: Session, version: ModelVersion, settings: LearningSettings, threshold: float | None) -> list[int]:
    """Accepted items that are people's by now: those that measure models, and what this one is not sure enough of.

    Args:
        threshold: None where it labels no more: then what it has labeled stays, until that is taken back.
    """
    said = PREDICTION.c.confidence.label("sure")
    columns = [ITEM.c[name] for name in ("id", "public_id", "content", "content_hash")]
    statement = (
        select(*columns, said, PREDICTION.c.model_version_id)
        .join(PREDICTION, (PREDICTION.c.item_id == ITEM.c.id) & (PREDICTION.c.model_version_id == author()))
        .where(ITEM.c.project_id == version.project_id, ITEM.c.state == "accepted")
    )
    unfit = []
    for row in session.execute(statement.order_by(ITEM.c.id), execution_options={"yield_per": CHUNK}):
        mine = row.model_version_id == version.id and threshold is not None
        drawn = mine and is_audited(row.public_id, version.public_id, settings.accept_audit)
        doubtful = mine and threshold is not None and row.sure < threshold
        if drawn or doubtful or is_apart(item_text(row.content), row.content_hash, settings.blind_share):
            unfit.append(row.id)
    return unfit


def _sure(
    session: Session, version: ModelVersion, settings: LearningSettings, threshold: float
) -> dict[int, tuple[str, float]]:
    """Label and confidence of the open items that the version may label: nobody has begun them, none measures it."""
    said = PREDICTION.c.label_id, PREDICTION.c.confidence
    statement = (
        select(*(ITEM.c[name] for name in ("id", "public_id", "content", "content_hash")), *said)
        .join(PREDICTION, PREDICTION.c.item_id == ITEM.c.id)
        .join(BATCH, BATCH.c.id == ITEM.c.batch_id)
        .where(PREDICTION.c.model_version_id == version.id, PREDICTION.c.confidence >= threshold)
        .where(ITEM.c.state == "open", ITEM.c.purpose == "label", ITEM.c.submitted == 0, ITEM.c.leased == 0)
        .where(BATCH.c.state == "published")
    )
    found = {}
    for row in session.execute(statement.order_by(ITEM.c.id), execution_options={"yield_per": CHUNK}):
        if is_audited(row.public_id, version.public_id, settings.accept_audit):
            continue
        if not is_apart(item_text(row.content), row.content_hash, settings.blind_share):
            found[row.id] = (row.label_id, row.confidence)
    return found


def _accept(
    session: Session, version_id: int, basis: list[Any], labels: dict[int, tuple[str, float]], now: datetime
) -> int:
    """One piece; nothing where another model has come, or the coordinator has changed their mind meanwhile."""
    lock_items(session, labels)  # before the version's row is held
    version = session.get_one(ModelVersion, version_id, with_for_update=True, populate_existing=True)
    project = session.get_one(Project, version.project_id, populate_existing=True)
    if version.state != "champion" or _basis(version, project) != basis:
        return 0
    labeled = len(accept(session, labels, now))
    add_effect(session, reestimate_effect(project.id, now))
    return labeled


def _ask_first(session: Session, version_id: int, item_ids: list[int]) -> None:
    version = session.get_one(ModelVersion, version_id)
    try:
        move(session, version.project_id, version_id, item_ids, AUDITED)
    except Conflict:
        log.info("audits_dropped", version_id=version_id)


def _finish(session: Session, version_id: int, note: dict[str, Any], now: datetime) -> None:
    """Note that it is done, and tell the coordinator once of a version that labels."""
    version = session.get_one(ModelVersion, version_id, with_for_update=True, populate_existing=True)
    found = version.metrics.get(ACCEPTING, {})
    if found.get("basis") != note["basis"]:
        return
    version.metrics = {**version.metrics, ACCEPTING: found | {"done": now.isoformat()}}
    count = accepted_count(session, version) if found["may"] and found["threshold"] is not None else 0
    if not count:
        return
    project = session.get_one(Project, version.project_id)
    params = {"project_id": project.id, "version": version.number, "count": count}
    owe_poster(session, project, "labels_accepted", params, f"labels_accepted-{version.id}", now)
