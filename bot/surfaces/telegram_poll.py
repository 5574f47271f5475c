"""Long polling of our own: one reader per token, an offset that advances only after the commit, and a watchdog."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from telegram.error import Conflict, TelegramError

from bot.leading import lead
from bot.surface import Leadership, Offsets
from bot.surfaces.lanes import to_its_end
from bot.surfaces.telegram_client import TelegramClient
from bot.surfaces.telegram_confirm import Confirmation
from bot.surfaces.telegram_incoming import Incoming
from bot.surfaces.telegram_insist import WEBHOOK_ACTIVE, Insistence
from core.log import get_logger

Take = Callable[[Incoming], "asyncio.Task[None] | None"]
PATIENCE_SECONDS = 10.0
"""A poll that does not end within its own time and this much more has gone silent, and is repeated."""

log = get_logger(__name__)


class Poller:
    """Reads the updates of a token while this process is the one that may.

    Args:
        offsets: where the confirmed offset is kept.
        leadership: the right to read this token.
        poll_seconds: how long one getUpdates waits.
    """

    def __init__(
        self,
        client: TelegramClient,
        insist: Insistence,
        offsets: Offsets,
        leadership: Leadership,
        poll_seconds: int,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._client = client
        self._insist = insist
        self._offsets = offsets
        self._leadership = leadership
        self._poll_seconds = poll_seconds
        self._patience_seconds = patience_seconds

    async def run(self, take: Take) -> None:
        """Poll until cancelled, whenever no other process does. `take` starts the work of an update.

        Raises:
            SettingsError: Telegram refuses the token.
        """
        await lead(self._leadership, partial(self._read, take))

    async def _read(self, take: Take, fence: int) -> None:
        """Ends where another reader has confirmed something since; what is at work then is finished all the same."""
        log.info("telegram.polling", fence=fence)
        offset, confirmation = await self._offsets.load(), Confirmation(self._offsets, fence)
        try:
            while True:
                updates = await self._insist(partial(self._updates, offset), "telegram.poll_failed")
                if updates:
                    # Not the maximum of old and new: after a quiet week Telegram goes on at a random id.
                    offset = updates[-1].update_id + 1
                    # What was taken is confirmed even where this process is told to stop: it would come again.
                    if not await to_its_end(_dealt_with(take, updates, confirmation)):
                        log.warning("telegram.poll_fenced", fence=fence)
                        return
        finally:
            await confirmation.close()

    async def _updates(self, offset: int) -> list[Incoming]:
        try:
            async with asyncio.timeout(self._poll_seconds + self._patience_seconds):
                return await self._client.updates(offset, self._poll_seconds)
        except Conflict as error:
            if WEBHOOK_ACTIVE in str(error).lower():
                await self._forget_webhook()
            raise

    async def _forget_webhook(self) -> None:
        """One that was set before; what waits there is kept and comes by polling."""
        try:
            await self._client.bot.delete_webhook(drop_pending_updates=False)
            log.info("telegram.webhook_deleted")
        except TelegramError as error:
            log.warning("telegram.webhook_not_deleted", error=self._client.named(error))


async def _dealt_with(take: Take, updates: list[Incoming], confirmation: Confirmation) -> bool:
    """Do the work of `updates` and confirm them; false where somebody with a higher fence has confirmed since."""
    works = [work for update in updates if (work := take(update)) is not None]
    if works:
        await asyncio.wait(works)
    return await confirmation.note(updates[-1].update_id + 1)
