"""What coordinators are told: counts of a project."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Subquery, func, select
from sqlalchemy.orm import Session

from core.champions import champion, next_number
from core.models import Annotation, Assignment, Batch, Gold, Item, Participation, Project
from core.projects import WITHDRAWN
from core.training_runs import unfinished_run


@dataclass(frozen=True, slots=True)
class ProjectStats:
    """Counts over the published items of a project that are to be labeled."""

    items: int
    states: dict[str, int]
    annotations: int
    surplus: int
    max_annotations: int
    workers: int
    active_leases: int
    open_slots: int
    champion: int | None
    champion_accuracy: float | None
    newest_version: int | None
    """Of all models, in use or not."""
    training: str | None
    """State of the unfinished training run, if there is one."""
    batches_loading: int
    gold_known: int
    gold_right: int
    control_items: int = 0
    """Known items that only check people: they are no part of the other counts."""
    control: int = 0
    """Answers to known items."""

    @property
    def answers(self) -> int:
        """All answers that stand: counted, surplus, and those to known items."""
        return self.annotations + self.surplus + self.control

    @property
    def decided(self) -> int:
        """Items that have a label: people agreed, an expert settled, or it was accepted from a model."""
        return decided_of(self.states)

    @property
    def annotations_per_item(self) -> float:
        """Mean number of counted annotations on an item."""
        return self.annotations / self.items if self.items else 0.0


@dataclass(frozen=True, slots=True)
class ProjectSummary:
    """One project in a list: its published items counted by state."""

    public_id: str
    name: str
    state: str
    items: dict[str, int]


def project_stats(session: Session, project: Project) -> ProjectStats:
    """The counts of `project`; several aggregates, so never on the path of a tap."""
    published = (
        select(Item)
        .join(Batch, Batch.id == Item.batch_id)
        .where(Item.project_id == project.id, Item.purpose == "label", Batch.state == "published")
    ).subquery()
    states = {
        state: count
        for state, count in session.execute(select(published.c.state, func.count()).group_by(published.c.state))
    }
    totals = _totals(session, published)
    slots = session.scalar(select(func.coalesce(func.sum(published.c.slots), 0)).where(published.c.slots > 0)) or 0
    version = champion(session, project.id)
    run = unfinished_run(session, project.id)
    gold_known, gold_right = _gold(session, project.id)
    return ProjectStats(
        items=totals[0],
        states=states,
        annotations=totals[1],
        surplus=_count(session, Annotation, Annotation.project_id == project.id, Annotation.state == "surplus"),
        max_annotations=totals[2],
        workers=_count(
            session, Participation, Participation.project_id == project.id, Participation.annotation_count > 0
        ),
        active_leases=_count(session, Assignment, Assignment.project_id == project.id, Assignment.state == "active"),
        open_slots=slots,
        champion=version.number if version else None,
        newest_version=next_number(session, project.id) - 1 or None,
        champion_accuracy=version.metrics.get("accuracy") if version else None,
        training=run.state if run else None,
        batches_loading=_count(session, Batch, Batch.project_id == project.id, Batch.state == "loading"),
        gold_known=gold_known,
        gold_right=gold_right,
        control=_count(session, Annotation, Annotation.project_id == project.id, Annotation.state == "control"),
        control_items=_count(session, Item, Item.project_id == project.id, Item.purpose != "label"),
    )


def overview(session: Session, workspace_id: int, limit: int) -> list[ProjectSummary]:
    """The projects of a workspace: those that hand out items first, then the others, each the newest first."""
    listed = select(Project.id, Project.public_id, Project.name, Project.state).where(
        Project.workspace_id == workspace_id, ~WITHDRAWN
    )
    rows = session.execute(listed.order_by(Project.state != "open", Project.id.desc()).limit(limit)).all()
    counted = (
        select(Item.project_id, Item.state, func.count())
        .join(Batch, Batch.id == Item.batch_id)
        .where(Item.project_id.in_([row.id for row in rows]), Item.purpose == "label", Batch.state == "published")
        .group_by(Item.project_id, Item.state)
    )
    states: dict[int, dict[str, int]] = {}
    for project_id, state, count in session.execute(counted):
        states.setdefault(project_id, {})[state] = count
    return [ProjectSummary(row.public_id, row.name, row.state, states.get(row.id, {})) for row in rows]


def decided_of(states: dict[str, int]) -> int:
    """Items that have a label, by agreement, verdict or an accepted model, of items counted by state."""
    return sum(states.get(state, 0) for state in ("agreed", "adjudicated", "accepted"))


def _totals(session: Session, published: Subquery) -> tuple[int, int, int]:
    """Items, counted annotations on all of them, and the most on one."""
    columns = published.c
    row = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(columns.submitted), 0),
            func.coalesce(func.max(columns.submitted), 0),
        ).select_from(published)
    ).one()
    return row[0], row[1], row[2]


def _gold(session: Session, project_id: int) -> tuple[int, int]:
    decided = (
        select(Gold.label_id, Item.label_id)
        .join(Item, Item.id == Gold.item_id)
        .where(Gold.project_id == project_id, Item.state.in_(("agreed", "adjudicated")))
        .where(Gold.source == "column")  # a verdict is right by definition
    )
    rows = session.execute(decided).all()
    return len(rows), sum(known == found for known, found in rows)


def _count(session: Session, model: type, *conditions: object) -> int:
    statement = select(func.count()).select_from(model)
    for condition in conditions:
        statement = statement.where(condition)  # type: ignore[arg-type]  # conditions come from SQLAlchemy columns
    return session.scalar(statement) or 0
