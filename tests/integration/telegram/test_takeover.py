"""One reader per token: taking over, being fenced off, a poll that goes silent, a webhook in the way."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from bot.leadership import DatabaseLeadership
from bot.offsets import DatabaseOffsets
from bot.surface import Command, Event, Message, Outcome, Said, Send
from bot.surfaces.telegram import TelegramSurface
from bot.surfaces.telegram_client import TelegramClient
from bot.surfaces.telegram_insist import Insistence
from bot.surfaces.telegram_poll import Poller
from core.db.writer import make_writer
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.surfaces import Memory, running
from tests.fakes.telegram_server import TelegramServer
from tests.integration.telegram.rig import ANN, BEN, TOKEN, Open, Throne, make
from tests.waiting import until


@pytest.fixture
def quick_heirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for the right asks again at once."""
    monkeypatch.setattr("bot.leading.lead.__defaults__", (0.01,))


async def test_a_second_process_waits_and_takes_over_when_the_first_stops(
    server: TelegramServer, offsets: Memory, tmp_path: Path, quick_heirs: None
) -> None:
    throne = Throne()
    first_one, second_one = throne.claimant(), throne.claimant()
    first = make(server, offsets, tmp_path, leadership=first_one)
    second = make(server, offsets, tmp_path, leadership=second_one)
    one, two = ScriptedDispatch(), ScriptedDispatch()
    async with running(first, one) as work:
        await server.say(ANN, "first")
        await one.until(lambda: len(one.events) == 1)
        async with running(second, two):
            await until(lambda: second_one.asked >= 3)
            assert server.made("getUpdates", 409) == [], "it does not disturb the reader"
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await server.say(BEN, "second")
            await two.until(lambda: len(two.events) == 1)
            await server.until(lambda: server.queue == [])
    assert [event.text for event in (*one.events, *two.events) if isinstance(event, Said)] == ["first", "second"]


class Killed(DatabaseLeadership):
    """What `kill -9` leaves behind: nothing is given back."""

    async def give_back(self) -> None:
        """The process is gone."""


async def test_killed_between_commit_and_confirmation_another_process_takes_over_in_time(
    server: TelegramServer, sqlite_engine: Engine, tmp_path: Path
) -> None:
    writer = make_writer(sqlite_engine, lambda effects: None)
    offsets = DatabaseOffsets(sqlite_engine, writer, "telegram-1")
    committed = asyncio.Event()

    async def commit_and_hang(event: Event) -> Outcome:
        committed.set()
        await asyncio.Event().wait()
        raise AssertionError("the process was killed before")

    first = make(server, offsets, tmp_path, leadership=Killed(writer, "poll-telegram-1"))
    async with running(first, ScriptedDispatch(commit_and_hang)):
        sent = await server.say(ANN, "/next")
        await committed.wait()
    died = time.monotonic()
    dispatch = ScriptedDispatch(Outcome((Send(Message(text="here")),)))
    heir = make(server, offsets, tmp_path, leadership=DatabaseLeadership(writer, "poll-telegram-1"))
    async with running(heir, dispatch):
        await server.until(lambda: server.confirmed == sent["update_id"] + 1, seconds=10)
    assert 1 < time.monotonic() - died < 10, "not before the lease of the dead was over, and not much later"
    assert [type(event) for event in dispatch.events] == [Command]
    assert [message["text"] for message in server.inbox(ANN)] == ["here"]
    writer.close()


async def test_a_reader_that_is_fenced_off_confirms_nothing_and_begins_anew(
    server: TelegramServer, tmp_path: Path, quick_heirs: None
) -> None:
    class Fenced(Memory):
        """Somebody with a higher fence has confirmed something before the first store."""

        async def store(self, offset: int, fence: int = 0) -> bool:
            self.stored.append(offset)
            if len(self.stored) == 1:
                return False
            return await super().store(offset, fence)

    offsets, dispatch = Fenced(), ScriptedDispatch()
    with capture_logs() as logs:
        async with running(make(server, offsets, tmp_path), dispatch):
            sent = await server.say(ANN, "/next")
            await dispatch.until(lambda: len(dispatch.events) == 1)
            await dispatch.until(lambda: len(dispatch.events) == 2)
            await server.until(lambda: server.confirmed == sent["update_id"] + 1)
    assert [call.params.get("offset", 0) for call in server.made("getUpdates")[:2]] == [0, 0]
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["telegram.poll_fenced"]


async def test_losing_the_right_cancels_the_long_poll(
    server: TelegramServer, tmp_path: Path, quick_heirs: None
) -> None:
    throne, dispatch = Throne(), ScriptedDispatch()
    claimant = throne.claimant()
    with capture_logs() as logs:
        async with running(make(server, Memory(), tmp_path, leadership=claimant), dispatch):
            await server.until(lambda: server.open_polls == 1)
            throne.taken_by = object()
            before = claimant.asked
            await until(lambda: claimant.asked >= before + 5, 3)  # the poll itself would go on for five
            await server.say(ANN, "/next")
            assert dispatch.events == []
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["leadership.lost"]


async def test_a_poll_that_goes_silent_is_repeated(server: TelegramServer, offsets: Memory) -> None:
    reader = client(server)
    silent = asyncio.Event()
    answer = reader.updates

    async def hang_once(offset: int, seconds: int) -> object:
        if not silent.is_set():
            silent.set()
            await asyncio.Event().wait()
        return await answer(offset, seconds)

    reader.updates = hang_once  # type: ignore[method-assign,assignment]
    taken: list[int] = []
    poller = Poller(reader, Insistence(reader, 0.01), offsets, Throne().claimant(), 0, patience_seconds=0.05)
    with capture_logs() as logs:
        polling = asyncio.create_task(poller.run(lambda update: taken.append(update.update_id)))
        sent = await server.say(ANN, "/next")
        await server.until(lambda: server.confirmed > sent["update_id"])
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
    await reader.close()
    assert silent.is_set()
    assert taken == [sent["update_id"]]
    assert [entry["error"] for entry in logs if entry["event"] == "telegram.poll_failed"][:1] == ["TimeoutError: "]


async def test_a_webhook_in_the_way_is_deleted_and_what_waits_there_comes_by_polling(
    server: TelegramServer, surface: TelegramSurface
) -> None:
    waiting = await server.say(ANN, "/next")
    setter = client(server)
    await setter.bot.set_webhook("https://bot.example.org/old", allowed_updates=["message"])
    await setter.close()
    dispatch = ScriptedDispatch()
    with capture_logs() as logs:
        async with running(surface, dispatch):
            await server.until(lambda: server.confirmed > waiting["update_id"])
    assert [type(event) for event in dispatch.events] == [Command]
    assert server.hook is None
    assert [call.params for call in server.made("deleteWebhook")] == [{"drop_pending_updates": False}]
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["telegram.poll_failed"]


def client(server: TelegramServer) -> TelegramClient:
    return TelegramClient(TOKEN, server.url, Open())
