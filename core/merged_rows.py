"""The rows of a worker who becomes part of another: added up where both have one, moved where only they have."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core.aggregation.confusion import Counts
from core.db.tables import table_of
from core.db.upsert import insert_statement
from core.due import offer_effect
from core.effects import add_effect
from core.enrolment import ROLES
from core.models import (
    Annotation,
    Assignment,
    Base,
    Cursor,
    Flag,
    Membership,
    OutboxMessage,
    Participation,
    Project,
    Skill,
    Worker,
)
from core.restricting import unite_flags
from core.skills import crowd_model, load_counts, save_counts
from core.standing import RESTRICTIONS

ADDED_UP = ("participation", "skill", "cursor", "membership")
NEVER_CHANGED = ("log_entry",)
QUALIFIED = ("", "practice", "quiz", "failed", "passed")
"""What either has reached, both have; attempts at a quiz add up."""
STATUSES = ("active", "paused", "suspended", "banned")
"""The later one outweighs those before it."""


def unite_rows(session: Session, keep_id: int, other_id: int, now: datetime) -> None:
    """Give all rows of `other` to `keep`. What may stand only once for a worker was resolved before."""
    _drop_offers(session, other_id)
    unite_participations(session, keep_id, other_id, now)
    unite_skills(session, keep_id, other_id, now)
    unite_cursors(session, keep_id, other_id)
    unite_memberships(session, keep_id, other_id)
    unite_flags(session, keep_id, other_id, now)
    move_references(session, keep_id, other_id)


def unite_participations(session: Session, keep_id: int, other_id: int, now: datetime) -> None:
    """Sum what was counted; of two pseudonyms `keep`'s stays."""
    held = select(Assignment.project_id).where(
        Assignment.worker_id.in_((keep_id, other_id)), Assignment.state == "active"
    )
    working = set(session.scalars(held))
    mine, theirs = (_participations(session, worker_id) for worker_id in (keep_id, other_id))
    for project_id, one in theirs.items():
        both = [one]
        if project_id in mine:
            both.append(mine[project_id])
            _add(mine[project_id], one)
            session.delete(one)
        else:
            one.worker_id = keep_id
        standing = _standing({row.state for row in both}, project_id in working)
        both[-1].state = standing
        if standing == "idle":
            add_effect(session, offer_effect(project_id, now))
    session.flush()


def _participations(session: Session, worker_id: int) -> dict[int, Participation]:
    statement = select(Participation).where(Participation.worker_id == worker_id).with_for_update()
    found = session.scalars(statement.execution_options(populate_existing=True))
    return {one.project_id: one for one in found}


def _add(kept: Participation, gone: Participation) -> None:
    kept.annotation_count += gone.annotation_count
    kept.skip_count += gone.skip_count
    if kept.today == gone.today:
        kept.today_count += gone.today_count
    elif kept.today < gone.today:
        kept.today, kept.today_count = gone.today, gone.today_count
    kept.since_gold = max(kept.since_gold, gone.since_gold)
    kept.gold_count += gone.gold_count
    kept.gold_right += gone.gold_right
    kept.quiz_attempts += gone.quiz_attempts
    if QUALIFIED.index(gone.qualification) > QUALIFIED.index(kept.qualification):
        kept.qualification, kept.qualified_at = gone.qualification, gone.qualified_at
    if RESTRICTIONS.index(gone.restriction) > RESTRICTIONS.index(kept.restriction):
        kept.restriction, kept.restricted_at = gone.restriction, gone.restricted_at
    kept.guidelines_seen = max(kept.guidelines_seen, gone.guidelines_seen)
    kept.created_at = min(kept.created_at, gone.created_at)


def _standing(states: set[str], working: bool) -> str:
    """Who has just joined their accounts is there: only what they declined stays declined."""
    if working:
        return "working"
    return "away" if states == {"away"} else "idle"


def unite_skills(session: Session, keep_id: int, other_id: int, now: datetime) -> None:
    """Add up the expected answers of both, project by project."""
    rows = select(Skill.project_id, Skill.worker_id, Skill.annotation_count)
    found = session.execute(rows.where(Skill.worker_id.in_((keep_id, other_id)))).all()
    for project_id in sorted({row.project_id for row in found if row.worker_id == other_id}):
        crowd = crowd_model(session.get_one(Project, project_id))
        mine, theirs = (
            load_counts(session, worker_id, project_id, crowd.classes, lock=True) for worker_id in (keep_id, other_id)
        )
        count = sum(row.annotation_count for row in found if row.project_id == project_id)
        save_counts(session, keep_id, project_id, _sum(mine, theirs), crowd, count, now)
    session.execute(delete(Skill).where(Skill.worker_id == other_id))


def _sum(one: Counts, other: Counts) -> Counts:
    if one.matrix is None or other.matrix is None:
        return Counts(correct=one.correct + other.correct, wrong=one.wrong + other.wrong)
    rows = zip(one.matrix, other.matrix, strict=True)
    return Counts(matrix=[[a + b for a, b in zip(left, right, strict=True)] for left, right in rows])


def unite_cursors(session: Session, keep_id: int, other_id: int) -> None:
    """The farther cursor of a band: what either has passed is done for both, as far as it was done for one."""
    table = table_of(Cursor)
    theirs = select(table.c.project_id, table.c.band, table.c.rank).where(table.c.worker_id == other_id)
    for project_id, band, rank in session.execute(theirs).all():
        statement = insert_statement(session, Cursor).values(
            worker_id=keep_id, project_id=project_id, band=band, rank=rank
        )
        keys = ["worker_id", "project_id", "band"]
        session.execute(
            statement.on_conflict_do_update(index_elements=keys, set_={"rank": rank}, where=table.c.rank < rank)
        )
    session.execute(delete(table).where(table.c.worker_id == other_id))


def unite_memberships(session: Session, keep_id: int, other_id: int) -> None:
    """In a workspace of both: the higher role, the graver status, the newer consent."""
    statement = select(Membership).where(Membership.worker_id.in_((keep_id, other_id)))
    found = list(session.scalars(statement.order_by(Membership.workspace_id).with_for_update()))
    mine = {one.workspace_id: one for one in found if one.worker_id == keep_id}
    for one in found:
        kept = mine.get(one.workspace_id)
        if one.worker_id == keep_id:
            continue
        if kept is None:
            one.worker_id = keep_id
            continue
        kept.role = max(kept.role, one.role, key=ROLES.index)
        kept.status = max(kept.status, one.status, key=STATUSES.index)
        if (one.consent_version or 0) > (kept.consent_version or 0):
            kept.consented_at, kept.consent_version = one.consented_at, one.consent_version
        session.delete(one)
    session.flush()


def move_references(session: Session, keep_id: int, other_id: int) -> None:
    """Every further column that points to the worker: accounts, assignments, annotations, uploads, messages ..."""
    worker_key, annotation = table_of(Worker).c.id, table_of(Annotation)
    session.execute(update(annotation).where(annotation.c.audited_by_id == other_id).values(audited_by_id=keep_id))
    session.execute(update(Flag).where(Flag.resolved_by_id == other_id).values(resolved_by_id=keep_id))
    for table in Base.metadata.sorted_tables:
        if table.name in (*ADDED_UP, *NEVER_CHANGED):
            continue
        for column in table.c:
            if column.references(worker_key):
                session.execute(update(table).where(column == other_id).values({column.name: keep_id}))


def _drop_offers(session: Session, other_id: int) -> None:
    """One unanswered offer is enough for one person."""
    table = table_of(OutboxMessage)
    session.execute(
        update(table)
        .where(table.c.worker_id == other_id, table.c.state == "pending", table.c.kind == "offer")
        .values(state="expired")
    )
