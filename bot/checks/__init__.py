"""What `lightwork doctor` looks at on the chat platforms."""

from __future__ import annotations

from collections.abc import Iterator

from bot.checks import slack, telegram, web
from core.config import Settings
from core.findings import Finding


def checks(settings: Settings) -> Iterator[Finding]:
    """What is wrong with the web chat, Telegram and Slack, if anything."""
    yield from web.checks(settings)
    yield from telegram.checks(settings)
    yield from slack.checks(settings)
