"""Erasing a person: what names or reaches them goes, what they answered stays under its pseudonym."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from core.assignment import release_leases
from core.db.tables import table_of
from core.effects import EnqueueJob, add_effect
from core.enrolment import record_act
from core.errors import Refused
from core.ids import hash_code
from core.models import (
    Annotation,
    Attempt,
    ChatMessage,
    Dialogue,
    Flag,
    Identity,
    LinkRequest,
    Membership,
    OutboxMessage,
    Worker,
    Workspace,
)
from core.queue import DEFAULT, FORGET_CHAT

WEB = "web"
GOODBYE = timedelta(minutes=10)
"""How long an open page of the web chat still shows that the account is erased."""


def forget(session: Session, worker_id: int, now: datetime) -> None:
    """Erase a worker's personal data on all their accounts. Their accounts are strangers' afterwards.

    Answers, skills and verdicts stay, under the random pseudonym of each project; notes in their own words go.

    Raises:
        Refused: a workspace would lose its last owner.
    """
    keep_owners(session, worker_id)
    release_leases(session, worker_id, now)
    worker = session.get_one(Worker, worker_id, with_for_update=True, populate_existing=True)
    accounts = list(session.scalars(select(Identity).where(Identity.worker_id == worker_id)))
    _record(session, worker, now)
    _erase_traces(session, accounts, now)
    _erase_rows(session, worker_id, [account.id for account in accounts])
    worker.name, worker.locale, worker.languages, worker.time_zone = "", "en", [], ""
    worker.quiet_from = worker.quiet_to = None
    worker.forgotten_at = now
    session.flush()
    session.expire_all()


def keep_owners(session: Session, worker_id: int) -> None:
    """Check that no workspace loses its last owner with this worker; holds the owners until the commit.

    Raises:
        Refused: one would.
    """
    owned = select(Membership.workspace_id).where(Membership.worker_id == worker_id, Membership.role == "owner")
    for workspace_id in list(session.scalars(owned.order_by(Membership.workspace_id))):
        if not other_owners(session, workspace_id, worker_id):
            raise Refused("last_owner", workspace=session.get_one(Workspace, workspace_id).name)


def other_owners(session: Session, workspace_id: int, worker_id: int) -> list[int]:
    """The workspace's owners besides this worker who can act, held until the commit."""
    owners = (
        select(Membership.worker_id, Membership.status)
        .where(Membership.workspace_id == workspace_id, Membership.role == "owner")
        .order_by(Membership.id)
        .with_for_update()
    )
    return [owner for owner, status in session.execute(owners) if owner != worker_id and status in ("active", "paused")]


def _record(session: Session, worker: Worker, now: datetime) -> None:
    memberships = select(Membership.workspace_id).where(Membership.worker_id == worker.id)
    for workspace_id in list(session.scalars(memberships)):
        record_act(session, workspace_id, worker.id, "forget", worker.public_id, now)
    session.flush()


def _erase_traces(session: Session, accounts: Sequence[Identity], now: datetime) -> None:
    """What is stored under the platforms' own names of the accounts."""
    named = [(one.surface, one.tenant, one.external_id) for one in accounts]
    request, attempt = table_of(LinkRequest), table_of(Attempt)
    shown = [
        and_(request.c.surface == surface, request.c.tenant == tenant, request.c.external_id == external_id)
        for surface, tenant, external_id in named
    ]
    if shown:
        session.execute(delete(request).where(or_(*shown)))
    for surface, _, external_id in named:
        if surface == WEB:
            _erase_bubbles(session, external_id, now)
    origins = [f"{surface}:{tenant}:{external_id}" for surface, tenant, external_id in named]
    session.execute(delete(attempt).where(attempt.c.origin.in_(origins)))


def _erase_bubbles(session: Session, external_id: str, now: datetime) -> None:
    """All but the bot's last bubble, in whose place the goodbye appears: an open page asks for what is newer than it.

    That one goes a little later, with the goodbye.
    """
    bubble = table_of(ChatMessage)
    theirs = bubble.c.external_id == external_id
    last = session.scalar(select(func.max(bubble.c.id)).where(theirs, bubble.c.author == "bot"))
    revision = session.scalar(select(func.max(bubble.c.revision)).where(theirs))
    session.execute(delete(bubble).where(theirs, bubble.c.id != (last or 0)))
    session.execute(update(bubble).where(theirs).values(revision=revision))
    job_id = f"forget-chat-{hash_code(external_id)[:16]}"
    add_effect(session, EnqueueJob(DEFAULT, FORGET_CHAT, (external_id,), job_id, now + GOODBYE))


def forget_chat(session: Session, external_id: str) -> None:
    """Delete what the web chat still shows to an account that was erased; does nothing where there is an account."""
    account = select(Identity.id).where(Identity.surface == WEB, Identity.external_id == external_id)
    if session.scalars(account.limit(1)).first() is None:
        bubble = table_of(ChatMessage)
        session.execute(delete(bubble).where(bubble.c.external_id == external_id))


def _erase_rows(session: Session, worker_id: int, identity_ids: Sequence[int]) -> None:
    request, outbox, dialogue = table_of(LinkRequest), table_of(OutboxMessage), table_of(Dialogue)
    session.execute(
        delete(request).where(or_(request.c.worker_id == worker_id, request.c.identity_id.in_(identity_ids)))
    )
    session.execute(delete(dialogue).where(dialogue.c.identity_id.in_(identity_ids)))
    for table in (outbox, table_of(Membership), table_of(Identity)):
        session.execute(delete(table).where(table.c.worker_id == worker_id))
    annotation = table_of(Annotation)
    notes = update(annotation).where(annotation.c.worker_id == worker_id, annotation.c.note != "")
    session.execute(notes.values(note=""))
    session.execute(update(Flag).where(Flag.worker_id == worker_id, Flag.appeal != "").values(appeal=""))
