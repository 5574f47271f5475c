"""Telegram where the process is told to stop: what was begun is answered and confirmed, and does not come again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.surface import Event, Message, Outcome, Send
from bot.surfaces.telegram import TelegramSurface
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.surfaces import Memory
from tests.fakes.telegram_server import TelegramServer
from tests.integration.telegram.rig import ANN, make


async def test_what_was_begun_is_answered_and_confirmed(
    server: TelegramServer, surface: TelegramSurface, offsets: Memory
) -> None:
    commit = asyncio.Event()

    async def slowly(_event: Event) -> Outcome:
        await commit.wait()
        return Outcome((Send(Message(text="posted")),))

    dispatch = ScriptedDispatch(slowly)
    working = asyncio.create_task(surface.run(dispatch))
    sent = await server.say(ANN, "/post")
    await dispatch.until(lambda: len(dispatch.events) == 1)
    working.cancel()
    await asyncio.sleep(0.05)
    commit.set()
    await asyncio.gather(working, return_exceptions=True)
    assert [call.params["text"] for call in server.made("sendMessage")] == ["posted"]
    assert offsets.stored == [sent["update_id"] + 1]


async def test_what_hangs_is_not_waited_for_and_comes_again(
    server: TelegramServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.surfaces.telegram_intake.Lanes.__init__.__defaults__", (0.05,))
    monkeypatch.setattr("bot.surfaces.lanes.to_its_end.__defaults__", (0.05,))

    async def hang(_event: Event) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    offsets, dispatch = Memory(), ScriptedDispatch(hang)
    working = asyncio.create_task(make(server, offsets, tmp_path).run(dispatch))
    sent = await server.say(ANN, "/post")
    await dispatch.until(lambda: len(dispatch.events) == 1)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert offsets.stored == []
    working = asyncio.create_task(make(server, offsets, tmp_path).run(dispatch))
    await server.until(lambda: server.confirmed == sent["update_id"] + 1)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert len(dispatch.events) == 2
