"""Who takes part: workspaces, workers with their identities, memberships and invites."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, Id, Name, PublicId, Short


class Workspace(Base):
    """A tenant: one team with its projects. Every query of a person's is scoped by it."""

    __tablename__ = "workspace"

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    name: Mapped[Name]
    created_at: Mapped[datetime]


class Worker(Base):
    """One person across workspaces and surfaces, whatever their roles."""

    __tablename__ = "worker"

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    name: Mapped[Name] = mapped_column(default="")
    locale: Mapped[Short] = mapped_column(default="en")
    created_at: Mapped[datetime]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("worker.id"), index=True)


class Identity(Base):
    """An account of a worker on one surface. `address` is where messages to it are sent."""

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("surface", "tenant", "external_id"),)

    id: Mapped[Id]
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"), index=True)
    surface: Mapped[Short]
    tenant: Mapped[str] = mapped_column(String(100), default="")
    external_id: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(String(100), default="")
    workspace_id: Mapped[int | None] = mapped_column(ForeignKey("workspace.id"))
    """The workspace this account acts in at present."""
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    blocked_at: Mapped[datetime | None]
    """When the platform said that this person has blocked the bot."""


class Membership(Base):
    """A worker's role in a workspace: owner, coordinator, expert or worker, each including the next."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("workspace_id", "worker_id"),)

    id: Mapped[Id]
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"), index=True)
    role: Mapped[Short]
    status: Mapped[Short] = mapped_column(default="active")
    """active or paused."""
    consented_at: Mapped[datetime | None]
    consent_version: Mapped[int | None]
    created_at: Mapped[datetime]


class Invite(Base):
    """A code that makes whoever presents it a member. Only its hash is stored."""

    __tablename__ = "invite"

    id: Mapped[Id]
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[Short]
    max_uses: Mapped[int]
    uses: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("worker.id"))
    created_at: Mapped[datetime]


class Attempt(Base):
    """How many wrong codes came from one origin in one hour."""

    __tablename__ = "attempt"

    origin: Mapped[str] = mapped_column(String(200), primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)


class LogEntry(Base):
    """A privileged act: who did what, when. Never updated, never deleted."""

    __tablename__ = "log_entry"

    id: Mapped[Id]
    workspace_id: Mapped[int | None] = mapped_column(ForeignKey("workspace.id"), index=True)
    worker_id: Mapped[int | None] = mapped_column(ForeignKey("worker.id"))
    act: Mapped[Short]
    subject: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
