"""What must hold after every event, read from the rows and from Redis, with no help from the code under test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.models import Annotation, Assignment, Batch, Identity, Item, Membership, Participation, Project
from core.queue import is_covered

BUCKET = 10


def check_redundancy(session: Session, ceilings: Mapping[int, int] | None = None) -> None:
    """Counts on items equal their rows, nobody counts twice, no item has more than its maximum.

    Args:
        ceilings: by item id, what it may have above the maximum of its project, which was lowered since.
    """
    annotations = list(session.scalars(select(Annotation)))
    assignments = list(session.scalars(select(Assignment)))
    counted = Counter(row.item_id for row in annotations if row.state == "counted")
    active = Counter(row.item_id for row in assignments if row.state == "active")
    maximum = {project.id: project.max_overlap for project in session.scalars(select(Project))}
    for item in session.scalars(select(Item)):
        assert item.submitted == counted[item.id], f"item {item.id}: says {item.submitted}, rows {counted[item.id]}"
        assert item.leased == active[item.id], f"item {item.id}: leased {item.leased}, rows {active[item.id]}"
        wanted = item.overlap - counted[item.id] - active[item.id] if item.state == "open" else 0
        assert item.slots == wanted, f"item {item.id}: slots {item.slots}, rows say {wanted}"
        assert item.slots >= 0, f"item {item.id} has {item.slots} slots"
        most = max(maximum[item.project_id], (ceilings or {}).get(item.id, 0))
        assert counted[item.id] <= most, f"item {item.id} has {counted[item.id]} annotations"
        if item.state == "agreed":
            assert item.label_id is not None
            assert item.decided_at is not None
    standing = Counter((row.item_id, row.worker_id) for row in annotations if row.state in ("counted", "surplus"))
    assert not [pair for pair, count in standing.items() if count > 1], "somebody counts twice on an item"
    held = Counter((row.worker_id, row.project_id) for row in assignments if row.state == "active")
    assert not [pair for pair, count in held.items() if count > 1], "somebody holds two leases in a project"
    answered = Counter((row.worker_id, row.project_id) for row in annotations if row.state in ("counted", "surplus"))
    for row in session.scalars(select(Participation)):
        assert row.annotation_count == answered[(row.worker_id, row.project_id)]


def uncovered(session: Session, redis: Redis, now: datetime) -> list[str]:
    """Active leases without an expiry job, and shortfalls that an idle worker could fill without an offer job."""
    missing = []
    for lease in session.scalars(select(Assignment).where(Assignment.state == "active")):
        number = int(lease.expires_at.timestamp()) // BUCKET
        if not is_covered(redis, f"expire-{lease.project_id}-{number}"):
            missing.append(f"lease {lease.id}")
    now_bucket = int(now.timestamp()) // BUCKET
    for project in session.scalars(select(Project).where(Project.state == "open")):
        if _fillable(session, project) and not any(
            is_covered(redis, f"offer-{project.id}-{number}") for number in range(now_bucket - 2, now_bucket + 40)
        ):
            missing.append(f"shortfall of project {project.id}")
    return missing


def _fillable(session: Session, project: Project) -> bool:
    open_items = set(
        session.scalars(
            select(Item.id)
            .join(Batch, Batch.id == Item.batch_id)
            .where(Item.project_id == project.id, Item.slots > 0, Batch.state == "published")
        )
    )
    idle = session.scalars(
        select(Participation.worker_id)
        .join(Membership, Membership.worker_id == Participation.worker_id)
        .join(Identity, Identity.worker_id == Participation.worker_id)
        .where(
            Participation.project_id == project.id,
            Participation.state == "idle",
            Membership.workspace_id == project.workspace_id,
            Membership.status == "active",
            Membership.consented_at.is_not(None),
            Membership.role.in_(("worker", "expert")),
            Identity.blocked_at.is_(None),
        )
    )
    for worker_id in idle:
        mine = select(Assignment.item_id).where(Assignment.worker_id == worker_id)
        if session.scalars(mine.where(Assignment.state == "active")).first() is not None:
            continue
        done = set(session.scalars(mine.where(Assignment.state.in_(("active", "submitted", "skipped")))))
        if open_items - done:
            return True
    return False
