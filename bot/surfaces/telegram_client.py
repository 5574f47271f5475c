"""The Bot API as the Telegram surface uses it: six calls, and errors told apart without the token in them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from telegram import Bot, Document, InputFile, LinkPreviewOptions, Update
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, TelegramError

from bot.surface import Attachment, Blocked, Message, MessageRef, Rejected, RetryLater, SurfaceError
from bot.surfaces.plain import length
from bot.surfaces.telegram_render import CAPTION_LIMIT, Rendered, render, toast
from bot.surfaces.telegram_transport import AiohttpRequest, TooManyRequests
from core.ids import new_public_id
from core.log import get_logger, hide

ALLOWED_UPDATES = [Update.MESSAGE, Update.CALLBACK_QUERY]
DOWNLOAD_BYTES = 20_000_000
UPLOAD_BYTES = 50_000_000
NETWORK_PAUSE = 2.0
TOKEN_PAUSE = 60.0

log = get_logger(__name__)


class MessageGone(Rejected):
    """The message to replace was deleted, or is one that cannot be edited."""


class FileTooLarge(Exception):
    """A document is larger than getFile gives."""


class TelegramClient:
    """One bot token at one Bot API server."""

    def __init__(self, token: str, api_url: str) -> None:
        root = api_url.rstrip("/")
        self._token = token
        self._request = AiohttpRequest()
        self._bot = Bot(
            token,
            base_url=f"{root}/bot",
            base_file_url=f"{root}/file/bot",
            request=self._request,
            get_updates_request=self._request,
        )

    async def close(self) -> None:
        """Close the connections. A later call opens them again."""
        await self._request.shutdown()

    async def updates(self, offset: int, seconds: int) -> tuple[Update, ...]:
        """Updates from `offset` on, after at most `seconds`. Everything before `offset` is confirmed by that.

        Raises:
            TelegramError: `InvalidToken` where the token is refused; else the call may be repeated.
        """
        return await self._bot.get_updates(offset or None, timeout=seconds, allowed_updates=ALLOWED_UPDATES)

    async def send(self, address: str, message: Message) -> MessageRef:
        """Send to a chat. Raises `SurfaceError`."""
        with self._translated():
            if message.attachment is not None:
                return await self._send_file(address, message, message.attachment)
            return await self._send_text(address, render(message))

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Replace the text and the buttons of a message. Raises `SurfaceError`."""
        with self._translated():
            shown = render(message)
            await self._bot.edit_message_text(
                shown.text,
                chat_id=ref.address,
                message_id=int(ref.message),
                reply_markup=shown.keyboard,
                entities=shown.entities,
                link_preview_options=_no_preview(shown.text),
            )

    async def answer(self, query_id: str, text: str) -> bool:
        """Whether the person saw `text`: a tap can be answered once, and for some seconds only."""
        try:
            await self._bot.answer_callback_query(query_id, toast(text) or None)
        except TelegramError as error:
            if "query is too old" not in str(error).lower():
                log.warning("telegram.answer_lost", error=self.named(error))
            return False
        return True

    async def fetch(self, document: Document, directory: Path) -> Path:
        """The document as a file of ours in `directory`, under a name of ours.

        Raises:
            FileTooLarge: above the 20 MB that the Bot API gives.
            TelegramError: it could not be fetched.
        """
        if (document.file_size or 0) > DOWNLOAD_BYTES:
            raise FileTooLarge
        content = await (await self._bot.get_file(document.file_id)).download_as_bytearray()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / new_public_id()
        await asyncio.to_thread(path.write_bytes, content)
        return path

    def named(self, error: Exception) -> str:
        """An error's class and text, fit for a log."""
        return f"{type(error).__name__}: {hide(str(error), [self._token])}"

    async def _send_text(self, address: str, shown: Rendered) -> MessageRef:
        sent = await self._bot.send_message(
            address,
            shown.text,
            reply_markup=shown.keyboard,
            entities=shown.entities,
            link_preview_options=_no_preview(shown.text),
        )
        return MessageRef(address, str(sent.message_id))

    async def _send_file(self, address: str, message: Message, attachment: Attachment) -> MessageRef:
        path, shown = Path(attachment.path), render(message)
        if not path.is_file() or path.stat().st_size > UPLOAD_BYTES:
            raise Rejected(f"the file {attachment.name!r} is missing or above {UPLOAD_BYTES} bytes")
        fits = length(shown.text) <= CAPTION_LIMIT
        with path.open("rb") as file:
            sent = await self._bot.send_document(
                address,
                InputFile(file, filename=attachment.name, read_file_handle=False),
                caption=shown.text if fits else None,
                caption_entities=shown.entities if fits else None,
                reply_markup=shown.keyboard if fits else None,
            )
        return MessageRef(address, str(sent.message_id)) if fits else await self._send_text(address, shown)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The library's errors as the three that delivery tells apart."""
        try:
            yield
        except Forbidden as error:
            raise Blocked(self.named(error)) from None
        except TooManyRequests as error:
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


def _no_preview(text: str) -> LinkPreviewOptions | None:
    """An item's text must not make anybody fetch a page. Without a dot there is no link to preview."""
    return LinkPreviewOptions(is_disabled=True) if "." in text else None
