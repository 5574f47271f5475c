"""Joining two accounts once both have confirmed: afterwards they are one worker's."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.enrolment import find_account, record_act
from core.errors import Conflict, Refused
from core.lanes import Lane
from core.link_requests import Asked, Visitor, account_of, check_open, end_request, locked
from core.merging import merge
from core.models import Identity, LinkRequest, Membership, Worker
from core.outbox import owe


def complete(session: Session, public_id: str, worker_id: int, now: datetime) -> Asked:
    """The account that asked for the code confirms too: the other one becomes theirs, and is told.

    Raises:
        Refused: not this worker's request, or it has expired.
        Conflict: nobody has claimed it, or it was dealt with.
    """
    request = _claimed(session, public_id, worker_id, now)
    visitor = Visitor(request.surface, request.tenant, request.external_id, request.address, request.name)
    asked = Asked(request.public_id, request.name, request.surface)
    asking = session.get_one(Identity, request.identity_id)
    account = account_of(session, visitor)
    if account is not None and account.worker.id == worker_id:
        raise Conflict("link_already")
    if account is not None:
        identity_id = account.identity.id
        merge(session, worker_id, account.worker.id, now)
    else:
        identity_id = _adopt(session, worker_id, visitor, asking.workspace_id, now)
    _record(session, worker_id, now)
    _tell(session, identity_id, asking, "linked", request.id, now)
    end_request(session, request, "linked")
    return asked


def decline(session: Session, public_id: str, worker_id: int, now: datetime) -> None:
    """The account that asked for the code does not know the other one; that one is told, where it is somebody's.

    Raises:
        Refused, Conflict: as `complete`.
    """
    request = _claimed(session, public_id, worker_id, now)
    account = find_account(session, request.surface, request.tenant, request.external_id)
    if account is not None:
        asking = session.get_one(Identity, request.identity_id)
        _tell(session, account.identity.id, asking, "link_refused", request.id, now)
    end_request(session, request, "refused")


def _claimed(session: Session, public_id: str, worker_id: int, now: datetime) -> LinkRequest:
    request = locked(session, public_id)
    if request is None or request.worker_id != worker_id:
        raise Refused("link_gone")
    check_open(request, now)
    if request.state != "claimed":
        raise Conflict("link_gone")
    return request


def _adopt(session: Session, worker_id: int, visitor: Visitor, workspace_id: int | None, now: datetime) -> int:
    identity = Identity(
        worker_id=worker_id,
        surface=visitor.surface,
        tenant=visitor.tenant,
        external_id=visitor.external_id,
        address=visitor.address,
        workspace_id=workspace_id,
        created_at=now,
        last_seen_at=now,
    )
    session.add(identity)
    session.flush()
    return identity.id


def _record(session: Session, worker_id: int, now: datetime) -> None:
    """In every workspace of the person's: its coordinators see that two of their accounts are one."""
    public_id = session.get_one(Worker, worker_id).public_id
    for workspace_id in session.scalars(select(Membership.workspace_id).where(Membership.worker_id == worker_id)):
        record_act(session, workspace_id, worker_id, "link", public_id, now)


def _tell(session: Session, identity_id: int, asking: Identity, kind: str, request_id: int, now: datetime) -> None:
    identity = session.get_one(Identity, identity_id)
    workspace_id = identity.workspace_id or asking.workspace_id
    if workspace_id is None:
        return
    owe(
        session,
        worker_id=identity.worker_id,
        workspace_id=workspace_id,
        kind=kind,
        params={"identity_id": identity_id, "asking_id": asking.id},
        dedupe_key=f"link-told-{request_id}",
        now=now,
        lane=Lane.REPLY,
        expires_after=timedelta(hours=1),
    )
