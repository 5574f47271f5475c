"""Quality: an aim for each job, gold served blind, qualification, flags and what follows from them, prices kept.

A migration must not break the previous version of the code: while a release runs, both versions are alive.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
STANDING = "state IN ('counted', 'surplus', 'control')"
STANDING_BEFORE = "state IN ('counted', 'surplus')"


def added() -> dict[str, list[sa.Column[object]]]:
    """New columns by table. Each may be null or has a default, so that the previous version can still insert."""
    return {
        "project": [
            sa.Column("quality", sa.JSON(), nullable=False, server_default="{}"),
            sa.Column("aim", sa.String(40), nullable=False, server_default="error_cost"),
            sa.Column("target_accuracy", sa.Double(), nullable=True),
            sa.Column("answer_budget", sa.Integer(), nullable=True),
            sa.Column("information", sa.Double(), nullable=True),
            sa.Column("pilot_size", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("pilot_state", sa.String(40), nullable=False, server_default=""),
        ],
        "participation": [
            sa.Column("since_gold", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("gold_due", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("gold_count", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("gold_right", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("qualification", sa.String(40), nullable=False, server_default=""),
            sa.Column("qualified_at", MOMENT, nullable=True),
            sa.Column("quiz_attempts", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("restriction", sa.String(40), nullable=False, server_default=""),
            sa.Column("restricted_at", MOMENT, nullable=True),
        ],
        "annotation": [sa.Column("price", sa.Integer(), nullable=True)],
        "adjudication": [sa.Column("note", sa.Text(), nullable=False, server_default="")],
        "gold": [
            sa.Column("served", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("missed", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("state", sa.String(40), nullable=False, server_default="active"),
            sa.Column("explanation", sa.Text(), nullable=False, server_default=""),
        ],
    }


def upgrade() -> None:
    """Apply the revision."""
    for table, columns in added().items():
        for column in columns:
            op.add_column(table, column)
    _standing(STANDING)
    op.create_index(
        "ix_item_control",
        "item",
        ["project_id", "purpose"],
        postgresql_where=sa.text("purpose <> 'label'"),
        sqlite_where=sa.text("purpose <> 'label'"),
    )
    op.create_table(
        "flag",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("project_id", BIG_ID, nullable=False),
        sa.Column("worker_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("appeal", sa.Text(), nullable=False, server_default=""),
        sa.Column("appealed_at", MOMENT, nullable=True),
        sa.Column("resolved_by_id", BIG_ID, nullable=True),
        sa.Column("resolved_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_flag_project_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_flag_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag")),
        sa.UniqueConstraint("public_id", name=op.f("uq_flag_public_id")),
    )
    op.create_index("ix_flag_project_id_worker_id", "flag", ["project_id", "worker_id"])


def downgrade() -> None:
    """Take the revision back; indexes go with their table."""
    op.drop_table("flag")
    op.drop_index("ix_item_control", "item")
    op.execute("DELETE FROM annotation WHERE state = 'control'")
    _standing(STANDING_BEFORE)
    for table, columns in added().items():
        for column in columns:
            op.drop_column(table, column.name)


def _standing(where: str) -> None:
    """What counts as standing: at most one such annotation per item and worker."""
    op.drop_index("uq_annotation_standing", "annotation")
    condition = sa.text(where)
    op.create_index(
        "uq_annotation_standing",
        "annotation",
        ["item_id", "worker_id"],
        unique=True,
        postgresql_where=condition,
        sqlite_where=condition,
    )
