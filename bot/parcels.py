"""Owed messages made ready to be sent: chosen by lane and age, rendered as things stand now, with their addresses."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.cards import render
from bot.owed import view_of
from bot.owed_people import MENU_KINDS
from bot.pictures import with_highlights
from bot.routes import menu_of
from bot.surface import MenuEntry, Message
from core.clock import now
from core.db import reading
from core.enrolment import find_account, identities
from core.lanes import Lane
from core.log import get_logger
from core.models import Identity, OutboxMessage, Worker
from core.outbox import due

LOOK_AT = 200
"""Messages looked at at a time, so that those of people who have to wait do not hide the others'."""
PER_PERSON = 3
"""Messages that one person gets before the next look at what matters most: a chat takes about one a second."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """An owed message, rendered, with the accounts it may go to; without a message it makes no sense any more."""

    owed: OutboxMessage
    message: Message | None
    accounts: tuple[Identity, ...]
    broken: bool = False
    """It could not be rendered: a fault of ours, logged, which must not stop the others."""


def collect(engine: Engine, surfaces: Set[str], left_out: Set[int], people: int) -> list[list[Parcel]]:
    """What is to be sent now: for each person some messages, in their order.

    Args:
        surfaces: names of the surfaces there are.
        left_out: workers who get nothing now.
        people: at most so many.
    """
    chosen: dict[int, list[OutboxMessage]] = {}
    with reading(engine) as session:
        for owed in due(session, now(), LOOK_AT):
            if owed.worker_id in left_out or (owed.worker_id not in chosen and len(chosen) == people):
                continue
            messages = chosen.setdefault(owed.worker_id, [])
            if len(messages) < PER_PERSON:
                messages.append(owed)
        return [[_pack_safely(session, owed, surfaces) for owed in messages] for messages in chosen.values()]


def _pack_safely(session: Session, owed: OutboxMessage, surfaces: Set[str]) -> Parcel:
    try:
        return _pack(session, owed, surfaces)
    except Exception:
        log.exception("message_not_rendered", outbox_id=owed.id, kind=owed.kind)
        return Parcel(owed, None, (), broken=True)


def _pack(session: Session, owed: OutboxMessage, surfaces: Set[str]) -> Parcel:
    if owed.expires_at <= now():
        return Parcel(owed, None, ())
    locale = session.get_one(Worker, owed.worker_id).locale
    view = view_of(session, owed, locale)
    # Some messages are meant for one account of the person's, named by `identity_id`.
    meant = [one for one in identities(session, owed.worker_id) if owed.params.get("identity_id", one.id) == one.id]
    meant.sort(key=lambda account: account.workspace_id != owed.workspace_id)  # there its buttons work
    if owed.lane >= Lane.OFFER and (not meant or meant[0].workspace_id != owed.workspace_id):
        return Parcel(owed, None, ())
    accounts = tuple(account for account in meant if account.surface in surfaces)
    message = None if view is None else render(with_highlights(view), locale)
    if message is not None and owed.kind in MENU_KINDS and accounts:
        message = replace(message, menu=_menu(session, accounts[0], locale))
    return Parcel(owed, message, accounts)


def _menu(session: Session, identity: Identity, locale: str) -> tuple[MenuEntry, ...]:
    account = find_account(session, identity.surface, identity.tenant, identity.external_id)
    return menu_of(account, locale) if account is not None else ()
