"""How accounts become members: workspaces, invites, identities, roles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from core.db.prepared import Prepared, attach, detached
from core.db.tables import table_of
from core.db.upsert import insert_statement
from core.errors import Conflict, InvalidInput, Refused
from core.ids import hash_code, is_public_id, new_public_id
from core.models import Attempt, Identity, Invite, LogEntry, Membership, Worker, Workspace

ROLES = ("worker", "expert", "coordinator", "owner")
"""Each includes those before it."""
OPERATORS = ("coordinator", "owner")
"""They run the workspace: they are told what is stored when they are welcomed, and agree by coming in."""
CONSENT_VERSION = 2
"""Of what people are told about their data. Who agreed to an earlier one is asked again."""
MAX_WRONG_CODES_PER_HOUR = 20
MAX_INVITE_USES = 10_000
IDENTITY, WORKER, MEMBERSHIP = table_of(Identity), table_of(Worker), table_of(Membership)
THEIR_ACCOUNT = (
    select(*IDENTITY.c, *WORKER.c, *MEMBERSHIP.c)
    .join(WORKER, WORKER.c.id == IDENTITY.c.worker_id)
    .outerjoin(
        MEMBERSHIP,
        (MEMBERSHIP.c.worker_id == IDENTITY.c.worker_id) & (MEMBERSHIP.c.workspace_id == IDENTITY.c.workspace_id),
    )
    .where(
        IDENTITY.c.surface == bindparam("surface"),
        IDENTITY.c.tenant == bindparam("tenant"),
        IDENTITY.c.external_id == bindparam("external_id"),
    )
)
"""Who a platform's user is, as `account_of` takes it."""
ACCOUNT = Prepared(THEIR_ACCOUNT)
WORKER_AT = len(IDENTITY.c)
MEMBERSHIP_AT = WORKER_AT + len(WORKER.c)
ACCOUNT_COLUMNS = MEMBERSHIP_AT + len(MEMBERSHIP.c)
"""Where the columns of a table begin in a row of `THEIR_ACCOUNT`, and how many there are."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who speaks: an identity with its worker and, where they are a member, their workspace and role."""

    identity: Identity
    worker: Worker
    workspace_id: int | None
    role: str | None
    paused: bool = False
    consented: bool = False
    """Whether they have agreed to what is stored, as it is worded now; nothing is asked of them before that."""
    banned: bool = False
    suspended: bool = False
    """Paused by a coordinator."""

    def may(self, role: str) -> bool:
        """Whether this account's role includes `role`."""
        return self.role is not None and ROLES.index(self.role) >= ROLES.index(role)


def ensure_workspace(session: Session, now: datetime, name: str = "Lightwork") -> Workspace:
    """The first workspace, made where there is none."""
    found = session.scalars(select(Workspace).order_by(Workspace.id).limit(1)).first()
    if found is None:
        found = Workspace(name=name, created_at=now)
        session.add(found)
        session.flush()
    return found


def has_owner(session: Session, workspace_id: int) -> bool:
    """Whether somebody owns the workspace already."""
    statement = select(Membership.id).where(Membership.workspace_id == workspace_id, Membership.role == "owner")
    return session.scalars(statement.limit(1)).first() is not None


def create_invite(
    session: Session,
    workspace_id: int,
    role: str,
    max_uses: int,
    now: datetime,
    created_by_id: int | None = None,
    valid_for: timedelta = timedelta(days=7),
) -> str:
    """Make an invite and return its code, which is stored nowhere.

    Raises:
        InvalidInput: unknown role, or a limit below 1 or above `MAX_INVITE_USES`.
    """
    if role not in ROLES:
        raise InvalidInput("unknown_role", role=role, roles=list(ROLES))
    if not 1 <= max_uses <= MAX_INVITE_USES:
        raise InvalidInput("invite_limit", limit=MAX_INVITE_USES)
    code = new_public_id()
    session.add(
        Invite(
            workspace_id=workspace_id,
            code_hash=hash_code(code),
            role=role,
            max_uses=max_uses,
            expires_at=now + valid_for,
            created_by_id=created_by_id,
            created_at=now,
        )
    )
    record_act(session, workspace_id, created_by_id, "invite", f"{role} x {max_uses}", now)
    return code


def find_account(session: Session, surface: str, tenant: str, external_id: str) -> Account | None:
    """The account of a platform's user, or nothing where they never joined."""
    keys = {"surface": surface, "tenant": tenant, "external_id": external_id}
    row = ACCOUNT.row(session, keys)
    return None if row is None else account_of(session, row)


def account_of(session: Session, row: tuple[Any, ...]) -> Account:
    """The account in a row that begins with the columns of `THEIR_ACCOUNT`."""
    identity = attach(session, Identity, row[:WORKER_AT])
    worker = attach(session, Worker, row[WORKER_AT:MEMBERSHIP_AT])
    member = row[MEMBERSHIP_AT] is not None
    membership = detached(Membership, row[MEMBERSHIP_AT:ACCOUNT_COLUMNS]) if member else None
    return _account(identity, worker, membership)


def _account(identity: Identity, worker: Worker, membership: Membership | None) -> Account:
    if membership is None:
        return Account(identity, worker, None, None)
    return Account(
        identity,
        worker,
        membership.workspace_id,
        membership.role,
        paused=membership.status == "paused",
        consented=has_consented(membership),
        banned=membership.status == "banned",
        suspended=membership.status == "suspended",
    )


def has_consented(membership: Membership) -> bool:
    """Whether they have agreed to what is stored, as it is worded now."""
    return membership.consented_at is not None and (membership.consent_version or 0) >= CONSENT_VERSION


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of an invite. invite_id: the one of which a use was counted, where one was."""

    account: Account
    invite_id: int | None = None


def join(
    session: Session,
    *,
    code: str,
    surface: str,
    tenant: str,
    external_id: str,
    address: str,
    name: str,
    locale: str,
    origin: str,
    now: datetime,
) -> Joined:
    """Redeem an invite: the account becomes a member, or rises to the invite's role.

    Workers and experts have then still to agree to what is stored.

    Raises:
        Refused: unknown, used-up or expired code, too many wrong ones from one origin, or banned from the workspace.
    """
    invite = _redeemable(session, code, origin or f"{surface}:{tenant}:{external_id}", now)
    account = find_account(session, surface, tenant, external_id)
    identity = account.identity if account else _new_identity(session, surface, tenant, external_id, name, locale, now)
    membership, used = _admit(session, invite, identity.worker_id, now)
    identity.workspace_id, identity.address, identity.blocked_at = invite.workspace_id, address, None
    session.flush()
    if used and invite.role != "worker":
        record_act(session, invite.workspace_id, identity.worker_id, "join", invite.role, now)
    worker = session.get_one(Worker, identity.worker_id)
    return Joined(_account(identity, worker, membership), invite.id if used else None)


def _admit(session: Session, invite: Invite, worker_id: int, now: datetime) -> tuple[Membership, bool]:
    """The membership that the invite gives, and whether that took one of its uses."""
    statement = select(Membership).where(
        Membership.workspace_id == invite.workspace_id, Membership.worker_id == worker_id
    )
    membership, used = session.scalars(statement).first(), True
    if membership is None:
        membership = Membership(workspace_id=invite.workspace_id, worker_id=worker_id, role=invite.role, created_at=now)
        session.add(membership)
    elif membership.status == "banned":
        raise Refused("banned")
    elif ROLES.index(membership.role) < ROLES.index(invite.role):
        membership.role = invite.role
    else:
        used = False
    if used:
        _count_use(session, invite, now)
    if membership.status != "suspended":  # which only a coordinator lifts
        membership.status = "active"
    if invite.role in OPERATORS and not has_consented(membership):
        membership.consented_at, membership.consent_version = now, CONSENT_VERSION
    return membership, used


def _new_identity(
    session: Session, surface: str, tenant: str, external_id: str, name: str, locale: str, now: datetime
) -> Identity:
    worker = Worker(name=name.strip()[:200], locale=(locale or "en")[:35], created_at=now)
    session.add(worker)
    session.flush()
    identity = Identity(
        worker_id=worker.id,
        surface=surface,
        tenant=tenant,
        external_id=external_id,
        created_at=now,
        last_seen_at=now,
    )
    session.add(identity)
    return identity


def _redeemable(session: Session, code: str, origin: str, now: datetime) -> Invite:
    """The invite of a code, or of a link that ends in one.

    A wrong code is counted by the caller, in a transaction that is not rolled back.
    """
    check_attempts(session, origin, now)
    clean = re.split(r"[/=]", code.strip().rstrip("/"))[-1].lower()
    if not is_public_id(clean):
        raise Refused("invite_unknown")
    invite = session.scalars(select(Invite).where(Invite.code_hash == hash_code(clean))).first()
    if invite is None:
        raise Refused("invite_unknown")
    if invite.expires_at <= now:
        raise Refused("invite_expired")
    return invite


def check_attempts(session: Session, origin: str, now: datetime) -> None:
    """Whether codes from `origin` are looked at at all.

    Raises:
        Refused: too many wrong ones came from there in this hour.
    """
    attempt = session.get(Attempt, (origin[:200], int(now.timestamp()) // 3600))
    if attempt is not None and attempt.count >= MAX_WRONG_CODES_PER_HOUR:
        raise Refused("too_many_codes")


def count_wrong_code(session: Session, origin: str, now: datetime) -> None:
    """Remember a wrong code; after `MAX_WRONG_CODES_PER_HOUR` the origin has to wait."""
    statement = insert_statement(session, Attempt).values(
        origin=origin[:200], hour=int(now.timestamp()) // 3600, count=1
    )
    session.execute(
        statement.on_conflict_do_update(index_elements=["origin", "hour"], set_={"count": Attempt.count + 1})
    )


def _count_use(session: Session, invite: Invite, now: datetime) -> None:
    """Compare-and-set, so that two people with the last use of a code do not both get in."""
    used = session.execute(
        update(Invite)
        .where(Invite.id == invite.id, Invite.uses < Invite.max_uses, Invite.expires_at > now)
        .values(uses=Invite.uses + 1)
        .execution_options(synchronize_session=False)
    )
    if getattr(used, "rowcount", 0) != 1:
        raise Conflict("invite_used")


def record_act(
    session: Session, workspace_id: int | None, worker_id: int | None, act: str, subject: str, now: datetime
) -> None:
    """Write a privileged act into the log."""
    session.add(
        LogEntry(workspace_id=workspace_id, worker_id=worker_id, act=act, subject=subject[:200], created_at=now)
    )


def identities(session: Session, worker_id: int) -> list[Identity]:
    """Accounts of a worker that can be written to, the one last used first."""
    statement = (
        select(Identity)
        .where(Identity.worker_id == worker_id, Identity.blocked_at.is_(None))
        .order_by(Identity.last_seen_at.desc())
    )
    return list(session.scalars(statement))
