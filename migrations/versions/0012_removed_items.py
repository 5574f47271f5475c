"""Items of a file that turns out to be of no use are removed without reading all answers.

Removing an item looks whether an answer refers to it. Without an index that reads all answers of all jobs for each.

A migration must not break the previous version of the code: while a release runs, both versions are alive.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | None = None
depends_on: str | None = None

INDEX = "ix_annotation_item_id"


def upgrade() -> None:
    """Apply the revision."""
    op.create_index(INDEX, "annotation", ["item_id"])


def downgrade() -> None:
    """Take the revision back."""
    op.drop_index(INDEX, "annotation")
