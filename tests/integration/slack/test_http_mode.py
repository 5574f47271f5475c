"""Slack over HTTP: only what Slack has signed lately, acknowledged after the commit, told twice and done once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine

from bot.assembly import assemble
from bot.surface import Ask, Command, Edit, Event, Message, Outcome, Said, Send, Tapped, Toast
from bot.surfaces.hooks import HookServer
from bot.surfaces.slack import SlackSurface
from bot.surfaces.slack_http import PATH
from core.config import Settings, load_settings
from core.db.writer import make_writer
from core.errors import SettingsError
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.slack_server import SlackServer
from tests.fakes.surfaces import card, running
from tests.integration.slack.rig import ANN, BOT_TOKEN, SIGNING_SECRET, make
from tests.integration.slack.test_modals import FORM, INSTEAD


@asynccontextmanager
async def hooked(server: SlackServer, surface: SlackSurface, dispatch: ScriptedDispatch) -> AsyncIterator[None]:
    """The surface behind a hook server that Slack reaches."""
    hooks = HookServer("127.0.0.1", 0)
    hooks.add(PATH, surface.receive)
    listening = asyncio.create_task(hooks.run())
    await hooks.ready()
    server.request_url = hooks.url + PATH
    try:
        async with running(surface, dispatch):
            await server.until(lambda: bool(server.made("auth.test")))
            yield
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


@pytest.fixture
def surface(server: SlackServer, tmp_path: Path) -> SlackSurface:
    return make(server, tmp_path, over_http=True)


async def test_command_card_tap_form_and_text(server: SlackServer, surface: SlackSurface) -> None:
    dispatch = ScriptedDispatch(
        Outcome((Send(card("first")),)),
        Outcome((Toast("Saved: Rain"), Edit(card("second")))),
        Outcome((Ask(FORM, INSTEAD),)),
        Outcome(problems={"labels": "Two labels at least."}),
    )
    async with hooked(server, surface, dispatch):
        ack = await server.acknowledged(await server.command(ANN, "/lightwork join ABCD2345"))
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        await server.acknowledged(await server.tap(ANN, server.inbox(ANN)[0]["ts"], "Rain"))
        await server.until(lambda: server.seen(ANN) == [["Saved: Rain", "Weather?", "second", "1 of 3"]])
        await server.acknowledged(await server.command(ANN, "/lightwork post", channel=f"D{ANN}"))
        await server.until(lambda: ANN in server.modals)
        await server.acknowledged(await server.submit(ANN, question="Weather?", labels="Rain"))
        assert server.modals[ANN].errors == {"labels": "Two labels at least."}
        await server.acknowledged(await server.say(ANN, "hello"))
    assert ack.payload == "I have answered you in our direct messages: look under Apps."
    assert [type(event).__name__ for event in dispatch.events] == ["Command", "Tapped", "Command", "Filled", "Said"]
    assert isinstance(dispatch.events[0], Command)
    assert (dispatch.events[0].name, dispatch.events[0].argument) == ("start", "ABCD2345")
    assert server.connections == 0


async def test_the_address_is_verified(server: SlackServer, surface: SlackSurface) -> None:
    body = b'{"type": "url_verification", "token": "x", "challenge": "3eZbrw1aB"}'
    async with hooked(server, surface, ScriptedDispatch()):
        assert await posted(server, body) == (200, '{"challenge": "3eZbrw1aB"}')


@pytest.mark.parametrize("payload", [b"payload=", b"payload=%7B", b"payload=7", b"payload=%5B%5D", b"other=1"])
async def test_a_form_that_tells_of_nothing_is_no_tap(
    server: SlackServer, surface: SlackSurface, payload: bytes
) -> None:
    dispatch = ScriptedDispatch()
    async with hooked(server, surface, dispatch):
        status, _ = await posted(server, payload)
        assert status != 200
        assert (await posted(server, b'{"type": "url_verification", "token": "x", "challenge": "a"}'))[0] == 200
    assert dispatch.events == []


async def test_what_slack_did_not_sign_lately_is_refused(server: SlackServer, surface: SlackSurface) -> None:
    body = b'{"type": "url_verification", "token": "x", "challenge": "3eZbrw1aB"}'
    old = str(int(time.time()) - 6 * 60)
    dispatch = ScriptedDispatch()
    async with hooked(server, surface, dispatch):
        assert (await posted(server, body, timestamp=old))[0] == 401
        assert (await posted(server, body, timestamp="soon"))[0] == 401
        assert (await posted(server, b"\xff\xfe", signature="v0=00"))[0] == 401
        assert (await posted(server, body, signature="v0=" + "0" * 64))[0] == 401
        assert (await posted(server, body, signature="v0=ü"))[0] == 401
        async with aiohttp.ClientSession() as session, session.post(server.request_url, data=body) as answer:
            assert answer.status == 401
        server.signing_secret = "another"
        envelope = await server.command(ANN, "/lightwork next")
        await server.until(lambda: envelope in server.refused)
    assert server.refused[envelope] == 401
    assert dispatch.events == []


async def test_the_acknowledgement_comes_after_the_commit_and_in_time(
    server: SlackServer, surface: SlackSurface
) -> None:
    commit, asked = asyncio.Event(), asyncio.Event()

    async def slow(event: Event) -> Outcome:
        asked.set()
        await commit.wait()
        return Outcome((Send(Message(text="done")),))

    dispatch = ScriptedDispatch(slow, slow)
    async with hooked(server, surface, dispatch):
        envelope = await server.command(ANN, "/lightwork next")
        await asked.wait()
        assert envelope not in server.acks
        late = await server.acknowledged(envelope)
        assert 1.4 < late.seconds < 2.9
        assert late.payload is None
        commit.set()
        await server.until(lambda: server.seen(ANN) == [["done"]])
        prompt = await server.acknowledged(await server.command(ANN, "/lightwork next"))
        assert prompt.seconds < 1.4


async def test_an_event_told_again_is_done_once_unless_it_failed(server: SlackServer, surface: SlackSurface) -> None:
    dispatch = ScriptedDispatch(RuntimeError("database away"))
    event = {"type": "message", "user": ANN, "text": "one", "channel": f"D{ANN}", "channel_type": "im", "ts": "1.1"}
    async with hooked(server, surface, dispatch):
        failed = await server.event(event, "Ev1")
        await server.until(lambda: failed in server.refused)
        for _ in range(3):
            await server.acknowledged(await server.event(event, "Ev1"))
    assert server.refused[failed] == 500
    assert len([event for event in dispatch.events if isinstance(event, Said)]) == 2


async def test_nobody_there_yet_is_said_so_that_slack_asks_again(server: SlackServer, surface: SlackSurface) -> None:
    hooks = HookServer("127.0.0.1", 0)
    hooks.add(PATH, surface.receive)
    async with running(hooks_as_surface := Listening(hooks), ScriptedDispatch()):
        await hooks_as_surface.hooks.ready()
        server.request_url = hooks.url + PATH
        envelope = await server.say(ANN, "hello")
        await server.until(lambda: envelope in server.refused)
    assert server.refused[envelope] == 503


async def test_a_tap_delivered_five_times_reaches_dispatch_each_time_and_is_acknowledged(
    server: SlackServer, surface: SlackSurface
) -> None:
    dispatch = ScriptedDispatch()
    async with hooked(server, surface, dispatch):
        for _ in range(5):
            await server.acknowledged(await server.forge(ANN, "1.1", "answer.a.b.1"))
    assert [type(event) for event in dispatch.events] == [Tapped] * 5


async def test_the_process_takes_slacks_requests_where_no_socket_is_set(settings: Settings) -> None:
    settings.slack_bot_token, settings.slack_signing_secret = SecretStr(BOT_TOKEN), SecretStr(SIGNING_SECRET)
    settings.hooks_port = 0
    engine = create_engine("sqlite://")
    writer = make_writer(engine, lambda effects: None)
    assembly = assemble(settings, engine, writer, "redis://127.0.0.1:1/0")
    assert [surface.name for surface in assembly.surfaces] == ["web", "slack"]
    assert assembly.hooks is not None
    async with running(listening := Listening(assembly.hooks), ScriptedDispatch()):
        await listening.hooks.ready()
        async with aiohttp.ClientSession() as session, session.post(assembly.hooks.url + PATH, data=b"{}") as answer:
            assert answer.status == 401
    await assembly.close()
    await asyncio.to_thread(writer.close)


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}, True),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": "s"}, True),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, False),
        ({"SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": "s"}, False),
    ],
)
def test_settings_name_one_way_to_reach_slack(given: dict[str, str], right: bool) -> None:
    if right:
        load_settings(_env_file=None, **given)
        return
    with pytest.raises(SettingsError, match="is missing"):
        load_settings(_env_file=None, **given)


class Listening:
    """A hook server in the place of a surface."""

    def __init__(self, hooks: HookServer) -> None:
        self.hooks = hooks

    async def run(self, dispatch: object) -> None:
        """Listen."""
        await self.hooks.run()


async def posted(server: SlackServer, body: bytes, timestamp: str = "", signature: str = "") -> tuple[int, str]:
    """Status and text of the answer to a request that is signed as Slack does, where nothing else is said."""
    timestamp = timestamp or str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature or server.sign(body, timestamp),
    }
    async with aiohttp.ClientSession() as session, session.post(server.request_url, data=body, headers=headers) as got:
        return got.status, await got.text()
