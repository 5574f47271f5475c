"""Telegram calls us: one secret address, answered after the commit. Several processes may stand behind it."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from functools import partial

from aiohttp import web
from telegram import WebhookInfo

from bot.surfaces.hooks import HookServer
from bot.surfaces.telegram_calls import ALLOWED_UPDATES
from bot.surfaces.telegram_client import TelegramClient
from bot.surfaces.telegram_insist import Insistence
from bot.surfaces.telegram_poll import Take
from core.log import get_logger

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
ANSWER_SECONDS = 1.5
"""Telegram waits this long at most; what is still at work then goes on."""
CHECK_SECONDS = 300.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where Telegram calls us.

    server: takes the calls.
    address: public https address that leads to `server`, without a path.
    path: tells this token from others; not the token.
    secret: what Telegram shows with each call, 1 to 256 of A-Z, a-z, 0-9, _ and -.
    """

    server: HookServer
    address: str
    path: str
    secret: str

    @property
    def url(self) -> str:
        """What Telegram is told to call."""
        return f"{self.address}{self.path}"


class Receiver:
    """Takes the updates of a token from its webhook."""

    def __init__(
        self,
        client: TelegramClient,
        insist: Insistence,
        webhook: Webhook,
        *,
        answer_seconds: float = ANSWER_SECONDS,
        check_seconds: float = CHECK_SECONDS,
    ) -> None:
        self._client = client
        self._insist = insist
        self._webhook = webhook
        self._answer_seconds = answer_seconds
        self._check_seconds = check_seconds
        self._told = 0

    async def run(self, take: Take) -> None:
        """Take calls until cancelled, and see to it that Telegram makes them. `take` starts the work of an update.

        Raises:
            SettingsError: Telegram refuses the token.
        """
        self._webhook.server.add(self._webhook.path, partial(self._answer, take))
        await self._webhook.server.ready()
        while True:
            info = await self._insist(self._client.bot.get_webhook_info, "telegram.webhook_failed")
            self._look_at(info)
            if info.url != self._webhook.url or set(info.allowed_updates or ()) != set(ALLOWED_UPDATES):
                await self._insist(self._register, "telegram.webhook_failed")
                log.info("telegram.webhook_set", path=self._webhook.path)
            await asyncio.sleep(self._check_seconds)

    async def _register(self) -> bool:
        return await self._client.bot.set_webhook(
            self._webhook.url,
            allowed_updates=ALLOWED_UPDATES,
            drop_pending_updates=False,
            secret_token=self._webhook.secret,
        )

    def _look_at(self, info: WebhookInfo) -> None:
        """Say once what Telegram says about its calls that failed."""
        moment = int(info.last_error_date.timestamp()) if info.last_error_date is not None else 0
        if info.url == self._webhook.url and moment > self._told:
            log.warning("telegram.webhook_refused", reason=info.last_error_message, waiting=info.pending_update_count)
            self._told = moment

    async def _answer(self, take: Take, request: web.Request) -> web.Response:
        """200 after the commit, or when there is none in time; anything else makes Telegram call again."""
        shown = request.headers.get(SECRET_HEADER, "").encode()
        if not hmac.compare_digest(shown, self._webhook.secret.encode()):
            log.warning("telegram.webhook_secret_wrong")
            raise web.HTTPForbidden
        try:
            update = self._client.parsed(await request.json())
        except (ValueError, TypeError, KeyError, AttributeError):
            raise web.HTTPBadRequest from None
        work = take(update)
        if work is not None:
            await asyncio.wait([work], timeout=self._answer_seconds)
        return web.Response()
