"""The Slack surface against somebody else's Slack: command, card, tap, replaced card, modal, files both ways."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.surface import (
    Ask,
    Attachment,
    Command,
    Edit,
    Filled,
    Message,
    MessageRef,
    Outcome,
    Person,
    Send,
    Tapped,
    Toast,
    Uploaded,
)
from bot.surfaces.hooks import HookServer
from bot.surfaces.slack import Installation, SlackSurface
from bot.surfaces.slack_http import PATH
from bot.surfaces.slack_words import Words
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.slack_blocks import texts
from tests.fakes.surfaces import card, running
from tests.integration.slack.rig import ANN, APP_TOKEN, BOT_TOKEN, COMMANDS, SIGNING_SECRET, sentence
from tests.integration.slack.test_modals import FORM, INSTEAD
from tests.referees import LOCAL_SLACK, place_of

PROGRAM = place_of(LOCAL_SLACK)
TEAM, BOT = "T0LIGHT", "U0BOT"

pytestmark = pytest.mark.skipif(
    not PROGRAM.is_file(), reason=f"the referee {LOCAL_SLACK.name} is not here: `make referees` fetches it"
)


class Slack:
    """The server, and what its people do there."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session
        self.direct = ""

    async def ask(self, path: str) -> dict[str, Any]:
        """What its control says."""
        async with self._session.get(f"{self.url}/_control/{path}") as answer:
            return dict(await answer.json())

    async def does(self, what: str, **given: Any) -> None:
        """A person does something."""
        async with self._session.post(f"{self.url}/_control/{what}", json=given) as answer:
            assert answer.status == 200, await answer.text()

    async def uploads(self, name: str, content: bytes, text: str) -> None:
        """A person shares a file with the app."""
        form = aiohttp.FormData({"channel": self.direct, "user": ANN, "text": text})
        form.add_field("file", content, filename=name)
        async with self._session.post(f"{self.url}/_control/upload", data=form) as answer:
            assert answer.status == 200, await answer.text()

    async def submits(self, values: dict[str, dict[str, Any]]) -> None:
        """A person sends the open modal off, as the page of this server does it."""
        async with self._session.ws_connect(f"{self.url}/ui") as page:
            await page.send_str(json.dumps({"t": "view_submit", "user": ANN, "values": values}))

    async def seen(self) -> list[dict[str, Any]]:
        """What the app has said in the direct messages."""
        found = (await self.ask(f"messages/{self.direct}"))["messages"]
        return [message for message in found if message["user"] == BOT]

    async def until(self, ready: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """The messages of the app, once they are so."""
        async with asyncio.timeout(10):
            while not ready(found := await self.seen()):
                await asyncio.sleep(0.05)
        return found


@asynccontextmanager
async def referee(directory: Path, request_url: str = "") -> AsyncIterator[Slack]:
    """The server at work; it calls `request_url`, or waits for a socket."""
    app = {"botUserId": BOT, "botToken": BOT_TOKEN, "appToken": APP_TOKEN, "signingSecret": SIGNING_SECRET}
    config = {
        "workspace": {"name": "Light", "domain": "light", "teamId": TEAM},
        "app": app | ({"mode": "events", "requestUrl": request_url} if request_url else {"mode": "socket"}),
        "users": [{"id": ANN, "name": "ann", "real_name": "Ann Anderson"}],
        "channels": [{"id": "C0GENERAL", "name": "general", "members": [ANN, BOT]}],
    }
    (directory / "config.json").write_text(json.dumps(config))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (directory / "referee.log").open("wb") as log:
        config_file = str(directory / "config.json")
        command = [str(PROGRAM), "--config", config_file, "--port", str(port), "--base-host", "127.0.0.1"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        async with aiohttp.ClientSession() as session:
            slack = Slack(f"http://127.0.0.1:{port}", session)
            await _listening(slack, process)
            async with session.post(f"{slack.url}/api/conversations.open", data={"users": ANN}, headers=_bot()) as made:
                slack.direct = (await made.json())["channel"]["id"]
            yield slack
    finally:
        process.terminate()
        process.wait(10)


async def _listening(slack: Slack, process: subprocess.Popen[bytes]) -> None:
    async with asyncio.timeout(20):
        while True:
            assert process.poll() is None, "the referee has ended: see referee.log"
            try:
                await slack.ask("state")
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
            else:
                return


def _bot() -> dict[str, str]:
    return {"Authorization": f"Bearer {BOT_TOKEN}"}


def _surface(slack_url: str, directory: Path, *, over_http: bool) -> SlackSurface:
    app_token, secret = ("", SIGNING_SECRET) if over_http else (APP_TOKEN, "")
    return SlackSurface(
        Installation(BOT_TOKEN, app_token, secret, f"{slack_url}/api/"),
        Words(sentence, COMMANDS),
        directory / "fetched",
        max_upload_bytes=1000,
    )


@asynccontextmanager
async def at_work(directory: Path, dispatch: ScriptedDispatch, *, over_http: bool) -> AsyncIterator[Slack]:
    """The surface and the server, which have found each other."""
    if not over_http:
        async with referee(directory) as slack:
            surface = _surface(slack.url, directory, over_http=False)
            async with running(surface, dispatch):
                await _greeted(slack, dispatch)
                yield slack
        return
    hooks = HookServer("127.0.0.1", 0)
    listening = asyncio.create_task(hooks.run())
    await hooks.ready()
    try:
        async with referee(directory, hooks.url + PATH) as slack:
            surface = _surface(slack.url, directory, over_http=True)
            hooks.add(PATH, surface.receive)
            async with running(surface, dispatch):
                await _greeted(slack, dispatch)
                yield slack
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _greeted(slack: Slack, dispatch: ScriptedDispatch) -> None:
    """The server does not repeat what nobody hears, so that it is said until it is heard."""
    async with asyncio.timeout(20):
        while not dispatch.events:
            await slack.does("message", channel=slack.direct, user=ANN, text="hello")
            await asyncio.sleep(0.1)
    dispatch.events.clear()


@pytest.mark.parametrize("over_http", [False, True], ids=["socket", "http"])
async def test_join_card_tap_replaced_card(tmp_path: Path, over_http: bool) -> None:
    dispatch = ScriptedDispatch()
    async with at_work(tmp_path, dispatch, over_http=over_http) as slack:
        dispatch.answers = [
            Outcome((Send(card("first")),)),
            Outcome((Toast("Saved: Rain"), Edit(card("second")))),
        ]
        await slack.does("command", channel="C0GENERAL", user=ANN, command="/lightwork", text="join ABCD2345")
        (shown,) = await slack.until(lambda found: len(found) == 1)
        assert texts(shown) == ["Weather?", "first", "1 of 3"]
        button = shown["blocks"][-1]["elements"][0]
        await slack.does("interact", channel=slack.direct, messageTs=shown["ts"], user=ANN, action=button)
        (replaced,) = await slack.until(lambda found: "second" in texts(found[0]))
    assert texts(replaced) == ["Saved: Rain", "Weather?", "second", "1 of 3"]
    joined, tapped = dispatch.events
    assert isinstance(joined, Command)
    assert (joined.name, joined.argument) == ("start", "ABCD2345")
    assert joined.person == Person(
        "slack", TEAM, ANN, ANN, name="Ann Anderson", locale=joined.person.locale, forms=True
    )
    assert isinstance(tapped, Tapped)
    assert (tapped.payload, tapped.message) == ("tap.first.1.0", MessageRef(slack.direct, shown["ts"]))


@pytest.mark.parametrize("over_http", [False, True], ids=["socket", "http"])
async def test_a_modal_is_filled_in(tmp_path: Path, over_http: bool) -> None:
    dispatch = ScriptedDispatch()
    async with at_work(tmp_path, dispatch, over_http=over_http) as slack:
        dispatch.answers = [Outcome((Ask(FORM, INSTEAD),)), Outcome((Send(Message(text="Thank you.")),))]
        await slack.does("command", channel="C0GENERAL", user=ANN, command="/lightwork", text="post")
        await dispatch.until(lambda: len(dispatch.events) == 1)
        async with asyncio.timeout(10):
            while len(dispatch.events) < 2:  # it is open a moment after the dispatch
                await slack.submits({"question": {"value": {"type": "plain_text_input", "value": "Weather?"}}})
                await asyncio.sleep(0.1)
        await slack.until(lambda found: [texts(message) for message in found] == [["Thank you."]])
    filled = dispatch.events[1]
    assert isinstance(filled, Filled)
    assert (filled.payload, filled.values["question"]) == (FORM.payload, "Weather?")


async def test_files_both_ways(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"item,label\n")
    file = Attachment("labels.csv", "text/csv", str(tmp_path / "labels.csv"))
    dispatch = ScriptedDispatch()
    async with at_work(tmp_path, dispatch, over_http=False) as slack:
        dispatch.answers = [Outcome((Send(Message(kind="file", text="Your labels", attachment=file)),))]
        await slack.uploads("items.csv", b"text\nrain\n", "post Weather? | Rain | Sun")
        (shared,) = await slack.until(lambda found: len(found) == 1)
    uploaded = dispatch.events[0]
    assert isinstance(uploaded, Uploaded)
    assert (uploaded.name, uploaded.caption) == ("items.csv", "/post Weather? | Rain | Sun")
    assert dispatch.contents == [b"text\nrain\n"]
    assert (shared["text"], [one["name"] for one in shared["files"]]) == ("Your labels", ["labels.csv"])
