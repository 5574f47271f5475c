"""Communities of a person's: made, renamed, changed between, and the currency of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from babel.core import get_global
from babel.numbers import get_territory_currencies
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.assignment import release_leases
from core.enrolment import CONSENT_VERSION, record_act
from core.errors import InvalidInput, NotFound, Refused
from core.ids import is_public_id
from core.models import Identity, Membership, Workspace

MAX_NAME = 60
MAX_OWNED = 20


@dataclass(frozen=True, slots=True)
class Home:
    """A workspace that a person is a member of, as they know it."""

    workspace_id: int
    public_id: str
    name: str
    role: str
    status: str


def homes(session: Session, worker_id: int) -> list[Home]:
    """All workspaces of a person's but those they are banned from, the oldest membership first."""
    statement = (
        select(Workspace.id, Workspace.public_id, Workspace.name, Membership.role, Membership.status)
        .join(Membership, Membership.workspace_id == Workspace.id)
        .where(Membership.worker_id == worker_id, Membership.status != "banned")
        .order_by(Membership.id)
    )
    return [Home(*row) for row in session.execute(statement)]


def switch(session: Session, identity: Identity, public_id: str, now: datetime) -> Home:
    """Let an account act in another workspace of its person's; what it held in the one it leaves is given back.

    Raises:
        NotFound: they are no member of it; a workspace of others is not told apart from none.
    """
    found = [home for home in homes(session, identity.worker_id) if home.public_id == public_id]
    if not is_public_id(public_id) or not found:
        raise NotFound("workspace_unknown")
    left = identity.workspace_id
    identity.workspace_id = found[0].workspace_id
    session.flush()
    if left is not None and left != identity.workspace_id and not _acts_elsewhere(session, identity, left):
        release_leases(session, identity.worker_id, now, left)
    return found[0]


def _acts_elsewhere(session: Session, identity: Identity, workspace_id: int) -> bool:
    """Whether another account of the same person acts in the workspace, with the same leases."""
    others = select(Identity.id).where(
        Identity.worker_id == identity.worker_id,
        Identity.workspace_id == workspace_id,
        Identity.id != identity.id,
        Identity.blocked_at.is_(None),
    )
    return session.scalars(others.limit(1)).first() is not None


def create_workspace(session: Session, identity: Identity, name: str, now: datetime) -> Workspace:
    """Make a community that the account's person owns. The caller has checked that they own one already.

    Raises:
        InvalidInput: no name, or one that is too long.
        Refused: they own `MAX_OWNED`.
    """
    clean = check_name(name)
    owned = select(func.count()).select_from(Membership).where(Membership.worker_id == identity.worker_id)
    if (session.scalar(owned.where(Membership.role == "owner")) or 0) >= MAX_OWNED:
        raise Refused("workspace_limit", limit=MAX_OWNED)
    current = session.get(Workspace, identity.workspace_id) if identity.workspace_id else None
    made = Workspace(name=clean, currency=current.currency if current else "USD", created_at=now)
    session.add(made)
    session.flush()
    session.add(
        Membership(
            workspace_id=made.id,
            worker_id=identity.worker_id,
            role="owner",
            consented_at=now,
            consent_version=CONSENT_VERSION,
            created_at=now,
        )
    )
    record_act(session, made.id, identity.worker_id, "workspace", clean, now)
    session.flush()
    return made


def rename_workspace(session: Session, workspace_id: int, worker_id: int, name: str, now: datetime) -> str:
    """Give a workspace another name; returns it as it is stored.

    Raises:
        InvalidInput: no name, or one that is too long.
    """
    clean = check_name(name)
    session.get_one(Workspace, workspace_id).name = clean
    record_act(session, workspace_id, worker_id, "workspace", clean, now)
    return clean


def set_currency(session: Session, workspace_id: int, worker_id: int, code: str, now: datetime) -> str:
    """Count a workspace's money in another currency; returns the one before. No amount is converted.

    Args:
        code: of ISO 4217, in letters of any case.

    Raises:
        InvalidInput: nobody pays with that today.
    """
    wanted = code.strip().upper()
    if wanted not in currencies(now.date()):
        raise InvalidInput("currency_unknown", currency=code.strip()[:40])
    workspace = session.get_one(Workspace, workspace_id, with_for_update=True, populate_existing=True)
    before = workspace.currency
    if before != wanted:
        workspace.currency = wanted
        record_act(session, workspace_id, worker_id, "currency", f"{before} → {wanted}", now)
    return before


@lru_cache(maxsize=2)
def currencies(day: date) -> frozenset[str]:
    """The codes of ISO 4217 of all money that some country pays with on a day."""
    countries = get_global("territory_currencies")
    return frozenset(code for country in countries for code in get_territory_currencies(country, day, day))


def check_name(name: str) -> str:
    """A name of a workspace, in one line.

    Raises:
        InvalidInput: it is empty or too long.
    """
    clean = " ".join(name.split())
    if not clean:
        raise InvalidInput("workspace_how")
    if len(clean) > MAX_NAME:
        raise InvalidInput("workspace_name_long", length=len(clean), limit=MAX_NAME)
    return clean
