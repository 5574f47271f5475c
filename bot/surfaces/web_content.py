"""Bubbles as JSON: what is stored in the mailbox, and what of it leaves this machine."""

from __future__ import annotations

import re
from typing import Any, Final

from bot.surface import Attachment, Button, Message

FILES_PATH: Final = "/api/files/"
FILE_NAME_LENGTH: Final = 120
_UNSAFE_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u202a-\u202e\u2066-\u2069]")


def message_to_json(message: Message) -> dict[str, Any]:
    """`message` as it is stored: the same fields as `bot.surface.Message`, tuples as lists.

    An attachment keeps its path here; `public_content` takes it away again.
    """
    attachment = message.attachment
    return {
        "kind": message.kind,
        "heading": message.heading,
        "parts": [{"kind": part.kind, "text": part.text} for part in message.parts],
        "text": message.text,
        "footer": message.footer,
        "progress": message.progress,
        "buttons": [[_button(button) for button in row] for row in message.buttons],
        "attachment": attachment and _attachment(attachment),
        "menu": message.menu and [{"name": one.name, "description": one.description} for one in message.menu],
    }


def _button(button: Button) -> dict[str, str]:
    return {"text": button.text, "payload": button.payload, "style": button.style}


def _attachment(attachment: Attachment) -> dict[str, str]:
    return {
        "name": attachment.name,
        "media_type": attachment.media_type,
        "path": attachment.path,
        "alt": attachment.alt,
    }


def public_content(message_id: str, content: dict[str, Any]) -> dict[str, Any]:
    """Stored `content` as people may see it: an attachment shows name, media_type, alt and url, never a path."""
    attachment = content.get("attachment")
    if not attachment:
        return content
    shown = {
        "name": safe_file_name(attachment["name"]),
        "media_type": attachment["media_type"],
        "alt": attachment.get("alt", ""),
        "url": FILES_PATH + message_id,
    }
    return {**content, "attachment": shown}


def public_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the mailbox as people may see it: {"id", "author", "revision", "content"}."""
    return {
        "id": row["id"],
        "author": row["author"],
        "revision": row["revision"],
        "content": public_content(row["id"], row["content"]),
    }


def safe_file_name(name: str) -> str:
    """A file name without directories, control and direction characters; never empty, at most 120 characters."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    cleaned = _UNSAFE_IN_A_NAME.sub("_", clean(base)).strip(" .")
    if len(cleaned) > FILE_NAME_LENGTH:
        stem, dot, ending = cleaned.rpartition(".")
        ending = dot + ending if stem and len(ending) <= 10 else ""
        cleaned = cleaned[: FILE_NAME_LENGTH - len(ending)] + ending
    return cleaned or "file"


def clean(text: str) -> str:
    """`text` without what no database stores: NUL is dropped, lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
