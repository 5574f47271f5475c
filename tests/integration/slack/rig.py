"""Who talks to the Slack surface under test, and how it is made."""

from __future__ import annotations

from pathlib import Path

from bot.surfaces.slack import SlackSurface
from tests.fakes.slack_server import SlackServer

BOT_TOKEN = "xoxb-" + "1234567890-abcdefghij"
APP_TOKEN = "xapp-" + "1-A0-1234567890-abcdefghij"
ANN, BEN = "U0ANN", "U0BEN"


def make(server: SlackServer, directory: Path, ping_interval: float = 5.0, token: str = BOT_TOKEN) -> SlackSurface:
    """A surface that does not wait long."""
    fetched = directory / "fetched"
    return SlackSurface(token, APP_TOKEN, server.api_url, fetched, ping_interval=ping_interval, first_pause=0.01)
