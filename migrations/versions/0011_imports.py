"""Imports: items and known labels refer to their project by their batch alone, on PostgreSQL.

PostgreSQL checks a reference by locking the row that is referred to. Each of a million imported items, and each known
label, locked the one row of its project, which the answers of people lock, too: both were slower for it. SQLite looks,
and keeps it.

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

TABLES = ("item", "gold")


def upgrade() -> None:
    """Apply the revision."""
    if op.get_context().dialect.name == "postgresql":
        for table in TABLES:
            op.drop_constraint(f"fk_{table}_project_id", table, type_="foreignkey")


def downgrade() -> None:
    """Take the revision back."""
    if op.get_context().dialect.name == "postgresql":
        for table in TABLES:
            op.create_foreign_key(f"fk_{table}_project_id", table, "project", ["project_id"], ["id"])
