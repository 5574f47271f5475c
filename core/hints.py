"""The model's label on a worker's card, where the job wants that, and what it does to people's answers.

What a card showed is told by the assignment: the newest prediction at the moment of the lease. So nothing is kept for
it, the card looks the same when it is shown again, and the answer records just that prediction. Items that measure
models have no hint: blind ones, the holdout, those drawn for an audit, and known ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, case, func, select
from sqlalchemy.orm import Session

from core.blind import is_left_to_people
from core.db.tables import table_of
from core.learning import load
from core.models import Annotation, Assignment, Item, ModelVersion, Prediction, Project
from core.predictions import said_last

HINTS = "hints"
"""Name of the setting in `project.learning`."""
NEWEST = 5000
"""So many answers are compared."""

ANNOTATION, ASSIGNMENT, ITEM = table_of(Annotation), table_of(Assignment), table_of(Item)
PREDICTION, VERSION = table_of(Prediction), table_of(ModelVersion)
# Built once: jobs with hints run it with every card and every answer.
SAID = (
    select(
        PREDICTION.c.id,
        PREDICTION.c.label_id,
        PREDICTION.c.confidence,
        ITEM.c.public_id,
        ITEM.c.content,
        ITEM.c.content_hash,
        VERSION.c.public_id.label("version"),
    )
    .select_from(ASSIGNMENT)
    .join(ITEM, ITEM.c.id == ASSIGNMENT.c.item_id)
    .join(PREDICTION, PREDICTION.c.item_id == ITEM.c.id)
    .join(VERSION, VERSION.c.id == PREDICTION.c.model_version_id)
    .where(ASSIGNMENT.c.id == bindparam("assignment_id"), PREDICTION.c.created_at <= ASSIGNMENT.c.leased_at)
    .where(ITEM.c.purpose == "label", VERSION.c.state.in_(("champion", "retired")))
    .order_by(PREDICTION.c.created_at.desc(), PREDICTION.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Hint:
    """What the model thinks of an item: the prediction's id, its label, and how sure it is, from 0 to 1."""

    prediction_id: int
    label_id: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """`count` answers, the share of them that say what the model says, and how sure that was on average."""

    count: int
    agreed: float
    sure: float

    @property
    def above(self) -> float:
        """How much more often people agree than the model expects to be right; beside the same without hints: bias."""
        return self.agreed - self.sure


def hint_of(session: Session, project: Project, assignment_id: int) -> Hint | None:
    """The hint on the card of an assignment; None, without a look at the database, where the job wants none."""
    if not project.learning.get(HINTS):
        return None
    row = session.execute(SAID, {"assignment_id": assignment_id}).one_or_none()
    if row is None or row.label_id not in {label["id"] for label in project.label_schema["labels"]}:
        return None
    if is_left_to_people(row, load(project.learning)):
        return None
    return Hint(row.id, row.label_id, row.confidence)


def first_hinted(session: Session, project_id: int) -> int | None:
    """The id of the first answer of a job that was given under a hint, if there is one."""
    hinted = ANNOTATION.c.prediction_id.is_not(None)
    found: int | None = session.scalar(
        select(func.min(ANNOTATION.c.id)).where(ANNOTATION.c.project_id == project_id, hinted)
    )
    return found


def hint_effect(session: Session, project_id: int) -> tuple[Agreement, Agreement] | None:
    """How often people agree with the model where they saw its hint, and where they did not; None without hints yet.

    The newest answers since the first hint are compared, to items on which the model had spoken before them.
    """
    mine = ANNOTATION.c.project_id == project_id
    if (first := first_hinted(session, project_id)) is None:
        return None
    before = said_last(PREDICTION.c.id, ANNOTATION.c.item_id, ANNOTATION.c.created_at)
    shown = ANNOTATION.c.prediction_id.is_not(None)
    answers = (
        select(
            shown.label("shown"), ANNOTATION.c.label_id, func.coalesce(ANNOTATION.c.prediction_id, before).label("said")
        )
        .where(mine, ANNOTATION.c.id >= first, ANNOTATION.c.state.in_(("counted", "surplus")))
        .order_by(ANNOTATION.c.id.desc())
        .limit(NEWEST)
        .subquery()
    )
    same = case((answers.c.label_id == PREDICTION.c.label_id, 1.0), else_=0.0)
    rows = session.execute(
        select(answers.c.shown, func.count(), func.avg(same), func.avg(PREDICTION.c.confidence))
        .join(PREDICTION, PREDICTION.c.id == answers.c.said)
        .group_by(answers.c.shown)
    )
    found = {bool(one[0]): Agreement(one[1], float(one[2]), float(one[3])) for one in rows}
    nothing = Agreement(0, 0.0, 0.0)
    return found.get(True, nothing), found.get(False, nothing)
