"""Imports: rows refer to their project by their batch alone on PostgreSQL, and are removed without reading all answers.

PostgreSQL checks a reference by locking the row that is referred to. Each of a million imported items, and each known
label, locked the one row of its project, which the answers of people lock, too: both were slower for it. SQLite looks,
and keeps it.

Removing an item looks whether an answer refers to it. Without an index that reads all answers of all jobs, for each of
the rows of a file that turns out to be of no use.

A migration must not break the previous version of the code: while a release runs, both versions are alive.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | None = None
depends_on: str | None = None

ONLY_ON_SQLITE = ("item", "gold")
INDEX = "ix_annotation_item_id"


def upgrade() -> None:
    """Apply the revision."""
    op.create_index(INDEX, "annotation", ["item_id"])
    if op.get_context().dialect.name == "postgresql":
        for table in ONLY_ON_SQLITE:
            op.drop_constraint(f"fk_{table}_project_id", table, type_="foreignkey")


def downgrade() -> None:
    """Take the revision back."""
    if op.get_context().dialect.name == "postgresql":
        for table in ONLY_ON_SQLITE:
            op.create_foreign_key(f"fk_{table}_project_id", table, "project", ["project_id"], ["id"])
    op.drop_index(INDEX, "annotation")
