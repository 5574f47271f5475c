"""An assignment in a worker's hands, with all that an answer to it needs, held until the commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, and_, bindparam, func, select
from sqlalchemy.orm import Session

from core.db.prepared import Prepared, attach, detached
from core.db.tables import table_of
from core.db.writer import Overtaken
from core.enrolment import ACCOUNT_COLUMNS, THEIR_ACCOUNT, WORKER, Account, account_of
from core.errors import Refused
from core.ids import is_public_id
from core.items import COLUMNS as STATE_COLUMNS
from core.items import ITEM, ItemState
from core.models import Assignment, Cursor, Participation, Project, Skill, Worker
from core.skills import LOCK_COUNTS
from core.standing import LOCK, STANDING_COLUMNS, Standing

ASSIGNMENT, PROJECT, CURSOR = table_of(Assignment), table_of(Project), table_of(Cursor)
PARTICIPATION, SKILL = table_of(Participation), table_of(Skill)


def _cursors(dialect: str) -> Any:
    """All cursors of the worker in the project, as an object by band; null where there is none."""
    gather = func.json_group_object if dialect == "sqlite" else func.json_object_agg
    mine = CURSOR.c.worker_id == ASSIGNMENT.c.worker_id, CURSOR.c.project_id == ASSIGNMENT.c.project_id
    return select(gather(CURSOR.c.band, CURSOR.c.rank, type_=JSON)).where(*mine).scalar_subquery()


def _with_account(dialect: str) -> Any:
    """The whole of it. Who has no skill in the job yet, as with their first answer, is not found."""
    theirs = and_(PARTICIPATION.c.worker_id == WORKER.c.id, PARTICIPATION.c.project_id == ASSIGNMENT.c.project_id)
    skill = and_(SKILL.c.worker_id == WORKER.c.id, SKILL.c.project_id == ASSIGNMENT.c.project_id)
    return (
        THEIR_ACCOUNT.add_columns(*ASSIGNMENT.c, *PROJECT.c, *STATE_COLUMNS, *STANDING_COLUMNS)
        .add_columns(SKILL.c.counts, _cursors(dialect))
        .join(ASSIGNMENT, ASSIGNMENT.c.worker_id == WORKER.c.id)
        .join(ITEM, ITEM.c.id == ASSIGNMENT.c.item_id)
        .join(PROJECT, PROJECT.c.id == ASSIGNMENT.c.project_id)
        .join(PARTICIPATION, theirs)
        .join(SKILL, skill)
        .where(ASSIGNMENT.c.public_id == bindparam("public_id"))
        .with_for_update(of=[ITEM, ASSIGNMENT, PARTICIPATION, SKILL])
    )


# The item is locked before all else, as everywhere. What is locked is as it is under the lock; the account, the project
# and the cursors are as they were before it was waited for.
WITH_ACCOUNT = Prepared(_with_account, shared=(PROJECT, WORKER))
GUARD = Prepared(
    select(*ASSIGNMENT.c, *PROJECT.c, *STATE_COLUMNS)
    .join(ITEM, ITEM.c.id == ASSIGNMENT.c.item_id)
    .join(PROJECT, PROJECT.c.id == ASSIGNMENT.c.project_id)
    .where(ASSIGNMENT.c.public_id == bindparam("public_id"), ASSIGNMENT.c.worker_id == bindparam("worker_id"))
    .with_for_update(of=[ITEM, ASSIGNMENT]),
    shared=(PROJECT,),
)
_WIDTHS = (len(ASSIGNMENT.c), len(PROJECT.c), len(STATE_COLUMNS), len(STANDING_COLUMNS))
PROJECT_AT, ITEM_AT, STANDING_AT, COUNTS_AT = (sum(_WIDTHS[: number + 1]) for number in range(len(_WIDTHS)))
"""Where the columns of a table begin in a row, after those of the account."""


@dataclass(frozen=True, slots=True)
class Held:
    """An assignment with its project and item, and where its worker stands in the project.

    counts: of their skill, as stored; None where they have none yet.
    cursors: the worker's in the project, by band; None where they were not read.
    """

    assignment: Assignment
    project: Project
    item: ItemState
    standing: Standing
    counts: Mapping[str, Any] | None
    cursors: Mapping[int, int] | None


def hold_with_account(
    session: Session, surface: str, tenant: str, external_id: str, public_id: str
) -> tuple[Account, Held] | None:
    """Who speaks, with their own assignment of this public id, in one statement.

    Nothing where there is no such person or assignment, or where it is their first one in the project:
    `find_account` and `hold` then tell which.
    """
    if not is_public_id(public_id):
        return None
    who = {"surface": surface, "tenant": tenant, "external_id": external_id}
    row = WITH_ACCOUNT.row(session, {**who, "public_id": public_id})
    if row is None:
        return None
    rest = row[ACCOUNT_COLUMNS:]
    assignment, project, item = _guarded(session, rest)
    cursors = {int(band): rank for band, rank in (rest[COUNTS_AT + 1] or {}).items()}
    standing = Standing(*rest[STANDING_AT:COUNTS_AT])
    return account_of(session, row), Held(assignment, project, item, standing, rest[COUNTS_AT], cursors)


def hold(session: Session, worker_id: int, public_id: str) -> Held:
    """The worker's assignment of this public id.

    Raises:
        Refused: it does not exist or belongs to somebody else; a stranger cannot tell which.
        Overtaken: the worker was joined with another in this moment, and has the assignment under that one now.
    """
    row = GUARD.row(session, {"public_id": public_id, "worker_id": worker_id}) if is_public_id(public_id) else None
    if row is None:
        raise not_theirs(session, worker_id)
    assignment, project, item = _guarded(session, row)
    [standing] = LOCK.rows(session, {"who": worker_id, "where": project.id})
    counts = LOCK_COUNTS.row(session, {"worker_id": worker_id, "project_id": project.id})
    return Held(assignment, project, item, Standing(*standing), counts[0] if counts else None, None)


def not_theirs(session: Session, worker_id: int) -> Exception:
    """Why a worker has no such assignment: it went with them where their accounts were joined since they were read."""
    if session.scalar(select(Worker.merged_into_id).where(Worker.id == worker_id)) is not None:
        return Overtaken("the accounts were joined")
    return Refused("not_your_assignment")


def _guarded(session: Session, row: tuple[Any, ...]) -> tuple[Assignment, Project, ItemState]:
    project = attach(session, Project, row[PROJECT_AT:ITEM_AT])
    return detached(Assignment, row[:PROJECT_AT]), project, ItemState(*row[ITEM_AT:STANDING_AT])
