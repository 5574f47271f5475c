"""People who act over the web chat's HTTP interface: a visitor who says one thing at a time, and who labels for long.

Who labels keeps a ledger of what the chat told them, which is then held against the database.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from demo.chat import Answer, Bubble, Button, Chat
from demo.sentences import is_button, read

LATE_SECONDS = 40.0
UNSAVED = ("late", "overloaded", "unexpected", "database_away")
"""Refusals after which the same tap is made again."""
SAVED_BEFORE = "already_submitted"
"""The refusal that acknowledges: the same tap was saved, and its reply lost with the connection."""
GONE = ("already_expired", "already_released", "lease_over", "stale_button")
"""Refusals that mean: this card is no longer yours, ask for the next one."""
UNDONE_BEFORE = ("stale_button", "nothing_to_undo")
"""Refusals of an undo that was saved, and its reply lost."""


@dataclass(frozen=True, slots=True)
class Said:
    """What came back: the HTTP status, the code of a refusal, the bot's bubbles as JSON, the toast."""

    status: int
    refused: str | None
    bubbles: tuple[dict[str, Any], ...]
    toast: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """Everything that the person reads, the toast last."""
        texts = (bubble["content"]["text"] for bubble in self.bubbles if bubble["content"]["kind"] != "card")
        return tuple(text for text in (*texts, self.toast) if text)

    @property
    def card(self) -> dict[str, Any]:
        """The newest bubble, which must be a card."""
        assert self.bubbles, self
        assert self.bubbles[-1]["content"]["kind"] == "card", self.sentences
        return self.bubbles[-1]

    def payloads(self) -> list[str]:
        """What the buttons of the newest bubble carry, in their order."""
        return [button["payload"] for row in self.bubbles[-1]["content"]["buttons"] for button in row]


class Visitor:
    """One person with a session, who waits for each answer. Use it as a context."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=LATE_SECONDS, trust_env=False)
        self._revision = 0
        self._unheard: list[dict[str, Any]] = []

    def __enter__(self) -> Visitor:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._client.close()

    def join(self, code: str, name: str) -> Said:
        """Redeem an invite, or try to, and agree to what is stored where that is asked."""
        said = self._said(self._client.post("/api/join", json={"code": code, "name": name}))
        for bubble in said.bubbles[-1:]:
            buttons = [button for row in bubble["content"]["buttons"] for button in row]
            agree = next((one for one in buttons if is_button("button_agree", one["text"])), None)
            return said if agree is None else self.tap(bubble["id"], agree["payload"])
        return said

    def say(self, text: str) -> Said:
        """Say something, or give a command."""
        return self._said(self._client.post("/api/text", json={"text": text}))

    def tap(self, bubble: str, payload: str) -> Said:
        """Press a button of a bubble."""
        return self._said(self._client.post("/api/tap", json={"message": bubble, "payload": payload}))

    def upload(self, name: str, content: bytes, caption: str = "") -> Said:
        """Hand in a file."""
        files = {"file": (name, content, "application/octet-stream")}
        return self._said(self._client.post("/api/upload", files=files, data={"caption": caption}))

    def hear(self, code: str, seconds: float) -> dict[str, Any]:
        """Wait for the message `code` of the catalogue among those that come by themselves; each is heard once.

        Raises:
            AssertionError: it did not come in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            for row in self._unheard:
                if read(code, row["content"]["text"]) is not None:
                    self._unheard.remove(row)
                    return row
            left = deadline - time.monotonic()
            texts = [row["content"]["text"] for row in self._unheard]
            assert left > 0, f"the message {code} did not come within {seconds} s, but {texts}"
            self._unheard += [row for row in self._news(min(left, 20.0)) if row["author"] == "bot"]

    def download(self, bubble: dict[str, Any]) -> str:
        """The attachment of a bubble."""
        response = self._client.get(bubble["content"]["attachment"]["url"])
        assert response.status_code == httpx.codes.OK, response.text
        return response.text

    def _news(self, wait: float) -> list[dict[str, Any]]:
        try:
            response = self._client.get("/api/messages", params={"after": self._revision, "wait": wait})
        except httpx.TransportError:
            time.sleep(0.2)  # the server is being restarted; the caller has a deadline
            return []
        rows: list[dict[str, Any]] = response.json()["messages"]
        self._revision = max((self._revision, *(row["revision"] for row in rows)))
        return rows

    def _said(self, response: httpx.Response) -> Said:
        body = response.json()
        if response.is_error:
            return Said(response.status_code, body["error"], (), body["message"])
        rows = list(body["messages"])
        deadline = time.monotonic() + LATE_SECONDS
        while body["late"] and not any(row["author"] == "bot" for row in rows):
            assert time.monotonic() < deadline, "a late answer never came"
            params = {"after": body["revision"], "wait": 5}
            rows += self._client.get("/api/messages", params=params).json()["messages"]
        bubbles = tuple(row for row in rows if row["author"] == "bot")
        return Said(response.status_code, body["refused"], bubbles, body["toast"] or "")


class Ledger:
    """What people were told, a line of JSON for each, on disk before they go on."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self.path = path
        self.answers = 0
        self.by_person: Counter[str] = Counter()
        """Answers that were accepted, also those taken back since."""
        self._bell = asyncio.Event()

    def write(self, what: str, person: str, item: str, label: str) -> None:
        """Note that an answer was accepted (answered) or taken back (undone)."""
        self._file.write(json.dumps([what, person, item, label]) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.answers += what == "answered"
        self.by_person[person] += what == "answered"
        self._bell.set()

    async def more(self) -> None:
        """Wait until something is noted. For the event loop of those who write."""
        self._bell.clear()
        await self._bell.wait()

    def close(self) -> None:
        """No more is written."""
        self._file.close()


def read_ledger(path: Path) -> dict[tuple[str, str], str]:
    """The label that must stand, by person and item. Read from the file alone."""
    standing: dict[tuple[str, str], str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        what, person, item, label = json.loads(line)
        if what == "answered":
            assert (person, item) not in standing, f"{person} was told twice that an answer to {item} is accepted"
            standing[person, item] = label
        else:
            del standing[person, item]
    return standing


class Labeler:
    """Answers at the pace of a person until told to stop, through every outage; some take answers back.

    Args:
        memory: text of an item to the label that this person will give.
        undo_share: share of the answers that are taken back and given anew with another label.
        turn: entered for each card, until it is known and noted what came of it.
    """

    def __init__(
        self,
        name: str,
        memory: Mapping[str, str],
        chat: Chat,
        ledger: Ledger,
        seed: int,
        undo_share: float = 0.0,
        turn: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        self.name = name
        self.chat = chat
        self._memory = dict(memory)
        self._labels = sorted(set(memory.values()))
        self._ledger = ledger
        self._random = random.Random(seed)
        self._undo_share = undo_share
        self._turn = turn
        self._standing: set[str] = set()
        self._revision = 0

    async def work(self, over: Callable[[], bool], think: tuple[float, float]) -> None:
        """Deal with cards until `over`; never leaves in the middle of a tap."""
        answer = await self.chat.say("/next", again=True)
        while not over():
            await asyncio.sleep(self._random.uniform(*think))
            bubble = answer.last()
            if bubble is None or bubble.kind != "card":
                _news, self._revision = await self.chat.news(max(self._revision, answer.revision), 1.0)
                answer = await self.chat.say("/next", again=True)
                continue
            async with self._turn():
                following = await self._answer(bubble)
            answer = following or await self.chat.say("/next", again=True)

    async def _answer(self, card: Bubble) -> Answer | None:
        """Give the answer; what was shown next, or nothing where they have to ask."""
        label = self._memory[card.item]
        button = next(one for one in card.buttons if one.text == label)
        answer = await self._press(card, button)
        if not answer.acknowledged and answer.refused != SAVED_BEFORE:
            assert answer.refused in GONE, f"{self.name} was refused: {answer.refused}"
            return None
        if answer.refused == SAVED_BEFORE and card.item in self._standing:
            return None  # an old card that came late, of an item whose answer was acknowledged by then
        self._ledger.write("answered", self.name, card.item, label)
        self._standing.add(card.item)
        if answer.acknowledged and self._random.random() < self._undo_share:
            return await self._take_back(card.item, label, answer)
        return answer if answer.acknowledged else None

    async def _take_back(self, item: str, label: str, answer: Answer) -> Answer | None:
        bubble = answer.last()
        back = None if bubble is None else bubble.named("button_undo")
        if bubble is None or back is None:  # the card was lost, or what came after it is no card
            return None
        # From here on the other label is meant, whatever becomes of the first one.
        self._memory[item] = next(one for one in self._labels if one != label)
        undone = await self._press(bubble, back)
        assert undone.acknowledged or undone.refused in UNDONE_BEFORE, f"{self.name} could not undo: {undone.refused}"
        self._ledger.write("undone", self.name, item, label)
        self._standing.discard(item)
        return undone if undone.acknowledged else None

    async def _press(self, bubble: Bubble, button: Button) -> Answer:
        """Tap until it is known what came of it."""
        while (answer := await self.chat.tap(bubble, button)).refused in UNSAVED:
            await asyncio.sleep(0.3)
        return answer
