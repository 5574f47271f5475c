"""What must hold after every event, read from the rows and from Redis, with no help from the code under test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from math import inf

from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.blind import is_apart
from core.labels import item_text
from core.learning import load
from core.models import (
    Annotation,
    Assignment,
    Batch,
    Gold,
    Identity,
    Item,
    Membership,
    Participation,
    Project,
    Skill,
    Worker,
)
from core.queue import is_covered

BUCKET = 10
"""Seconds whose jobs of one kind and project are one."""
SOON = 40
"""Buckets."""
STANDING = ("counted", "surplus", "control")


def check_redundancy(session: Session, ceilings: Mapping[int, int] | None = None) -> None:
    """Counts on items equal their rows, nobody counts twice, no item has more than its maximum.

    Args:
        ceilings: by item id, what it may have above the maximum of its project, which was lowered since.
    """
    annotations = list(session.scalars(select(Annotation)))
    assignments = list(session.scalars(select(Assignment)))
    counted = Counter(row.item_id for row in annotations if row.state == "counted")
    active = Counter(row.item_id for row in assignments if row.state == "active")
    projects = list(session.scalars(select(Project)))
    maximum = {project.id: project.max_overlap for project in projects}
    blind = {project.id: load(project.learning).blind_share for project in projects}
    for item in session.scalars(select(Item)):
        assert item.submitted == counted[item.id], f"item {item.id}: says {item.submitted}, rows {counted[item.id]}"
        assert item.leased == active[item.id], f"item {item.id}: leased {item.leased}, rows {active[item.id]}"
        asked = item.state == "open" and item.purpose == "label"
        wanted = item.overlap - counted[item.id] - active[item.id] if asked else 0
        assert item.slots == wanted, f"item {item.id}: slots {item.slots}, rows say {wanted}"
        assert item.slots >= 0, f"item {item.id} has {item.slots} slots"
        most = max(maximum[item.project_id], (ceilings or {}).get(item.id, 0))
        assert counted[item.id] <= most, f"item {item.id} has {counted[item.id]} annotations"
        if item.state in ("agreed", "accepted"):
            assert item.label_id is not None
            assert item.decided_at is not None
        if item.state == "accepted":
            assert (item.slots, item.purpose) == (0, "label"), f"item {item.id} is labeled by a model"
            assert not is_apart(item_text(item.content), item.content_hash, blind[item.project_id]), f"item {item.id}"
    standing = Counter((row.item_id, row.worker_id) for row in annotations if row.state in STANDING)
    assert not [pair for pair, count in standing.items() if count > 1], "somebody counts twice on an item"
    held = Counter((row.worker_id, row.project_id) for row in assignments if row.state == "active")
    assert not [pair for pair, count in held.items() if count > 1], "somebody holds two leases in a project"
    strayed = select(Item.id).join(Batch, Batch.id == Item.batch_id).where(Batch.project_id != Item.project_id)
    assert not session.scalars(strayed).all(), "items are in another project than their batch"
    answered = Counter((row.worker_id, row.project_id) for row in annotations if row.state in STANDING)
    for row in session.scalars(select(Participation)):
        assert row.annotation_count == answered[(row.worker_id, row.project_id)]


def check_control(session: Session) -> None:
    """Known items take no part in consensus: no slots, nothing counted; and what they say of people adds up."""
    rows = session.execute(
        select(Item.id, Item.purpose, Item.slots, Item.submitted, Annotation.state)
        .join(Annotation, Annotation.item_id == Item.id, isouter=True)
        .where(Item.purpose != "label")
    )
    for item_id, purpose, slots, submitted, state in rows:
        assert (slots, submitted) == (0, 0), f"{purpose} item {item_id}: slots {slots}, counted {submitted}"
        assert state != "counted", f"{purpose} item {item_id} has a counted annotation"
    for one in session.scalars(select(Participation)):
        assert 0 <= one.gold_right <= one.gold_count, f"worker {one.worker_id}: {one.gold_right} of {one.gold_count}"
    for served, missed in session.execute(select(Gold.served, Gold.missed)):
        assert 0 <= missed <= served


def check_estimates(session: Session) -> None:
    """Posteriors are distributions over labels that the project has or had, skills are counts."""
    labels = {project.id: len(project.label_schema["labels"]) for project in session.scalars(select(Project))}
    for item_id, project_id, posterior in session.execute(select(Item.id, Item.project_id, Item.posterior)):
        if posterior is not None:
            assert 2 <= len(posterior) <= labels[project_id]
            assert min(posterior) >= 0.0
            assert abs(sum(posterior) - 1.0) < 1e-4, f"item {item_id}: {posterior}"
    for skill in session.scalars(select(Skill)):
        assert all(cell >= 0.0 for row in skill.counts.get("matrix", ()) for cell in row)
        assert skill.accuracy is None or 0.0 <= skill.accuracy <= 1.0


def check_holders(session: Session) -> None:
    """Whoever is shut out, has left, was erased or has become somebody else holds nothing."""
    rows = session.execute(
        select(Assignment.id, Membership.status, Participation.restriction, Worker.merged_into_id, Worker.forgotten_at)
        .join(Project, Project.id == Assignment.project_id)
        .join(Worker, Worker.id == Assignment.worker_id)
        .outerjoin(
            Membership,
            (Membership.worker_id == Assignment.worker_id) & (Membership.workspace_id == Project.workspace_id),
        )
        .outerjoin(
            Participation,
            (Participation.worker_id == Assignment.worker_id) & (Participation.project_id == Assignment.project_id),
        )
        .where(Assignment.state == "active")
    )
    for lease, status, restriction, merged_into, forgotten_at in rows:
        assert status == "active", f"lease {lease} of somebody who is {status}"
        assert restriction != "paused", f"lease {lease} of somebody who is paused in the job"
        assert merged_into is None
        assert forgotten_at is None


def uncovered(session: Session, redis: Redis, now: datetime, unknown_below: float = inf) -> list[str]:
    """Active leases without an expiry job, and shortfalls that an idle worker could fill without an offer job.

    Args:
        unknown_below: of whom so many answers are known, some items may be left to others: they are not looked at.
    """
    missing = []
    for lease in session.scalars(select(Assignment).where(Assignment.state == "active")):
        number = int(lease.expires_at.timestamp()) // BUCKET
        if not is_covered(redis, f"expire-{lease.project_id}-{number}"):
            missing.append(f"lease {lease.id}")
    for project in session.scalars(select(Project).where(Project.state == "open")):
        if _fillable(session, project, unknown_below) and not _is_offer_due(redis, project.id, now):
            missing.append(f"shortfall of project {project.id}")
    return missing


def _is_offer_due(redis: Redis, project_id: int, now: datetime) -> bool:
    """Whether offers will be made before long; a job that is overdue and has not run yet will run as well."""
    latest = int(now.timestamp()) // BUCKET + SOON
    jobs = (key.decode().removeprefix("rq:job:") for key in redis.scan_iter(f"rq:job:offer-{project_id}-*"))
    return any(int(job.rpartition("-")[2]) < latest and is_covered(redis, job) for job in jobs)


def _fillable(session: Session, project: Project, unknown_below: float) -> bool:
    open_items = set(
        session.scalars(
            select(Item.id)
            .join(Batch, Batch.id == Item.batch_id)
            .where(Item.project_id == project.id, Item.slots > 0, Batch.state == "published")
        )
    )
    for worker_id in _idle(session, project):
        mine = select(Assignment.item_id).where(Assignment.worker_id == worker_id)
        if session.scalars(mine.where(Assignment.state == "active")).first() is not None:
            continue
        skill = session.get(Skill, (worker_id, project.id))
        if skill is not None and sum(map(sum, skill.counts.get("matrix", ()))) >= unknown_below:
            continue
        done = set(session.scalars(mine.where(Assignment.state.in_(("active", "submitted", "skipped")))))
        if open_items - done:
            return True
    return False


def _idle(session: Session, project: Project) -> list[int]:
    """Who could be asked: here, reachable, free, and neither kept from the job nor not meant by it."""
    found = session.execute(
        select(Participation.worker_id, Worker.languages)
        .join(Worker, Worker.id == Participation.worker_id)
        .join(Membership, Membership.worker_id == Participation.worker_id)
        .join(Identity, Identity.worker_id == Participation.worker_id)
        .where(
            Participation.project_id == project.id,
            Participation.state == "idle",
            Participation.restriction.not_in(("paused", "training")),
            Participation.qualification != "failed",
            Membership.workspace_id == project.workspace_id,
            Membership.status == "active",
            Membership.consented_at.is_not(None),
            Membership.role.in_(("worker", "expert") if project.audience == "everyone" else ("expert",)),
            Identity.blocked_at.is_(None),
        )
        .order_by(Participation.worker_id)
    )
    return [
        worker_id
        for worker_id, languages in found
        if not project.language or not languages or project.language in languages
    ]
