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
    currency: Mapped[str] = mapped_column(String(3), default="USD", server_default="USD")
    """ISO 4217 code of all prices in the workspace."""
    created_at: Mapped[datetime]


class Worker(Base):
    """One person across workspaces and surfaces, whatever their roles."""

    __tablename__ = "worker"

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    name: Mapped[Name] = mapped_column(default="")
    locale: Mapped[Short] = mapped_column(default="en")
    """Language that the bot speaks to them."""
    languages: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    """Languages they read, as codes of ISO 639-1; empty means any."""
    time_zone: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """IANA name; empty means UTC."""
    quiet_from: Mapped[int | None]
    quiet_to: Mapped[int | None]
    """Quiet hours, in minutes after their midnight; they may span it. Null: none."""
    daily_goal: Mapped[int] = mapped_column(default=40, server_default="40")
    """Answers a day that they set out to give; 0: none."""
    created_at: Mapped[datetime]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("worker.id"), index=True)
    """The worker that this one was linked to; it has no accounts of its own any more."""
    forgotten_at: Mapped[datetime | None]
    """When they had their personal data erased."""


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
    """active, paused (by themselves), suspended (paused by a coordinator: only one of them lifts it) or banned."""
    consented_at: Mapped[datetime | None]
    """Null until they agree; nothing is asked of them before that."""
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


class LinkRequest(Base):
    """A code that joins two accounts to one worker; both sides confirm. Only its hash is stored."""

    __tablename__ = "link_request"

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"), index=True)
    """Who asked for the code; the other account becomes theirs."""
    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id"))
    state: Mapped[Short] = mapped_column(default="open")
    """open, claimed (the other account has confirmed), linked or refused."""
    surface: Mapped[str] = mapped_column(String(40), default="")
    tenant: Mapped[str] = mapped_column(String(100), default="")
    external_id: Mapped[str] = mapped_column(String(100), default="")
    address: Mapped[str] = mapped_column(String(100), default="")
    """The account that presented the code; it may belong to no worker yet."""
    name: Mapped[Name] = mapped_column(default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


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
