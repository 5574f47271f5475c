"""Answers to known items: they decide nothing about the item, and everything about who gave them.

Such an annotation is in state "control". It fills no slot and is no part of a consensus; it is counted and paid like
any other, teaches the worker's skill what it is worth, and stays in every later estimate of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, or_, select, update
from sqlalchemy.orm import Session

from core import labels
from core.aggregation.confusion import add_answer
from core.db.tables import table_of
from core.due import reestimate_effect
from core.effects import add_effect
from core.items import ItemState, write_item
from core.models import Annotation, Gold, Participation, Project
from core.qualification import QuizResult, conclude
from core.quality import load
from core.skills import crowd_model, load_counts, save_counts
from core.standing import QUIZ_OVER, Standing, is_trial, load_standing

GOLD, PARTICIPATION = table_of(Gold), table_of(Participation)
KNOWN = select(GOLD.c.label_id, GOLD.c.explanation, GOLD.c.state == "active").where(
    GOLD.c.item_id == bindparam("item_id")
)
_SERVED, _MISSED = GOLD.c.served + bindparam("step"), GOLD.c.missed + bindparam("wrong")
COUNT_GOLD = (
    update(GOLD)
    .where(GOLD.c.item_id == bindparam("of_item"))
    .values(
        # An answer from before a coordinator's decision, with which counting began anew, may be taken back after it.
        served=case((_SERVED < 0, 0), else_=_SERVED),
        missed=case((or_(_SERVED < 0, _MISSED < 0), 0), (_MISSED > _SERVED, _SERVED), else_=_MISSED),
    )
)
COUNT_WORKER = (
    update(PARTICIPATION)
    .where(PARTICIPATION.c.worker_id == bindparam("who"), PARTICIPATION.c.project_id == bindparam("where"))
    .values(
        gold_count=PARTICIPATION.c.gold_count + bindparam("step"),
        gold_right=PARTICIPATION.c.gold_right + bindparam("right"),
    )
)


@dataclass(frozen=True, slots=True)
class Known:
    """A label that is known, with why it is this one; empty where nobody said.

    counts: whether answers to it count for people. While it is in doubt they do not.
    """

    label_id: str
    explanation: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Lesson:
    """What somebody who learns is told about their answer to an item."""

    right: bool
    label_id: str
    explanation: str
    item_id: int


@dataclass(frozen=True, slots=True)
class Control:
    """What comes of an answer to a known item. lesson: nothing where it stays hidden that it is one.

    quiz: how the quiz ended, where this was its last answer. In a quiz nothing else is told.
    """

    lesson: Lesson | None = None
    quiz: QuizResult | None = None


def known_label(session: Session, item: ItemState) -> Known | None:
    """The known label of an item whose answers only check people; nothing for an item that is to be labeled.

    An item that an expert has settled is such a one where its verdict was promoted to gold.
    """
    if item.purpose == "label" and item.state != "adjudicated":
        return None
    row = session.execute(KNOWN, {"item_id": item.id}).one_or_none()
    return Known(row[0], row[1], bool(row[2])) if row else None


def observe_control(
    session: Session,
    project: Project,
    item: ItemState,
    worker_id: int,
    label_id: str,
    known: Known,
    standing: Standing,
    leased: int,
    now: datetime,
) -> Control:
    """Take an answer to a known item: the item keeps its label, the worker's skill learns at once, but for a quiz.

    Args:
        standing: the worker's, this answer counted. leased: of the item from now on.
    """
    write_item(session, item, now, leased=leased)
    if item.purpose != "practice" and known.counts:
        _count(session, project, item, worker_id, label_id == known.label_id, step=1)
        if not is_trial(standing, now):
            _teach(session, project, worker_id, label_id, known, standing.annotation_count, now, step=1)
        add_effect(session, reestimate_effect(project.id, now))
    if standing.qualification == "quiz":
        return Control(quiz=conclude(session, project, worker_id, standing, now))
    if is_told(project, item, standing):
        return Control(Lesson(label_id == known.label_id, known.label_id, known.explanation, item.id))
    return Control()


def is_told(project: Project, item: ItemState, standing: Standing) -> bool:
    """Whether a person is told what is right after their answer to a known item."""
    if standing.qualification == "quiz":
        return False
    return item.purpose == "practice" or standing.restriction == "training" or load(project.quality).teaches


def may_undo(project: Project, item: ItemState, annotation: Annotation, standing: Standing) -> bool:
    """Whether an answer to a known item can be taken back: not once the person was told what is right, or the result.

    Where they were told nothing it can, exactly like any other answer: until a model has learned from what there is.
    """
    again = standing.qualification == "quiz" and standing.quiz_attempts > 1  # the result of the last try was told
    since = standing.qualified_at if again or standing.qualification in QUIZ_OVER else None
    if since is not None and annotation.created_at <= since:
        return False
    return not is_told(project, item, standing)


def forget_control(
    session: Session,
    project: Project,
    item: ItemState,
    annotation: Any,
    annotation_count: int,
    now: datetime,
) -> None:
    """Undo what `observe_control` has taught, for an answer that was taken back or superseded.

    Args:
        annotation: a row with item_id, worker_id, label_id and created_at. annotation_count: of its worker, without it.
    """
    known = known_label(session, item)
    if known is None or not known.counts or item.purpose == "practice":
        return
    who, label_id = annotation.worker_id, str(annotation.label_id)
    _count(session, project, item, who, label_id == known.label_id, step=-1)
    if not is_trial(load_standing(session, who, project.id), annotation.created_at):
        _teach(session, project, who, label_id, known, annotation_count, now, step=-1)


def _count(session: Session, project: Project, item: ItemState, worker_id: int, right: bool, step: int) -> None:
    """Count an answer for the known item and its worker; take it back with a step of -1."""
    session.execute(COUNT_WORKER, {"who": worker_id, "where": project.id, "step": step, "right": step * right})
    session.execute(COUNT_GOLD, {"of_item": item.id, "step": step, "wrong": step * (not right)})


def _teach(
    session: Session,
    project: Project,
    worker_id: int,
    label_id: str,
    known: Known,
    annotation_count: int,
    now: datetime,
    step: int,
) -> None:
    """Count an answer in the worker's skill; take it back with a step of -1.

    The label is known for certain, so it teaches more than an answer that others only make likely.
    """
    crowd, schema = crowd_model(project), labels.load(project.label_schema)
    truth = labels.index_of(schema, known.label_id)
    counts = load_counts(session, worker_id, project.id, crowd.classes, lock=True)
    certain = [float(label == truth) for label in range(crowd.classes)]
    add_answer(counts, certain, labels.index_of(schema, label_id), weight=float(step))
    save_counts(session, worker_id, project.id, counts, crowd, annotation_count, now)
