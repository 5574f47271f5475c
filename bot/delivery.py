"""Owed messages leave here: one sender at a time among all bot processes, by lane, in each person's order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.committing import committed
from bot.leadership import DatabaseLeadership
from bot.leading import lead
from bot.parcels import Parcel, collect
from bot.surface import Blocked, Message, Rejected, RetryLater, Surface
from core.blocking import block
from core.clock import now
from core.db.writer import Overloaded, Writer
from core.lanes import Lane
from core.log import get_logger
from core.models import Identity, OutboxMessage
from core.outbox import mark_expired, mark_failed, mark_sent, postpone

LEASE = "delivery"
POLL_SECONDS = 1.0
LOOK_EVERY_SECONDS = 0.1
AT_ONCE = 32
"""People who are sent to at the same time."""
SEND_SECONDS, UPLOAD_SECONDS = 30.0, 150.0
REST_SECONDS = 1.0
OVERLOAD_PAUSE = 0.2

log = get_logger(__name__)


class Delivery:
    """The loop that sends what the outbox holds."""

    def __init__(self, engine: Engine, writer: Writer, surfaces: Mapping[str, Surface]) -> None:
        self._engine = engine
        self._writer = writer
        self._surfaces = surfaces
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._leadership = DatabaseLeadership(writer, LEASE)
        self._busy: set[int] = set()
        """Workers who are being sent to; what they are owed keeps its order."""
        self._resting: dict[int, float] = {}
        """Workers whose chat is busy, and until when on the loop's clock."""
        self._finishing = False

    def wake(self) -> None:
        """Something was put into the outbox; callable from any thread."""
        self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Send whenever no other process does, until cancelled. The lease is renewed beside the sending."""
        await lead(self._leadership, self._send_all)

    async def finish(self, seconds: float) -> None:
        """Begin nothing new, and wait for what is being sent, at most so long: sent and not noted is sent twice."""
        self._finishing = True
        deadline = self._loop.time() + seconds
        while self._busy and self._loop.time() < deadline:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await self._wake.wait()

    async def deliver_once(self) -> int:
        """One look at the outbox; how many messages were dealt with. Does nothing while another process sends."""
        if await self._leadership.take() is None:
            return 0
        people = await self._next()
        await asyncio.gather(*(self._deliver_in_order(parcels) for parcels in people))
        return sum(map(len, people))

    async def _send_all(self, _fence: int) -> None:
        self._busy.clear()  # whoever was being sent to when the lease was lost
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()  # before looking, so that what comes meanwhile is not waited for
                try:
                    for parcels in await self._next():
                        group.create_task(self._deliver_in_order(parcels))
                except Exception:
                    log.exception("delivery_failed")
                await asyncio.sleep(LOOK_EVERY_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._wake.wait()

    async def _next(self) -> list[list[Parcel]]:
        """The messages to send now, by person; those people are busy from here on."""
        clock = self._loop.time()
        self._resting = {worker: until for worker, until in self._resting.items() if until > clock}
        free = AT_ONCE - len(self._busy)
        if free <= 0:
            return []
        left_out = self._busy | self._resting.keys()
        people = await asyncio.to_thread(collect, self._engine, self._surfaces.keys(), left_out, free)
        if self._finishing:
            return []
        self._busy.update(parcels[0].owed.worker_id for parcels in people)
        return people

    async def _deliver_in_order(self, parcels: list[Parcel]) -> None:
        """One person's messages; after one that has to wait the others wait too."""
        worker_id = parcels[0].owed.worker_id
        try:
            for parcel in parcels:
                wait = await self._deliver(parcel)
                if wait is not None:
                    await self._put_off(parcel.owed, wait)
                    break
        except Exception:
            log.exception("delivery_failed", worker_id=worker_id)
            self._resting[worker_id] = self._loop.time() + REST_SECONDS
        finally:
            self._busy.discard(worker_id)
            self._wake.set()

    async def _put_off(self, owed: OutboxMessage, seconds: float) -> None:
        self._resting[owed.worker_id] = self._loop.time() + max(seconds, REST_SECONDS)
        await self._write(lambda session: postpone(session, owed, now(), seconds))

    async def _deliver(self, parcel: Parcel) -> float | None:
        """Seconds to wait before the next attempt; nothing where the message is dealt with."""
        owed = parcel.owed
        if parcel.message is None:
            finish = mark_failed if parcel.broken else mark_expired
            await self._write(lambda session: finish(session, owed.id))
            return None
        for account in parcel.accounts:
            try:
                await self._send(account, parcel.message, Lane(owed.lane))
            except Blocked:
                await self._write(partial(_block, account.id))
            except Rejected as error:
                log.warning("message_rejected", outbox_id=owed.id, kind=owed.kind, reason=str(error))
                await self._write(lambda session: mark_failed(session, owed.id))
                return None
            except RetryLater as busy:
                return busy.seconds
            except TimeoutError:
                return 0.0
            except Exception:  # a fault of ours: with pauses that grow, for it may have been sent all the same
                log.exception("message_not_sent", outbox_id=owed.id, kind=owed.kind)
                return 0.0
            else:
                await self._write(lambda session: mark_sent(session, owed.id, now()))
                return None
        return 0.0

    async def _send(self, account: Identity, message: Message, lane: Lane) -> None:
        async with asyncio.timeout(SEND_SECONDS if message.attachment is None else UPLOAD_SECONDS):
            await self._surfaces[account.surface].send(account.address, message, lane)

    async def _write(self, work: Callable[[Session], object]) -> None:
        """Again while the writer is full: what was sent and is not marked would be sent twice."""
        while True:
            try:
                await committed(self._writer, work)
                return
            except Overloaded:
                await asyncio.sleep(OVERLOAD_PAUSE)


def _block(account_id: int, session: Session) -> None:
    block(session, account_id, now())
