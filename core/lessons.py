"""How far practice and quizzes of a worker have come, counted from their answers, and whether there is more to ask."""

from __future__ import annotations

from sqlalchemy import case, exists, func, select
from sqlalchemy.orm import Session

from core.db.tables import table_of
from core.gold_serving import HIDDEN, SERVABLE
from core.models import Annotation, Assignment, Batch, Gold, Item, Project
from core.standing import Standing

ANNOTATION, ASSIGNMENT = table_of(Annotation), table_of(Assignment)
BATCH, GOLD, ITEM = table_of(Batch), table_of(Gold), table_of(Item)


def practised(session: Session, project_id: int, worker_id: int) -> int:
    """Items of practice that a worker has dealt with in a project."""
    statement = (
        select(func.count())
        .select_from(ASSIGNMENT.join(ITEM, ITEM.c.id == ASSIGNMENT.c.item_id))
        .where(ASSIGNMENT.c.worker_id == worker_id, ASSIGNMENT.c.project_id == project_id)
        .where(ASSIGNMENT.c.state.in_(("submitted", "skipped")), ITEM.c.purpose == "practice")
    )
    return session.scalar(statement) or 0


def quiz_so_far(session: Session, project_id: int, worker_id: int, standing: Standing) -> tuple[int, int]:
    """(right, all) answers of a worker to the quiz that they are in, or have ended last."""
    right = func.coalesce(func.sum(case((ANNOTATION.c.label_id == GOLD.c.label_id, 1), else_=0)), 0)
    statement = (
        select(right, func.count())
        .select_from(ANNOTATION.join(GOLD, GOLD.c.item_id == ANNOTATION.c.item_id))
        .join(ITEM, ITEM.c.id == ANNOTATION.c.item_id)
        .where(ANNOTATION.c.worker_id == worker_id, ANNOTATION.c.project_id == project_id, ITEM.c.purpose != "practice")
        .where(ANNOTATION.c.state == "control", ANNOTATION.c.created_at >= standing.qualified_at)
    )
    row = session.execute(statement).one()
    return int(row[0]), int(row[1])


def quiz_skips(session: Session, project_id: int, worker_id: int, standing: Standing) -> int:
    """Items that a worker has passed over in the quiz that they are in."""
    statement = (
        select(func.count())
        .select_from(ASSIGNMENT.join(ITEM, ITEM.c.id == ASSIGNMENT.c.item_id).join(GOLD, GOLD.c.item_id == ITEM.c.id))
        .where(ASSIGNMENT.c.worker_id == worker_id, ASSIGNMENT.c.project_id == project_id, HIDDEN)
        .where(ASSIGNMENT.c.state == "skipped", ASSIGNMENT.c.ended_at >= standing.qualified_at)
    )
    return session.scalar(statement) or 0


def has_lessons(session: Session, project: Project) -> bool:
    """Whether a project has anything known to practise on or to be asked about."""
    known = exists().where(GOLD.c.project_id == project.id, GOLD.c.item_id == ITEM.c.id, BATCH.c.id == ITEM.c.batch_id)
    return bool(session.scalar(select(known.where(SERVABLE, ITEM.c.purpose != "label"))))
