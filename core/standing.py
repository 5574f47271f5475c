"""Where a worker stands in a project, as the choice of what comes next for them needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import and_, bindparam, exists, or_, select, update
from sqlalchemy.orm import Session

from core.aggregation.confusion import Counts
from core.db.prepared import Prepared
from core.db.tables import table_of
from core.models import Annotation, Participation

ANNOTATION, PARTICIPATION = table_of(Annotation), table_of(Participation)
QUIZ_OVER = ("passed", "failed")
"""Qualifications of whose result the person was told; `qualified_at` is then when that was."""
RESTRICTIONS = ("", "warned", "watched", "training", "paused")
"""From the mildest on; of two the graver one holds."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What `Participation` says of one worker in one project; the defaults are those of a first visit.

    annotation_count: answers that stand. since_gold, gold_due: answers since the last gold item, and after how many
    the next one comes; 0: not drawn yet. gold_count, gold_right: answers to gold items, and the right ones.
    qualification, quiz_attempts, qualified_at, restriction, restricted_at, state: as the columns.
    """

    annotation_count: int = 0
    since_gold: int = 0
    gold_due: int = 0
    gold_count: int = 0
    gold_right: int = 0
    qualification: str = ""
    quiz_attempts: int = 0
    qualified_at: datetime | None = None
    restriction: str = ""
    restricted_at: datetime | None = None
    state: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a worker in a project when they look for an item.

    counts: of their skill. cursors: up to which rank of a band there is nothing left for them.
    """

    counts: Counts
    cursors: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Footing:
    """What was just read or written of a worker in a project, so that nobody reads it again.

    standing, known: None where it has to be read. empty_handed: they hold no item of the project.
    """

    standing: Standing | None = None
    known: Known | None = None
    empty_handed: bool = False


UNKNOWN = Footing()
STANDING_COLUMNS = tuple(PARTICIPATION.c[field.name] for field in fields(Standing))
"""In the order of the fields, for `select` and `returning`."""
_READ = select(*STANDING_COLUMNS).where(
    PARTICIPATION.c.worker_id == bindparam("who"), PARTICIPATION.c.project_id == bindparam("where")
)
READ, LOCK = Prepared(_READ), Prepared(_READ.with_for_update())
TRIAL = exists().where(
    PARTICIPATION.c.worker_id == ANNOTATION.c.worker_id,
    PARTICIPATION.c.project_id == ANNOTATION.c.project_id,
    or_(
        PARTICIPATION.c.qualification == "quiz",
        and_(PARTICIPATION.c.qualification.in_(QUIZ_OVER), ANNOTATION.c.created_at <= PARTICIPATION.c.qualified_at),
    ),
)
"""Of an answer to a known item: `is_trial`, as a condition."""


def is_trial(standing: Standing, answered_at: datetime) -> bool:
    """Whether an answer to a known item was given before its worker was let in: in a quiz, passed or not.

    It decides whether they are let in. Nothing of how they are judged afterwards, their skill or a flag, rests on it.
    """
    if standing.qualification not in QUIZ_OVER:
        return standing.qualification == "quiz"
    return standing.qualified_at is not None and answered_at <= standing.qualified_at


def load_standing(session: Session, worker_id: int, project_id: int) -> Standing:
    """A worker's standing in a project; the default where they have never been there."""
    row = READ.row(session, {"who": worker_id, "where": project_id})
    return Standing(*row) if row else Standing()


def change_standing(session: Session, worker_id: int, project_id: int, **values: object) -> None:
    """Write columns of an existing participation."""
    mine = PARTICIPATION.c.worker_id == worker_id, PARTICIPATION.c.project_id == project_id
    session.execute(update(PARTICIPATION).where(*mine).values(**values))
