"""Learning: settings of each job's model, runs that can be cancelled, calibrated versions that may drift.

A migration must not break the previous version of the code: while a release runs, both versions are alive.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None

MOMENT = sa.DateTime(timezone=True)


def added() -> dict[str, list[sa.Column[object]]]:
    """New columns by table. Each may be null or has a default, so that the previous version can still insert."""
    return {
        "project": [sa.Column("learning", sa.JSON(), nullable=False, server_default="{}")],
        "training_run": [
            sa.Column("cancel_requested_at", MOMENT, nullable=True),
            sa.Column("snapshot", sa.JSON(), nullable=False, server_default="{}"),
        ],
        "model_version": [
            sa.Column("temperature", sa.Double(), nullable=True),
            sa.Column("drifted_at", MOMENT, nullable=True),
        ],
    }


def upgrade() -> None:
    """Apply the revision."""
    for table, columns in added().items():
        for column in columns:
            op.add_column(table, column)


def downgrade() -> None:
    """Take the revision back."""
    for table, columns in added().items():
        for column in columns:
            op.drop_column(table, column.name)
