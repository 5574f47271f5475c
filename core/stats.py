"""What coordinators and workers are told: counts of a project, of a person, of the work waiting in Redis."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Subquery, func, select
from sqlalchemy.orm import Session

from core.models import Annotation, Assignment, Batch, Gold, Item, ModelVersion, Participation, Project, TrainingRun


@dataclass(frozen=True, slots=True)
class ProjectStats:
    """Counts over the published items of a project."""

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

    @property
    def decided(self) -> int:
        """Items that people agreed on or an expert settled."""
        return self.states.get("agreed", 0) + self.states.get("adjudicated", 0)

    @property
    def annotations_per_item(self) -> float:
        """Mean number of counted annotations on an item."""
        return self.annotations / self.items if self.items else 0.0


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """What a worker has done in a workspace."""

    annotations: int
    skips: int
    projects: int
    today: int
    by_project: dict[str, int] = field(default_factory=dict)


def project_stats(session: Session, project: Project) -> ProjectStats:
    """The counts of `project`; several aggregates, so never on the path of a tap."""
    published = (
        select(Item)
        .join(Batch, Batch.id == Item.batch_id)
        .where(Item.project_id == project.id, Batch.state == "published")
    ).subquery()
    states = {
        state: count
        for state, count in session.execute(select(published.c.state, func.count()).group_by(published.c.state))
    }
    totals = _totals(session, published)
    slots = session.scalar(select(func.coalesce(func.sum(published.c.slots), 0)).where(published.c.slots > 0)) or 0
    version = session.scalars(
        select(ModelVersion).where(ModelVersion.project_id == project.id, ModelVersion.state == "champion")
    ).first()
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
        newest_version=session.scalar(
            select(func.max(ModelVersion.number)).where(ModelVersion.project_id == project.id)
        ),
        champion_accuracy=version.metrics.get("accuracy") if version else None,
        training=session.scalars(
            select(TrainingRun.state).where(
                TrainingRun.project_id == project.id, TrainingRun.state.in_(("due", "running"))
            )
        ).first(),
        batches_loading=_count(session, Batch, Batch.project_id == project.id, Batch.state == "loading"),
        gold_known=gold_known,
        gold_right=gold_right,
    )


def worker_stats(session: Session, worker_id: int, workspace_id: int, since: object) -> WorkerStats:
    """What a worker did in the projects of one workspace; `since` is the start of their day."""
    rows = session.execute(
        select(Project.name, Participation.annotation_count, Participation.skip_count)
        .join(Project, Project.id == Participation.project_id)
        .where(Participation.worker_id == worker_id, Project.workspace_id == workspace_id)
        .order_by(Project.id)
    ).all()
    today = session.scalar(
        select(func.count())
        .select_from(Annotation)
        .join(Project, Project.id == Annotation.project_id)
        .where(
            Annotation.worker_id == worker_id,
            Project.workspace_id == workspace_id,
            Annotation.created_at >= since,
            Annotation.state.in_(("counted", "surplus")),
        )
    )
    return WorkerStats(
        annotations=sum(row[1] for row in rows),
        skips=sum(row[2] for row in rows),
        projects=sum(1 for row in rows if row[1]),
        today=today or 0,
        by_project={row[0]: row[1] for row in rows if row[1]},
    )


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
    )
    rows = session.execute(decided).all()
    return len(rows), sum(known == found for known, found in rows)


def _count(session: Session, model: type, *conditions: object) -> int:
    statement = select(func.count()).select_from(model)
    for condition in conditions:
        statement = statement.where(condition)  # type: ignore[arg-type]  # conditions come from SQLAlchemy columns
    return session.scalar(statement) or 0
