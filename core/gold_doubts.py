"""Known labels that may be wrong: found by themselves, not asked any more, and shown to the coordinator.

A known label that most good people contradict is more likely wrong than they are. It is retired, its answers count for
nobody any more, and a coordinator keeps it, corrects it, or has the item asked like any other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, exists, func, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from core import labels
from core.db.tables import table_of
from core.due import reestimate_effect
from core.effects import add_effect
from core.enrolment import record_act
from core.errors import Conflict, NotFound
from core.ids import is_public_id
from core.items import lock_item, lock_items
from core.models import Annotation, Gold, Item, Participation, Project, Skill

LEAST_ANSWERS = 5
"""So many good people at least have to say something before a known label is doubted."""
GOOD = 0.6
"""Estimated accuracy of somebody whose word may speak against a known label; and no less than the crowd's own mean."""
MAJORITY = 0.6
"""Share of them that says one and the same other label."""
MOST_SHOWN = 10

ANNOTATION, GOLD, ITEM = table_of(Annotation), table_of(Gold), table_of(Item)
PARTICIPATION, SKILL = table_of(Participation), table_of(Skill)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A known label that was retired by itself: `against` of `good` people whose answers are good say `said`."""

    item_public_id: str
    text: str
    known: str
    said_id: str
    said: str
    against: int
    good: int


def retire_doubtful(session: Session, project_id: int, now: datetime) -> int:
    """Retire the known labels of a project that most good people contradict; returns how many.

    Called by background jobs, as often as they like: it looks only at known labels that most answers contradict.
    """
    project = session.get_one(Project, project_id)
    suspects = session.scalars(
        select(GOLD.c.item_id)
        .join(ITEM, ITEM.c.id == GOLD.c.item_id)
        .where(GOLD.c.project_id == project_id, GOLD.c.state == "active", ITEM.c.purpose != "practice")
        .where(GOLD.c.missed >= LEAST_ANSWERS, GOLD.c.missed * 2 > GOLD.c.served)
        .order_by(GOLD.c.item_id)
        .limit(MOST_SHOWN)
    ).all()
    lock_items(session, suspects)
    return sum(_retire_if_doubtful(session, project, item_id, now) for item_id in suspects)


def _retire_if_doubtful(session: Session, project: Project, item_id: int, now: datetime) -> bool:
    known = session.execute(select(GOLD.c.label_id, GOLD.c.state).where(GOLD.c.item_id == item_id)).one()
    votes = _good_votes(session, project.id, item_id)
    said, against = _leader(votes)
    good = sum(votes.values())
    if known.state != "active" or said == known.label_id or good < LEAST_ANSWERS or against < MAJORITY * good:
        return False
    session.execute(update(GOLD).where(GOLD.c.item_id == item_id).values(state="retired"))
    _recount_workers(session, project.id, item_id, known.label_id, -1)
    learn_anew(session, project, now)
    return True


def doubts(session: Session, project: Project) -> list[Doubt]:
    """Known labels that were retired by themselves and wait for a coordinator, at most `MOST_SHOWN`."""
    schema = labels.load(project.label_schema)
    rows = session.execute(
        select(GOLD.c.item_id, GOLD.c.label_id, ITEM.c.public_id, ITEM.c.content)
        .join(ITEM, ITEM.c.id == GOLD.c.item_id)
        .where(GOLD.c.project_id == project.id, *_waits())
        .order_by(GOLD.c.id)
        .limit(MOST_SHOWN)
    ).all()
    found = []
    for row in rows:
        votes = _good_votes(session, project.id, row.item_id) or Counter({row.label_id: 0})
        said, against = _leader(votes)
        found.append(
            Doubt(
                item_public_id=row.public_id,
                text=labels.item_text(row.content),
                known=labels.name_of(schema, row.label_id),
                said_id=said,
                said=labels.name_of(schema, said),
                against=against,
                good=sum(votes.values()),
            )
        )
    return found


def keep(session: Session, project: Project, item_public_id: str, worker_id: int, now: datetime) -> None:
    """The known label is right: ask the item again, and count its answers as before.

    Raises:
        NotFound: no such item in this project.
        Conflict: it does not wait for a decision (any more).
    """
    gold = _waiting(session, project, item_public_id)
    _decide(session, project, gold.item_id, gold.label_id, now)
    record_act(session, project.workspace_id, worker_id, "gold_doubt", f"{item_public_id} kept", now)


def correct(
    session: Session, project: Project, item_public_id: str, label_id: str, worker_id: int, now: datetime
) -> None:
    """The people are right: the item has this label from now on, and their answers count by it.

    Raises:
        InvalidInput: the label is not among the project's.
        NotFound, Conflict: as `keep`.
    """
    labels.parse(labels.load(project.label_schema), label_id)
    gold = _waiting(session, project, item_public_id)
    _decide(session, project, gold.item_id, label_id, now)
    record_act(session, project.workspace_id, worker_id, "gold_doubt", f"{item_public_id} corrected", now)


def drop(session: Session, project: Project, item_public_id: str, worker_id: int, now: datetime) -> int:
    """Nobody is asked it to be checked any more, and its answers count for nobody; returns the item's id.

    Raises:
        NotFound, Conflict: as `keep`.
    """
    gold = _waiting(session, project, item_public_id)
    session.execute(update(GOLD).where(GOLD.c.item_id == gold.item_id).values(served=0, missed=0))
    record_act(session, project.workspace_id, worker_id, "gold_doubt", f"{item_public_id} dropped", now)
    return gold.item_id


def follow_last_word(session: Session, project: Project, item_id: int, label_id: str, now: datetime) -> None:
    """What was kept as a known label by a first verdict follows the last word, and answers to it count by that.

    Args:
        label_id: empty where nobody can answer it, so that it is known no more.
    """
    mine = select(GOLD.c.label_id, GOLD.c.state).where(GOLD.c.item_id == item_id, GOLD.c.source == "verdict")
    known = session.execute(mine).one_or_none()
    if known is None or (known.label_id, known.state) == (label_id, "active"):
        return
    if known.state == "active":
        _recount_workers(session, project.id, item_id, known.label_id, -1)
    if label_id:
        _decide(session, project, item_id, label_id, now)
        return
    session.execute(update(GOLD).where(GOLD.c.item_id == item_id).values(state="retired", served=0, missed=0))
    learn_anew(session, project, now)


def _decide(session: Session, project: Project, item_id: int, label_id: str, now: datetime) -> None:
    """Counting begins anew, so that the same answers do not raise the same doubt."""
    values = {"label_id": label_id, "state": "active", "served": 0, "missed": 0}
    session.execute(update(GOLD).where(GOLD.c.item_id == item_id).values(**values))
    _recount_workers(session, project.id, item_id, label_id, 1)
    learn_anew(session, project, now)


def _waiting(session: Session, project: Project, item_public_id: str) -> Gold:
    """The known label of an item, held, where it waits for a coordinator."""
    found = None
    if is_public_id(item_public_id):
        found = session.scalar(select(Item.id).where(Item.public_id == item_public_id, Item.project_id == project.id))
    if found is None:
        raise NotFound("gold_unknown")
    lock_item(session, found)
    gold = session.scalars(
        select(Gold).where(Gold.item_id == found, *_waits()).execution_options(populate_existing=True)
    ).one_or_none()
    if gold is None:
        raise Conflict("gold_decided")
    return gold


def _waits() -> list[ColumnElement[bool]]:
    return [GOLD.c.state == "retired", GOLD.c.missed > 0, GOLD.c.missed * 2 > GOLD.c.served]


def _good_votes(session: Session, project_id: int, item_id: int) -> Counter[str]:
    """Label id to number of answers of good people to a known item."""
    mean = select(func.avg(SKILL.c.accuracy)).where(SKILL.c.project_id == project_id).scalar_subquery()
    skill = and_(SKILL.c.worker_id == ANNOTATION.c.worker_id, SKILL.c.project_id == project_id)
    rows = session.execute(
        select(ANNOTATION.c.label_id, func.count())
        .join(SKILL, skill)
        .where(ANNOTATION.c.item_id == item_id, ANNOTATION.c.state == "control")
        .where(SKILL.c.accuracy >= GOOD, SKILL.c.accuracy >= mean * 0.9)
        .group_by(ANNOTATION.c.label_id)
    )
    return Counter({label_id: count for label_id, count in rows})


def _leader(votes: Counter[str]) -> tuple[str, int]:
    """The label that is said most; of equals the first by id."""
    return max(sorted(votes.items()), key=lambda vote: vote[1], default=("", 0))


def _recount_workers(session: Session, project_id: int, item_id: int, label_id: str, step: int) -> None:
    """Count (1) or no longer count (-1) the answers to a known item for all who gave one."""
    answered = exists().where(
        ANNOTATION.c.item_id == item_id,
        ANNOTATION.c.state == "control",
        ANNOTATION.c.worker_id == PARTICIPATION.c.worker_id,
    )
    mine = update(PARTICIPATION).where(PARTICIPATION.c.project_id == project_id)
    session.execute(mine.where(answered).values(gold_count=PARTICIPATION.c.gold_count + step))
    right = answered.where(ANNOTATION.c.label_id == label_id)
    session.execute(mine.where(right).values(gold_right=PARTICIPATION.c.gold_right + step))


def learn_anew(session: Session, project: Project, now: datetime) -> None:
    """Have skills estimated again, with what is known now."""
    session.execute(update(Project).where(Project.id == project.id).values(estimated_annotations=0))
    add_effect(session, reestimate_effect(project.id, now))
