"""Slack, in Socket Mode or over HTTP: one slash command, buttons, modals and direct messages. See docs/slack.md."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.surface import Dispatch, Limiter, Message, MessageRef, RetryLater
from bot.surfaces.lanes import back_off
from bot.surfaces.slack_client import SlackClient
from bot.surfaces.slack_files import Downloads
from bot.surfaces.slack_http import Requests
from bot.surfaces.slack_people import People
from bot.surfaces.slack_rates import Unlimited
from bot.surfaces.slack_reception import Reception
from bot.surfaces.slack_replies import Replies
from bot.surfaces.slack_socket import hold
from bot.surfaces.slack_turns import SURFACE
from bot.surfaces.slack_words import Words
from core.errors import SettingsError
from core.lanes import Lane
from core.log import get_logger

ANYTHING = re.compile(".*", re.DOTALL)
GONE = re.compile("app_uninstalled|tokens_revoked")
STEADY_SECONDS = 60.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Installation:
    """One installed app.

    bot_token: xoxb-, for the Web API.
    app_token: xapp-, for Socket Mode; without it Slack calls us, and signs with `signing_secret`.
    api_url: root of the Web API; GovSlack has another one.
    """

    bot_token: str
    app_token: str = ""
    signing_secret: str = ""
    api_url: str = "https://slack.com/api/"


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between pings on a socket, six of which without a sign of life make it stale; and before the first new
    connection, from where the pause doubles."""

    ping: float = 10.0
    first_pause: float = 1.0


class SlackSurface:
    """`run`, `receive` and `send` belong to one event loop; `send` works without `run` too.

    Args:
        app: the installed app.
        words: the sentences that the surface says itself.
        fetch_directory: where uploaded files lie while they are handled.
        max_upload_bytes: how large they may be.
        limits: keeps the calls of all processes within Slack's rates.
        pace: of connections; for tests.
    """

    name = SURFACE

    def __init__(
        self,
        app: Installation,
        words: Words,
        fetch_directory: Path,
        *,
        max_upload_bytes: int,
        limits: Limiter | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._installed = app
        self._words = words
        self._pace = pace or Pace()
        secrets = (app.app_token, app.signing_secret)
        self._client = SlackClient(app.bot_token, secrets, app.api_url, limits or Unlimited(), words.commands)
        self._downloads = Downloads(self._client, fetch_directory, max_upload_bytes)
        self._requests = Requests(app.signing_secret)
        self._accepted = False

    async def run(self, dispatch: Dispatch) -> None:
        """Hold a socket, or stand ready for Slack's requests, until cancelled.

        Raises:
            SettingsError: Slack refuses a token from the start. Later that is waited out like a broken network.
        """
        people, replies = People(self._client), Replies(self._client, self._words)
        reception = Reception(dispatch, self._downloads, people, replies, self._words)
        failures = 0
        try:
            while True:
                started = time.monotonic()
                try:
                    await self._serve(reception)
                except (RetryLater, SettingsError) as error:
                    if isinstance(error, SettingsError) and not self._accepted:
                        raise
                    log.warning("slack.unreachable", error=self._client.named(error), failures=failures + 1)
                failures = 1 if time.monotonic() - started > STEADY_SECONDS else failures + 1
                await asyncio.sleep(back_off(failures, self._pace.first_pause))
        finally:
            self._requests.rest()
            await reception.close()
            await people.close()
            await replies.close()
            await self.close()

    async def receive(self, request: web.Request) -> web.Response:
        """Answer one of Slack's HTTP requests: events, commands and interactions."""
        return await self._requests.answer(request)

    async def close(self) -> None:
        """Close the connections. `send` opens them again."""
        await self._client.close()

    async def send(self, address: str, message: Message, lane: Lane = Lane.NOTICE) -> MessageRef:
        """Send to a user or a channel. Raises `SurfaceError`."""
        return await self._client.post(address, message, lane)

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Replace a message. Raises `SurfaceError`."""
        await self._client.update(ref, message, lane=Lane.NOTICE)

    async def _serve(self, reception: Reception) -> None:
        """Until the socket goes silent; for ever where Slack calls us."""
        identity = await self._client.check(self._installed.app_token)
        self._accepted = True
        app = _app(self._client, identity, reception)
        if self._installed.app_token:
            await hold(app, self._installed.app_token, self._pace.ping, reception.tap)
            return
        self._requests.serve(app, reception.tap)
        await asyncio.Event().wait()


def _app(client: SlackClient, identity: AuthorizeResult, reception: Reception) -> AsyncApp:
    """All that people do but taps, which never come here."""

    async def authorize() -> AuthorizeResult:
        """Known from the start: Bolt would ask Slack at the first event, and on failure acknowledge it unread."""
        return identity

    app = AsyncApp(
        client=client.without_token(),
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,  # `Requests` has verified before; a socket is verified by its address
    )

    async def on_command(ack: AsyncAck, body: dict[str, Any]) -> None:
        said = await reception.command(body)
        await (ack(text=said) if said else ack())

    async def on_submission(ack: AsyncAck, body: dict[str, Any]) -> None:
        problems = await reception.submission(body)
        await (ack(response_action="errors", errors=problems) if problems else ack())

    async def on_message(body: dict[str, Any]) -> None:
        await reception.message(body)

    async def on_gone() -> None:
        log.error("slack.uninstalled", advice="Install the app again and set SLACK_BOT_TOKEN: see docs/slack.md.")

    async def on_other_event() -> None:
        """Acknowledged and ignored: what is not acknowledged is sent again."""

    app.command(ANYTHING)(on_command)
    app.view_submission(ANYTHING)(on_submission)
    app.event("message")(on_message)
    app.event(GONE)(on_gone)
    app.event(ANYTHING)(on_other_event)
    return app
