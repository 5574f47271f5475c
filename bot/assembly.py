"""The surfaces of one process, each with all that it needs from the rest of Lightwork."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from bot.leadership import DatabaseLeadership
from bot.limits import Budget, SharedBuckets
from bot.mailbox import DatabaseMailbox
from bot.offsets import DatabaseOffsets
from bot.routes import COMMANDS, STRANGERS
from bot.surface import MenuEntry, Surface
from bot.texts import FALLBACK, knows, say
from bot.texts.catalogues import LANGUAGES
from core.config import Settings
from core.db.writer import Writer
from core.errors import LightworkError
from core.ids import hash_code

if TYPE_CHECKING:
    from bot.surfaces.hooks import HookServer
    from bot.surfaces.telegram_webhook import Webhook


@dataclass(slots=True)
class Assembly:
    """What runs in a bot process beside delivery.

    hooks: the HTTP server that platforms call; nothing where none is set to.
    webhook: where Telegram calls it; nothing where it is polled.
    """

    surfaces: list[Surface] = field(default_factory=list)
    budgets: list[Budget] = field(default_factory=list)
    hooks: HookServer | None = None
    webhook: Webhook | None = None

    async def close(self) -> None:
        """Close what no surface closes by itself."""
        for budget in self.budgets:
            await budget.aclose()


def assemble(settings: Settings, engine: Engine, writer: Writer, redis_url: str) -> Assembly:
    """The web chat, and the platforms whose tokens are set. Needs a running event loop."""
    made = Assembly()
    incoming = settings.home / "incoming"
    incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
    _add_web(made, settings, engine, writer)
    if settings.telegram_bot_token.get_secret_value():
        _add_telegram(made, settings, engine, writer, redis_url, incoming)
    if settings.slack_bot_token.get_secret_value():
        _add_slack(made, settings, redis_url, incoming)
    return made


def sentence(error: LightworkError, locale: str) -> str:
    """A `bot.surface.Sentence` from the catalogues."""
    return say(error.code, locale, **error.params) if knows(error.code) else say(FALLBACK, locale)


def strangers_menu(locale: str) -> tuple[MenuEntry, ...]:
    """The commands of people who are no members."""
    return (
        MenuEntry("start", say("menu_stranger_start", locale)),
        MenuEntry("help", say("menu_help", locale)),
    )


def _add_web(made: Assembly, settings: Settings, engine: Engine, writer: Writer) -> None:
    from bot.surfaces.web import WebSurface

    made.surfaces.append(
        WebSurface(
            DatabaseMailbox(engine, writer),
            sentence,
            signing_key=settings.signing_key,
            host=settings.web_host,
            port=settings.web_port,
            origin=settings.web_origin,
            max_upload_bytes=settings.max_upload_bytes,
        )
    )


def _add_telegram(
    made: Assembly, settings: Settings, engine: Engine, writer: Writer, redis_url: str, incoming: Path
) -> None:
    from bot.surfaces.telegram import TelegramSurface

    token = settings.telegram_bot_token.get_secret_value()
    name = f"telegram-{hash_code(token)[:16]}"
    made.webhook = _webhook(made, settings, token) if settings.telegram_webhook_url else None
    fallback = {"": strangers_menu(settings.default_locale)}
    made.surfaces.append(
        TelegramSurface(
            token,
            settings.telegram_api_url,
            offsets=DatabaseOffsets(engine, writer, name),
            leadership=DatabaseLeadership(writer, f"poll-{name}"),
            limiter=_limiter(made, redis_url, name),
            fetch_directory=incoming,
            sentence=sentence,
            menus=fallback | {language: strangers_menu(language) for language in LANGUAGES},
            webhook=made.webhook,
        )
    )


def _webhook(made: Assembly, settings: Settings, token: str) -> Webhook:
    """Its secret follows from the signing key, so that all processes expect the same one."""
    from bot.surfaces.telegram_webhook import Webhook

    key = settings.signing_key.encode()
    secret = hmac.new(key, f"telegram-webhook:{token}".encode(), hashlib.sha256).hexdigest()
    return Webhook(_hooks(made, settings), settings.telegram_webhook_url, f"/telegram/{hash_code(token)[:16]}", secret)


def _add_slack(made: Assembly, settings: Settings, redis_url: str, incoming: Path) -> None:
    from bot.surfaces.slack import Installation, SlackSurface
    from bot.surfaces.slack_http import PATH
    from bot.surfaces.slack_words import Words

    bot_token = settings.slack_bot_token.get_secret_value()
    app_token = settings.slack_app_token.get_secret_value()
    app = Installation(bot_token, app_token, settings.slack_signing_secret.get_secret_value(), settings.slack_api_url)
    surface = SlackSurface(
        app,
        Words(sentence, frozenset({*COMMANDS, *STRANGERS}), settings.default_locale),
        incoming,
        max_upload_bytes=settings.max_upload_bytes,
        limits=_limiter(made, redis_url, f"slack-{hash_code(bot_token)[:16]}"),
    )
    made.surfaces.append(surface)
    if not app_token:
        _hooks(made, settings).add(PATH, surface.receive)


def _limiter(made: Assembly, redis_url: str, name: str) -> Budget:
    budget = Budget(SharedBuckets(redis_url, name))
    made.budgets.append(budget)
    return budget


def _hooks(made: Assembly, settings: Settings) -> HookServer:
    from bot.surfaces.hooks import HookServer

    if made.hooks is None:
        made.hooks = HookServer(settings.hooks_host, settings.hooks_port)
    return made.hooks
