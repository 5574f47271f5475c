"""References that deleting has to look for: from answers to the prediction shown as a hint, and from items to theirs.

Deleting a prediction or an item looks whether a row refers to it. Without an index each look reads the whole table, and
an import that is taken back, or the predictions of old models, would take hours. Both indexes are small: rows that
refer to nothing are not in them.

A migration must not break the previous version of the code: while a release runs, both versions are alive.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None

REFERENCES = (("annotation", "prediction_id"), ("item", "parent_id"))


def upgrade() -> None:
    """Apply the revision."""
    for table, column in REFERENCES:
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_{table}_{column}", table, [column], postgresql_where=there, sqlite_where=there)


def downgrade() -> None:
    """Take the revision back."""
    for table, column in reversed(REFERENCES):
        op.drop_index(f"ix_{table}_{column}", table)
