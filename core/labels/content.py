"""The one seam through which the content of an item is written and read: cards, trainer and exports all come here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def text_content(text: str) -> list[dict[str, Any]]:
    """The typed parts of an item that is one text."""
    return [{"type": "text", "text": text}]


def item_text(content: Sequence[Mapping[str, Any]]) -> str:
    """The text of an item's parts, one part a line; parts of other types are left out."""
    return "\n".join(str(part["text"]) for part in content if part.get("type") == "text")


def content_hash(content: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of the canonical JSON of `content`, as 64 hexadecimal digits: two items with one hash are duplicates."""
    return hashlib.sha256(_CANONICAL.encode(list(content)).encode()).hexdigest()
