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


_STORED_AROUND = json.dumps(text_content("@")).split('"@"')
_CANONICAL_AROUND = _CANONICAL.encode(text_content("@")).split('"@"')


def stored_text(text: str) -> tuple[str, str]:
    """`text_content(text)` as JSON, and its `content_hash`, at a third of the cost: for a million of them.

    >>> stored_text("a")[0]
    '[{"type": "text", "text": "a"}]'
    """
    canonical = _CANONICAL.encode(text).join(_CANONICAL_AROUND)
    return json.dumps(text).join(_STORED_AROUND), hashlib.sha256(canonical.encode()).hexdigest()


def item_text(content: Sequence[Mapping[str, Any]]) -> str:
    """The text of an item's parts, one part a line; parts of other types are left out."""
    return "\n".join(str(part["text"]) for part in content if part.get("type") == "text")


def content_hash(content: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of the canonical JSON of `content`, as 64 hexadecimal digits: two items with one hash are duplicates."""
    return hashlib.sha256(_CANONICAL.encode(list(content)).encode()).hexdigest()
