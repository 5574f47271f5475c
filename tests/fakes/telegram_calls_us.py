"""How the fake of Telegram calls a webhook: https://core.telegram.org/bots/api#setwebhook."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.fakes.telegram_spec import ApiError

SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
PORTS = (None, 443, 80, 88, 8443)
"""https://core.telegram.org/bots/api#setwebhook: "Ports currently supported for webhooks"."""
AGAIN_SECONDS = 0.02


@dataclass
class Hook:
    """What setWebhook has set."""

    url: str
    secret: str
    kinds: frozenset[str]


def hook_of(params: dict[str, Any]) -> Hook | None:
    """The webhook that setWebhook asks for. Raises `ApiError` for one that Telegram would not call."""
    url = params["url"]
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme != "https":
        raise ApiError(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
    if parts.port not in PORTS:
        raise ApiError(400, "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    secret = params.get("secret_token", "")
    if secret and not SECRET.fullmatch(secret):
        raise ApiError(400, "Bad Request: secret token contains unallowed characters")
    return Hook(url, secret, frozenset(params.get("allowed_updates", ())))


class Caller:
    """Posts updates one after another, each until it is answered with 2xx.

    Args:
        reach: root of the server that stands behind every public address.
        queue: the updates that wait, oldest first.
        done: called with the id of an update that was answered.
    """

    def __init__(
        self, hook: Hook, reach: str, queue: list[dict[str, Any]], done: Callable[[int], Awaitable[None]]
    ) -> None:
        self.refusals: list[int] = []
        self._hook = hook
        self._reach = reach
        self._queue = queue
        self._done = done
        self._work = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Call no more."""
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)

    async def _run(self) -> None:
        address = self._reach + urlsplit(self._hook.url).path
        headers = {"X-Telegram-Bot-Api-Secret-Token": self._hook.secret} if self._hook.secret else {}
        async with aiohttp.ClientSession() as session:
            while True:
                update = next((one for one in self._queue if set(one) <= self._hook.kinds | {"update_id"}), None)
                if update is not None and await self._post(session, address, headers, update):
                    await self._done(update["update_id"])
                else:
                    await asyncio.sleep(AGAIN_SECONDS)

    async def _post(
        self, session: aiohttp.ClientSession, address: str, headers: dict[str, str], update: dict[str, Any]
    ) -> bool:
        try:
            async with session.post(address, json=update, headers=headers) as response:
                if response.status // 100 != 2:
                    self.refusals.append(response.status)
                return response.status // 100 == 2
        except aiohttp.ClientError:
            return False
