"""Who talks to the Slack surface under test, and how it is made."""

from __future__ import annotations

from pathlib import Path

from bot.surface import Limiter
from bot.surfaces.slack import Installation, Pace, SlackSurface
from bot.surfaces.slack_words import Words
from bot.texts import say
from core.errors import LightworkError
from tests.fakes.slack_server import SlackServer

BOT_TOKEN = "xoxb-" + "1234567890-abcdefghij"
APP_TOKEN = "xapp-" + "1-A0-1234567890-abcdefghij"
SIGNING_SECRET = "8f742231b10e8888" + "abcd99yyyzzz85a5"
ANN, BEN = "U0ANN", "U0BEN"
UPLOAD_BYTES = 1000
COMMANDS = frozenset({"start", "next", "help", "stats", "post", "add", "link"})


def sentence(error: LightworkError, locale: str) -> str:
    """As the catalogues have it."""
    return say(error.code, locale, **error.params)


def make(
    server: SlackServer,
    directory: Path,
    ping_interval: float = 5.0,
    token: str = BOT_TOKEN,
    *,
    over_http: bool = False,
    limits: Limiter | None = None,
    commands: frozenset[str] = COMMANDS,
) -> SlackSurface:
    """A surface that does not wait long."""
    app_token, secret = ("", server.signing_secret) if over_http else (APP_TOKEN, "")
    return SlackSurface(
        Installation(token, app_token, secret, server.api_url),
        Words(sentence, commands),
        directory / "fetched",
        max_upload_bytes=UPLOAD_BYTES,
        limits=limits,
        pace=Pace(ping_interval, 0.01),
    )
