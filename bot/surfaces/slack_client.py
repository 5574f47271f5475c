"""The Web API as the Slack surface uses it, and errors told apart without a token in them."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.surface import Attachment, Blocked, Message, MessageRef, Rejected, RetryLater, SurfaceError
from bot.surfaces.slack_render import blocks, escape, fallback
from core.errors import SettingsError
from core.ids import new_public_id
from core.log import hide

BLOCKED = {"channel_not_found", "is_archived", "user_disabled", "user_not_found", "account_inactive"}
AUTH_ERRORS = {
    "invalid_auth",
    "not_authed",
    "token_revoked",
    "token_expired",
    "account_inactive",
    "not_allowed_token_type",
}
BUSY = {"ratelimited", "rate_limited"}
AWAY = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
NETWORK_PAUSE = 2.0
TOKEN_PAUSE = 60.0
SECONDS = 30.0
DOWNLOAD_BYTES = 50_000_000
CHUNK = 256 * 1024
SLACK_FILES = "files.slack.com"


class FileRefused(Exception):
    """A shared file is too large, or lies where our token must not go. Its text is a sentence for the person."""


class SlackClient:
    """One bot token at one Web API. The HTTP session is opened with the first call and shared by all."""

    def __init__(self, bot_token: str, app_token: str, api_url: str) -> None:
        self._secrets = [bot_token, app_token]
        self._token = bot_token
        self._api_url = api_url.rstrip("/") + "/"
        self._web: AsyncWebClient | None = None
        self._session: aiohttp.ClientSession | None = None
        self._channels: dict[str, str] = {}

    @property
    def web(self) -> AsyncWebClient:
        """Slack's own client; needs a running event loop. Without retries: who calls decides how long to wait."""
        if self._web is None or self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS))
            self._web = AsyncWebClient(self._token, self._api_url, session=self._session, retry_handlers=[])
        return self._web

    async def close(self) -> None:
        """Close the session. A later call opens a new one."""
        if self._session is not None:
            await self._session.close()

    def without_token(self) -> AsyncWebClient:
        """A client for Bolt, which takes the token from its authorization."""
        return AsyncWebClient(base_url=self._api_url, session=self.web.session, retry_handlers=[])

    async def check(self, app_token: str) -> AuthorizeResult:
        """Who we are, where Slack takes both tokens.

        Raises:
            SettingsError: it does not; names the setting.
            RetryLater: nobody knows yet.
        """
        bot = await self._check_one("SLACK_BOT_TOKEN", self.web.auth_test())
        await self._check_one("SLACK_APP_TOKEN", self.web.apps_connections_open(app_token=app_token))
        return AuthorizeResult(
            enterprise_id=bot.get("enterprise_id"),
            team_id=bot.get("team_id"),
            bot_user_id=bot.get("user_id"),
            bot_id=bot.get("bot_id"),
            bot_token=self._token,
        )

    async def post(self, address: str, message: Message) -> MessageRef:
        """Send to a user or a channel. Raises `SurfaceError`."""
        with self.translated():
            channel = await self._channel(address)
            if message.attachment is not None:
                await self._upload(channel, message.attachment)
            sent = await self.web.chat_postMessage(
                channel=channel,
                text=fallback(message),
                blocks=blocks(message),
                mrkdwn=False,
                unfurl_links=False,
                unfurl_media=False,
            )
        return MessageRef(channel, str(sent["ts"]))

    async def update(self, ref: MessageRef, message: Message, notice: str = "") -> None:
        """Replace a message. Raises `SurfaceError`."""
        with self.translated():
            await self.web.chat_update(
                channel=ref.address, ts=ref.message, text=fallback(message), blocks=blocks(message, notice)
            )

    async def replace(self, response_url: str, message: Message, notice: str = "") -> bool:
        """Replace a tapped message through its `response_url`; False where that has been used up. No token is sent."""
        with self.translated():
            webhook = AsyncWebhookClient(response_url, session=self.web.session, retry_handlers=[])
            answer = await webhook.send(text=fallback(message), blocks=blocks(message, notice), replace_original=True)
        return bool(answer.status_code == 200)

    async def whisper(self, channel: str, user: str, text: str) -> None:
        """A notice that only `user` sees. Raises `SurfaceError`."""
        with self.translated():
            notice = Message(text=text)
            await self.web.chat_postEphemeral(channel=channel, user=user, text=fallback(notice), blocks=blocks(notice))

    async def fetch(self, url: str, directory: Path) -> Path:
        """A shared file as a file of ours. The token goes to the configured host and Slack's file host only.

        Raises:
            FileRefused: another host, or too large.
            SurfaceError: it could not be fetched.
        """
        if not self._is_trusted(url):
            raise FileRefused("This file does not lie on Slack: download it and upload it here.")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / new_public_id()
        with self.translated():
            assert self.web.session is not None  # noqa: S101 - opened by `web`
            headers = {"Authorization": f"Bearer {self._token}"}
            # A redirect would carry the token to a place that nobody configured.
            async with self.web.session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status != 200:
                    raise RetryLater(NETWORK_PAUSE)
                await _save(response, path)
        return path

    def named(self, error: Exception) -> str:
        """An error's class and text, fit for a log."""
        return f"{type(error).__name__}: {hide(str(error), self._secrets)}"

    @contextmanager
    def translated(self) -> Iterator[None]:
        """The library's errors as the three that delivery tells apart."""
        try:
            yield
        except SlackApiError as error:
            raise _refusal(error.response) from None
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            raise RetryLater(NETWORK_PAUSE) from None
        except (SlackClientError, ValueError) as error:
            raise Rejected(self.named(error)) from None

    async def _check_one(self, setting: str, call: Awaitable[Any]) -> Any:
        try:
            return await call
        except SlackApiError as error:
            if _code(error.response) in AUTH_ERRORS:
                raise SettingsError(f"{setting} is refused by Slack: check it.") from None
            raise RetryLater(NETWORK_PAUSE) from None
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            raise RetryLater(NETWORK_PAUSE) from None

    async def _channel(self, address: str) -> str:
        """The direct channel with a user; other addresses are channels already."""
        if not address.startswith(("U", "W")):
            return address
        if address not in self._channels:
            opened = await self.web.conversations_open(users=address)
            self._channels[address] = str(opened["channel"]["id"])
        return self._channels[address]

    async def _upload(self, channel: str, attachment: Attachment) -> None:
        if not Path(attachment.path).is_file():
            raise Rejected(f"the file {attachment.name!r} is missing")
        await self.web.files_upload_v2(
            channel=channel, file=attachment.path, filename=attachment.name, title=escape(attachment.name)
        )

    def _is_trusted(self, url: str) -> bool:
        api, asked = urlsplit(self._api_url), urlsplit(url)
        hosts = {api.netloc, f"files.{api.netloc}", SLACK_FILES}
        return asked.netloc in hosts and (asked.scheme == "https" or asked.scheme == api.scheme)


async def _save(response: aiohttp.ClientResponse, path: Path) -> None:
    size = 0
    try:
        with path.open("xb") as file:
            async for chunk in response.content.iter_chunked(CHUNK):
                size += len(chunk)
                if size > DOWNLOAD_BYTES:
                    raise FileRefused(f"This file is larger than {DOWNLOAD_BYTES // 1_000_000} MB: split it.")
                file.write(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _refusal(response: Any) -> SurfaceError:
    code = _code(response)
    status = int(getattr(response, "status_code", 0) or 0)
    if status == 429 or code in BUSY:
        return RetryLater(_retry_after(getattr(response, "headers", {})))
    if code in AUTH_ERRORS - BLOCKED:
        return RetryLater(TOKEN_PAUSE)
    if code in BLOCKED:
        return Blocked(code)
    return RetryLater(NETWORK_PAUSE) if status >= 500 or code in AWAY else Rejected(code or f"HTTP {status}")


def _code(response: Any) -> str:
    """The error that Slack names; an answer that is no JSON names none."""
    return str(response.get("error", "")) if hasattr(response, "get") else ""


def _retry_after(headers: Any) -> float:
    found = next((value for name, value in headers.items() if name.lower() == "retry-after"), "1")
    return max(1.0, float(found)) if str(found).isdigit() else 1.0
