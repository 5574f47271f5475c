"""A strict Slack server and a surface that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.surfaces.slack import SlackSurface
from tests.fakes.slack_server import SlackServer
from tests.integration.slack.rig import ANN, APP_TOKEN, BEN, BOT_TOKEN, SIGNING_SECRET, make


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    fake = SlackServer(BOT_TOKEN, APP_TOKEN, SIGNING_SECRET)
    await fake.start()
    fake.join(ANN)
    fake.join(BEN)
    yield fake
    await fake.stop()


@pytest.fixture
async def surface(server: SlackServer, tmp_path: Path) -> AsyncIterator[SlackSurface]:
    made = make(server, tmp_path)
    yield made
    await made.close()
