"""Lightwork as `benchmarks.peers` measures it: `lightwork up`, answered over the web chat's own HTTP interface."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp

from benchmarks.peer_people import REQUEST_SECONDS, Failed, Json, Person, Session
from benchmarks.peer_servers import LABELS, LOAD_SECONDS, QUESTION, START_SECONDS, TEXT, Server
from demo.processes import LINK

LATE_SECONDS = 5.0
"""How long an answer waits for the next card."""


class Lightwork(Server):
    """`lightwork up` with its defaults, all of its processes.

    The peers have no model that learns beside the work. Neither has this job: it is posted with training switched off.
    """

    database = "lightwork/lightwork.sqlite"
    counts = "SELECT count(*) FROM annotation", "SELECT count(DISTINCT item_id) FROM annotation"

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
        told = await owner.say(f"/invite worker {people}")
        if (link := LINK.search(told)) is None:
            raise SystemExit(f"Lightwork gave no link to join by: {told}")
        self._code = link[2]
        await owner.close()

    async def join(self, number: int) -> Session:
        """By the invite link, to the first card."""
        person = WebPerson(self.url, number)
        await person.join(self._code, f"Person {number}")
        await person.first_card()
        return person

    async def _owner_code(self) -> str:
        async def link() -> re.Match[str] | None:
            return LINK.search(self.said())

        return (await self.until(link, START_SECONDS, "lightwork up printed no link"))[2]


class WebPerson(Person):
    """The web chat as docs/web-chat.md describes it."""

    def __init__(self, url: str, number: int = 0) -> None:
        jar, timeout = aiohttp.CookieJar(unsafe=True), aiohttp.ClientTimeout(REQUEST_SECONDS)
        super().__init__(aiohttp.ClientSession(base_url=url, cookie_jar=jar, timeout=timeout), number)
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
        said = await self.ask("POST", f"/api/upload?after={self._revision}", form=form)
        if said["refused"]:
            raise Failed(f"Lightwork refused the file: {said}")
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
        await self._press(card, self.choice(labels))
        if self._card is None:  # a late reply follows as a message
            await self._until(lambda: self._card, LATE_SECONDS)

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
        self._note(await self.ask("GET", f"/api/messages?after={self._revision}&wait={seconds:.3f}"))

    async def _told(self, path: str, body: Json, follow: bool = True) -> list[Json]:
        body = {**body, "after": self._revision} if follow else body
        said = await self.ask("POST", path, body)
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
