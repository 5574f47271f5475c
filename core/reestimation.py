"""Background consensus: the whole project by EM, written back only where nothing has changed since it was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlalchemy import Engine, and_, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from core.aggregation.annotations import Annotations, Floats, Ints
from core.aggregation.estimate import Estimate, counts_of, estimate, is_grown
from core.audit_evidence import Evidence, audit_evidence
from core.consensus import SETTLED, revise
from core.db import let_others_write, reading, unit_of_work
from core.db.tables import table_of
from core.effects import Effect
from core.items import lock_item, lock_items
from core.models import Annotation, Gold, Item, Project, Skill
from core.skills import CrowdModel, crowd_model, save_counts
from core.standing import TRIAL
from core.steering import steer

CHUNK = 500
NOTICEABLE = 0.002
"""Smaller moves of a posterior are not written."""


class LabelsAdded(Exception):
    """The project was given further labels after its annotations were read."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A project's annotations as index columns, with the revisions they were read at.

    own: how many are rows of their own; those behind them say the same again of answers that experts have audited, as
    answers to further items, one each, of which only `fixed` speaks.
    """

    item_ids: list[int]
    revisions: list[int]
    posteriors: list[list[float] | None]
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
    for start in range(0, len(snapshot.worker_ids), CHUNK):
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
    classes = len(project.label_schema["labels"])
    index = {label["id"]: position for position, label in enumerate(project.label_schema["labels"])}
    state, known = _item_states(session, project.id), _known_labels(session, project.id)
    found = session.execute(
        select(Annotation.item_id, Annotation.worker_id, Annotation.label_id).where(*_teaching(project.id))
    ).all()
    rows = [row for row in found if row[0] in state]
    if not rows:
        return None
    item_index = {item_id: position for position, item_id in enumerate(dict.fromkeys(row[0] for row in rows))}
    worker_index = {worker_id: position for position, worker_id in enumerate(dict.fromkeys(row[1] for row in rows))}
    fixed = np.full((len(item_index), classes), np.nan)
    for item_id, position in item_index.items():
        label_id = state[item_id][3] if state[item_id][2] == "adjudicated" else known.get(item_id)
        if label_id is not None:
            fixed[position] = np.eye(classes)[index[label_id]]
    read = Snapshot(
        item_ids=list(item_index),
        revisions=[state[item_id][0] for item_id in item_index],
        posteriors=[state[item_id][1] for item_id in item_index],
        worker_ids=list(worker_index),
        items=np.array([item_index[row[0]] for row in rows]),
        workers=np.array([worker_index[row[1]] for row in rows]),
        answers=np.array([index[row[2]] for row in rows]),
        fixed=fixed,
        classes=classes,
        own=len(rows),
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


def _item_states(session: Session, project_id: int) -> dict[int, tuple[int, list[float] | None, str, str]]:
    item = table_of(Item)
    rows = session.execute(
        select(item.c.id, item.c.revision, item.c.posterior, item.c.state, item.c.label_id).where(
            item.c.project_id == project_id,
            or_(item.c.submitted > 0, item.c.id.in_(select(Gold.item_id).where(Gold.project_id == project_id))),
        )
    )
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}


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
    moved = []
    for position, before in enumerate(snapshot.posteriors):
        after = fitted.posteriors[position]
        if before is None or len(before) != len(after) or np.abs(after - np.array(before)).max() > NOTICEABLE:
            moved.append(position)
    return moved


def _write_crowd(session: Session, project_id: int, snapshot: Snapshot, fitted: Estimate) -> None:
    project = _same_project(session, project_id, snapshot, lock=True)
    project.pooled_confusion = [[round(float(cell), 6) for cell in row] for row in fitted.pooled]
    project.class_prior = [round(float(share), 6) for share in fitted.prior]


def _write_skills(
    session: Session, project_id: int, snapshot: Snapshot, fitted: Estimate, start: int, now: datetime
) -> None:
    crowd = crowd_model(_same_project(session, project_id, snapshot))
    totals = np.bincount(snapshot.workers[: snapshot.own], minlength=len(snapshot.worker_ids))
    for position in range(start, min(start + CHUNK, len(snapshot.worker_ids))):
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
