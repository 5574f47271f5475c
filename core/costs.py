"""What a job has cost so far, by kind: answers, audits, verdicts, training. Amounts in hundredths of the currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import quality
from core.audit_survey import past_audits
from core.db.tables import table_of
from core.dispute_order import SECOND, VERDICTS
from core.models import Adjudication, Annotation, Project, TrainingRun

PAID = ("counted", "surplus", "control")
"""States of answers that are paid: what was taken back or rejected is not."""

ANNOTATION, ADJUDICATION, RUN = table_of(Annotation), table_of(Adjudication), table_of(TrainingRun)


@dataclass(frozen=True, slots=True)
class Cost:
    """One kind of expense. count: answers, audits or verdicts; of training, hours. amount: in hundredths."""

    count: float
    amount: int


@dataclass(frozen=True, slots=True)
class Costs:
    """What a job has cost, by kind."""

    answers: Cost
    audits: Cost
    verdicts: Cost
    training: Cost

    @property
    def total(self) -> int:
        """Of all kinds, in hundredths."""
        return self.answers.amount + self.audits.amount + self.verdicts.amount + self.training.amount

    @property
    def by_kind(self) -> tuple[tuple[str, Cost], ...]:
        """Every kind by its name, in the order in which they are shown."""
        return (
            ("answers", self.answers),
            ("audits", self.audits),
            ("verdicts", self.verdicts),
            ("training", self.training),
        )


def spent(session: Session, project: Project) -> Costs:
    """What `project` has cost so far; several aggregates, so never on the path of a tap.

    An answer costs what its job paid when it was given; one from before prices were kept, the job's present price.
    Audits, verdicts and hours of training are counted at their present prices.
    """
    prices = quality.load(project.quality)
    audits = sum(1 for _ in past_audits(session, project.workspace_id, project.id))
    verdicts = _verdicts(session, project.id)
    hours = _training_hours(session, project.id)
    return Costs(
        answers=_answers(session, project),
        audits=Cost(audits, audits * prices.audit_price),
        verdicts=Cost(verdicts, verdicts * prices.settle_price),
        training=Cost(hours, round(hours * prices.training_price)),
    )


def _answers(session: Session, project: Project) -> Cost:
    price = func.coalesce(ANNOTATION.c.price, project.price)
    statement = select(func.count(), func.coalesce(func.sum(price), 0)).where(
        ANNOTATION.c.project_id == project.id, ANNOTATION.c.state.in_(PAID)
    )
    count, amount = session.execute(statement).one()
    return Cost(count, int(amount))


def _verdicts(session: Session, project_id: int) -> int:
    """Verdicts with their second looks: each is an expert's work."""
    counted = ADJUDICATION.c.reason.in_((*VERDICTS, SECOND))
    return session.scalar(select(func.count()).where(ADJUDICATION.c.project_id == project_id, counted)) or 0


def _training_hours(session: Session, project_id: int) -> float:
    """Of all runs that have started, also of those that failed; one that runs counts up to its last heartbeat."""
    rows = session.execute(
        select(RUN.c.started_at, RUN.c.finished_at, RUN.c.heartbeat_at).where(
            RUN.c.project_id == project_id, RUN.c.started_at.is_not(None)
        )
    )
    return sum(_seconds(*row) for row in rows) / 3600.0


def _seconds(started_at: datetime, finished_at: datetime | None, heartbeat_at: datetime | None) -> float:
    ended = finished_at or heartbeat_at or started_at
    return max(0.0, (ended - started_at).total_seconds())
