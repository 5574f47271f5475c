"""The journal of the people against the annotations in the database: each acknowledged answer exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from core.labels import load, name_of
from core.models import Annotation, Flag, Item, Project, Worker
from demo.journal import Entry

STANDING = ("counted", "surplus", "control")


@dataclass(frozen=True, slots=True)
class Checked:
    """Outcome of the check; `lost` and `doubled` must be 0.

    acknowledged: answers that people were told are accepted; found: of those, in the database exactly once.
    lost: not there, or there with another label; doubled: there, or acknowledged, more than once.
    unacknowledged: in the database although the person never got to know, as where a connection broke.
    """

    acknowledged: int
    found: int
    lost: int
    doubled: int
    unacknowledged: int

    def as_dict(self) -> dict[str, int]:
        """For JSON."""
        return asdict(self)


def check(session: Session, project: Project, entries: Iterable[Entry]) -> Checked:
    """Compare by (person, content of the item, label); people are known by the name they joined with."""
    told = Counter((entry.person, entry.item, entry.label) for entry in entries)
    stored = _stored(session, project)
    there = Counter((person, item) for person, item, _ in stored.elements())
    lost = sum(key not in stored for key in told)
    doubled = sum(told[key] > 1 or there[key[:2]] > 1 for key in told if key in stored)
    return Checked(
        acknowledged=told.total(),
        found=len(told) - lost - doubled,
        lost=lost,
        doubled=doubled,
        unacknowledged=sum(count for key, count in stored.items() if key not in told),
    )


def _stored(session: Session, project: Project) -> Counter[tuple[str, str, str]]:
    """Answers that stand, and those that a rule took out with the person's whole work, which a flag has to show."""
    schema = load(project.label_schema)
    flagged = select(Flag.worker_id).where(Flag.project_id == project.id, Flag.action.in_(("pause", "ban")))
    paused = and_(Annotation.state == "rejected", Annotation.worker_id.in_(flagged))
    rows = session.execute(
        select(Worker.name, Item.content_hash, Annotation.label_id)
        .join(Item, Item.id == Annotation.item_id)
        .join(Worker, Worker.id == Annotation.worker_id)
        .where(Annotation.project_id == project.id, or_(Annotation.state.in_(STANDING), paused))
    )
    return Counter((name, item, name_of(schema, str(label))) for name, item, label in rows)
