"""The same stage on each of the three surfaces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count

import httpx
import pytest
from redis import Redis
from sqlalchemy import Engine

from bot import dispatch
from bot.mailbox import DatabaseMailbox
from bot.routes import COMMANDS
from bot.surfaces import slack_reception
from bot.surfaces.web import WebSurface
from bot.texts import say
from core import jobs
from core.config import Settings
from tests.fakes.slack_server import SlackServer
from tests.fakes.surfaces import Memory
from tests.fakes.telegram_server import TelegramServer
from tests.integration.day.phone import Phone
from tests.integration.day.phones import SlackPhone, TelegramPhone, WebPhone
from tests.integration.day.stage import Stage
from tests.integration.slack import rig as slack
from tests.integration.telegram import rig as telegram

PhoneOf = Callable[[str], Awaitable[Phone]]
"""Hands a phone to somebody by name; they are no member yet."""


@pytest.fixture
async def stage(
    sqlite_engine: Engine, redis: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """A bot without surfaces. It is never late, however slow the disk is: what a late reply may leave out is told."""
    monkeypatch.setattr(dispatch, "PATIENCE_SECONDS", 30.0)
    monkeypatch.setattr(slack_reception, "ACK_SECONDS", 2.5)  # the platform itself waits three
    made = Stage(settings, sqlite_engine, redis)
    monkeypatch.setattr(jobs, "process_runtime", lambda: made.runtime)
    yield made
    await made.close()


@pytest.fixture
async def telegram_phones(stage: Stage) -> AsyncIterator[PhoneOf]:
    """Phones with Telegram."""
    server = TelegramServer(telegram.TOKEN)
    await server.start()
    surface = telegram.make(server, Memory(), stage.settings.home)
    stage.open(surface)
    users = count(100)

    async def phone(name: str) -> Phone:
        return TelegramPhone(name, server, next(users))

    yield phone
    await stage.close()
    await server.stop()


@pytest.fixture
async def slack_phones(stage: Stage) -> AsyncIterator[PhoneOf]:
    """Phones with Slack."""
    server = SlackServer(slack.BOT_TOKEN, slack.APP_TOKEN)
    await server.start()
    stage.open(slack.make(server, stage.settings.home, commands=frozenset(COMMANDS)))

    async def phone(name: str) -> Phone:
        user = f"U0{name.upper()}"
        server.join(user)
        return SlackPhone(name, server, user)

    yield phone
    await stage.close()
    await server.stop()


@pytest.fixture
async def web_phones(stage: Stage) -> AsyncIterator[PhoneOf]:
    """Browsers."""
    surface = WebSurface(
        DatabaseMailbox(stage.engine, stage.writer),
        lambda error, locale: say(error.code, locale, **error.params),
        signing_key="k" * 64,
        port=0,
    )
    stage.open(surface)
    async with AsyncExitStack() as stack:
        url = f"http://127.0.0.1:{await surface.listening()}"

        async def phone(name: str) -> Phone:
            client = httpx.AsyncClient(base_url=url, timeout=30, headers={"Origin": url})
            return WebPhone(name, await stack.enter_async_context(client))

        yield phone
        await stage.close()


@pytest.fixture(params=["telegram", "slack", "web"])
def phone(request: pytest.FixtureRequest) -> PhoneOf:
    """Phones of one surface; each test runs once on each."""
    found: PhoneOf = request.getfixturevalue(f"{request.param}_phones")
    return found
