"""Lightwork as `benchmarks.peers` measures it: `lightwork up`, answered over the web chat's own HTTP interface."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp

from benchmarks.peer_servers import (
    LABELS,
    LOAD_SECONDS,
    QUESTION,
    START_SECONDS,
    TEXT,
    Failed,
    Json,
    Server,
    Session,
    Stored,
    stored_in,
)

LATE_SECONDS = 5.0
"""How long an answer waits for the next card."""


class Lightwork(Server):
    """`lightwork up` with its defaults, all of its processes.

    The peers have no model that learns beside the work. Neither has this job: it is posted with training switched off.
    """

    async def start(self, outside: aiohttp.ClientSession, items: int, people: int) -> None:
        """The owner posts a file in the web chat; every item wants one answer."""
        unset = dict.fromkeys(("DATABASE_URL", "REDIS_URL", "TELEGRAM_BOT_TOKEN", "SLACK_BOT_TOKEN"), "")
        settings = {"LIGHTWORK_HOME": str(self.home / "lightwork"), "LIGHTWORK_WEB_PORT": str(self.port), **unset}
        (self.home / "lightwork").mkdir()
        path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        self.run((sys.executable, "-m", "core.cli", "up"), {**settings, "PYTHONPATH": path})
        await self.up(outside, "/healthz")
        owner = WebPerson(self.url)
        await owner.join(await self._owner_code(), "Owner")
        await owner.upload(
            "items.csv",
            csv_of(items),
            f"/post {QUESTION} | {' | '.join(LABELS)} | overlap=1-1 | retrain=off | cron=off",
        )
        await owner.wait_for("items are open")
        link = await owner.say(f"/invite worker {people}")
        self._code = link.split("/join/", 1)[1][:16]
        await owner.close()

    async def join(self, number: int) -> Session:
        """By the invite link, to the first card."""
        person = WebPerson(self.url, number)
        await person.join(self._code, f"Person {number}")
        await person.first_card()
        return person

    def stored(self) -> Stored:
        """Annotations, and the items that have one."""
        return stored_in(
            self.home / "lightwork" / "lightwork.sqlite",
            "SELECT count(*) FROM annotation",
            "SELECT count(DISTINCT item_id) FROM annotation",
        )

    async def _owner_code(self) -> str:
        end = time.monotonic() + START_SECONDS
        while "/join/" not in (said := self.said()):
            if time.monotonic() > end:
                raise SystemExit("lightwork up printed no link: " + said[-2000:])
            await asyncio.sleep(0.1)
        return said.split("/join/", 1)[1][:16]


class WebPerson:
    """The web chat as docs/web-chat.md describes it."""

    def __init__(self, url: str, number: int = 0) -> None:
        self._dice = random.Random(number)
        self._client = aiohttp.ClientSession(
            base_url=url, cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=aiohttp.ClientTimeout(60)
        )
        self._messages: dict[str, Json] = {}
        self._revision = 0
        self._card: Json = None

    async def join(self, code: str, name: str) -> None:
        """Redeem an invite."""
        await self._told("/api/join", {"code": code, "name": name}, follow=False)

    async def say(self, text: str) -> str:
        """Say something; returns what the bot replied."""
        said = await self._told("/api/text", {"text": text})
        return "\n".join(json.dumps(one["content"]) for one in said if one["author"] == "bot")

    async def upload(self, name: str, content: bytes, caption: str) -> None:
        """Share a file."""
        form = aiohttp.FormData({"caption": caption})
        form.add_field("file", content, filename=name, content_type="text/csv")
        async with self._client.post(f"/api/upload?after={self._revision}", data=form) as response:
            said = await response.json()
            if response.status >= 400 or said["refused"]:
                raise SystemExit(f"Lightwork refused the file: {said}")
        self._note(said)

    async def wait_for(self, text: str) -> None:
        """Until the bot has said so."""
        await self._until(lambda: any(text in one["content"]["text"] for one in self._messages.values()) or None)

    async def first_card(self) -> None:
        """Press on through consent and guidelines to the first item."""
        while self._card is None:
            form = await self._until(
                lambda: self._card or next((one for one in self._messages.values() if one["content"]["buttons"]), None)
            )
            if self._card is None:
                del self._messages[form["id"]]
                await self._press(form, form["content"]["buttons"][0][0])

    async def answer(self) -> None:
        """One tap, whose answer brings the next card."""
        card, self._card = self._card, None
        if card is None:
            await self.say("/next")
            raise Failed("no card was shown")
        labels = [button for row in card["content"]["buttons"] for button in row][: len(LABELS)]
        await self._press(card, self._dice.choice(labels))
        if self._card is None:  # a late reply follows as a message
            await self._until(lambda: self._card, LATE_SECONDS)

    async def close(self) -> None:
        """Leave."""
        await self._client.close()

    async def _until(self, found: Callable[[], Json], seconds: float = LOAD_SECONDS) -> Json:
        """What is looked for among the messages, as soon as it is there. Raises `Failed` where it does not come."""
        end = time.monotonic() + seconds
        while (it := found()) is None:
            if (left := end - time.monotonic()) <= 0:
                texts = [one["content"]["text"] for one in self._messages.values()]
                raise Failed("Lightwork fell silent after: " + " / ".join(texts)[-1000:])
            await self._news(min(left, LATE_SECONDS))
        return it

    async def _press(self, message: Json, button: Json) -> None:
        await self._told("/api/tap", {"message": message["id"], "payload": button["payload"]})

    async def _news(self, seconds: float) -> None:
        query = {"after": str(self._revision), "wait": f"{seconds:.3f}"}
        async with self._client.get("/api/messages", params=query) as response:
            self._note(await response.json())

    async def _told(self, path: str, body: Json, follow: bool = True) -> list[Json]:
        body = {**body, "after": self._revision} if follow else body
        async with self._client.post(path, json=body) as response:
            said = await response.json()
            if response.status >= 400:
                raise Failed(f"{response.status} {said}")
        self._note(said)
        messages: list[Json] = said["messages"]
        return messages

    def _note(self, said: Json) -> None:
        for message in said["messages"]:
            self._messages[message["id"]] = message
            self._revision = max(self._revision, message["revision"])
            if message["content"]["kind"] == "card" and message["content"]["buttons"]:
                self._card = message
        while len(self._messages) > 50:
            del self._messages[next(iter(self._messages))]


def csv_of(items: int) -> bytes:
    """A file with a column of texts."""
    return ("text\n" + "".join(f'"{TEXT.format(number)}"\n' for number in range(items))).encode()
