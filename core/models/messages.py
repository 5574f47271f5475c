"""What is owed and what is remembered between events: outbox, dialogues, web chat, leases of singletons, job counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, Id, PublicId, Short

PENDING = "state = 'pending'"
DUE = "state = 'due'"


class OutboxMessage(Base):
    """A message owed to a worker, rendered when it is sent."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        UniqueConstraint("dedupe_key"),
        Index(
            "ix_outbox_message_due", "lane", "not_before", postgresql_where=text(PENDING), sqlite_where=text(PENDING)
        ),
    )

    id: Mapped[Id]
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"), index=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    kind: Mapped[Short]
    """Key of the card that `bot.cards` renders: offer, import_done, export_ready, training_done ..."""
    params: Mapped[dict[str, Any]]
    lane: Mapped[int]
    """0 is sent first."""
    state: Mapped[Short] = mapped_column(default="pending")
    """pending, sent, expired or failed."""
    dedupe_key: Mapped[str] = mapped_column(String(120))
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class ExportRequest(Base):
    """A file that a coordinator asked for: owed until it is written, so that no lost job loses it."""

    __tablename__ = "export_request"
    __table_args__ = (Index("ix_export_request_due", "id", postgresql_where=text(DUE), sqlite_where=text(DUE)),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), index=True)
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"))
    kind: Mapped[Short]
    """labels, annotations, or result: the labels of a job that has come to its end, which nobody asked for."""
    format: Mapped[Short]
    """csv, jsonl or xlsx: the module of `core.exporting` that writes it."""
    state: Mapped[Short] = mapped_column(default="due")
    """due, done, or failed for good."""
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Dialogue(Base):
    """Where an account stands in a conversation of several steps."""

    __tablename__ = "dialogue"

    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id"), primary_key=True)
    name: Mapped[Short]
    step: Mapped[Short]
    data: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime]


class ChatMessage(Base):
    """A bubble of the web chat. `revision` grows over the whole chat, so that a page can ask for what is new."""

    __tablename__ = "chat_message"
    __table_args__ = (Index("ix_chat_message_external_id_revision", "external_id", "revision"),)

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    external_id: Mapped[str] = mapped_column(String(100))
    author: Mapped[Short]
    """bot or person."""
    revision: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class SingletonLease(Base):
    """Who alone may do something (poll a token, send its messages). `fence` grows with each new holder."""

    __tablename__ = "singleton_lease"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    holder: Mapped[str] = mapped_column(String(100))
    fence: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime]


class PollOffset(Base):
    """Up to which update a polled platform is confirmed; advances after the commit."""

    __tablename__ = "poll_offset"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    offset: Mapped[int] = mapped_column(BigInteger)
    fence: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """Of the lease under which it was written; an older one cannot write any more."""


class JobTally(Base):
    """How many RQ jobs of a kind have run, kept in SQL so that an emptied Redis forgets nothing."""

    __tablename__ = "job_tally"

    queue: Mapped[Short] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    runs: Mapped[int] = mapped_column(BigInteger, default=0)
    failures: Mapped[int] = mapped_column(BigInteger, default=0)
    last_run_at: Mapped[datetime]
