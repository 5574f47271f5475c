"""Who talks to the Telegram surface under test, and how it is made."""

from __future__ import annotations

from pathlib import Path

from bot.surfaces.telegram import TelegramSurface
from tests.fakes.surfaces import Memory
from tests.fakes.telegram_server import TelegramServer

TOKEN = "123456789:AAabcdefghijklmnopqrstuvwxyz0123456"
ANN, BEN = 7, 8


def make(server: TelegramServer, offsets: Memory, directory: Path) -> TelegramSurface:
    """A surface that does not wait long."""
    return TelegramSurface(TOKEN, server.url, offsets, directory / "fetched", poll_seconds=5, first_pause=0.01)
