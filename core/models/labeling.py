"""Who answered what: participations, cursors, assignments, annotations, skills, adjudications."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, Id, PublicId, Short

ACTIVE = "state = 'active'"
HINTED = "prediction_id IS NOT NULL"
STANDING = "state IN ('counted', 'surplus', 'control')"


class Participation(Base):
    """A worker's standing in one project."""

    __tablename__ = "participation"

    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), primary_key=True, index=True)
    pseudonym: Mapped[PublicId]
    """Random per project: what exports show in place of the worker."""
    state: Mapped[Short] = mapped_column(default="idle")
    """idle: free for an offer; working: holds an assignment; offered: has one unanswered offer; away: let a lease
    or an offer go by and is left in peace until they speak again."""
    annotation_count: Mapped[int] = mapped_column(default=0)
    skip_count: Mapped[int] = mapped_column(default=0)
    today: Mapped[str] = mapped_column(String(10), default="", server_default="")
    today_count: Mapped[int] = mapped_column(default=0, server_default="0")
    """Answers on the day `today`, an ISO date in the worker's time zone."""
    guidelines_seen: Mapped[int] = mapped_column(default=0, server_default="0")
    """The version of the guidelines that they were last shown."""
    offered_at: Mapped[datetime | None]
    since_gold: Mapped[int] = mapped_column(default=0, server_default="0")
    """Answers since the last gold item."""
    gold_due: Mapped[int] = mapped_column(default=0, server_default="0")
    """After how many answers the next one comes, drawn at random; 0: not drawn yet."""
    gold_count: Mapped[int] = mapped_column(default=0, server_default="0")
    gold_right: Mapped[int] = mapped_column(default=0, server_default="0")
    """Answers to gold items, and the right ones among them."""
    qualification: Mapped[Short] = mapped_column(default="", server_default="")
    """Empty where none is asked; practice, quiz, passed or failed."""
    qualified_at: Mapped[datetime | None]
    quiz_attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    restriction: Mapped[Short] = mapped_column(default="", server_default="")
    """What rules have led to: empty, warned, watched (more gold), training (gold and practice alone) or paused."""
    restricted_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Cursor(Base):
    """Up to which rank of a band a worker has nothing left to do in a project."""

    __tablename__ = "cursor"

    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), primary_key=True)
    band: Mapped[int] = mapped_column(primary_key=True)
    rank: Mapped[int] = mapped_column(BigInteger)


class Assignment(Base):
    """One item leased to one worker: active, submitted, skipped, expired or released.

    Or barred: it was never in their hands, and never will be (`core.second_look_jobs`).
    """

    __tablename__ = "assignment"
    __table_args__ = (
        Index(
            "uq_assignment_active",
            "worker_id",
            "project_id",
            unique=True,
            postgresql_where=text(ACTIVE),
            sqlite_where=text(ACTIVE),
        ),
        Index(
            "ix_assignment_deadline",
            "project_id",
            "expires_at",
            postgresql_where=text(ACTIVE),
            sqlite_where=text(ACTIVE),
        ),
        Index("ix_assignment_item_id_worker_id", "item_id", "worker_id"),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"), index=True)
    state: Mapped[Short]
    version: Mapped[int] = mapped_column(default=1)
    """Grows with each reopening by undo, so that a stale button is known as stale."""
    guidelines_version: Mapped[int]
    surface: Mapped[Short]
    leased_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    skip_reason: Mapped[Short] = mapped_column(default="", server_default="")
    """hard, unclear, broken, language or other; empty where none was given."""


class Annotation(Base):
    """What a worker submitted. At most one per item and worker stands."""

    __tablename__ = "annotation"
    __table_args__ = (
        Index(
            "uq_annotation_standing",
            "item_id",
            "worker_id",
            unique=True,
            postgresql_where=text(STANDING),
            sqlite_where=text(STANDING),
        ),
        Index("ix_annotation_project_id_id", "project_id", "id"),
        Index("ix_annotation_worker_id_project_id_id", "worker_id", "project_id", "id"),
        Index("ix_annotation_prediction_id", "prediction_id", postgresql_where=text(HINTED), sqlite_where=text(HINTED)),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"))
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), index=True)
    label_id: Mapped[str | None] = mapped_column(String(20))
    value: Mapped[dict[str, Any]]
    """The answer in the form of its label schema, for example {"choice": "a"}."""
    state: Mapped[Short]
    """counted (fills a slot), surplus (kept and paid, fills none), control (of a gold or practice item), withdrawn
    (undone), superseded (workers linked) or rejected (by an audit or a ban: its slot was given back)."""
    audit_state: Mapped[Short] = mapped_column(default="unaudited")
    """unaudited, accepted or rejected."""
    audit_reason: Mapped[str] = mapped_column(Text, default="")
    audited_by_id: Mapped[int | None] = mapped_column(BigInteger().with_variant(Integer, "sqlite"))
    audited_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Why the worker answered so, in their own words; experts see it when they settle."""
    guidelines_version: Mapped[int]
    prediction_id: Mapped[int | None] = mapped_column(ForeignKey("prediction.id"))
    """The model's hint that the card showed, if it did."""
    duration_ms: Mapped[int]
    """From lease to answer, by the server's clock."""
    price: Mapped[int | None]
    """What it is paid, in hundredths of the workspace's currency. Null: from before prices were kept."""
    created_at: Mapped[datetime]


class Skill(Base):
    """Estimated quality of a worker in a project."""

    __tablename__ = "skill"

    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), primary_key=True, index=True)
    counts: Mapped[dict[str, Any]]
    """Expected answers: {"matrix": [[...]]} by true label and answer, or {"correct": c, "wrong": w} where the
    classes are many."""
    accuracy: Mapped[float | None]
    annotation_count: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime]


class Adjudication(Base):
    """What an expert did with a disputed item: a verdict, or a reason why there is none."""

    __tablename__ = "adjudication"

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), index=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"))
    label_id: Mapped[str] = mapped_column(String(20))
    """The verdict; empty where there is none."""
    reason: Mapped[str] = mapped_column(Text, default="")
    """Where there is no verdict: unanswerable, or later and unclear, with which it was only put aside."""
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    """What the guidelines should say, in the expert's words."""
    created_at: Mapped[datetime]


class Flag(Base):
    """Evidence that a worker's answers in a project need a look, and what followed from it by the project's rules."""

    __tablename__ = "flag"
    __table_args__ = (Index("ix_flag_project_id_worker_id", "project_id", "worker_id"),)

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"))
    kind: Mapped[Short]
    """fast, one_label, pattern, copying or gold: the score of `core.aggregation.filters` that raised it."""
    score: Mapped[float]
    evidence: Mapped[dict[str, Any]]
    """What was counted, so that people can check it."""
    action: Mapped[Short]
    """none, warn, gold, pause or ban."""
    state: Mapped[Short] = mapped_column(default="open")
    """open, appealed, lifted (it was nothing: its action is undone) or upheld."""
    appeal: Mapped[str] = mapped_column(Text, default="", server_default="")
    appealed_at: Mapped[datetime | None]
    resolved_by_id: Mapped[int | None] = mapped_column(BigInteger().with_variant(Integer, "sqlite"))
    resolved_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
