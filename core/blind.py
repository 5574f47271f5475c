"""Which items no model has a say in: fixed by the text for ever, and as good as drawn at random.

One number between 0 and 1 follows from each text. The holdout is made of the lowest, and the blind items are the lowest
of all: while their share is at most that of the holdout, no model ever trains on one, and what people say about them is
an honest measure. Nothing is stored; whoever asks works it out.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from core.labels import item_text
from core.learning import LearningSettings

SALT = b"lightwork-holdout-1"
"""Never changes: another salt would put items that models have trained on into the holdout."""
HOLDOUT_SHARE = 0.2
"""Share of the texts that no model of a project ever trains on."""
_NOT_WORDS = re.compile(r"(https?://\S+|www\.\S+|\{link\}|@\w+|\brt\b|[^\w])+", re.IGNORECASE)


def lot(text: str, content_hash: str) -> float:
    """The number of a text, from 0 to 1, whatever else is uploaded.

    Upper and lower case, punctuation, addresses and names of people do not count, so that a text and its copies
    (a repost, a shortened link) have the same. A text with nothing else in it goes by its content hash.

    >>> lot("Rain again!", "") == lot("RT @ada: rain again https://x.example/1", "")
    True
    """
    essence = _NOT_WORDS.sub(" ", text.lower()).strip() or content_hash
    digest = hashlib.sha256(SALT + essence.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def is_blind(text: str, content_hash: str, share: float) -> bool:
    """Whether people label a text without any influence of a model: no hint, no prior, no place by its doubt.

    Args:
        share: of all items, `blind_share` of `core.learning.LearningSettings`.
    """
    return lot(text, content_hash) < share


def is_held_out(text: str, content_hash: str) -> bool:
    """Whether no model of the project ever trains on a text."""
    return lot(text, content_hash) < HOLDOUT_SHARE


def is_apart(text: str, content_hash: str, blind_share: float) -> bool:
    """Whether an item measures models, on the holdout or blind: none labels it by itself, or helps with its label."""
    return is_blind(text, content_hash, max(blind_share, HOLDOUT_SHARE))


def is_audited(item: str, version: str, share: float) -> bool:
    """Whether people label an item although a model may label it by itself, to see how often that one is wrong.

    As good as drawn at random for each model, and the same at every look.

    Args:
        item, version: public ids of the item and of the model version. share: of all items.
    """
    return int.from_bytes(hashlib.sha256(f"{version}:{item}".encode()).digest()[:8], "big") / 2**64 < share


def is_left_to_people(row: Any, settings: LearningSettings) -> bool:
    """Whether a model has no say in an item that it could speak on: it measures models, or audits what this one labels.

    Args:
        row: content, content_hash and public_id of the item, and `version`, the public id of the model version.
    """
    if is_apart(item_text(row.content), row.content_hash, settings.blind_share):
        return True
    return settings.accept and is_audited(row.public_id, row.version, settings.accept_audit)
