"""What chat needs: consent and preferences, linked accounts, jobs that change, skips with reasons, audits.

A migration must not break the previous version of the code: while a release runs, both versions are alive.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def added() -> dict[str, list[sa.Column[object]]]:
    """New columns by table. Each may be null or has a default, so that the previous version can still insert."""
    return {
        "workspace": [sa.Column("currency", sa.String(3), nullable=False, server_default="USD")],
        "worker": [
            sa.Column("languages", sa.JSON(), nullable=False, server_default="[]"),
            sa.Column("time_zone", sa.String(64), nullable=False, server_default=""),
            sa.Column("quiet_from", sa.Integer(), nullable=True),
            sa.Column("quiet_to", sa.Integer(), nullable=True),
            sa.Column("daily_goal", sa.Integer(), nullable=False, server_default="40"),
            sa.Column("forgotten_at", MOMENT, nullable=True),
        ],
        "project": [
            sa.Column("priority", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("deadline", MOMENT, nullable=True),
            sa.Column("audience", sa.String(40), nullable=False, server_default="everyone"),
            sa.Column("language", sa.String(10), nullable=False, server_default=""),
            sa.Column("finished_at", MOMENT, nullable=True),
        ],
        "participation": [
            sa.Column("today", sa.String(10), nullable=False, server_default=""),
            sa.Column("today_count", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("guidelines_seen", sa.Integer(), nullable=False, server_default="0"),
        ],
        "assignment": [
            sa.Column("reminded_at", MOMENT, nullable=True),
            sa.Column("skip_reason", sa.String(40), nullable=False, server_default=""),
        ],
        "annotation": [
            sa.Column("audited_by_id", BIG_ID, nullable=True),
            sa.Column("audited_at", MOMENT, nullable=True),
            sa.Column("note", sa.Text(), nullable=False, server_default=""),
        ],
        "poll_offset": [sa.Column("fence", sa.BigInteger(), nullable=False, server_default="0")],
    }


def upgrade() -> None:
    """Apply the revision."""
    for table, columns in added().items():
        for column in columns:
            op.add_column(table, column)
    op.create_table(
        "link_request",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("worker_id", BIG_ID, nullable=False),
        sa.Column("identity_id", BIG_ID, nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("surface", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=100), nullable=False),
        sa.Column("external_id", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_link_request_worker_id")),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name=op.f("fk_link_request_identity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_request")),
        sa.UniqueConstraint("public_id", name=op.f("uq_link_request_public_id")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_link_request_code_hash")),
    )
    op.create_index(op.f("ix_link_request_worker_id"), "link_request", ["worker_id"])


def downgrade() -> None:
    """Take the revision back; indexes go with their table."""
    op.drop_table("link_request")
    for table, columns in added().items():
        for column in columns:
            op.drop_column(table, column.name)
