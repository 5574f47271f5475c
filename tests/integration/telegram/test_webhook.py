"""Telegram calls us: with the right secret, answered after the commit, in order, and never set up wrongly."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from bot.surface import Command, Edit, Event, Outcome, Said, Send, Tapped, Toast
from bot.surfaces.hooks import BODY_BYTES, HookServer
from bot.surfaces.telegram_calls import ALLOWED_UPDATES
from bot.surfaces.telegram_client import TelegramClient
from bot.surfaces.telegram_insist import Insistence
from bot.surfaces.telegram_webhook import SECRET_HEADER, Receiver, Webhook
from core.errors import SettingsError
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.surfaces import Memory, card, running
from tests.fakes.telegram_server import TelegramServer
from tests.integration.telegram.rig import ANN, BEN, TOKEN, Open, make
from tests.waiting import PATIENCE_SECONDS

SECRET = "s3cret_of-the-webhook"
PATH = "/telegram/0123456789abcdef"


@pytest.fixture
async def hooks() -> AsyncIterator[HookServer]:
    server = HookServer("127.0.0.1", 0)
    work = asyncio.create_task(server.run())
    await server.ready()
    yield server
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


def webhook(hooks: HookServer) -> Webhook:
    return Webhook(hooks, "https://bot.example.org", PATH, SECRET)


@asynccontextmanager
async def called(
    server: TelegramServer, hooks: HookServer, directory: Path, dispatch: Callable[[Event], Awaitable[Outcome]]
) -> AsyncIterator[None]:
    """A surface that Telegram calls."""
    server.reach = hooks.url
    async with running(make(server, Memory(), directory, webhook=webhook(hooks)), dispatch):
        await server.until(lambda: server.hook is not None)
        yield


async def post(
    hooks: HookServer, content: bytes, secret: str | None = SECRET, path: str = PATH
) -> aiohttp.ClientResponse:
    headers = {} if secret is None else {SECRET_HEADER: secret}
    async with (
        aiohttp.ClientSession() as session,
        session.post(hooks.url + path, data=io.BytesIO(content), headers=headers) as got,
    ):
        await got.read()
        return got


async def test_a_dialogue_by_webhook(server: TelegramServer, hooks: HookServer, tmp_path: Path) -> None:
    waiting = await server.say(BEN, "written before")
    dispatch = ScriptedDispatch(
        Outcome(), Outcome((Send(card("first")),)), Outcome((Toast("Saved"), Edit(card("second"))))
    )
    async with called(server, hooks, tmp_path, dispatch):
        await server.say(ANN, "/next")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        await server.tap(ANN, server.inbox(ANN)[0]["message_id"], "Sun")
        await server.until(lambda: "second" in server.inbox(ANN)[0]["text"])
        await server.until(lambda: server.queue == [])
    assert [type(event) for event in dispatch.events] == [Said, Command, Tapped]
    assert waiting["update_id"], "what waited was not dropped"
    assert server.made("getUpdates") == []
    (set_up,) = server.made("setWebhook")
    assert set_up.params == {
        "url": f"https://bot.example.org{PATH}",
        "allowed_updates": list(ALLOWED_UPDATES),
        "drop_pending_updates": False,
        "secret_token": SECRET,
    }
    assert server.hook is not None, "another process may still be called there"


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET + "x", SECRET[:-1], "ü"])
async def test_a_wrong_secret_reaches_nothing(
    server: TelegramServer, hooks: HookServer, tmp_path: Path, secret: str | None
) -> None:
    dispatch = ScriptedDispatch()
    async with called(server, hooks, tmp_path, dispatch):
        with capture_logs() as logs:
            got = await post(hooks, b'{"update_id": 1}', secret)
    assert got.status == 403
    assert dispatch.events == []
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["telegram.webhook_secret_wrong"]
    assert SECRET not in repr(logs)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"nonsense", b'"text"', b"{}", b"\xff\xfe", b'{"update_id": 1, "message": 5}']
)
async def test_what_is_no_update_is_refused(
    server: TelegramServer, hooks: HookServer, tmp_path: Path, content: bytes
) -> None:
    dispatch = ScriptedDispatch()
    async with called(server, hooks, tmp_path, dispatch):
        assert (await post(hooks, content)).status == 400
    assert dispatch.events == []


async def test_the_hook_server_gives_nothing_else_away(
    server: TelegramServer, hooks: HookServer, tmp_path: Path
) -> None:
    async with called(server, hooks, tmp_path, ScriptedDispatch()):
        assert (await post(hooks, b"x" * (BODY_BYTES + 1))).status == 413
        assert (await post(hooks, b"{}", path="/")).status == 404
        assert (await post(hooks, b"{}", path=PATH + "/more")).status == 404
        async with aiohttp.ClientSession() as session, session.get(hooks.url + PATH) as got:
            assert got.status == 404
            assert "Server" not in got.headers


async def test_telegram_is_answered_after_the_commit(server: TelegramServer, hooks: HookServer, tmp_path: Path) -> None:
    commit = asyncio.Event()

    async def slow(event: Event) -> Outcome:
        await commit.wait()
        return Outcome()

    dispatch = ScriptedDispatch(slow)
    async with called(server, hooks, tmp_path, dispatch):
        await server.say(ANN, "/next")
        await dispatch.until(lambda: len(dispatch.events) == 1)
        assert len(server.queue) == 1, "not yet"
        commit.set()
        await server.until(lambda: server.queue == [])


async def test_without_a_commit_in_time_telegram_is_answered_and_the_work_goes_on(
    server: TelegramServer, hooks: HookServer
) -> None:
    commit, done = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        await commit.wait()
        done.set()

    client = TelegramClient(TOKEN, server.url, Open())
    receiver = Receiver(client, Insistence(client, 0.01), webhook(hooks), answer_seconds=0.02)
    work = asyncio.create_task(receiver.run(lambda update: asyncio.create_task(slow())))
    await server.until(lambda: server.hook is not None)
    assert (await post(hooks, b'{"update_id": 1}')).status == 200
    assert not done.is_set()
    commit.set()
    await asyncio.wait_for(done.wait(), PATIENCE_SECONDS)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await client.close()


async def test_a_webhook_that_somebody_removed_is_set_again(server: TelegramServer, hooks: HookServer) -> None:
    client = TelegramClient(TOKEN, server.url, Open())
    receiver = Receiver(client, Insistence(client, 0.01), webhook(hooks), check_seconds=0.02)
    server.fail_next("setWebhook", 502, "Bad Gateway")
    with capture_logs() as logs:
        work = asyncio.create_task(receiver.run(lambda update: None))
        await server.until(lambda: server.hook is not None)
        await client.bot.delete_webhook()
        await server.until(lambda: len(server.made("setWebhook")) == 2)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    await client.close()
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["telegram.webhook_failed"]


async def test_a_wrong_token_ends_with_a_sentence(server: TelegramServer, hooks: HookServer, tmp_path: Path) -> None:
    wrong = TOKEN.replace("AA", "BB")
    surface = make(server, Memory(), tmp_path, token=wrong, webhook=webhook(hooks))
    with pytest.raises(SettingsError, match="TELEGRAM_BOT_TOKEN"):
        await surface.run(ScriptedDispatch())


async def test_a_port_that_is_taken_ends_with_a_sentence(hooks: HookServer) -> None:
    port = int(hooks.url.rpartition(":")[2])
    with pytest.raises(SettingsError, match="LIGHTWORK_HOOKS_PORT"):
        await HookServer("127.0.0.1", port).run()


async def test_a_handler_that_fails_shows_no_traceback(hooks: HookServer) -> None:
    async def fail(request: object) -> object:
        raise RuntimeError("secret detail")

    hooks.add("/fails", fail)  # type: ignore[arg-type]
    with capture_logs():
        got = await post(hooks, b"", path="/fails")
    assert got.status == 500
    assert "secret detail" not in str(got.headers) + (got.reason or "")
