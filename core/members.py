"""Members of a workspace: who they are and how they do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Subquery, case, func, select
from sqlalchemy.orm import Session

from core.enrolment import ROLES
from core.errors import NotFound
from core.ids import is_public_id
from core.models import Identity, Membership, Participation, Project, Skill, Worker

PAGE = 8


@dataclass(frozen=True, slots=True)
class Member:
    """A member as a coordinator sees them."""

    worker_id: int
    public_id: str
    name: str
    role: str
    status: str
    answers: int
    """That stand, in this workspace."""
    skips: int
    accuracy: float | None
    """Estimated share of right answers, 0 to 1, over their answers in this workspace."""
    last_seen_at: datetime | None
    """In this workspace; nothing where their accounts act in others at present."""
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class MembersPage:
    """Some of a workspace's members; pages count from 1."""

    members: tuple[Member, ...]
    page: int
    pages: int
    total: int


def list_members(session: Session, workspace_id: int, page: int = 1, searched: str = "") -> MembersPage:
    """One page of the members, the higher roles first; a page that is not there gives the nearest.

    Args:
        searched: only those whose name holds it, in whatever case.
    """
    members = _members(workspace_id)
    if searched:
        members = members.where(Worker.name.icontains(searched, autoescape=True))
    total = session.scalar(select(func.count()).select_from(members.order_by(None).subquery())) or 0
    pages = max(1, -(-total // PAGE))
    page = min(max(1, page), pages)
    rank = case({role: number for number, role in enumerate(ROLES)}, value=Membership.role, else_=0)
    statement = members.order_by(rank.desc(), Membership.id)
    rows = session.execute(statement.offset((page - 1) * PAGE).limit(PAGE))
    return MembersPage(tuple(Member(*row) for row in rows), page, pages, total)


def find_member(session: Session, workspace_id: int, public_id: str) -> Member:
    """One member of this workspace.

    Raises:
        NotFound: there is none of that id here; other workspaces' people are not told apart from nobody.
    """
    row = None
    if is_public_id(public_id):
        row = session.execute(_members(workspace_id).where(Worker.public_id == public_id)).one_or_none()
    if row is None:
        raise NotFound("member_unknown")
    return Member(*row)


def _members(workspace_id: int) -> Any:
    counts, skills, seen = _counts(workspace_id), _skills(workspace_id), _seen(workspace_id)
    return (
        select(
            Worker.id,
            Worker.public_id,
            Worker.name,
            Membership.role,
            Membership.status,
            func.coalesce(counts.c.answers, 0),
            func.coalesce(counts.c.skips, 0),
            skills.c.accuracy,
            seen.c.last_seen_at,
            Membership.created_at,
        )
        .join(Worker, Worker.id == Membership.worker_id)
        .outerjoin(counts, counts.c.worker_id == Worker.id)
        .outerjoin(skills, skills.c.worker_id == Worker.id)
        .outerjoin(seen, seen.c.worker_id == Worker.id)
        .where(Membership.workspace_id == workspace_id)
    )


def _counts(workspace_id: int) -> Subquery:
    return (
        select(
            Participation.worker_id,
            func.sum(Participation.annotation_count).label("answers"),
            func.sum(Participation.skip_count).label("skips"),
        )
        .join(Project, Project.id == Participation.project_id)
        .where(Project.workspace_id == workspace_id)
        .group_by(Participation.worker_id)
    ).subquery()


def _skills(workspace_id: int) -> Subquery:
    weight = func.nullif(func.sum(Skill.annotation_count), 0)
    return (
        select(Skill.worker_id, (func.sum(Skill.accuracy * Skill.annotation_count) / weight).label("accuracy"))
        .join(Project, Project.id == Skill.project_id)
        .where(Project.workspace_id == workspace_id, Skill.accuracy.is_not(None))
        .group_by(Skill.worker_id)
    ).subquery()


def _seen(workspace_id: int) -> Subquery:
    latest = func.max(Identity.last_seen_at, type_=Identity.last_seen_at.type).label("last_seen_at")
    return (
        select(Identity.worker_id, latest).where(Identity.workspace_id == workspace_id).group_by(Identity.worker_id)
    ).subquery()
