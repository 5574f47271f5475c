"""What those above a member may change about them: role, suspension, ban. Whoever is changed is told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.assignment import ask_once_more, release_leases
from core.db.tables import table_of
from core.enrolment import ROLES, Account, record_act
from core.errors import Conflict, InvalidInput, Refused
from core.forgetting import other_owners
from core.members import Member, find_member
from core.models import Membership, OutboxMessage, Worker
from core.offers import ask_again
from core.outbox import owe

SHUT_OUT = ("suspended", "banned")
ACTS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "suspend": (("active", "paused"), "suspended", "suspended"),
    "resume": (("suspended",), "active", "unsuspended"),
    "ban": (("active", "paused", "suspended"), "banned", "banned"),
    "unban": (("banned",), "active", "unbanned"),
}
"""What an act does: the statuses it changes, the one it leads to, and the kind of message that tells the member."""


def may_act_on(account: Account, member: Member) -> bool:
    """Whether this account may change that member: only who stands above them, and an owner another owner."""
    if account.role is None or account.worker.id == member.worker_id:
        return False
    return account.role == "owner" or ROLES.index(account.role) > ROLES.index(member.role)


def roles_to_give(account: Account, member: Member) -> tuple[str, ...]:
    """The roles that this account may give to that member: an owner any, a coordinator worker and expert."""
    if not may_act_on(account, member) or account.role is None:
        return ()
    allowed = ROLES if account.role == "owner" else ROLES[: ROLES.index(account.role)]
    return tuple(role for role in allowed if role != member.role)


def set_role(session: Session, account: Account, public_id: str, role: str, now: datetime) -> Member:
    """Give a member another role, and tell them.

    Raises:
        NotFound: no such member.
        Refused: the account may not, or the workspace would lose its last owner.
        Conflict: they have that role already.
    """
    member = _changeable(session, account, public_id)
    if role == member.role:
        raise Conflict("member_already")
    if role not in ROLES:
        raise InvalidInput("unknown_role", role=role, roles=list(ROLES))
    if role not in roles_to_give(account, member):
        raise Refused("member_above")
    membership = _locked(session, account, member)
    if member.role == "owner":
        _keep_an_owner(session, membership)
    membership.role = role
    record_act(session, membership.workspace_id, account.worker.id, "role", f"{member.public_id} {role}", now)
    _tell(session, membership, "role_changed", now)
    return find_member(session, membership.workspace_id, public_id)


def set_status(session: Session, account: Account, public_id: str, act: str, now: datetime) -> Member:
    """Suspend, resume, ban or unban a member. Who is shut out gives back what they hold at once.

    Args:
        act: one of `ACTS`.

    Raises:
        NotFound: no such member.
        Refused: the account may not, or the workspace would lose its last owner.
        Conflict: they are in that state already, or in none that this act could change.
    """
    befores, after, told = ACTS[act]
    member = _changeable(session, account, public_id)
    if member.status not in befores:
        raise Conflict("member_already")
    if after in SHUT_OUT:  # items are locked before people
        release_leases(session, member.worker_id, now, account.workspace_id)
    membership = _locked(session, account, member)
    if after in SHUT_OUT and member.role == "owner":
        _keep_an_owner(session, membership)
    membership.status = after
    record_act(session, membership.workspace_id, account.worker.id, act, member.public_id, now)
    session.flush()
    if after in SHUT_OUT:
        _drop_messages(session, membership)
    else:
        _invite_back(session, membership, now)
    if told:
        _tell(session, membership, told, now)
    return find_member(session, membership.workspace_id, public_id)


def ban_by_rule(session: Session, workspace_id: int, worker_id: int, now: datetime) -> bool:
    """Ban a worker or expert because a rule of a job says so; false for those who run the workspace, or are no members.

    What they hold goes back at once. Anybody above them can lift the ban.
    """
    release_leases(session, worker_id, now, workspace_id)  # items are locked before people
    statement = select(Membership).where(
        Membership.workspace_id == workspace_id, Membership.worker_id == worker_id, Membership.role.in_(ROLES[:2])
    )
    membership = session.scalars(statement.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if membership is None or membership.status == "banned":
        return False
    membership.status = "banned"
    record_act(session, workspace_id, None, "ban", session.get_one(Worker, worker_id).public_id, now)
    session.flush()
    _drop_messages(session, membership)
    _tell(session, membership, "banned", now)
    return True


def _changeable(session: Session, account: Account, public_id: str) -> Member:
    if account.workspace_id is None:
        raise Refused("not_enrolled")
    member = find_member(session, account.workspace_id, public_id)
    if account.worker.id == member.worker_id:
        raise Refused("member_self")
    if not may_act_on(account, member):
        raise Refused("member_above")
    return member


def _locked(session: Session, account: Account, member: Member) -> Membership:
    """The member's row, held, where it still says what was checked."""
    statement = select(Membership).where(
        Membership.workspace_id == account.workspace_id, Membership.worker_id == member.worker_id
    )
    membership = session.scalars(statement.with_for_update().execution_options(populate_existing=True)).one()
    if (membership.role, membership.status) != (member.role, member.status):
        raise Conflict("stale_button")
    return membership


def _keep_an_owner(session: Session, membership: Membership) -> None:
    if not other_owners(session, membership.workspace_id, membership.worker_id):
        raise Refused("member_last_owner")


def _drop_messages(session: Session, membership: Membership) -> None:
    table = table_of(OutboxMessage)
    session.execute(
        update(table)
        .where(table.c.worker_id == membership.worker_id, table.c.workspace_id == membership.workspace_id)
        .where(table.c.state == "pending")
        .values(state="expired")
    )


def _invite_back(session: Session, membership: Membership, now: datetime) -> None:
    ask_once_more(session, membership.worker_id, membership.workspace_id)
    ask_again(session, membership.workspace_id, now)


def _tell(session: Session, membership: Membership, kind: str, now: datetime) -> None:
    owe(
        session,
        worker_id=membership.worker_id,
        workspace_id=membership.workspace_id,
        kind=kind,
        params={"workspace_id": membership.workspace_id},
        dedupe_key=f"{kind}-{membership.id}-{int(now.timestamp() * 1000)}",
        now=now,
    )
