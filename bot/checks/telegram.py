"""The Telegram bot: token, webhook, clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from bot.checks.ask import Reply, Unreachable, ask
from bot.checks.clock import compare
from core.config import Settings
from core.findings import Finding, failure, ok, skipped, warning

MANY_WAITING = 500
UNAUTHORIZED, NOT_FOUND = 401, 404


def checks(settings: Settings) -> Iterator[Finding]:
    """What is wrong with Telegram, if anything."""
    token = settings.telegram_bot_token.get_secret_value()
    if not token:
        yield skipped("telegram", "TELEGRAM_BOT_TOKEN is not set")
        return
    me = _ask(settings, token, "getMe")
    if isinstance(me, Unreachable) or not me.body.get("ok"):
        yield _refused(settings, me)
        return
    name = me.body["result"].get("username", "?")
    yield ok("telegram", f"@{name} at {_host(settings.telegram_api_url)}")
    yield from compare("Telegram", me.date)
    info = _ask(settings, token, "getWebhookInfo")
    if isinstance(info, Reply) and info.body.get("ok"):
        yield from _webhook(settings, info.body["result"])


def _refused(settings: Settings, me: Reply | Unreachable) -> Finding:
    host = _host(settings.telegram_api_url)
    if isinstance(me, Unreachable):
        says = f"{host} does not answer ({me.reason})."
        return failure("telegram", says, "Check the network, a proxy, and TELEGRAM_API_URL.")
    if me.status in (UNAUTHORIZED, NOT_FOUND):
        advice = "Copy it anew from @BotFather (/mybots, API Token) into TELEGRAM_BOT_TOKEN."
        return failure("telegram", "Telegram refuses the token.", advice)
    return failure(
        "telegram", f"{host} answers with status {me.status}.", "Check TELEGRAM_API_URL, or try again later."
    )


def _webhook(settings: Settings, info: dict[str, Any]) -> Iterator[Finding]:
    wanted, found = settings.telegram_webhook_url, str(info.get("url", ""))
    if bool(wanted) != bool(found) or (wanted and _host(wanted) != _host(found)):
        expected = f"a webhook at {_host(wanted)}" if wanted else "long polling"
        there = f"a webhook at {_host(found)}" if found else "long polling"
        says = f"The settings want {expected}, Telegram has {there}."
        yield warning(
            "telegram webhook",
            says,
            "Start the bot once: it sets what the settings say. Is another bot using this token?",
        )
    elif problem := info.get("last_error_message"):
        advice = "Check that the address is reachable from outside over HTTPS and leads to LIGHTWORK_HOOKS_PORT."
        yield warning("telegram webhook", f"Telegram could not deliver: {str(problem)[:120]}", advice)
    else:
        yield ok("telegram webhook", f"at {_host(found)}" if found else "none: long polling")
    if (waiting := int(info.get("pending_update_count", 0))) > MANY_WAITING:
        yield warning(
            "telegram updates", f"{waiting} updates wait.", "Is the bot process running? See: lightwork status"
        )


def _ask(settings: Settings, token: str, method: str) -> Reply | Unreachable:
    return ask(f"{settings.telegram_api_url.rstrip('/')}/bot{token}/{method}")


def _host(url: str) -> str:
    return urlsplit(url).netloc
