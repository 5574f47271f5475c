"""What goes out first where a platform lets only so much through."""

from __future__ import annotations

from enum import IntEnum


class Lane(IntEnum):
    """Lanes of outgoing messages; a lower one is sent first."""

    REPLY = 0
    NEXT_ITEM = 1
    NOTICE = 2
    OFFER = 3
    REMINDER = 4
