"""The Telegram surface against somebody else's Bot API server: join, card, tap, edit, upload."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.assembly import sentence
from bot.surface import Attachment, Button, Command, Edit, Message, MessageRef, Outcome, Part, Send, Tapped, Toast
from bot.surfaces.telegram import TelegramSurface
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.surfaces import Memory, running
from tests.integration.telegram.rig import TOKEN, Open, Throne
from tests.waiting import until

emulator = pytest.importorskip(
    "lo_bot_api_emulator", reason="the referee needs lo-bot-api-emulator: pip install 'lightwork[dev]'"
)

ANN = {"id": 7, "is_bot": False, "first_name": "Ann"}
CHAT = {"id": 7, "type": "private", "first_name": "Ann"}
CARD = Message(
    kind="card",
    heading="Weather?",
    parts=(Part("text", "Rain in Spain"),),
    progress=0.5,
    buttons=((Button("Rain", "tap.a.1.0"), Button("Sun", "tap.a.2.0")),),
)


@pytest.fixture
async def referee() -> AsyncIterator[tuple[Any, str]]:
    server = emulator.LoBotApiEmulator()
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield server, "http://127.0.0.1:{1}".format(*runner.addresses[0])
    await runner.cleanup()


def surface_at(url: str, offsets: Memory, directory: Path) -> TelegramSurface:
    return TelegramSurface(
        TOKEN,
        url,
        offsets=offsets,
        leadership=Throne().claimant(),
        limiter=Open(),
        fetch_directory=directory,
        sentence=sentence,
        poll_seconds=2,
    )


async def test_join_card_tap_edit(referee: tuple[Any, str], tmp_path: Path) -> None:
    server, url = referee
    offsets = Memory()
    surface = surface_at(url, offsets, tmp_path)
    dispatch = ScriptedDispatch(
        Outcome((Send(CARD),)), Outcome((Toast("Saved"), Edit(Message(text="Thank you")))), Outcome()
    )
    async with running(surface, dispatch):
        message = {"message_id": 1, "date": 1, "from": ANN, "chat": CHAT}
        joined = {**message, "text": "/start abcd2345", "entities": [{"type": "bot_command", "offset": 0, "length": 6}]}
        await server.enqueue_update({"message": joined}, token=TOKEN)
        await dispatch.until(lambda: len(dispatch.events) == 1)
        query = {"id": "9", "from": ANN, "chat_instance": "7", "data": "tap.a.1.0", "message": {**message, "text": "x"}}
        await server.enqueue_update({"callback_query": query}, token=TOKEN)
        await dispatch.until(lambda: len(dispatch.events) == 2)
        await until(lambda: any(call["method"] == "editMessageText" for call in server.requests))
    begun, tapped = dispatch.events
    assert isinstance(begun, Command)
    assert (begun.name, begun.argument) == ("start", "abcd2345")
    assert isinstance(tapped, Tapped)
    assert (tapped.payload, tapped.message) == ("tap.a.1.0", MessageRef("7", "1"))
    assert offsets.offset > 0
    assert {call["method"] for call in server.requests if call["status"] == 200} >= {
        "getUpdates",
        "sendMessage",
        "answerCallbackQuery",
        "editMessageText",
    }
    assert [call for call in server.requests if call["status"] != 200] == []


async def test_a_file_arrives_as_it_was(referee: tuple[Any, str], tmp_path: Path) -> None:
    server, url = referee
    (tmp_path / "labels.csv").write_bytes(b"item,label\n1,Rain\n")
    surface = surface_at(url, Memory(), tmp_path)
    attachment = Attachment("labels.csv", "text/csv", str(tmp_path / "labels.csv"))
    await surface.send("7", Message(kind="file", text="Your labels", attachment=attachment))
    await surface.close()
    assert [asset["data"] for asset in server.assets.values()] == [b"item,label\n1,Rain\n"]
