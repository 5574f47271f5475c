"""Requests to join two accounts: a code of the first, shown and confirmed in the second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core.enrolment import Account, check_attempts, find_account
from core.errors import Conflict, Refused
from core.ids import hash_code, is_public_id, new_public_id
from core.lanes import Lane
from core.models import Identity, LinkRequest, Worker
from core.outbox import owe

LIFETIME = timedelta(minutes=10)
MAX_OPEN = 5
KEPT = timedelta(days=1)
"""How long an ended request is remembered, so that a second try gets the right sentence."""
UNFINISHED = ("open", "claimed")


@dataclass(frozen=True, slots=True)
class Visitor:
    """An account that presents a code, of a worker or of nobody yet."""

    surface: str
    tenant: str
    external_id: str
    address: str
    name: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What an account is asked to confirm: to be joined with the account of `name` on `surface`."""

    public_id: str
    name: str
    surface: str


def open_request(session: Session, identity: Identity, now: datetime) -> str:
    """A code by which another account can be joined to this one's worker; it is stored nowhere.

    Raises:
        Conflict: `MAX_OPEN` codes of this worker are open.
    """
    mine = select(func.count()).select_from(LinkRequest).where(LinkRequest.worker_id == identity.worker_id)
    unfinished = mine.where(LinkRequest.state.in_(UNFINISHED), LinkRequest.expires_at > now)
    if (session.scalar(unfinished) or 0) >= MAX_OPEN:
        raise Conflict("link_too_many", minutes=int(LIFETIME.total_seconds() // 60))
    code = new_public_id()
    session.add(
        LinkRequest(
            code_hash=hash_code(code),
            worker_id=identity.worker_id,
            identity_id=identity.id,
            state="open",
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    return code


def present(session: Session, code: str, visitor: Visitor, origin: str, now: datetime) -> Asked:
    """The other account shows the code; it is asked whether to join.

    A wrong code is counted by the caller, in a transaction that is not rolled back.

    Raises:
        Refused: unknown or expired code, too many wrong ones from `origin`, or a banned account.
        Conflict: used, shown in the account that asked for it, or the two are joined already.
    """
    check_attempts(session, origin, now)
    clean = code.strip().lower()
    statement = select(LinkRequest).where(LinkRequest.code_hash == hash_code(clean)).with_for_update()
    request = session.scalars(statement).first() if is_public_id(clean) else None
    if request is None:
        raise Refused("link_unknown")
    check_open(request, now)
    asking = session.get_one(Identity, request.identity_id)
    if (asking.surface, asking.tenant, asking.external_id) == (visitor.surface, visitor.tenant, visitor.external_id):
        raise Conflict("link_same")
    account = account_of(session, visitor)
    if account is not None and account.worker.id == request.worker_id:
        raise Conflict("link_already")
    request.state = "open"  # a claim of another account that showed the same code has to be made anew
    request.surface, request.tenant, request.external_id = visitor.surface, visitor.tenant, visitor.external_id
    request.address, request.name = visitor.address, (account.worker.name if account else visitor.name.strip())[:200]
    return Asked(request.public_id, session.get_one(Worker, request.worker_id).name, asking.surface)


def claim(session: Session, public_id: str, visitor: Visitor, now: datetime) -> Asked:
    """The other account confirms; the one that asked for the code is asked in its turn.

    Raises:
        Refused, Conflict: as `present`, or it was this account that did not show the code.
    """
    request = _request_of(session, public_id, visitor)
    check_open(request, now)
    request.state = "claimed"
    asking = session.get_one(Identity, request.identity_id)
    if asking.workspace_id is not None:
        owe(
            session,
            worker_id=request.worker_id,
            workspace_id=asking.workspace_id,
            kind="link_asked",
            params={"request_id": request.id, "identity_id": asking.id},
            dedupe_key=f"link-asked-{request.id}-{hash_code(f'{visitor.surface}:{visitor.external_id}')[:16]}",
            now=now,
            lane=Lane.REPLY,
            expires_after=max(request.expires_at - now, timedelta(seconds=1)),
        )
    return Asked(request.public_id, session.get_one(Worker, request.worker_id).name, asking.surface)


def decline_claim(session: Session, public_id: str, visitor: Visitor, now: datetime) -> None:
    """The account that showed the code does not want to join after all.

    Raises:
        Refused, Conflict: as `claim`.
    """
    request = _request_of(session, public_id, visitor)
    check_open(request, now)
    end_request(session, request, "refused")


def sweep_requests(session: Session, now: datetime) -> None:
    """Forget requests that ended long ago, with the accounts they name."""
    session.execute(delete(LinkRequest).where(LinkRequest.expires_at < now - KEPT))


def account_of(session: Session, visitor: Visitor) -> Account | None:
    """The account that presents the code; nothing where it is nobody's yet.

    Raises:
        Refused: it is banned where it acts.
    """
    account = find_account(session, visitor.surface, visitor.tenant, visitor.external_id)
    if account is not None and account.banned:
        raise Refused("banned")
    return account


def locked(session: Session, public_id: str) -> LinkRequest | None:
    """The request of a button, held until the commit."""
    if not is_public_id(public_id):
        return None
    return session.scalars(select(LinkRequest).where(LinkRequest.public_id == public_id).with_for_update()).first()


def check_open(request: LinkRequest, now: datetime) -> None:
    """Check that a request can still come to something.

    Raises:
        Refused, Conflict: it has expired, or was dealt with.
    """
    if request.state == "linked":
        raise Conflict("link_already")
    if request.state == "refused":
        raise Conflict("link_used")
    if request.expires_at <= now:
        raise Refused("link_expired")


def end_request(session: Session, request: LinkRequest, state: str) -> None:
    """An ended request names no account any more."""
    request.state = state
    request.name = request.address = request.surface = request.tenant = request.external_id = ""
    session.flush()


def _request_of(session: Session, public_id: str, visitor: Visitor) -> LinkRequest:
    request = locked(session, public_id)
    shown_by = (visitor.surface, visitor.tenant, visitor.external_id)
    if request is None or (request.surface, request.tenant, request.external_id) != shown_by:
        raise Refused("link_gone")
    return request
