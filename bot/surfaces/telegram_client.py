"""The Bot API as the Telegram surface uses it, within its rates, and with errors that never show the token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from telegram import Bot, Document
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, TelegramError

from bot.surface import Attachment, Blocked, Limiter, Message, MessageRef, Rejected, RetryLater, SurfaceError
from bot.surfaces.telegram_calls import Calls
from bot.surfaces.telegram_files import fetch, send_file
from bot.surfaces.telegram_incoming import Incoming, incoming
from bot.surfaces.telegram_menus import Menus
from bot.surfaces.telegram_rates import Gate
from bot.surfaces.telegram_render import CAPTION_LIMIT, Rendered, render, toast
from bot.surfaces.telegram_transport import AiohttpRequest, TooManyRequests
from bot.texts.units import length
from core.lanes import Lane
from core.log import get_logger, hide

NETWORK_PAUSE = 2.0
TOKEN_PAUSE = 60.0

log = get_logger(__name__)


class MessageGone(Rejected):
    """The message to replace was deleted, or is one that cannot be edited."""


class TelegramClient:
    """One bot token at one Bot API server."""

    def __init__(self, token: str, api_url: str, limiter: Limiter) -> None:
        root = api_url.rstrip("/")
        self._token = token
        self._request = AiohttpRequest()
        self._gate = Gate(limiter)
        self.bot = Bot(
            token,
            base_url=f"{root}/bot",
            base_file_url=f"{root}/file/bot",
            request=self._request,
            get_updates_request=self._request,
        )
        self.menus = Menus(self.bot)
        self._calls = Calls(self.bot)

    async def close(self) -> None:
        """Close the connections. A later call opens them again."""
        await self._request.shutdown()

    async def updates(self, offset: int, seconds: int) -> list[Incoming]:
        """Updates from `offset` on, after at most `seconds`. Everything before `offset` is confirmed by that.

        Raises:
            TelegramError: `InvalidToken` where the token is refused; else the call may be repeated.
        """
        return await self._calls.updates(offset, seconds)

    def parsed(self, update: Any) -> Incoming:
        """An update as it was sent. Raises as `telegram_incoming.incoming`."""
        return incoming(update, self.bot)

    async def admit(self, address: str, lane: Lane) -> None:
        """Wait for the turn of one message to a chat. To be awaited before `send` and `edit`."""
        await self._gate.admit(address, lane)

    async def send(self, address: str, message: Message, lane: Lane) -> MessageRef:
        """Send to a chat. Raises `SurfaceError`."""
        async with self._translated(address):
            if message.attachment is not None:
                sent = await self._send_file(address, message, message.attachment, lane)
            else:
                sent = await self._calls.send_text(address, render(message))
        await self._show_menu(address, message)
        return sent

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Replace the text and the buttons of a message. Raises `SurfaceError`."""
        async with self._translated(ref.address):
            await self._calls.edit_text(ref, render(message))
        await self._show_menu(ref.address, message)

    async def answer(self, query_id: str, text: str) -> bool:
        """Whether the person saw `text`: a tap can be answered once, and for some seconds only."""
        try:
            await self._calls.answer(query_id, toast(text))
        except TelegramError as error:
            if "query is too old" not in str(error).lower():
                log.warning("telegram.answer_lost", error=self.named(error))
            return False
        return True

    async def fetch(self, document: Document, directory: Path) -> Path:
        """The document as a file of ours in `directory`. Raises as `telegram_files.fetch`."""
        return await fetch(self.bot, document, directory)

    def named(self, error: Exception) -> str:
        """An error's class and text, fit for a log."""
        return f"{type(error).__name__}: {hide(str(error), [self._token])}"

    async def _send_file(self, address: str, message: Message, attachment: Attachment, lane: Lane) -> MessageRef:
        """With the text as its caption; a text that is too long for one follows."""
        shown = render(message) if message.plain() else Rendered("", render(message).rows)
        fits = length(shown.text) <= CAPTION_LIMIT
        caption = shown if fits else Rendered("")
        sent = await send_file(self.bot, address, attachment, caption, lambda: self.admit(address, lane))
        if fits:
            return MessageRef(address, str(sent.message_id))
        await self.admit(address, lane)
        return await self._calls.send_text(address, shown)

    async def _show_menu(self, address: str, message: Message) -> None:
        if message.menu is not None:
            await self.menus.show(address, message.menu)

    @asynccontextmanager
    async def _translated(self, address: str) -> AsyncIterator[None]:
        """The library's errors as the three that delivery tells apart."""
        try:
            yield
        except Forbidden as error:
            raise Blocked(self.named(error)) from None
        except TooManyRequests as error:
            log.warning("telegram.flooded", seconds=error.seconds)
            await self._gate.close(address, error.seconds)
            raise RetryLater(error.seconds) from None
        except BadRequest as error:
            if (translated := _refusal(self.named(error))) is not None:
                raise translated from None
        except InvalidToken:
            raise RetryLater(TOKEN_PAUSE) from None
        except NetworkError:
            raise RetryLater(NETWORK_PAUSE) from None
        except (TelegramError, ValueError) as error:
            raise Rejected(self.named(error)) from None


def _refusal(description: str) -> SurfaceError | None:
    """What the text of a 400 means; None where the wish is fulfilled already."""
    said = description.lower()
    if "message is not modified" in said:
        return None
    if "message to edit not found" in said or "message can't be edited" in said or "no text in the message" in said:
        return MessageGone(description)
    return Blocked(description) if "chat not found" in said else Rejected(description)
