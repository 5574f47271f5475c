"""The learning cycle: training runs, model versions and their predictions.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply the revision."""
    _training_run()
    _model_version()
    _prediction()


def downgrade() -> None:
    """Take the revision back; indexes go with their tables."""
    for table in ("prediction", "model_version", "training_run"):
        op.drop_table(table)


def _training_run() -> None:
    op.create_table(
        "training_run",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("project_id", BIG_ID, nullable=False),
        sa.Column("trigger", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("label_count", sa.Integer(), nullable=False),
        sa.Column("requested_by_id", BIG_ID, nullable=True),
        sa.Column("error_code", sa.String(length=60), nullable=True),
        sa.Column("error_params", sa.JSON(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("heartbeat_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_training_run_project_id")),
        sa.ForeignKeyConstraint(["requested_by_id"], ["worker.id"], name=op.f("fk_training_run_requested_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_run")),
        sa.UniqueConstraint("public_id", name=op.f("uq_training_run_public_id")),
    )
    op.create_index(op.f("ix_training_run_project_id"), "training_run", ["project_id"])
    op.create_index(
        "uq_training_run_unfinished",
        "training_run",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('due', 'running')"),
        sqlite_where=sa.text("state IN ('due', 'running')"),
    )


def _model_version() -> None:
    op.create_table(
        "model_version",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("project_id", BIG_ID, nullable=False),
        sa.Column("training_run_id", BIG_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("base_model", sa.String(length=300), nullable=False),
        sa.Column("artifact", sa.Text(), nullable=False),
        sa.Column("snapshot_hash", sa.String(length=64), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("promoted_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_model_version_project_id")),
        sa.ForeignKeyConstraint(
            ["training_run_id"], ["training_run.id"], name=op.f("fk_model_version_training_run_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_version")),
        sa.UniqueConstraint("project_id", "number", name=op.f("uq_model_version_project_id_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_model_version_public_id")),
        sa.UniqueConstraint("training_run_id", name=op.f("uq_model_version_training_run_id")),
    )


def _prediction() -> None:
    op.create_table(
        "prediction",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("item_id", BIG_ID, nullable=False),
        sa.Column("model_version_id", BIG_ID, nullable=False),
        sa.Column("label_id", sa.String(length=20), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("probabilities", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_prediction_item_id")),
        sa.ForeignKeyConstraint(
            ["model_version_id"], ["model_version.id"], name=op.f("fk_prediction_model_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prediction")),
        sa.UniqueConstraint("item_id", "model_version_id", name=op.f("uq_prediction_item_id_model_version_id")),
    )
    op.create_index(op.f("ix_prediction_model_version_id"), "prediction", ["model_version_id"])
