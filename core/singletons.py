"""Leases of things that only one process may do at a time: fenced, short, taken over when their holder is silent."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from core.db.upsert import insert_or_ignore
from core.models import SingletonLease

LIFETIME = timedelta(seconds=6)
"""A silent holder is replaced after this long; holders renew three times as often."""


def hold(session: Session, name: str, holder: str, now: datetime) -> int | None:
    """Take or renew the lease `name`; its fence, or nothing while somebody else holds it."""
    insert_or_ignore(session, SingletonLease, {"name": name, "holder": "", "fence": 0, "expires_at": now})
    mine = SingletonLease.holder == holder
    renewed = session.execute(
        update(SingletonLease).where(SingletonLease.name == name, mine).values(expires_at=now + LIFETIME)
    )
    if not getattr(renewed, "rowcount", 0):
        session.execute(
            update(SingletonLease)
            .where(SingletonLease.name == name, or_(SingletonLease.expires_at <= now, mine))
            .values(holder=holder, fence=SingletonLease.fence + 1, expires_at=now + LIFETIME)
        )
    found = session.execute(
        select(SingletonLease.holder, SingletonLease.fence).where(SingletonLease.name == name)
    ).one()
    return int(found[1]) if found[0] == holder else None


def let_go(session: Session, name: str, holder: str, now: datetime) -> None:
    """Give the lease back, so that the next holder need not wait."""
    session.execute(
        update(SingletonLease)
        .where(SingletonLease.name == name, SingletonLease.holder == holder)
        .values(expires_at=now, holder="")
    )
