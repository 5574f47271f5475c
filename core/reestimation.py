"""Background consensus: the whole project by EM, written back only where nothing has changed since it was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlalchemy import Engine, and_, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from core.aggregation.annotations import Annotations
from core.aggregation.estimate import Estimate, counts_of, estimate, is_grown
from core.arrays import Floats, Ints
from core.audit_evidence import Evidence, audit_evidence
from core.consensus import SETTLED, revise
from core.db import let_others_write, reading, unit_of_work
from core.db.columns import coded, distributions, ints, read_columns
from core.db.tables import table_of
from core.effects import Effect
from core.items import lock_item, lock_items
from core.models import Annotation, Gold, Item, Project, Skill
from core.skills import CrowdModel, crowd_model, save_counts
from core.standing import TRIAL
from core.steering import steer

CHUNK, SKILLS = 500, 50
"""So many items, and people's skills, are written at once: whoever answers meanwhile waits for their own."""
NOTICEABLE = 0.002
"""Smaller moves of a posterior are not written."""


class LabelsAdded(Exception):
    """The project was given further labels after its annotations were read."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A project's annotations as index columns, with the revisions they were read at.

    posteriors: shape (items, classes), NaN where an item has none, or one for fewer labels.
    own: how many are rows of their own; those behind them say the same again of answers that experts have audited, as
    answers to further items, one each, of which only `fixed` speaks.
    """

    item_ids: list[int]
    revisions: Ints
    posteriors: Floats
    worker_ids: list[int]
    items: Ints
    workers: Ints
    answers: Ints
    fixed: Floats
    classes: int
    own: int


def is_due(session: Session, project: Project) -> bool:
    """Whether enough annotations have come since the last re-estimation."""
    statement = select(func.count()).select_from(Annotation).where(*_teaching(project.id))
    return is_grown(session.scalar(statement) or 0, project.estimated_annotations)


def reestimate(
    engine: Engine, project_id: int, run_effects: Callable[[list[Effect]], None], clock: Callable[[], datetime]
) -> int:
    """Re-estimate posteriors, skills and the pooled matrix of a project; returns how many items were revised.

    Items whose revision moved on meanwhile are left alone; verdicts are fixed points of the estimate. Where labels are
    added meanwhile it stops, and is due again.
    """
    with reading(engine) as session:
        project = session.get_one(Project, project_id)
        if not is_due(session, project):
            return 0
        snapshot = read_snapshot(session, project)
    if snapshot is None:
        return 0
    shape = len(snapshot.fixed), len(snapshot.worker_ids), snapshot.classes
    fitted = estimate(Annotations(snapshot.items, snapshot.workers, snapshot.answers, shape), snapshot.fixed)
    try:
        revised = _write_back(engine, project_id, run_effects, clock, snapshot, fitted)
    except LabelsAdded:
        return 0
    steer(engine, project_id, run_effects, clock)
    return revised


def _write_back(
    engine: Engine,
    project_id: int,
    run_effects: Callable[[list[Effect]], None],
    clock: Callable[[], datetime],
    snapshot: Snapshot,
    fitted: Estimate,
) -> int:
    """What was fitted, in pieces; returns how many items were revised.

    Raises:
        LabelsAdded: the project has other labels now than those that were fitted.
    """
    with unit_of_work(engine, run_effects) as session:
        _write_crowd(session, project_id, snapshot, fitted)
    for start in range(0, len(snapshot.worker_ids), SKILLS):
        with unit_of_work(engine, run_effects) as session:
            _write_skills(session, project_id, snapshot, fitted, start, clock())
        let_others_write(engine)
    revised, changed = 0, _moved(snapshot, fitted)
    for start in range(0, len(changed), CHUNK):
        with unit_of_work(engine, run_effects) as session:
            revised += _revise_items(session, project_id, snapshot, fitted, changed[start : start + CHUNK], clock())
        let_others_write(engine)
    with unit_of_work(engine, run_effects) as session:  # last, so that a job that was killed is still due
        _same_project(session, project_id, snapshot, lock=True).estimated_annotations = snapshot.own
    return revised


def _same_project(session: Session, project_id: int, snapshot: Snapshot, *, lock: bool = False) -> Project:
    project = session.get_one(Project, project_id, with_for_update=lock)
    if len(project.label_schema["labels"]) != snapshot.classes:
        raise LabelsAdded
    return project


def read_snapshot(session: Session, project: Project) -> Snapshot | None:
    """All counted annotations of a project, or nothing where there are none.

    Revisions are read first: an annotation that comes between is then seen with a revision that has moved on.
    """
    index = {label["id"]: position for position, label in enumerate(project.label_schema["labels"])}
    state = _item_states(session, project.id, index)
    answered = select(Annotation.item_id, Annotation.worker_id, Annotation.label_id).where(
        *_teaching(project.id), Annotation.label_id.in_(index)
    )
    rows = read_columns(session, answered, ints, ints, coded(index))
    there = np.isin(rows[0], state.ids)
    if not there.any():
        return None
    (item_ids, items), (worker_ids, workers) = (np.unique(ids[there], return_inverse=True) for ids in rows[:2])
    at = np.searchsorted(state.ids, item_ids)
    known = state.labels[at] >= 0
    fixed = np.full((len(item_ids), len(index)), np.nan)
    fixed[known] = np.eye(len(index))[state.labels[at][known]]
    read = Snapshot(
        item_ids=item_ids.tolist(),
        revisions=state.revisions[at],
        posteriors=state.posteriors[at],
        worker_ids=worker_ids.tolist(),
        items=items,
        workers=workers,
        answers=rows[2][there],
        fixed=fixed,
        classes=len(index),
        own=len(items),
    )
    return _with_audits(read, audit_evidence(session, project))


def _with_audits(snapshot: Snapshot, audits: Sequence[Evidence]) -> Snapshot:
    """The snapshot with what experts found of answers, as answers to items whose label is known."""
    if not audits:
        return snapshot
    workers = {worker_id: position for position, worker_id in enumerate(snapshot.worker_ids)}
    for one in audits:
        workers.setdefault(one.worker_id, len(workers))
    further = np.arange(len(audits)) + len(snapshot.item_ids)
    return replace(
        snapshot,
        worker_ids=list(workers),
        items=np.concatenate([snapshot.items, further]),
        workers=np.concatenate([snapshot.workers, [workers[one.worker_id] for one in audits]]),
        answers=np.concatenate([snapshot.answers, [one.answer for one in audits]]),
        fixed=np.concatenate([snapshot.fixed, [one.belief for one in audits]]),
    )


@dataclass(frozen=True, slots=True)
class _Items:
    """Items in the order of their ids. labels: the index of what is known, by a verdict or before; -1 for most."""

    ids: Ints
    revisions: Ints
    posteriors: Floats
    labels: Ints


def _item_states(session: Session, project_id: int, index: dict[str, int]) -> _Items:
    item, gold = table_of(Item), _known_labels(session, project_id)
    statement = select(item.c.id, item.c.revision, item.c.posterior, item.c.state, item.c.label_id).where(
        item.c.project_id == project_id,
        or_(item.c.submitted > 0, item.c.id.in_(select(Gold.item_id).where(Gold.project_id == project_id))),
    )
    to_arrays = (ints, ints, distributions(len(index)), coded({"adjudicated": 1}, other=0), coded(index, other=-1))
    ids, revisions, posteriors, adjudicated, labels = read_columns(session, statement.order_by(item.c.id), *to_arrays)
    checked = ints([index[gold[item_id]] if item_id in gold else -1 for item_id in ids.tolist()])
    return _Items(ids, revisions, posteriors, np.where(adjudicated == 1, labels, checked))


def _known_labels(session: Session, project_id: int) -> dict[int, str]:
    """Labels of the items that only check people, by item id."""
    statement = select(Gold.item_id, Gold.label_id).join(Item, Item.id == Gold.item_id)
    found = session.execute(
        statement.where(Gold.project_id == project_id, Gold.state == "active", Item.purpose == "gold")
    )
    return {item_id: label_id for item_id, label_id in found}


def _teaching(project_id: int) -> list[ColumnElement[bool]]:
    """Annotations that teach something about their worker: those that count, and those to items that check people.

    Left out are answers of practice and of quizzes, and to known labels that are in doubt.
    """
    checked = select(Gold.item_id).join(Item, Item.id == Gold.item_id)
    checked = checked.where(Gold.project_id == project_id, Gold.state == "active", Item.purpose != "practice")
    counted = and_(Annotation.state == "counted", Annotation.audit_state != "rejected")
    return [
        Annotation.project_id == project_id,
        or_(counted, and_(Annotation.state == "control", Annotation.item_id.in_(checked), ~TRIAL)),
    ]


def _moved(snapshot: Snapshot, fitted: Estimate) -> list[int]:
    """Positions of the items whose posterior is another one now, or had none."""
    moves = np.abs(fitted.posteriors[: len(snapshot.item_ids)] - snapshot.posteriors).max(axis=1)
    return [int(position) for position in np.flatnonzero(~(moves <= NOTICEABLE))]


def _write_crowd(session: Session, project_id: int, snapshot: Snapshot, fitted: Estimate) -> None:
    project = _same_project(session, project_id, snapshot, lock=True)
    project.pooled_confusion = [[round(float(cell), 6) for cell in row] for row in fitted.pooled]
    project.class_prior = [round(float(share), 6) for share in fitted.prior]


def _write_skills(
    session: Session, project_id: int, snapshot: Snapshot, fitted: Estimate, start: int, now: datetime
) -> None:
    crowd = crowd_model(_same_project(session, project_id, snapshot))
    totals = np.bincount(snapshot.workers[: snapshot.own], minlength=len(snapshot.worker_ids))
    for position in range(start, min(start + SKILLS, len(snapshot.worker_ids))):
        worker_id = snapshot.worker_ids[position]
        session.get(Skill, (worker_id, project_id), with_for_update=True)
        counts = counts_of(fitted, position)
        save_counts(session, worker_id, project_id, counts, crowd, int(totals[position]), now)


def _revise_items(
    session: Session, project_id: int, snapshot: Snapshot, fitted: Estimate, positions: list[int], now: datetime
) -> int:
    project = _same_project(session, project_id, snapshot)
    crowd: CrowdModel = crowd_model(project)
    revised = 0
    lock_items(session, (snapshot.item_ids[position] for position in positions))
    for position in positions:
        item = lock_item(session, snapshot.item_ids[position])
        if item.revision != snapshot.revisions[position] or item.state in SETTLED or item.purpose != "label":
            continue
        revise(session, project, crowd, item, fitted.posteriors[position].tolist(), now)
        revised += 1
    return revised
