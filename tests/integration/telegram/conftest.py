"""A strict Telegram server and a surface that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.surfaces.telegram import TelegramSurface
from tests.fakes.surfaces import Memory
from tests.fakes.telegram_server import TelegramServer
from tests.integration.telegram.rig import TOKEN, make


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    fake = TelegramServer(TOKEN)
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def offsets() -> Memory:
    return Memory()


@pytest.fixture
async def surface(server: TelegramServer, offsets: Memory, tmp_path: Path) -> AsyncIterator[TelegramSurface]:
    made = make(server, offsets, tmp_path)
    yield made
    await made.close()
