"""A bot process is put together as its settings say."""

from __future__ import annotations

import re

import pytest
from redis import Redis
from sqlalchemy import Engine

from bot.assembly import Assembly, assemble
from core.config import Settings, load_settings
from core.db.writer import make_writer
from core.errors import SettingsError

TOKEN = "123456789:AAabcdefghijklmnopqrstuvwxyz0123456"
SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}


async def put_together(settings: Settings, engine: Engine, **given: str) -> Assembly:
    """The assembly for further settings; closed again."""
    made_for = load_settings(LIGHTWORK_HOME=settings.home, REDIS_URL=settings.redis_url, _env_file=None, **given)
    writer = make_writer(engine, lambda effects: None)
    assembly = assemble(made_for, engine, writer, made_for.redis_url)
    await assembly.close()
    writer.close()
    return assembly


async def test_without_tokens_there_is_the_web_chat_alone(
    settings: Settings, sqlite_engine: Engine, redis: Redis
) -> None:
    made = await put_together(settings, sqlite_engine)
    assert [surface.name for surface in made.surfaces] == ["web"]
    assert (made.hooks, made.budgets) == (None, [])


async def test_polling_needs_no_server_and_a_webhook_has_one(
    settings: Settings, sqlite_engine: Engine, redis: Redis
) -> None:
    polling = await put_together(settings, sqlite_engine, TELEGRAM_BOT_TOKEN=TOKEN)
    assert [surface.name for surface in polling.surfaces] == ["web", "telegram"]
    assert polling.hooks is None
    called = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_WEBHOOK_URL": "https://bot.example.org/"}
    first, second = [await put_together(settings, sqlite_engine, **called) for _ in range(2)]
    assert first.hooks is not None
    assert first.webhook is not None
    assert second.webhook is not None
    assert first.webhook.secret == second.webhook.secret, "all processes expect the same one"
    assert re.fullmatch(r"[A-Za-z0-9_-]{32,256}", first.webhook.secret)
    assert re.fullmatch(r"https://bot\.example\.org/telegram/[0-9a-f]{16}", first.webhook.url)
    assert TOKEN.partition(":")[2] not in first.webhook.url + first.webhook.secret


async def test_slack_over_http_shares_the_server_and_each_token_has_its_limits(
    settings: Settings, sqlite_engine: Engine, redis: Redis
) -> None:
    made = await put_together(settings, sqlite_engine, TELEGRAM_BOT_TOKEN=TOKEN, **SLACK)
    assert [surface.name for surface in made.surfaces] == ["web", "telegram", "slack"]
    assert made.hooks is not None
    assert made.webhook is None
    assert len(made.budgets) == 2


@pytest.mark.parametrize("url", ["http://bot.example.org", "bot.example.org", "https://", "https://a.org/?x=1"])
def test_an_address_that_telegram_would_not_call_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="TELEGRAM_WEBHOOK_URL"):
        load_settings(TELEGRAM_WEBHOOK_URL=url, _env_file=None)
