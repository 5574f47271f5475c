"""One person who labels: reads a card, remembers what they answered on the day, taps it, or skips."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from core.clock import now
from demo.chat import BUSY, Answer, Bubble, Chat
from demo.data import Memory
from demo.journal import Journal

BUSY_PAUSE_SECONDS = 0.5
DOORS = ("button_start", "button_next")
"""Buttons that ask for an item."""

Seen = Callable[[str, str, str], None]
"""Called with name, text and label after each acknowledged answer."""


class Person:
    """Acts through the chat alone; what they hold and whether there is more they know only from the bubbles."""

    def __init__(self, name: str, memory: Memory, chat: Chat, journal: Journal) -> None:
        self.name = name
        self.chat = chat
        self.card: Bubble | None = None
        """The item in hand."""
        self.left = False
        """They have nothing more to say and have paused."""
        self.answers = 0
        self.skips = 0
        self.refusals = 0
        self._memory = memory
        self._unseen = set(memory)
        self._journal = journal
        self._door: Bubble | None = None
        """What can be tapped for another one."""
        self._messages: dict[str, Bubble] = {}
        """All messages as they look now, in the order in which they came."""
        self._dealt_with: set[Bubble] = set()
        """Messages, as they looked, whose buttons have done what they can do."""
        self._revision = 0
        """Until here messages were looked at in the chat, and not only as answers to what was done."""
        self._answered = 0
        """Of the newest answer."""

    @property
    def unseen(self) -> int:
        """How many of the tweets that they remember have not been before them yet."""
        return len(self._unseen)

    async def join(self, code: str) -> None:
        """Come in by an invite."""
        self._look(await self.chat.join(code, self.name))

    async def sit(self, cards: int, seen: Seen) -> bool:
        """Deal with up to `cards` cards; false where there is nothing left for them right now, or where they left."""
        if self.card is None:
            await self._open()
        for _ in range(cards):
            if self.card is None:
                return False
            await self._deal(self.card, seen)
        if not self._unseen:
            await self._leave()
        return not self.left

    async def wait(self, seconds: float) -> None:
        """Sit before the chat until a message comes, or for so long."""
        if self._answered > self._revision:
            await self._hear(0.0)  # what came by itself beside the answers
            if self._revision > self._answered:
                return
        await self._hear(seconds)

    async def _hear(self, seconds: float) -> None:
        bubbles, self._revision = await self.chat.news(self._revision, seconds)
        self._take(bubbles)

    async def _open(self) -> None:
        """Press Start or Next item; where there is no such button, ask for the next item in words."""
        button = None if self._door is None else self._door.named(*DOORS)
        if self._door is not None and button is not None:
            answer = await self.chat.tap(self._door, button)
            if answer.acknowledged:
                self._look(answer)
                return
            self._dealt_with.add(self._door)
        await self._ask()

    async def _ask(self) -> None:
        self._look(await self.chat.say("/next", again=True))

    async def _deal(self, card: Bubble, seen: Seen) -> None:
        label = self._memory.get(card.item)
        button = None if label is None else card.answering(label)
        skip = card.named("button_hard")  # a skip whose reason is on the card itself: one tap
        if button is None and skip is None:
            await self._ask()
            return
        answer = await self.chat.tap(card, button or skip or card.buttons[0])
        if not answer.acknowledged:
            await self._puzzled(card, answer)
            return
        self._dealt_with.add(card)
        self._unseen.discard(card.item)
        self._look(answer)
        if button is None or label is None:
            self.skips += 1
            return
        self.answers += 1
        self._journal.write(self.name, card.item, label, now())
        seen(self.name, card.item, label)

    async def _puzzled(self, card: Bubble, answer: Answer) -> None:
        """A tap was refused: the item is not theirs any more, or was answered before the connection broke."""
        self.refusals += 1
        if answer.refused in BUSY:
            await asyncio.sleep(BUSY_PAUSE_SECONDS)
        else:
            self._dealt_with.add(card)
        await self._ask()

    async def _leave(self) -> None:
        answer = await self.chat.say("/pause", again=True)
        if answer.acknowledged:
            self.left, self.card = True, None

    def _look(self, answer: Answer) -> None:
        self._answered = max(self._answered, answer.revision)
        self._take(answer.bubbles)

    def _take(self, bubbles: Iterable[Bubble]) -> None:
        """See what there is to do now: it is in the messages as they look, whichever of them came last.

        A busy bot answers late, and offers come in between, so that the newest message may be about anything.
        """
        self._messages.update((bubble.id, bubble) for bubble in bubbles if bubble.author == "bot")
        now = [bubble for bubble in self._messages.values() if bubble not in self._dealt_with]
        self.card = next((bubble for bubble in reversed(now) if bubble.kind == "card"), None)
        self._door = next((bubble for bubble in reversed(now) if bubble.named(*DOORS)), None)
