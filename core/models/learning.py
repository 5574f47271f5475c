"""The learning cycle: training runs, model versions and their predictions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, Id, PublicId, Short

UNFINISHED = "state IN ('due', 'running')"


class TrainingRun(Base):
    """One attempt to train. At most one per project is unfinished."""

    __tablename__ = "training_run"
    __table_args__ = (
        Index(
            "uq_training_run_unfinished",
            "project_id",
            unique=True,
            postgresql_where=text(UNFINISHED),
            sqlite_where=text(UNFINISHED),
        ),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), index=True)
    trigger: Mapped[Short]
    """threshold, cron, button or drift."""
    state: Mapped[Short]
    """due, running, done, failed or cancelled."""
    label_count: Mapped[int] = mapped_column(default=0)
    requested_by_id: Mapped[int | None] = mapped_column(ForeignKey("worker.id"))
    error_code: Mapped[str | None] = mapped_column(String(60))
    error_params: Mapped[dict[str, Any] | None]
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    """When a coordinator asked to stop it; the trainer looks between steps."""
    snapshot: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """What it was trained on: hash, counts, consensus settings, version of the guidelines."""
    finished_at: Mapped[datetime | None]


class ModelVersion(Base):
    """A trained model with its artifact directory and what it reached on the holdout."""

    __tablename__ = "model_version"
    __table_args__ = (UniqueConstraint("project_id", "number"),)

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    training_run_id: Mapped[int] = mapped_column(ForeignKey("training_run.id"), unique=True)
    number: Mapped[int]
    state: Mapped[Short]
    """candidate, champion, retired or held (not better than the champion)."""
    base_model: Mapped[str] = mapped_column(String(300))
    artifact: Mapped[str] = mapped_column(Text)
    """Directory relative to the home's models."""
    snapshot_hash: Mapped[str] = mapped_column(String(64))
    metrics: Mapped[dict[str, Any]]
    temperature: Mapped[float | None]
    """Divides its logits, so that confidences mean what they say; null: not calibrated."""
    drifted_at: Mapped[datetime | None]
    """When its agreement with new labels of people was seen to fall."""
    created_at: Mapped[datetime]
    promoted_at: Mapped[datetime | None]


class Prediction(Base):
    """A model version's label for an item. Never counts as an annotation."""

    __tablename__ = "prediction"
    __table_args__ = (UniqueConstraint("item_id", "model_version_id"),)

    id: Mapped[Id]
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    model_version_id: Mapped[int] = mapped_column(ForeignKey("model_version.id"), index=True)
    label_id: Mapped[str] = mapped_column(String(20))
    confidence: Mapped[float]
    probabilities: Mapped[list[float]]
    """In the order of the project's labels."""
    created_at: Mapped[datetime]
