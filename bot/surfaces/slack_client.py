"""The Web API as the Slack surface uses it, within Slack's rates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.surface import Attachment, Limiter, Message, MessageRef, Rate, Rejected, RetryLater
from bot.surfaces.slack_errors import AUTH_ERRORS, NETWORK, NETWORK_PAUSE, Throttled, code_of, named, translated
from bot.surfaces.slack_rates import rate_of, rates_of_posting
from bot.surfaces.slack_render import blocks, comment, escape, fallback
from bot.surfaces.slack_words import spoken
from core.errors import SettingsError
from core.lanes import Lane

SECONDS = 30.0


class SlackClient:
    """One bot token at one Web API. The HTTP session is opened with the first call and shared by all.

    Args:
        bot_token: xoxb-.
        secrets: what else no log may show.
        api_url: root of the Web API.
        limits: keeps the calls within Slack's rates.
        commands: names of commands, which messages then name as Slack has them.
    """

    def __init__(
        self, bot_token: str, secrets: Sequence[str], api_url: str, limits: Limiter, commands: frozenset[str]
    ) -> None:
        self.secrets = tuple(secret for secret in (bot_token, *secrets) if secret)
        self.token = bot_token
        self.api_url = api_url.rstrip("/") + "/"
        self._limits = limits
        self._commands = commands
        self._web: AsyncWebClient | None = None
        self._session: aiohttp.ClientSession | None = None
        self._channels: dict[str, str] = {}

    @property
    def web(self) -> AsyncWebClient:
        """Slack's own client; needs a running event loop. Without retries: who calls decides how long to wait."""
        if self._web is None or self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS))
            self._web = AsyncWebClient(self.token, self.api_url, session=self._session, retry_handlers=[])
        return self._web

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections; opened where they are not."""
        assert self.web.session is not None  # noqa: S101 - opened by `web`
        return self.web.session

    async def close(self) -> None:
        """Close the session. A later call opens a new one."""
        if self._session is not None:
            await self._session.close()

    def named(self, error: Exception) -> str:
        """An error's class and text, fit for a log."""
        return named(error, self.secrets)

    def without_token(self) -> AsyncWebClient:
        """A client for Bolt, which takes the token from its authorization."""
        return AsyncWebClient(base_url=self.api_url, session=self.session, retry_handlers=[])

    async def check(self, app_token: str = "") -> AuthorizeResult:
        """Who we are, where Slack takes the bot token, and the app token where there is one.

        Raises:
            SettingsError: it does not; names the setting.
            RetryLater: nobody knows yet.
        """
        bot = await self._check_one("SLACK_BOT_TOKEN", self.web.auth_test())
        if app_token:
            await self._check_one("SLACK_APP_TOKEN", self.web.apps_connections_open(app_token=app_token))
        return AuthorizeResult(
            enterprise_id=bot.get("enterprise_id"),
            team_id=bot.get("team_id"),
            bot_user_id=bot.get("user_id"),
            bot_id=bot.get("bot_id"),
            bot_token=self.token,
        )

    async def post(self, address: str, message: Message, lane: Lane) -> MessageRef:
        """Send to a user or a channel; a message that is a file alone cannot be replaced later, so its ref is empty.

        Raises:
            SurfaceError: it was not sent.
        """
        channel = await self._channel(address, lane)
        if message.attachment is not None:
            alone = not message.buttons
            await self._upload(channel, message.attachment, comment(self._said(message)) if alone else "", lane)
            if alone:
                return MessageRef(channel, "")
        async with self._calling(rates_of_posting(channel), lane):
            sent = await self.web.chat_postMessage(
                channel=channel,
                **self._content(message),
                mrkdwn=False,
                unfurl_links=False,
                unfurl_media=False,
            )
        return MessageRef(channel, str(sent["ts"]))

    async def update(
        self,
        ref: MessageRef,
        message: Message,
        notice: str = "",
        lane: Lane = Lane.REPLY,
        patience: float | None = None,
    ) -> None:
        """Replace a message.

        Args:
            ref: which one.
            message: what stands there then.
            notice: a small line above it.
            lane: how urgent it is.
            patience: seconds that it may wait for its share of the rate; as long as it takes by default.

        Raises:
            RetryLater: its share did not come in time, or Slack is busy or away.
            SurfaceError: it was not replaced.
        """
        if not ref.message:
            raise Rejected("a file's message cannot be replaced")
        async with self._calling([rate_of("chat.update")], lane, patience):
            await self.web.chat_update(channel=ref.address, ts=ref.message, **self._content(message, notice))

    async def respond(self, response_url: str, message: Message, notice: str = "") -> bool:
        """Replace a tapped message through its `response_url`; false where Slack does not take it. No token is sent.

        Raises:
            SurfaceError: Slack is away, or the message cannot be sent at all.
        """
        return await self._respond(response_url, replace_original=True, **self._content(message, notice))

    async def whisper_back(self, response_url: str, text: str) -> bool:
        """A notice beside a tapped message, which only who tapped sees; otherwise as `respond`."""
        content = self._content(Message(text=text))
        return await self._respond(response_url, response_type="ephemeral", replace_original=False, **content)

    async def whisper(self, channel: str, user: str, text: str) -> None:
        """A notice that only `user` sees. Raises `SurfaceError`."""
        async with self._calling([rate_of("chat.postEphemeral")]):
            await self.web.chat_postEphemeral(channel=channel, user=user, **self._content(Message(text=text)))

    async def open_view(self, trigger_id: str, view: dict[str, Any]) -> None:
        """Open a modal. Raises `SurfaceError`."""
        async with self._calling([rate_of("views.open")]):
            await self.web.views_open(trigger_id=trigger_id, view=view)

    async def user(self, user: str) -> dict[str, Any]:
        """What Slack tells about a member, with their locale. Raises `SurfaceError`."""
        async with self._calling([rate_of("users.info")]):
            found = await self.web.users_info(user=user, include_locale=True)
        return dict(found.get("user") or {})

    async def file(self, file: str) -> dict[str, Any]:
        """What Slack tells about a file. Raises `SurfaceError`."""
        async with self._calling([rate_of("files.info")]):
            found = await self.web.files_info(file=file)
        return dict(found.get("file") or {})

    def _said(self, message: Message) -> Message:
        """With commands as Slack has them; the item's own parts and the question stay as they are."""
        text, footer = (spoken(words, self._commands) for words in (message.text, message.footer))
        return replace(message, text=text, footer=footer)

    def _content(self, message: Message, notice: str = "") -> dict[str, Any]:
        said = self._said(message)
        with translated(self.secrets):
            return {"text": fallback(said), "blocks": blocks(said, spoken(notice, self._commands))}

    async def _respond(self, response_url: str, **content: Any) -> bool:
        """By our own session: Slack's client would search every block for objects, of which there are none."""
        with translated(self.secrets):
            async with self.session.post(response_url, json=content, allow_redirects=False) as answer:
                await answer.read()
        return answer.status == HTTPStatus.OK

    @asynccontextmanager
    async def _calling(
        self, rates: Sequence[Rate], lane: Lane = Lane.REPLY, patience: float | None = None
    ) -> AsyncIterator[None]:
        """Within `rates`; where Slack refuses all the same, nobody calls before it allows it again."""
        try:
            async with asyncio.timeout(patience):
                await self._limits.admit(rates, lane)
        except TimeoutError:
            raise RetryLater(patience or NETWORK_PAUSE) from None
        try:
            with translated(self.secrets):
                yield
        except Throttled as busy:
            for rate in rates:
                await self._limits.close(rate, busy.seconds)
            raise

    async def _check_one(self, setting: str, call: Awaitable[Any]) -> Any:
        try:
            return await call
        except SlackApiError as error:
            if code_of(error.response) in AUTH_ERRORS:
                raise SettingsError(f"{setting} is refused by Slack: check it.") from None
            raise RetryLater(NETWORK_PAUSE) from None
        except NETWORK:
            raise RetryLater(NETWORK_PAUSE) from None

    async def _channel(self, address: str, lane: Lane) -> str:
        """The direct channel with a user; other addresses are channels already."""
        if not address.startswith(("U", "W")):
            return address
        if address not in self._channels:
            async with self._calling([rate_of("conversations.open")], lane):
                opened = await self.web.conversations_open(users=address)
            self._channels[address] = str(opened["channel"]["id"])
        return self._channels[address]

    async def _upload(self, channel: str, attachment: Attachment, text: str, lane: Lane) -> None:
        if not Path(attachment.path).is_file():
            raise Rejected(f"the file {attachment.name!r} is missing")
        steps = [rate_of("files.getUploadURLExternal"), rate_of("files.completeUploadExternal")]
        async with self._calling([*rates_of_posting(channel), *steps], lane):
            await self.web.files_upload_v2(
                channel=channel,
                file=attachment.path,
                filename=attachment.name,
                title=escape(attachment.name),
                initial_comment=text or None,
            )
