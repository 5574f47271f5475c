"""Telegram: everything in private chats, by long polling of our own or by a webhook. See docs/telegram.md."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.surface import Dispatch, Leadership, Limiter, MenuEntry, Message, MessageRef, Offsets, Sentence
from bot.surfaces.telegram_client import TelegramClient
from bot.surfaces.telegram_insist import Insistence
from bot.surfaces.telegram_intake import Intake
from bot.surfaces.telegram_poll import Poller
from bot.surfaces.telegram_webhook import Receiver, Webhook
from core.lanes import Lane


class TelegramSurface:
    """One bot token. `run` and `send` belong to one event loop; `send` works without `run` too.

    Args:
        token: as @BotFather shows it.
        api_url: root of the Bot API server.
        offsets: where the confirmed offset is kept.
        leadership: the right to poll this token.
        limiter: keeps what all processes send within Telegram's rates.
        fetch_directory: where uploaded files lie while they are handled.
        sentence: says an error in a person's language.
        menus: the menu of people who are no members, by language; "" for all other languages.
        webhook: takes updates there instead of polling.
        poll_seconds: how long one getUpdates waits.
        first_pause: seconds before the first repetition of what failed; it doubles from there.
    """

    name = "telegram"

    def __init__(
        self,
        token: str,
        api_url: str,
        *,
        offsets: Offsets,
        leadership: Leadership,
        limiter: Limiter,
        fetch_directory: Path,
        sentence: Sentence,
        menus: Mapping[str, Sequence[MenuEntry]] | None = None,
        webhook: Webhook | None = None,
        poll_seconds: int = 25,
        first_pause: float = 1.0,
    ) -> None:
        self._client = TelegramClient(token, api_url, limiter)
        self._fetch_directory = fetch_directory
        self._sentence = sentence
        self._menus = menus or {}
        self._first_pause = first_pause
        insist = Insistence(self._client, first_pause)
        self._source: Poller | Receiver
        if webhook is not None:
            self._source = Receiver(self._client, insist, webhook)
        else:
            self._source = Poller(self._client, insist, offsets, leadership, poll_seconds)

    async def run(self, dispatch: Dispatch) -> None:
        """Take updates until cancelled. One is confirmed to Telegram only after it was committed.

        Raises:
            SettingsError: Telegram refuses the token from the start. Later that is waited out like a broken network.
        """
        intake = Intake(self._client, dispatch, self._fetch_directory, self._sentence, self._first_pause)
        greeting = asyncio.create_task(self._client.menus.greet(self._menus))
        try:
            await self._source.run(intake.take)
        finally:
            greeting.cancel()
            await asyncio.gather(greeting, return_exceptions=True)
            await intake.close()
            await self.close()

    async def close(self) -> None:
        """Close the connections. `send` opens them again."""
        await self._client.close()

    async def send(self, address: str, message: Message, lane: Lane = Lane.NOTICE) -> MessageRef:
        """Send to a chat when its turn has come. Raises `SurfaceError`."""
        await self._client.admit(address, lane)
        return await self._client.send(address, message, lane)

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Replace a message when its turn has come. Raises `SurfaceError`."""
        await self._client.admit(ref.address, Lane.REPLY)
        await self._client.edit(ref, message)
