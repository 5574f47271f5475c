"""A `Message` as Slack blocks. Texts of people stand in plain_text only, which Slack does not read markup from.

Limits: https://docs.slack.dev/reference/block-kit/blocks (50 blocks of a message, header 150, section 3000, 25 elements
of an actions block) and .../block-elements/button-element (text 75, value 2000).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from bot.surface import Button, Message
from bot.surfaces.plain import clean, cut, footer
from bot.texts.units import length, prefix

Block = dict[str, Any]

MAX_BLOCKS = 50
HEADER_LIMIT = 150
SECTION_LIMIT = 3000
BODY_LIMIT = 9000
"""Three sections: Slack refuses a message whose blocks hold far more text (msg_blocks_too_long)."""
CONTEXT_LIMIT = 1000
ELEMENTS = 25
BUTTON_TEXT = 75
VALUE_LIMIT = 2000
FALLBACK_LIMIT = 3000
MARKUP = re.compile(r"(?=[*_~`])|(?<=:)(?=[A-Za-z0-9_+'-]+:)")
WORD_JOINER = "\u2060"
STYLES = {"primary": "primary", "danger": "danger"}


def blocks(message: Message, notice: str = "") -> list[Block]:
    """The blocks of `message`.

    Args:
        message: what to show.
        notice: what has just happened; a small line above the message.

    Raises:
        ValueError: a payload is empty or above 2000 bytes, or there are more buttons than blocks can hold.
    """
    body = "\n\n".join(piece for piece in (*(clean(part.text) for part in message.parts), clean(message.text)) if piece)
    made = [
        *_context(clean(notice)),
        *_heading(clean(message.heading)),
        *(_section(piece) for piece in _pieces(cut(body, BODY_LIMIT))),
        *_context(footer(message.progress, message.footer)),
    ]
    rows = [row for row in message.buttons if row]
    if len(made) + sum(-(-len(row) // ELEMENTS) for row in rows) > MAX_BLOCKS:
        rows = [tuple(button for row in rows for button in row)]
    made += _actions(rows)
    if len(made) > MAX_BLOCKS:
        raise ValueError(f"{len(made)} blocks; Slack shows at most {MAX_BLOCKS}")
    return made or [_section("…")]


def fallback(message: Message) -> str:
    """What a notification shows. Slack reads markup here, so its three special characters are escaped."""
    return escape(cut(clean(message.plain()), FALLBACK_LIMIT)) or "…"


def comment(message: Message) -> str:
    """What stands beside a file. It cannot be plain_text there, so whatever Slack reads as markup is broken up."""
    return MARKUP.sub(WORD_JOINER, fallback(message)) if message.plain().strip() else ""


def escape(text: str) -> str:
    """`text` without mentions, links and entities: https://docs.slack.dev/messaging/formatting-message-text#escaping."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain_text(text: str) -> Block:
    """A text object in which nothing is markup."""
    # emoji: false, or :smile: in an item would be drawn as something that its author did not write.
    return {"type": "plain_text", "text": text, "emoji": False}


def _heading(text: str) -> list[Block]:
    if not text:
        return []
    if length(text) <= HEADER_LIMIT and "\n" not in text:
        return [{"type": "header", "text": plain_text(text)}]
    return [_section(cut(text, SECTION_LIMIT))]


def _section(text: str) -> Block:
    return {"type": "section", "text": plain_text(text)}


def _context(text: str) -> list[Block]:
    return [{"type": "context", "elements": [plain_text(cut(text, CONTEXT_LIMIT))]}] if text else []


def _pieces(text: str) -> Iterator[str]:
    while text:
        piece = prefix(text, SECTION_LIMIT)
        yield piece
        text = text[len(piece) :]


def _actions(rows: Sequence[Sequence[Button]]) -> Iterator[Block]:
    number = 0
    for row in rows:
        for start in range(0, len(row), ELEMENTS):
            part = row[start : start + ELEMENTS]
            yield {"type": "actions", "elements": [_button(number + at, button) for at, button in enumerate(part)]}
            number += len(part)


def _button(number: int, button: Button) -> Block:
    size = len(button.payload.encode())
    if not 1 <= size <= VALUE_LIMIT:
        raise ValueError(f"a payload of {size} bytes; Slack carries 1 to {VALUE_LIMIT}")
    text = cut(clean(button.text), BUTTON_TEXT, marker="…") or "·"
    made = {"type": "button", "action_id": f"button-{number}", "text": plain_text(text), "value": button.payload}
    if style := STYLES.get(button.style):
        made["style"] = style
    return made
