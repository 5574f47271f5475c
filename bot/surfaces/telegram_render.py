"""A `Message` as Telegram shows it: plain text with entities, never markup, and an inline keyboard.

Limits: https://core.telegram.org/bots/api#sendmessage (4096 characters), #senddocument (1024), #inlinekeyboardbutton
(64 bytes), #answercallbackquery (200). Telegram counts characters as UTF-16 code units.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypedDict

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity

from bot.surface import Button, Message
from bot.surfaces.plain import clean, cut, footer
from bot.texts.units import length

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
TOAST_LIMIT = 200
PAYLOAD_BYTES = 64
MAX_BUTTONS = 100
MAX_COLUMNS = 8
BUTTON_TEXT = 64
HEADING_SHARE = 0.4
FOOTER_SHARE = 0.2
COLUMNS_BY_LENGTH = ((3, MAX_COLUMNS), (12, 3), (20, 2))
"""(longest text of a row in characters, buttons that then stand side by side on a phone)."""


class WireButton(TypedDict):
    """A button as it goes over the wire: the library's objects are made only where the library needs them."""

    text: str
    callback_data: str


WireRows = Sequence[Sequence[WireButton]]


class Rendered(NamedTuple):
    """What sendMessage, sendDocument and editMessageText show.

    text: all of it.
    rows: of buttons.
    bold: UTF-16 code units from the start of the text, the heading.
    """

    text: str
    rows: WireRows = ()
    bold: int = 0

    @property
    def keyboard(self) -> InlineKeyboardMarkup | None:
        """`rows` as the library takes them."""
        if not self.rows:
            return None
        return InlineKeyboardMarkup([[InlineKeyboardButton(**button) for button in row] for row in self.rows])

    @property
    def entities(self) -> tuple[MessageEntity, ...]:
        """`bold` as the library takes it."""
        return (MessageEntity(MessageEntity.BOLD, 0, self.bold),) if self.bold else ()


def render(message: Message, limit: int = TEXT_LIMIT) -> Rendered:
    """Text, keyboard and entities of `message`.

    The heading and the footer stay whole; what does not fit is cut from between them, and says so.

    Args:
        message: what to show.
        limit: UTF-16 code units that the text may have.

    Raises:
        ValueError: a payload is empty or above 64 bytes, or there are more than 100 buttons.
    """
    heading = cut(clean(message.heading), int(limit * HEADING_SHARE))
    below = cut(footer(message.progress, message.footer), int(limit * FOOTER_SHARE))
    content = [clean(text) for text in (*(part.text for part in message.parts), message.text)]
    body = "\n\n".join(piece for piece in content if piece)
    frame = sum(length(piece) + 2 for piece in (heading, below) if piece)
    text = "\n\n".join(piece for piece in (heading, cut(body, limit - frame), below) if piece)
    return Rendered(text or "…", broken(message.buttons), length(heading))


def broken(rows: Sequence[Sequence[Button]]) -> WireRows:
    """The buttons, each row broken where its texts would be too narrow to read on a phone.

    Raises:
        ValueError: as `render`.
    """
    count = sum(len(row) for row in rows)
    if count > MAX_BUTTONS:
        raise ValueError(f"{count} buttons; Telegram shows at most {MAX_BUTTONS}")
    return [[_button(button) for button in part] for row in rows for part in _break(row)]


def toast(text: str) -> str:
    """`text` as the answer to a tap shows it."""
    return cut(clean(text), TOAST_LIMIT)


def _break(row: Sequence[Button]) -> Iterator[Sequence[Button]]:
    longest = max((len(button.text) for button in row), default=0)
    columns = next((columns for most, columns in COLUMNS_BY_LENGTH if longest <= most), 1)
    for start in range(0, len(row), columns):
        yield row[start : start + columns]


def _button(button: Button) -> WireButton:
    size = len(button.payload.encode())
    if not 1 <= size <= PAYLOAD_BYTES:
        raise ValueError(f"a payload of {size} bytes; Telegram carries 1 to {PAYLOAD_BYTES}")
    text = cut(clean(button.text), BUTTON_TEXT, marker="…")
    return {"text": text or "·", "callback_data": button.payload}
