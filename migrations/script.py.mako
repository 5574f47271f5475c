"""${message}.

A migration must not break the previous version of the code: while a release runs, both versions are alive.
Add a column as nullable or with a server default, fill it in a later release, and drop or rename only what the
previous version no longer reads or writes. On PostgreSQL build indexes of large tables CONCURRENTLY, in a revision
of their own (`with op.get_context().autocommit_block():`). A lock is waited for 5 s at most, then the release fails.

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
Create Date: ${create_date}
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision: str = ${repr(up_revision)}
down_revision: str | None = ${repr(down_revision)}
branch_labels: str | None = ${repr(branch_labels)}
depends_on: str | None = ${repr(depends_on)}


def upgrade() -> None:
    """Apply the revision."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Take the revision back."""
    ${downgrades if downgrades else "pass"}
