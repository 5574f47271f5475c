"""What is to be labeled: projects, uploads, batches, items and gold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import ONLY_ON, Base, BigId, Id, Name, PublicId, Short

SLOTS = "CASE WHEN state = 'open' AND purpose = 'label' THEN overlap - submitted - leased ELSE 0 END"
OPEN = "slots > 0"
CONTROL = "purpose <> 'label'"
CHILD = "parent_id IS NOT NULL"


def _reference_to_project() -> Any:
    """Of rows that an import makes by the million, on SQLite alone; else their batch or item has to tell the project.

    PostgreSQL checks a reference by locking the row: that one row of the project, which everybody's tap locks, too.
    """
    return ForeignKeyConstraint(["project_id"], ["project.id"], info={ONLY_ON: "sqlite"}).ddl_if(dialect="sqlite")


class Project(Base):
    """One labeling job with its question, its labels and its rules of redundancy."""

    __tablename__ = "project"

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"), index=True)
    name: Mapped[Name]
    question: Mapped[str] = mapped_column(Text)
    guidelines: Mapped[str] = mapped_column(Text, default="")
    guidelines_version: Mapped[int] = mapped_column(default=1)
    label_schema: Mapped[dict[str, Any]]
    """For example {"kind": "choice", "labels": [{"id": "a", "name": "Positive"}, ...]}."""
    min_overlap: Mapped[int]
    max_overlap: Mapped[int]
    error_cost: Mapped[float] = mapped_column(default=20.0)
    """How many answers one wrong label costs; bounds how long dynamic overlap asks on."""
    price: Mapped[int] = mapped_column(default=0)
    """Price of one accepted annotation, in hundredths of the workspace's currency."""
    lease_seconds: Mapped[int] = mapped_column(default=600)
    state: Mapped[Short] = mapped_column(default="open")
    """open, paused or closed."""
    priority: Mapped[int] = mapped_column(default=0, server_default="0")
    """Open projects of a higher priority are asked first."""
    deadline: Mapped[datetime | None]
    """When the coordinator wants it done."""
    audience: Mapped[Short] = mapped_column(default="everyone", server_default="everyone")
    """Who may work: everyone, or experts (and who stands above them)."""
    language: Mapped[str] = mapped_column(String(10), default="", server_default="")
    """Only people who read it are asked, as a code of ISO 639-1; empty: everybody."""
    finished_at: Mapped[datetime | None]
    """When its coordinator was told that all items are decided; null again where items come back."""
    class_prior: Mapped[list[float] | None]
    """P(label) over the project, from the last re-estimation; uniform before it."""
    pooled_confusion: Mapped[list[list[float]] | None]
    """P(answer | label) of an average worker, rows are true labels, from the last re-estimation."""
    next_sequence: Mapped[int] = mapped_column(BigInteger, default=1)
    """The next unused sequence of a rank."""
    retrain_threshold: Mapped[int] = mapped_column(default=200)
    """New agreed labels after which a training run is due; 0 switches it off."""
    retrain_cron: Mapped[str] = mapped_column(String(100), default="0 3 * * *")
    """Cron string in UTC of the second trigger; empty switches it off."""
    learning: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """What differs from the defaults of `core.learning.LearningSettings`."""
    done_count: Mapped[int] = mapped_column("agreed_count", default=0)
    """Items that ask nobody for answers any more, whoever decided them, as the background jobs last counted."""
    trained_count: Mapped[int] = mapped_column(default=0)
    """Items decided by people at the last training run."""
    cron_checked_at: Mapped[datetime]
    """Up to when the cron string was looked at; compare-and-set by the scheduler's tick."""
    estimated_annotations: Mapped[int] = mapped_column(default=0)
    """Counted annotations that the last re-estimation saw."""
    quality: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """What differs from the defaults of `core.quality.QualitySettings`: gold, quiz, rules, audits, prices."""
    aim: Mapped[Short] = mapped_column(default="error_cost", server_default="error_cost")
    """What the coordinator set, and dynamic overlap follows: error_cost, accuracy or budget."""
    target_accuracy: Mapped[float | None]
    """Wanted share of right labels, where `aim` is accuracy."""
    answer_budget: Mapped[int | None]
    """Answers that the job may take in all, where `aim` is budget."""
    information: Mapped[float | None]
    """Share of what an average answer tells about a fresh item that a further answer has to tell; steered by
    re-estimation towards the aim. Null: 1 / `error_cost`."""
    pilot_size: Mapped[int] = mapped_column(default=0, server_default="0")
    """Items of the pilot that comes before all others; 0: none."""
    pilot_state: Mapped[Short] = mapped_column(default="", server_default="")
    """Empty where there is no pilot; running, reported (the coordinator has to decide) or passed."""
    created_by_id: Mapped[int] = mapped_column(ForeignKey("worker.id"))
    created_at: Mapped[datetime]


class Upload(Base):
    """A file that a coordinator sent, stored under its hash in the home."""

    __tablename__ = "upload"

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"), index=True)
    worker_id: Mapped[int] = mapped_column(ForeignKey("worker.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[Name]
    size: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[Short]
    """csv or jsonl: the module of `core.importing` that reads it."""
    dialect: Mapped[dict[str, Any]]
    """What was found out: encoding, delimiter, columns, rows."""
    created_at: Mapped[datetime]


class Batch(Base):
    """One upload of items to a project. Assignment sees its items once `state` is published, in one stroke."""

    __tablename__ = "batch"

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), index=True)
    upload_id: Mapped[int | None] = mapped_column(ForeignKey("upload.id"))
    state: Mapped[Short]
    """loading, published, held (it waits for the end of a pilot) or failed."""
    first_rank: Mapped[int] = mapped_column(BigInteger, default=0)
    last_rank: Mapped[int] = mapped_column(BigInteger, default=0)
    mapping: Mapped[dict[str, Any]]
    """Which column holds the text and, where there is one, the gold label."""
    item_count: Mapped[int] = mapped_column(default=0)
    """Items that are to be labeled; those that were set aside to check people are not among them."""
    duplicate_count: Mapped[int] = mapped_column(default=0)
    bad_rows: Mapped[list[dict[str, Any]]]
    """The first bad rows: {"line": 7, "code": "empty_text", ...}."""
    bad_row_count: Mapped[int] = mapped_column(default=0)
    error_code: Mapped[str | None] = mapped_column(String(60))
    error_params: Mapped[dict[str, Any] | None]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("worker.id"))
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]


class Item(Base):
    """One thing to label, with its redundancy and its consensus in its own columns."""

    __tablename__ = "item"
    __table_args__ = (
        Index("ix_item_open", "project_id", "rank", postgresql_where=text(OPEN), sqlite_where=text(OPEN)),
        Index("ix_item_project_id_state", "project_id", "state"),
        Index("ix_item_project_id_content_hash", "project_id", "content_hash"),
        Index("ix_item_batch_id", "batch_id"),
        Index("ix_item_control", "project_id", "purpose", postgresql_where=text(CONTROL), sqlite_where=text(CONTROL)),
        Index("ix_item_parent_id", "parent_id", postgresql_where=text(CHILD), sqlite_where=text(CHILD)),
        _reference_to_project(),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    project_id: Mapped[int] = mapped_column(BigId)
    """That of the batch."""
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"))
    source_annotation_id: Mapped[int | None] = mapped_column(BigInteger().with_variant(Integer, "sqlite"))
    content: Mapped[list[dict[str, Any]]]
    """Typed parts in order, for example [{"type": "text", "text": "..."}]."""
    content_hash: Mapped[str] = mapped_column(String(64))
    external_id: Mapped[str] = mapped_column(String(200), default="")
    """The id that the file gave, or its line number; comes back in exports."""
    source: Mapped[str] = mapped_column(String(200), default="")
    group_key: Mapped[str | None] = mapped_column(String(200))
    position: Mapped[int | None]
    event_at: Mapped[datetime | None]
    purpose: Mapped[Short] = mapped_column(default="label")
    """label, gold or practice; only `label` has slots."""
    state: Mapped[Short] = mapped_column(default="open")
    """open, agreed, disputed, adjudicated, accepted or withdrawn; `core.consensus` alone writes it."""
    overlap: Mapped[int]
    submitted: Mapped[int] = mapped_column(default=0)
    """Counted annotations."""
    leased: Mapped[int] = mapped_column(default=0)
    """Active assignments."""
    slots: Mapped[int] = mapped_column(Integer, Computed(SLOTS, persisted=True))
    rank: Mapped[int] = mapped_column(BigInteger)
    """band * 2**56 + sequence: the order in which items are asked."""
    revision: Mapped[int] = mapped_column(default=0)
    """Grows with each change of posterior or state; re-estimation writes only over the one it read."""
    posterior: Mapped[list[float] | None]
    """P(label) from people alone, in the order of the project's labels; null before the first annotation."""
    label_id: Mapped[str | None] = mapped_column(String(20))
    """The decided label."""
    confidence: Mapped[float | None]
    decided_at: Mapped[datetime | None]
    trained_at: Mapped[datetime | None]
    """When a training run first used the label; undo ends there."""
    uncertainty: Mapped[float | None]
    """Of the champion's prediction, 0 to 1; orders what is asked next."""
    created_at: Mapped[datetime]


class Gold(Base):
    """A known label of an item, with where it came from."""

    __tablename__ = "gold"
    __table_args__ = (UniqueConstraint("item_id"), _reference_to_project())

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(BigId, index=True)
    """That of the item."""
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    label_id: Mapped[str] = mapped_column(String(20))
    source: Mapped[Short]
    """column (of the import) or verdict (promoted adjudication)."""
    state: Mapped[Short] = mapped_column(default="active", server_default="active")
    """active, or retired: known, but never asked to check people (any more)."""
    served: Mapped[int] = mapped_column(default=0, server_default="0")
    """Answers of people who did not know that it is gold."""
    missed: Mapped[int] = mapped_column(default=0, server_default="0")
    """Those among them that are another label."""
    explanation: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Why it is this label, for people who learn."""
    created_at: Mapped[datetime]
