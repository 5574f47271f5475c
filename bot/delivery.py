"""Owed messages leave here: one sender at a time among all bot processes, by lane, with back-off."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.cards import render
from bot.owed import view_of
from bot.surface import Blocked, Message, Rejected, RetryLater, Surface
from core.assignment import release_leases
from core.clock import now
from core.db import reading
from core.db.writer import Writer
from core.enrolment import identities
from core.log import get_logger
from core.models import Identity, OutboxMessage, Worker
from core.outbox import due, mark_expired, mark_failed, mark_sent, postpone
from core.singletons import hold, let_go

LEASE = "delivery"
POLL_SECONDS = 1.0
BATCH = 50
SEND_TIMEOUT_SECONDS = 30.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """An owed message, rendered, with the accounts it may go to."""

    owed: OutboxMessage
    message: Message | None
    accounts: tuple[Identity, ...]
    broken: bool = False
    """It could not be rendered: a fault of ours, logged, which must not stop the others."""


class Delivery:
    """The loop that sends what the outbox holds."""

    def __init__(self, engine: Engine, writer: Writer, surfaces: Mapping[str, Surface]) -> None:
        self._engine = engine
        self._writer = writer
        self._surfaces = surfaces
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._holder = f"{socket.gethostname()}:{os.getpid()}"

    def wake(self) -> None:
        """Something was put into the outbox; callable from any thread."""
        self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            while True:
                sent = 0
                try:
                    sent = await self.deliver_once()
                except Exception:
                    log.exception("delivery_failed")
                if not sent:
                    await self._pause()
        finally:
            await self._write(lambda session: let_go(session, LEASE, self._holder, now()))

    async def _pause(self) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return

    async def deliver_once(self) -> int:
        """One look at the outbox; how many messages were dealt with. Does nothing while another process sends."""
        if await self._write(lambda session: hold(session, LEASE, self._holder, now())) is None:
            return 0
        parcels = await asyncio.to_thread(self._collect)  # by the holder: what another has sent is not collected
        for number, parcel in enumerate(parcels):
            if number and await self._write(lambda session: hold(session, LEASE, self._holder, now())) is None:
                return number
            await self._deliver(parcel)
        return len(parcels)

    def _collect(self) -> list[Parcel]:
        with reading(self._engine) as session:
            return [self._pack_safely(session, owed) for owed in due(session, now(), BATCH)]

    def _pack_safely(self, session: Session, owed: OutboxMessage) -> Parcel:
        try:
            return self._pack(session, owed)
        except Exception:
            log.exception("message_not_rendered", outbox_id=owed.id, kind=owed.kind)
            return Parcel(owed, None, (), broken=True)

    def _pack(self, session: Session, owed: OutboxMessage) -> Parcel:
        if owed.expires_at <= now():
            return Parcel(owed, None, ())
        locale = session.get_one(Worker, owed.worker_id).locale
        view = view_of(session, owed, locale)
        accounts = [account for account in identities(session, owed.worker_id) if account.surface in self._surfaces]
        return Parcel(owed, None if view is None else render(view, locale), tuple(accounts))

    async def _deliver(self, parcel: Parcel) -> None:
        owed = parcel.owed
        if parcel.message is None:
            finish = mark_failed if parcel.broken else mark_expired
            await self._write(lambda session: finish(session, owed.id))
            return
        for account in parcel.accounts:
            try:
                async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                    await self._surfaces[account.surface].send(account.address, parcel.message)
            except Blocked:
                await self._write(lambda session, blocked=account: _block(session, blocked))  # type: ignore[misc]
                continue
            except Rejected as error:
                log.warning("message_rejected", outbox_id=owed.id, kind=owed.kind, reason=str(error))
                await self._write(lambda session: mark_failed(session, owed.id))
                return
            except (RetryLater, TimeoutError) as error:
                wait = error.seconds if isinstance(error, RetryLater) else 0.0
                await self._write(lambda session, wait=wait: postpone(session, owed, now(), wait))  # type: ignore[misc]
                return
            await self._write(lambda session: mark_sent(session, owed.id, now()))
            return
        await self._write(lambda session: postpone(session, owed, now()))

    async def _write(self, work: Callable[[Session], object]) -> object:
        return await asyncio.wrap_future(self._writer.submit(work))


def _block(session: Session, account: Identity) -> None:
    """The person has blocked the bot there: nothing more goes to that account, and what they hold goes back."""
    stored = session.get_one(Identity, account.id)
    stored.blocked_at = now()
    session.flush()
    if not identities(session, account.worker_id):
        release_leases(session, account.worker_id, now())
