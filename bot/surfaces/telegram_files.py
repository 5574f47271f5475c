"""Files between a chat and this machine: pictures as pictures, everything else as documents.

Limits: https://core.telegram.org/bots/api#sendphoto (10 MB), #senddocument (50 MB), #getfile (20 MB).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from telegram import Bot, Document, InputFile
from telegram import Message as TelegramMessage
from telegram.error import BadRequest

from bot.surface import Attachment, Rejected
from bot.surfaces.telegram_render import Rendered
from core.ids import new_public_id

DOWNLOAD_BYTES = 20_000_000
UPLOAD_BYTES = 50_000_000
PICTURE_BYTES = 10_000_000
PICTURES = ("image/png", "image/jpeg", "image/webp")
NO_PICTURE = ("photo", "image")
"""Words in the refusals of what Telegram cannot show as a picture, for example PHOTO_INVALID_DIMENSIONS."""


class FileTooLarge(Exception):
    """A document is larger than getFile gives."""


async def send_file(
    bot: Bot, address: str, attachment: Attachment, caption: Rendered, take_turn: Callable[[], Awaitable[None]]
) -> TelegramMessage:
    """Send a file with a caption.

    Args:
        take_turn: called before the second call, where a picture turns out to be none for Telegram.

    Raises:
        Rejected: it is missing or above 50 MB.
        TelegramError: as the Bot API says.
    """
    path = Path(attachment.path)
    size = path.stat().st_size if path.is_file() else None
    if size is None or size > UPLOAD_BYTES:
        raise Rejected(f"the file {attachment.name!r} is missing or above {UPLOAD_BYTES} bytes")
    if attachment.media_type in PICTURES and size <= PICTURE_BYTES:
        try:
            return await _send(bot.send_photo, address, attachment, caption)
        except BadRequest as error:
            if not any(word in str(error).lower() for word in NO_PICTURE):
                raise
        await take_turn()
    return await _send(bot.send_document, address, attachment, caption)


async def _send(
    send: Callable[..., Awaitable[TelegramMessage]], address: str, attachment: Attachment, caption: Rendered
) -> TelegramMessage:
    with Path(attachment.path).open("rb") as file:
        return await send(
            address,
            InputFile(file, filename=attachment.name, read_file_handle=False),
            caption=caption.text or None,
            caption_entities=caption.entities or None,
            reply_markup=caption.keyboard,
        )


async def fetch(bot: Bot, document: Document, directory: Path) -> Path:
    """The document as a file of ours in `directory`, under a name of ours.

    Raises:
        FileTooLarge: above the 20 MB that the Bot API gives.
        TelegramError: it could not be fetched.
    """
    if (document.file_size or 0) > DOWNLOAD_BYTES:
        raise FileTooLarge
    content = await (await bot.get_file(document.file_id)).download_as_bytearray()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / new_public_id()
    await asyncio.to_thread(path.write_bytes, content)
    return path
