"""The bot as it is deployed, without a limit on what it may send: Telegram's own would be all that is measured."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from sqlalchemy import Engine

from benchmarks.slack_server import SECRET
from bot.assembly import sentence
from bot.dispatch import Dispatcher
from bot.leadership import DatabaseLeadership
from bot.offsets import DatabaseOffsets
from bot.routes import COMMANDS
from bot.surfaces.hooks import HookServer
from bot.surfaces.slack import Installation, SlackSurface
from bot.surfaces.slack_http import PATH
from bot.surfaces.slack_rates import Unlimited
from bot.surfaces.slack_words import Words
from bot.surfaces.telegram import TelegramSurface
from core.background import BackgroundEffects
from core.config import Settings
from core.db import make_engine
from core.db.writer import Writer, make_writer
from core.queue import EffectRunner, connect
from core.steady import keep_steady

TOKEN = "123456789:" + "A" * 35


class Product:
    """Database, writer and dispatch of one bot process, with jobs that go to a real Valkey."""

    def __init__(self, settings: Settings) -> None:
        self.engine: Engine = make_engine(settings)
        self.writer: Writer
        self._settings = settings
        self._redis = connect(settings.redis_url)
        self._effects = BackgroundEffects(EffectRunner(self._redis))
        self.writer = make_writer(self.engine, self._effects)
        self.dispatch = Dispatcher(settings, self.writer, self._redis, self.engine)
        keep_steady()

    def close(self) -> None:
        """Finish what was begun."""
        self.writer.close()
        self._effects.close()
        self.engine.dispose()
        self._redis.close()

    async def telegram(self, url: str) -> None:
        """Answer the updates of a Bot API server until cancelled."""
        surface = TelegramSurface(
            TOKEN,
            url,
            offsets=DatabaseOffsets(self.engine, self.writer, "benchmark"),
            leadership=DatabaseLeadership(self.writer, "benchmark"),
            limiter=Unlimited(),
            fetch_directory=Path(self._settings.home),
            sentence=sentence,
        )
        await surface.run(self.dispatch)

    async def slack(self, url: str) -> None:
        """Answer signed requests, as Slack sends them, until cancelled; the server is told where to."""
        hooks = HookServer("127.0.0.1", 0)
        app = Installation("xoxb-benchmark", signing_secret=SECRET, api_url=f"{url}/api/")
        words = Words(sentence, frozenset(COMMANDS))
        surface = SlackSurface(app, words, Path(self._settings.home), max_upload_bytes=1_000_000)
        hooks.add(PATH, surface.receive)
        async with asyncio.TaskGroup() as group:
            group.create_task(hooks.run())
            group.create_task(surface.run(self.dispatch))
            await hooks.ready()
            await _tell(url, f"{hooks.url}{PATH}")
            try:
                await asyncio.Event().wait()
            finally:
                await _tell(url, "")


async def _tell(url: str, hook: str) -> None:
    """Where taps are sent to; they wait while it is nowhere."""
    async with aiohttp.ClientSession() as session, session.post(f"{url}/hook", data=hook):
        pass


@contextmanager
def product(settings: Settings) -> Iterator[Product]:
    """One that is closed afterwards."""
    made = Product(settings)
    try:
        yield made
    finally:
        made.close()
