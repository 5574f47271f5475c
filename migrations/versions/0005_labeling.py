"""Who answered what: participations, cursors, assignments, annotations, skills, adjudications.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply the revision."""
    _cursor()
    _participation()
    _skill()
    _adjudication()
    _assignment()
    _annotation()


def downgrade() -> None:
    """Take the revision back; indexes go with their tables."""
    for table in ("annotation", "assignment", "adjudication", "skill", "participation", "cursor"):
        op.drop_table(table)


def _cursor() -> None:
    op.create_table(
        "cursor",
        sa.Column("worker_id", BIG_ID, nullable=False),
        sa.Column("project_id", BIG_ID, nullable=False),
        sa.Column("band", sa.Integer(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_cursor_project_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_cursor_worker_id")),
        sa.PrimaryKeyConstraint("worker_id", "project_id", "band", name=op.f("pk_cursor")),
    )


def _participation() -> None:
    op.create_table(
        "participation",
        sa.Column("worker_id", BIG_ID, nullable=False),
        sa.Column("project_id", BIG_ID, nullable=False),
        sa.Column("pseudonym", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("annotation_count", sa.Integer(), nullable=False),
        sa.Column("skip_count", sa.Integer(), nullable=False),
        sa.Column("offered_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_participation_project_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_participation_worker_id")),
        sa.PrimaryKeyConstraint("worker_id", "project_id", name=op.f("pk_participation")),
        sa.UniqueConstraint("pseudonym", name=op.f("uq_participation_pseudonym")),
    )
    op.create_index(op.f("ix_participation_project_id"), "participation", ["project_id"])


def _skill() -> None:
    op.create_table(
        "skill",
        sa.Column("worker_id", BIG_ID, nullable=False),
        sa.Column("project_id", BIG_ID, nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("accuracy", sa.Double(), nullable=True),
        sa.Column("annotation_count", sa.Integer(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_skill_project_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_skill_worker_id")),
        sa.PrimaryKeyConstraint("worker_id", "project_id", name=op.f("pk_skill")),
    )
    op.create_index(op.f("ix_skill_project_id"), "skill", ["project_id"])


def _adjudication() -> None:
    op.create_table(
        "adjudication",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("project_id", BIG_ID, nullable=False),
        sa.Column("item_id", BIG_ID, nullable=False),
        sa.Column("worker_id", BIG_ID, nullable=False),
        sa.Column("label_id", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_adjudication_item_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_adjudication_project_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_adjudication_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjudication")),
    )
    op.create_index(op.f("ix_adjudication_item_id"), "adjudication", ["item_id"])
    op.create_index(op.f("ix_adjudication_project_id"), "adjudication", ["project_id"])


def _assignment() -> None:
    op.create_table(
        "assignment",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("project_id", BIG_ID, nullable=False),
        sa.Column("item_id", BIG_ID, nullable=False),
        sa.Column("worker_id", BIG_ID, nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("guidelines_version", sa.Integer(), nullable=False),
        sa.Column("surface", sa.String(length=40), nullable=False),
        sa.Column("leased_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_assignment_item_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_assignment_project_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_assignment_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
        sa.UniqueConstraint("public_id", name=op.f("uq_assignment_public_id")),
    )
    op.create_index(
        "ix_assignment_deadline",
        "assignment",
        ["project_id", "expires_at"],
        postgresql_where=sa.text("state = 'active'"),
        sqlite_where=sa.text("state = 'active'"),
    )
    op.create_index("ix_assignment_item_id_worker_id", "assignment", ["item_id", "worker_id"])
    op.create_index(op.f("ix_assignment_worker_id"), "assignment", ["worker_id"])
    op.create_index(
        "uq_assignment_active",
        "assignment",
        ["worker_id", "project_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
        sqlite_where=sa.text("state = 'active'"),
    )


def _annotation() -> None:
    op.create_table(
        "annotation",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("project_id", BIG_ID, nullable=False),
        sa.Column("item_id", BIG_ID, nullable=False),
        sa.Column("worker_id", BIG_ID, nullable=False),
        sa.Column("assignment_id", BIG_ID, nullable=False),
        sa.Column("label_id", sa.String(length=20), nullable=True),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("audit_state", sa.String(length=40), nullable=False),
        sa.Column("audit_reason", sa.Text(), nullable=False),
        sa.Column("guidelines_version", sa.Integer(), nullable=False),
        sa.Column("prediction_id", BIG_ID, nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_annotation_assignment_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_annotation_item_id")),
        sa.ForeignKeyConstraint(["prediction_id"], ["prediction.id"], name=op.f("fk_annotation_prediction_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_annotation_project_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_annotation_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotation")),
        sa.UniqueConstraint("public_id", name=op.f("uq_annotation_public_id")),
    )
    op.create_index(op.f("ix_annotation_assignment_id"), "annotation", ["assignment_id"])
    op.create_index("ix_annotation_project_id_id", "annotation", ["project_id", "id"])
    op.create_index("ix_annotation_worker_id_project_id_id", "annotation", ["worker_id", "project_id", "id"])
    op.create_index(
        "uq_annotation_standing",
        "annotation",
        ["item_id", "worker_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('counted', 'surplus')"),
        sqlite_where=sa.text("state IN ('counted', 'surplus')"),
    )
