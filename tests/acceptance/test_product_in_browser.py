"""The product as people meet it: `lightwork up`, a coordinator who posts a job, workers who answer it, in a Chromium.

With LIGHTWORK_SCREENSHOTS=1 it writes the pictures of the README, docs/images/coordinator.png and worker.png.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Locator, Page, ViewportSize, expect

from tests.acceptance.browser import DESKTOP, PHONE, chromium, new_page
from tests.processes import ROOT, end, run, start
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FILE = ROOT / "docs" / "tutorial-tweets.csv"
QUESTION = "How does the author feel about the weather?"
LABELS = ("Positive", "Negative", "Neutral", "Not weather", "Cannot tell")
TWEETS = {
    "82680423": "Positive",
    "82849685": "Negative",
    "82838269": "Positive",
    "80060015": "Positive",
    "82680424": "Neutral",
    "79189357": "Negative",
    "84051508": "Not weather",
    "81176286": "Positive",
    "79197151": "Negative",
    "83258489": "Neutral",
    "84308252": "Positive",
    "83270091": "Negative",
    "80057006": "Not weather",
    "79197928": "Positive",
    "84319703": "Negative",
    "80055712": "Positive",
    "84317772": "Neutral",
    "84318238": "Negative",
    "79194346": "Positive",
    "82850752": "Not weather",
    "82510259": "Negative",
    "81179473": "Positive",
    "84307329": "Negative",
    "80058003": "Positive",
    "84307215": "Negative",
    "81211518": "Positive",
    "82846910": "Neutral",
    "84034023": "Positive",
    "82852542": "Not weather",
    "82509691": "Positive",
}
"""What a person may say of the tweets of the tutorial."""
BROKEN = 'id,text\n1,"Sunny, at last"\n2,\n3,Rain again,and,again\n4,Fog\n'
EACH_ANSWERS = 8
ARRIVAL_MS = 30_000
TALL: ViewportSize = {"width": 800, "height": 1000}


@dataclass(frozen=True, slots=True)
class Running:
    """A `lightwork up` and the links that it printed."""

    home: Path
    owner: str
    workers: tuple[str, ...]

    def decided(self) -> int:
        """How many items are decided, as `lightwork status` says."""
        (project,) = json.loads(run(self.home, "status", "--json").stdout)["projects"]
        return int(project["states"].get("agreed", 0))

    def counted(self) -> int:
        """How many decided items the cards of workers name: a background job counts them."""
        with closing(sqlite3.connect(f"file:{self.home}/lightwork.sqlite?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT agreed_count FROM project").fetchone()[0])


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """`lightwork up` in a home of its own, ready: it has printed its links."""
    home = tmp_path / "home"
    process = start(home, "up", LIGHTWORK_WEB_PORT="0")
    printed = home / "test-up.log"

    def ready() -> bool:
        assert process.poll() is None, printed.read_text()
        return "Ctrl-C" in printed.read_text()

    try:
        eventually(ready, 90, "lightwork up")
        owner, *workers = re.findall(r"http://127\.0\.0\.1:\d+/join/\w+", printed.read_text())
        yield Running(home, owner, tuple(workers))
    finally:
        if process.poll() is None:
            end(process, seconds=20)


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """A Chromium."""
    async with chromium() as found:
        yield found


@pytest.fixture
def right() -> dict[str, str]:
    """Text to label of the tutorial's tweets."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return {row["text"]: TWEETS[row["id"]] for row in csv.DictReader(file)}


async def test_a_job_is_posted_answered_and_watched(running: Running, browser: Browser, right: dict[str, str]) -> None:
    async with new_page(browser, **DESKTOP) as owner, new_page(browser, **PHONE) as worker:
        await join(owner, running.owner, "Grace")
        await expect(bubble(owner)).to_contain_text("Your role here: owner")
        await is_told_what_is_broken(owner)
        invite = await invites(owner)
        await posts(owner, next(iter(right)))
        await answers_by_script(running.workers, right)
        counted = await asyncio.to_thread(eventually, running.counted, 60, "agreement")
        await join(worker, invite, "Ada")
        await answers_three(worker, right, counted)
        await watches(owner, running)
        await owner.set_viewport_size(TALL)
        await picture(owner, "coordinator")
        await picture(worker, "worker")


async def is_told_what_is_broken(owner: Page) -> None:
    """A file with bad rows: they are named by line before anything is posted, and the way back is open."""
    await upload(owner, "broken.csv", BROKEN)
    form = owner.locator(".bubble.form").last
    await expect(form.locator(".heading")).to_have_text("broken.csv")
    await expect(form).to_contain_text("2 bad rows will be left out:")
    await expect(form).to_contain_text("line 3: the text is empty.")
    await expect(form).to_contain_text("line 4: it has 4 columns where the header has 2.")
    await form.get_by_role("button", name="Cancel").click()
    await expect(bubble(owner)).to_have_text("Cancelled. Nothing was posted.")
    await upload(owner, "empty.csv", "")
    await expect(bubble(owner)).to_contain_text("That file is empty.")


async def posts(owner: Page, first: str) -> None:
    """The form by clicks: file, question, labels, post; then the items are open."""
    await upload(owner, FILE.name, FILE.read_text(encoding="utf-8"))
    form = owner.locator(".bubble.form").last
    await expect(form).to_contain_text("30 rows. I will show workers the column “text”.")
    await expect(form).to_contain_text("What is the question?")
    await say(owner, QUESTION)
    await expect(form).to_contain_text("Which labels may people choose?")
    await say(owner, " | ".join(LABELS))
    await expect(form).to_contain_text("Answers per item: 3 to 8")
    await form.get_by_role("button", name="Preview & price").click()
    await expect(form).to_contain_text("Ready to post?")
    await expect(owner.locator(".bubble.card .part").last).to_have_text(first)
    await form.get_by_role("button", name="Post").click()
    await expect(owner.get_by_text("I am loading 30 rows")).to_be_visible()
    await expect(bubble(owner)).to_contain_text("30 items are open for labeling.", timeout=ARRIVAL_MS)


async def invites(owner: Page) -> str:
    """A link for more workers, made in the chat."""
    await say(owner, "/invite worker 20")
    invited = bubble(owner)
    await expect(invited).to_contain_text("Invite as worker, for 20 in all")
    found = re.search(r"http\S+/join/[a-z2-7]{16}", await invited.inner_text())
    assert found is not None
    return found[0]


async def answers_three(worker: Page, right: dict[str, str], counted: int) -> None:
    """On a phone: by tap, by number key, by tap; undo takes the last one back, and the bar follows."""
    await expect(bubble(worker)).to_contain_text("Welcome to")
    await worker.get_by_role("button", name="I agree").tap()
    await expect(bubble(worker)).to_contain_text("About you")
    await worker.get_by_role("button", name="Start").tap()
    first = await shown(worker, answered=0)
    await label(worker, right[first]).tap()
    second = await shown(worker, answered=1)
    await worker.keyboard.press(str(LABELS.index(right[second]) + 1))
    third = await shown(worker, answered=2)
    await label(worker, "Cannot tell").tap()
    await shown(worker, answered=3)
    await worker.get_by_role("button", name="Undo “Cannot tell”").tap()
    assert await shown(worker, answered=2) == third
    await expect(worker.locator("#toast")).to_have_text("Taken back: please answer again")
    await label(worker, right[third]).tap()
    fourth = await shown(worker, answered=3)
    assert len({first, second, third, fourth}) == 4
    footer = re.fullmatch(r"3 of 40 today · (\d+) of 30 items done", await worker.locator(".footer").last.inner_text())
    assert footer is not None
    assert counted <= int(footer[1]) <= len(TWEETS)
    bar = worker.locator(".meta progress").last
    assert await bar.evaluate("bar => bar.value") == pytest.approx(int(footer[1]) / len(TWEETS))
    assert await worker.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def watches(owner: Page, running: Running) -> None:
    """What /status counts is what was answered: three people eight items each, the worker three, and all hold one."""
    await say(owner, "/status")
    status = bubble(owner)
    decided = running.decided()
    await expect(status).to_contain_text(f"{decided} of 30 items")
    await expect(status).to_contain_text("27 answers so far, 0.9 per item")
    picture = status.get_by_role("img")
    await expect(picture).to_have_attribute("alt", re.compile(f"{decided} of 30 items"))
    await expect(picture).to_have_js_property("naturalWidth", 1000)
    await say(owner, "/status details")
    details = bubble(owner)
    await expect(details).to_contain_text(f"{decided} of 30 items decided, {30 - decided} open")
    await expect(details).to_contain_text("27 counted and 0 surplus answers by 4 people; 0.9 per item, at most 3 of 8")
    await expect(details).to_contain_text("Leased now: 4;")
    await expect(details).to_contain_text("Queues: assignments")


async def answers_by_script(links: tuple[str, ...], right: dict[str, str]) -> None:
    """People who answer the first items by turns, through the web chat's HTTP interface."""
    async with AsyncExitStack() as stack:
        people = [await stack.enter_async_context(httpx.AsyncClient(timeout=30, trust_env=False)) for _ in links]
        cards = [await joins_by_script(person, link) for person, link in zip(people, links, strict=True)]
        for _ in range(EACH_ANSWERS):
            for number, (person, link) in enumerate(zip(people, links, strict=True)):
                buttons = {button["text"]: button for row in cards[number]["content"]["buttons"] for button in row}
                payload = buttons[right[cards[number]["content"]["parts"][0]["text"]]]["payload"]
                tap = {"message": cards[number]["id"], "payload": payload}
                cards[number] = await newest_card(person, link, "/api/tap", tap)


async def joins_by_script(person: httpx.AsyncClient, link: str) -> dict[str, Any]:
    """Join by a link, agree; returns the first card."""
    address, code = link.split("/join/")
    joined = (await person.post(f"{address}/api/join", json={"code": code, "name": "Somebody"})).raise_for_status()
    consent = joined.json()["messages"][-1]
    agree = {"message": consent["id"], "payload": consent["content"]["buttons"][0][0]["payload"]}
    (await person.post(f"{address}/api/tap", json=agree)).raise_for_status()
    return await newest_card(person, link, "/api/text", {"text": "/next"})


async def newest_card(person: httpx.AsyncClient, link: str, path: str, body: dict[str, str]) -> dict[str, Any]:
    """Post `body`; returns the card that comes of it, also where it is late."""
    address = link.split("/join/", maxsplit=1)[0]
    chat = (await person.post(address + path, json=body)).json()
    assert chat["refused"] is None
    if chat["late"]:
        query = {"after": chat["revision"], "wait": 25}
        chat = (await person.get(f"{address}/api/messages", params=query)).json()
    card: dict[str, Any] = next(row for row in reversed(chat["messages"]) if row["content"]["kind"] == "card")
    return card


async def join(page: Page, link: str, name: str) -> None:
    await page.goto(link)
    await page.get_by_label("Your name").fill(name)
    await page.get_by_role("button", name="Join").click()
    await expect(page.locator("#chat")).to_be_visible()


async def upload(page: Page, name: str, content: str) -> None:
    await page.locator("#file").set_input_files(FilePayload(name=name, mimeType="text/csv", buffer=content.encode()))
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".bubble.person").last).to_contain_text(name)


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Message").fill(text)
    await page.keyboard.press("Enter")
    await expect(page.locator(".bubble.person").last).to_contain_text(text)


def bubble(page: Page) -> Locator:
    """The newest message of the bot."""
    return page.locator(".bubble.bot").last


def label(page: Page, name: str) -> Locator:
    """The button of a label on the newest card."""
    return page.locator(".bubble.card").last.get_by_role("button", name=name)


async def shown(page: Page, answered: int) -> str:
    """The text of the newest card, as soon as it is the one after `answered` answers and can be tapped."""
    card = page.locator(".bubble.card").last
    await expect(card.locator(".footer")).to_contain_text(f"{answered} of 40 today")
    await expect(card.locator(".button").first).to_be_enabled()
    return await card.locator(".part").inner_text()


async def picture(page: Page, name: str) -> None:
    """A picture for the README, where they are wanted; taken in any case, so that it keeps working."""
    await expect(page.locator("#toast")).to_be_hidden()
    taken = await page.screenshot(animations="disabled")
    assert taken.startswith(b"\x89PNG")
    if os.environ.get("LIGHTWORK_SCREENSHOTS"):
        (ROOT / "docs" / "images" / f"{name}.png").write_bytes(taken)
