"""A project's answers as the filters want them: who said what about which item, how fast, and what is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import labels
from core.aggregation.confusion import MATRIX_CLASSES, STRENGTH
from core.aggregation.dawid_skene import fit
from core.aggregation.filters import AnswerLog, Skills
from core.answers import STANDING
from core.arrays import Floats, Ints
from core.db.columns import coded, ints, read_columns
from core.models import Annotation, Gold, Item, Project, Skill
from core.standing import TRIAL

MOST_ANSWERS = 300_000
"""Of a larger project the newest answers are looked at."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A project's answers as the scores want them, with what the indexes stand for."""

    log: AnswerLog
    worker_ids: list[int]
    label_ids: list[str]


def read_answers(session: Session, project: Project) -> Answered | None:
    """Answers of a project that stand, in the order in which they came; nothing where there are none.

    Left out are those of practice, where people are expected to try, and of quizzes, which have decided already.
    """
    label_ids = [label["id"] for label in project.label_schema["labels"]]
    statement = (
        select(Annotation.item_id, Annotation.worker_id, Annotation.label_id, Annotation.duration_ms)
        .join(Item, Item.id == Annotation.item_id)
        .where(Annotation.project_id == project.id, Annotation.state.in_(STANDING), Annotation.label_id.in_(label_ids))
        .where(Item.purpose != "practice", or_(Annotation.state != "control", ~TRIAL))
        .order_by(Annotation.id.desc())
        .limit(MOST_ANSWERS)
    )
    label_index = {label_id: position for position, label_id in enumerate(label_ids)}
    columns = read_columns(session, statement, ints, ints, coded(label_index), ints)
    answered, answerers, answers, durations = (column[::-1] for column in columns)
    if not len(answered):
        return None
    item_ids, items = _indexed(answered)
    worker_ids, workers = _indexed(answerers)
    known, characters = _items(session, project.id, item_ids, label_index)
    log = AnswerLog(
        items=items,
        workers=workers,
        answers=answers,
        shape=(len(item_ids), len(worker_ids), len(label_ids)),
        known=known,
        seconds=durations / 1000.0,
        characters=characters,
    )
    return Answered(log, worker_ids, label_ids)


def _indexed(ids: Ints) -> tuple[list[int], Ints]:
    distinct, index = np.unique(ids, return_inverse=True)
    return distinct.tolist(), index


def _items(session: Session, project_id: int, item_ids: list[int], label_index: dict[str, int]) -> tuple[Ints, Floats]:
    """The known label of each item, and the length of its text. Of the contents only the lengths are kept."""
    place = {item_id: position for position, item_id in enumerate(item_ids)}
    known, characters = np.full(len(item_ids), -1, dtype=np.int64), np.zeros(len(item_ids))
    gold = select(Gold.item_id, Gold.label_id).where(Gold.project_id == project_id, Gold.state == "active")
    for item_id, label_id in session.execute(gold):
        if item_id in place:
            known[place[item_id]] = label_index.get(label_id, -1)
    answered = select(Item.id, Item.content, Item.state, Item.label_id).where(
        Item.project_id == project_id, or_(Item.submitted > 0, Item.purpose != "label")
    )
    for item_id, content, state, label_id in session.execute(answered.execution_options(yield_per=1000)):
        if item_id in place:
            characters[place[item_id]] = len(labels.item_text(content))
            if state == "adjudicated":
                known[place[item_id]] = label_index.get(label_id, -1)
    return known, characters


def skills_of(session: Session, project_id: int, answered: Answered) -> Skills:
    """How each worker answers: fitted anew; where labels are many, their share of right answers as last estimated."""
    log, classes = answered.log, answered.log.shape[2]
    if classes > MATRIX_CLASSES:
        rows = session.execute(select(Skill.worker_id, Skill.accuracy).where(Skill.project_id == project_id))
        accuracy = {worker_id: share for worker_id, share in rows if share is not None}
        usual = float(np.median(list(accuracy.values()))) if accuracy else 0.5
        shares = np.array([accuracy.get(worker_id, usual) for worker_id in answered.worker_ids])
        return Skills(np.full(classes, 1.0 / classes), accuracy=shares)
    fixed = np.full((log.shape[0], classes), np.nan)
    if log.known is not None and (log.known >= 0).any():
        fixed[log.known >= 0] = np.eye(classes)[log.known[log.known >= 0]]
    fitted = fit(log.items, log.workers, log.answers, log.shape, strength=STRENGTH, fixed=fixed)
    return Skills(fitted.prior, fitted.confusion)
