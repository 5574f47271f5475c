"""Exports that people asked for, owed until they are written.

A migration must not break the previous version of the code: while a release runs, both versions are alive.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
DUE = "state = 'due'"


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "export_request",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("project_id", BIG_ID, nullable=False),
        sa.Column("worker_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("format", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_export_request_project_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_export_request_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_request")),
    )
    op.create_index(op.f("ix_export_request_project_id"), "export_request", ["project_id"])
    op.create_index(
        "ix_export_request_due", "export_request", ["id"], postgresql_where=sa.text(DUE), sqlite_where=sa.text(DUE)
    )


def downgrade() -> None:
    """Take the revision back; indexes go with their table."""
    op.drop_table("export_request")
