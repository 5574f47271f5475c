"""The calls that a tap consists of, as plain JSON.

The library turns arguments into objects, objects into dictionaries, and the whole message in the answer into objects
again, which costs more than sending it all. Here its request does the sending and tells what a refusal means; what is
said is built as it goes over the wire. Calls that people do not wait for by the thousand go through its `Bot`.
"""

from __future__ import annotations

from telegram import Bot
from telegram.error import TelegramError
from telegram.request import RequestData
from telegram.request._requestparameter import RequestParameter

from bot.surface import MessageRef
from bot.surfaces.telegram_incoming import Incoming, incoming
from bot.surfaces.telegram_render import Rendered
from bot.surfaces.telegram_transport import READ_SECONDS

ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member")


class Calls:
    """Of one bot. Each raises `TelegramError` as the library's own calls do."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._root = bot.base_url

    async def updates(self, offset: int, seconds: int) -> list[Incoming]:
        """getUpdates from `offset` on, after at most `seconds`."""
        result = await self._post(
            "getUpdates",
            {"offset": offset or None, "timeout": seconds, "allowed_updates": ALLOWED_UPDATES},
            READ_SECONDS + seconds,
        )
        if not isinstance(result, list):
            raise TelegramError("getUpdates brought no list")
        return [incoming(update, self._bot) for update in result]

    async def answer(self, query_id: str, text: str) -> None:
        """answerCallbackQuery."""
        await self._post("answerCallbackQuery", {"callback_query_id": query_id, "text": text or None})

    async def send_text(self, address: str, shown: Rendered) -> MessageRef:
        """sendMessage."""
        result = await self._post("sendMessage", {"chat_id": address, **_content(shown)})
        if not isinstance(result, dict) or type(sent := result.get("message_id")) is not int:
            raise TelegramError("sendMessage brought no message")
        return MessageRef(address, str(sent))

    async def edit_text(self, ref: MessageRef, shown: Rendered) -> None:
        """editMessageText. Raises `ValueError` where `ref` is none of Telegram's."""
        edited = {"chat_id": ref.address, "message_id": int(ref.message)}
        await self._post("editMessageText", {**edited, **_content(shown)})

    async def _post(self, method: str, said: dict[str, object], read_seconds: float = READ_SECONDS) -> object:
        parameters = [RequestParameter(name, value, None) for name, value in said.items() if value is not None]
        return await self._bot.request.post(f"{self._root}/{method}", RequestData(parameters), read_seconds)


def _content(shown: Rendered) -> dict[str, object]:
    """An item's text must not make anybody fetch a page. Without a dot there is no link to preview."""
    return {
        "text": shown.text,
        "entities": [{"type": "bold", "offset": 0, "length": shown.bold}] if shown.bold else None,
        "reply_markup": {"inline_keyboard": shown.rows} if shown.rows else None,
        "link_preview_options": {"is_disabled": True} if "." in shown.text else None,
    }
