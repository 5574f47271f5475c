"""What the people of the benchmarks answer: mostly what is true of a numbered item, so that they are worth asking.

Whoever always presses the first button is what a quality filter is for, and is served more slowly than others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from zlib import crc32

RIGHT_PERCENT = 85
_NUMBER = re.compile(r"#(\d+)")


def numbered(text: str, number: int | str) -> str:
    """The text of an item that `opinion` knows the truth about."""
    return f"{text} #{number}"


def opinion(user: int, shown: str, payloads: Sequence[str]) -> str:
    """The payload that a person taps on a card; the first one where the item has no number.

    Args:
        shown: what the card says.
        payloads: of its buttons in their order; those of the same verb as the first one are the labels.
    """
    number = _NUMBER.search(shown)
    if number is None:
        return payloads[0]
    verb = payloads[0].partition(".")[0]
    labels = [payload for payload in payloads if payload.partition(".")[0] == verb]
    wrong = crc32(f"{user} {number[1]}".encode()) % 100 >= RIGHT_PERCENT
    return labels[(crc32(number[1].encode()) + wrong) % len(labels)]
