"""Many people at once, who take turns at their chats."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from demo.chat import Chats
from demo.data import Memory
from demo.journal import Journal
from demo.person import Person

JOINING = 4
SHORTEST, LONGEST = 3, 40
"""Cards that a person deals with before somebody else takes the seat."""
VISITS = 16
"""In about so many sittings a person gets through what they remember: the active ones sit longer."""
FIRST_REST_SECONDS = 2.0
LAST_REST_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Moment:
    """An answer that was just given."""

    person: str
    text: str
    label: str


class Crowd:
    """People who take turns: `join` once, then `work` until `stop` is called; `work` again when there is more.

    Args:
        people: name to what that person answered, by text; the name is the one they join with.
        journal: where each acknowledged answer is written.
        chats: opens the chat of one more person.
        seats: how many people deal with cards at the same moment.
        seed: decides who comes first.
    """

    def __init__(
        self,
        people: Mapping[str, Memory],
        journal: Journal,
        chats: Chats,
        *,
        seats: int,
        seed: int = 0,
    ) -> None:
        self.people = [Person(name, memory, chats(), journal) for name, memory in people.items()]
        random.Random(seed).shuffle(self.people)
        self.recent: deque[Moment] = deque(maxlen=5)
        self._seats = asyncio.Semaphore(seats)
        self._over = asyncio.Event()
        self._last_card = time.monotonic()
        self._in_vain: dict[str, float] = {}

    @property
    def answers(self) -> int:
        """Acknowledged answers of all people so far."""
        return sum(person.answers for person in self.people)

    @property
    def skips(self) -> int:
        """Acknowledged skips of all people so far."""
        return sum(person.skips for person in self.people)

    @property
    def retries(self) -> int:
        """How often the server was away when somebody said something."""
        return sum(person.chat.retries for person in self.people)

    @property
    def cards_in_hand(self) -> int:
        """How many people have an item before them."""
        return sum(person.card is not None for person in self.people)

    def in_vain_since(self, moment: float) -> bool:
        """Whether everybody who is here has looked for an item in vain after `moment` and after the last card.

        Args:
            moment: of the monotonic clock, in seconds.
        """
        since = max(moment, self._last_card)
        looked = (self._in_vain.get(person.name, 0.0) > since for person in self.people if not person.left)
        return not self.cards_in_hand and all(looked)

    async def join(self, code: str) -> None:
        """All come in by one invite, given as a code or as a link, each with a session of their own."""
        door = asyncio.Semaphore(JOINING)

        async def enter(person: Person) -> None:
            async with door:
                await person.join(code)

        async with asyncio.TaskGroup() as group:
            for person in self.people:
                group.create_task(enter(person))

    async def work(self) -> None:
        """Answer, skip and wait for more until `stop` is called.

        Raises:
            ExceptionGroup: of `DemoError`, the server stayed away for longer than people have patience.
        """
        self._over.clear()
        self._last_card = time.monotonic()
        async with asyncio.TaskGroup() as group:
            present = [group.create_task(self._attend(person)) for person in self.people if not person.left]
            await self._over.wait()
            for one in present:
                one.cancel()

    def stop(self) -> None:
        """Let `work` return: all get up from where they are."""
        self._over.set()

    async def _attend(self, person: Person) -> None:
        rest = FIRST_REST_SECONDS
        # Looked at as well: an HTTP client that times out in the moment of a cancellation may swallow it.
        while not (person.left or self._over.is_set()):
            cards = min(LONGEST, max(SHORTEST, person.unseen // VISITS))
            before = person.answers + person.skips
            async with self._seats:  # first come, first served, so everybody gets their turn
                more = await person.sit(cards, self._saw)
            if person.answers + person.skips > before:
                self._last_card, rest = time.monotonic(), FIRST_REST_SECONDS
            else:
                self._in_vain[person.name] = time.monotonic()
            if not more and not person.left:
                await person.wait(rest)
                rest = min(rest * 2, LAST_REST_SECONDS)

    def _saw(self, person: str, text: str, label: str) -> None:
        self.recent.append(Moment(person, text, label))
