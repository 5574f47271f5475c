"""How often the Bot API takes messages, and what its refusals say about that.

"avoid sending more than one message per second [in one chat]. We may allow short bursts that go over this limit";
"bots are not able to send more than 20 messages per minute [to one group]"; "the API will not allow more than 30
messages per second or so" (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this). Edits
share these rates (tdlib/td#3034), answers to taps have none (tdlib/telegram-bot-api#648). The overall rate and its
burst stay below 30, so that calls that were held up on the way and arrive together do not reach it.
"""

from __future__ import annotations

import asyncio

from bot.surface import Limiter, Rate
from core.lanes import Lane

ALL = Rate("all", per_second=22.0, burst=3.0, shared=True)
PRIVATE_PER_SECOND, PRIVATE_BURST = 1.0, 2.0
GROUP_PER_SECOND = 20 / 60


class Gate:
    """The way out to the chats of one token."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._flooded: tuple[str, float] = ("", 0.0)

    async def admit(self, address: str, lane: Lane) -> None:
        """Wait for the turn of one message to a chat."""
        await self._limiter.admit((chat_rate(address), ALL), lane)

    async def close(self, address: str, seconds: float) -> None:
        """A message to this chat was refused for so long.

        Telegram does not say whether it meant the chat or all: when a second chat is refused meanwhile, it was all.
        """
        chat, until = self._flooded
        now = asyncio.get_running_loop().time()
        await self._limiter.close(chat_rate(address), seconds)
        if chat != address and until > now:
            await self._limiter.close(ALL, seconds)
        self._flooded = (address, now + seconds)


def chat_rate(address: str) -> Rate:
    """The rate of one chat; ids of groups are negative."""
    if address.startswith("-"):
        return Rate(f"chat:{address}", GROUP_PER_SECOND)
    return Rate(f"chat:{address}", PRIVATE_PER_SECOND, PRIVATE_BURST)
