"""Two real bot processes with one token: the one that reads is killed, the other goes on, and no answer is lost."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from core.config import Settings
from core.db import reading, unit_of_work
from core.models import Annotation, Identity
from tests.factories import make_member, make_project
from tests.fakes.telegram_floods import Floods
from tests.fakes.telegram_server import TelegramServer
from tests.integration.telegram.rig import ANN, TOKEN
from tests.invariants import check_redundancy
from tests.processes import start_python
from tests.waiting import until

TAPS = 6
KILLED_AFTER = 3
START_SECONDS = 30.0
TAKEN_OVER_SECONDS = 10.0


@pytest.fixture
def bot(
    settings: Settings, redis_url: str, unused_tcp_port_factory: Callable[[], int], server: TelegramServer
) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts bot processes, by name."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> subprocess.Popen[bytes]:
        process = start_python(
            settings.home,
            ["-m", "bot"],
            name,
            REDIS_URL=redis_url,
            TELEGRAM_BOT_TOKEN=TOKEN,
            TELEGRAM_API_URL=server.url,
            LIGHTWORK_WEB_PORT=str(unused_tcp_port_factory()),
            LIGHTWORK_LOG_FORMAT="json",
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def a_worker_and_work(engine: Engine) -> None:
    with unit_of_work(engine, lambda effects: None) as session:
        worker = make_member(session, surface="telegram")
        session.execute(
            update(Identity).where(Identity.worker_id == worker.id).values(external_id=str(ANN), address=str(ANN))
        )
        make_project(session, texts=[f"text {number}" for number in range(2 * TAPS)])


def answers(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Annotation)) or 0


async def test_the_reader_is_killed_in_the_middle_of_a_tap(
    server: TelegramServer,
    sqlite_engine: Engine,
    settings: Settings,
    bot: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    server.limits = Floods()
    a_worker_and_work(sqlite_engine)
    first = bot("first")
    await server.until(lambda: server.open_polls == 1, START_SECONDS)
    second = bot("second")
    await until_up(settings.home / "test-second.log")
    await server.say(ANN, "/next")
    await server.until(lambda: card(server) != {}, START_SECONDS)
    for number in range(1, TAPS + 1):
        shown, heard = card(server), len(server.inbox(ANN))
        await server.tap(ANN, shown["message_id"], "Yes")
        if number == KILLED_AFTER:
            first.send_signal(signal.SIGKILL)
            first.wait()
        text = shown["text"]
        await server.until(
            lambda text=text, heard=heard: card(server)["text"] != text or len(server.inbox(ANN)) > heard,  # type: ignore[misc]
            TAKEN_OVER_SECONDS,
        )
        if card(server)["text"] == text:  # the card was lost with the process, and the repeated tap was told so
            await server.say(ANN, "/next")
            await server.until(lambda text=text: card(server)["text"] != text)  # type: ignore[misc]
    await server.until(lambda: server.queue == [])
    assert second.poll() is None
    assert [call.description for call in server.calls if call.status == 429] == []
    with reading(sqlite_engine) as session:
        assert answers(session) == TAPS
        check_redundancy(session)


def card(server: TelegramServer) -> dict[str, Any]:
    """The newest message with buttons that the person sees."""
    return next((message for message in reversed(server.inbox(ANN)) if "reply_markup" in message), {})


async def until_up(log: Path) -> None:
    """Until a process that does not poll is up all the same: it serves the web chat."""
    await until(lambda: log.is_file() and b"listening" in log.read_bytes().lower(), START_SECONDS, "the start")
