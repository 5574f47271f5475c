"""The page in a real Chromium: join, answer, undo, upload, a phone, hostile texts, a server that restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser, FilePayload, Locator, Page, expect

from bot.surface import Attachment, Command, Message, Outcome, Said, Send, Tapped
from bot.surfaces.web import WebSurface
from core.errors import LightworkError
from tests.acceptance.browser import DESKTOP, PHONE, chromium, new_page
from tests.fakes.crowd import ITEMS, LABELS, LittleCrowd
from tests.fakes.mailbox import MemoryMailbox

# One Chromium for all of them: a start costs more than most of these tests.
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

EVIL = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def sentence(error: LightworkError, _locale: str) -> str:
    return f"Sorry: {error.code}."


class Site:
    """A web surface that can be stopped and started again at the same port."""

    def __init__(self) -> None:
        self.mailbox = MemoryMailbox()
        self.crowd = LittleCrowd()
        self.port = 0
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.surface = WebSurface(self.mailbox, sentence, signing_key="k" * 64, port=self.port, max_upload_bytes=50_000)
        self._running = asyncio.create_task(self.surface.run(self.crowd))
        self.port = await self.surface.listening()

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
            self._running = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def join(self, page: Page, name: str = "Ada") -> None:
        await page.goto(f"{self.url}/join/abcdefghijklmnop")
        await page.get_by_label("Your name").fill(name)
        await page.get_by_role("button", name="Join").click()
        await expect(card(page)).to_be_visible()


@pytest_asyncio.fixture(loop_scope="module")
async def site() -> AsyncIterator[Site]:
    """A running site."""
    made = Site()
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A Chromium; each test opens a context of its own in it."""
    async with chromium() as found:
        yield found


def card(page: Page) -> Locator:
    """The newest card."""
    return page.locator(".bubble.card").last


async def shows(page: Page, item: str) -> None:
    """Wait until the newest card asks about `item` and can be answered."""
    newest = card(page)
    await expect(newest.locator(".part")).to_have_text(item)
    await expect(newest.locator(".button").first).to_be_enabled()


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Message").fill(text)
    await page.keyboard.press("Enter")
    await expect(page.locator(".bubble.person").last).to_contain_text(text)


async def test_join_answer_by_click_and_by_key_and_undo(site: Site, browser: Browser) -> None:
    async with new_page(browser, **DESKTOP) as page:
        await site.join(page)
        assert page.url == f"{site.url}/"
        await expect(page.locator(".bubble").first).to_contain_text("Welcome, Ada!")
        await shows(page, ITEMS[0])
        await page.get_by_role("button", name="Positive").click()
        await shows(page, ITEMS[1])
        await page.keyboard.press("2")
        await shows(page, ITEMS[2])
        await page.keyboard.press("4")
        await shows(page, ITEMS[3])
        assert site.crowd.answers == [(0, LABELS[0]), (1, LABELS[1]), (2, LABELS[3])]
        await expect(page.locator(".footer").last).to_have_text("3 answered · 5 in this job")
        assert await page.locator(".meta progress").last.evaluate("bar => bar.value") == pytest.approx(0.6)
        await page.keyboard.press("u")
        await shows(page, ITEMS[2])
        await expect(page.locator("#toast")).to_have_text("Taken back.")
        await page.keyboard.press("s")
        await shows(page, ITEMS[3])
        assert site.crowd.answers == [(0, LABELS[0]), (1, LABELS[1])]
        await expect(page.locator(".bubble.card")).to_have_count(1)


async def test_keys_in_the_composer_are_text(site: Site, browser: Browser) -> None:
    async with new_page(browser) as page:
        await site.join(page)
        await shows(page, ITEMS[0])
        await page.get_by_label("Message").press_sequentially("1 su")
        await page.keyboard.press("Enter")
        await expect(page.locator(".bubble").last).to_contain_text("You said: 1 su")
        assert site.crowd.answers == []
        assert isinstance(site.crowd.events[-1], Said)


async def test_a_double_click_answers_once(site: Site, browser: Browser) -> None:
    async with new_page(browser) as page:
        await site.join(page)
        await shows(page, ITEMS[0])
        await page.get_by_role("button", name="Neutral").dblclick()
        await shows(page, ITEMS[1])
        assert [event.payload for event in site.crowd.events if isinstance(event, Tapped)] == ["answer.0.2"]


async def test_a_refused_invite_says_why_and_a_stranger_is_asked_for_one(site: Site, browser: Browser) -> None:
    async with new_page(browser) as page:
        await page.goto(site.url)
        await expect(page.get_by_role("heading", name="Open your invite link")).to_be_visible()
        await page.get_by_label("Invite link or code").fill(f"{site.url}/join/badbadbadbadbadb")
        await page.get_by_label("Your name").fill("Eve")
        await page.get_by_role("button", name="Join").click()
        await expect(page.get_by_role("alert")).to_have_text("This invite is used up. Ask for a new one.")
        await expect(page.locator("#chat")).to_be_hidden()


async def test_a_file_goes_up_with_its_caption_and_comes_down(site: Site, browser: Browser, tmp_path: Path) -> None:
    labels = tmp_path / "stored"
    labels.write_bytes(b"id,label\n1,Positive\n")
    site.crowd.attachment = Attachment("labels.csv", "text/csv", str(labels))
    async with new_page(browser) as page:
        await site.join(page)
        file = FilePayload(name="tweets.csv", mimeType="text/csv", buffer=b"text\nhello\n")
        await page.locator("#file").set_input_files(file)
        await expect(page.locator("#pending-name")).to_have_text("tweets.csv")
        await page.get_by_label("Message").fill("/post What is it about?")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator(".bubble.form .heading")).to_have_text("Post this job?")
        assert site.crowd.uploads == [("tweets.csv", b"text\nhello\n", "/post What is it about?")]
        await expect(page.locator("#pending")).to_be_hidden()
        large = FilePayload(name="large.csv", mimeType="text/csv", buffer=b"x" * 60_000)
        await page.locator("#file").set_input_files(large)
        await expect(page.locator("#toast")).to_contain_text("too large")
        await say(page, "/export")
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="labels.csv").click()
        download = await downloading.value
        assert download.suggested_filename == "labels.csv"
        assert (await download.path()).read_bytes() == labels.read_bytes()


async def test_a_picture_is_shown_in_its_bubble(site: Site, browser: Browser, tmp_path: Path) -> None:
    drawn = tmp_path / "drawn"
    Image.new("RGB", (1000, 600), "#2da44e").save(drawn, "PNG")
    site.crowd.attachment = Attachment("status.png", "image/png", str(drawn), "62% decided")
    async with new_page(browser, **PHONE) as page:
        await site.join(page)
        await say(page, "/export")
        picture = page.get_by_role("img", name="62% decided")
        await expect(picture).to_have_js_property("naturalWidth", 1000)
        await expect(picture).to_be_in_viewport(ratio=0.9)
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_a_dropped_file_waits_in_the_composer(site: Site, browser: Browser) -> None:
    drop = """() => {
        const carried = new DataTransfer();
        carried.items.add(new File(["text\\nhi\\n"], "dropped.csv", { type: "text/csv" }));
        for (const name of ["dragenter", "dragover", "drop"]) {
            window.dispatchEvent(new DragEvent(name, { dataTransfer: carried, bubbles: true, cancelable: true }));
        }
    }"""
    async with new_page(browser) as page:
        await site.join(page)
        await page.evaluate(drop)
        await expect(page.locator("#pending-name")).to_have_text("dropped.csv")
        await page.get_by_role("button", name="Remove the file").click()
        await expect(page.locator("#pending")).to_be_hidden()


async def test_on_a_phone_nothing_scrolls_sideways(site: Site, browser: Browser) -> None:
    site.crowd.items = ("x" * 500 + "\n" + "word " * 300, *ITEMS)
    async with new_page(browser, **PHONE) as page:
        await site.join(page, "A person with a name that is rather too long for a small screen")
        await page.get_by_role("button", name="Commands").tap()
        await page.get_by_role("menuitem", name="/stats").tap()
        await expect(page.get_by_label("Message")).to_have_value("/stats ")
        await page.get_by_role("button", name="Send").tap()
        await expect(page.locator(".bubble").last).to_contain_text("Answered so far: 0.")
        await say(page, "https://example.org/" + "a" * 300)
        await page.locator(".bubble.card .button").first.tap()
        await shows(page, ITEMS[0])
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert await page.evaluate("document.getElementById('scroll').scrollWidth <= window.innerWidth")
        heights = await page.locator(".bubble.card .button").evaluate_all("all => all.map(b => b.offsetHeight)")
        assert min(heights) >= 44


async def test_hostile_texts_are_inert(site: Site, browser: Browser) -> None:
    site.crowd.items = (EVIL, *ITEMS[1:])
    async with new_page(browser) as page:
        await site.join(page, EVIL[:70])
        await expect(page.locator(".part")).to_have_text(EVIL)
        await say(page, EVIL)
        await expect(page.locator(".bubble").last).to_contain_text(f"You said: {EVIL}")
        assert await page.evaluate("window.hacked") is None
        assert await page.locator("#log img, #log script").count() == 0


async def test_messages_arrive_by_themselves_and_survive_a_restart(site: Site, browser: Browser) -> None:
    async with new_page(browser) as page:
        await site.join(page)
        me = site.crowd.events[-1].person.external_id
        await site.surface.send(me, Message(text="There is more work."))
        await expect(page.locator(".bubble").last).to_have_text("There is more work.")
        await site.stop()
        await expect(page.get_by_text("Connection lost, retrying")).to_be_visible()
        await page.get_by_label("Message").fill("are you there?")
        await page.keyboard.press("Enter")
        await expect(page.locator("#toast")).to_contain_text("cannot be reached")
        await expect(page.get_by_label("Message")).to_have_value("are you there?")
        await site.start()
        await expect(page.locator("#connection")).to_be_hidden(timeout=15_000)
        await site.surface.send(me, Message(text="Back again."))
        await expect(page.locator(".bubble").last).to_have_text("Back again.", timeout=20_000)
        await page.reload()
        await expect(page.locator(".bubble").last).to_have_text("Back again.")


async def test_a_reader_who_scrolled_up_stays_there(site: Site, browser: Browser) -> None:
    async with new_page(browser) as page:
        await site.join(page)
        me = site.crowd.events[-1].person.external_id
        for number in range(30):
            await site.surface.send(me, Message(text=f"Line {number}"))
        await expect(page.get_by_text("Line 29")).to_be_in_viewport()
        await page.locator("#scroll").evaluate("area => area.scrollTo(0, 0)")
        await page.wait_for_function("document.getElementById('scroll').scrollTop === 0")
        await site.surface.send(me, Message(text="The newest"))
        await page.get_by_role("button", name="New messages").click()
        await expect(page.get_by_text("The newest")).to_be_in_viewport()


async def test_an_empty_chat_offers_a_beginning(site: Site, browser: Browser) -> None:
    async def silent_start(event: object) -> Outcome:
        return Outcome((Send(site.crowd.card()),)) if isinstance(event, Command) and event.name == "next" else Outcome()

    surface = WebSurface(MemoryMailbox(), sentence, signing_key="k" * 64, port=0)
    running = asyncio.create_task(surface.run(silent_start))
    try:
        async with new_page(browser) as page:
            await page.goto(f"http://127.0.0.1:{await surface.listening()}/join/abcdefghijklmnop")
            await page.get_by_label("Your name").fill("Ada")
            await page.keyboard.press("Enter")
            await page.get_by_role("button", name="Get my first item").click()
            await shows(page, ITEMS[0])
            await expect(page.locator("#empty")).to_be_hidden()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
