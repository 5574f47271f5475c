"""`lightwork doctor` finds what is wrong, says what to do, and never shows a token."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner
from pydantic import SecretStr
from redis import Redis
from sqlalchemy import Engine, text

from bot.checks import slack, telegram
from bot.checks import web as web_checks
from bot.texts.catalogues import LOCALES
from core.cli import main
from core.cli.checks import database, home
from core.cli.checks import redis as redis_checks
from core.cli.doctor import examine, line
from core.clock import now
from core.config import Settings
from core.db import unit_of_work
from core.findings import Finding
from core.singletons import hold, let_go
from core.supervisor import state_file
from tests.fakes.loopback import Loopback

TOKEN = "123456789:AAabcdefghijklmnopqrstuvwxyz0123456"
BOT_TOKEN, APP_TOKEN = "xoxb-1-2-secret", "xapp-1-secret"
MANIFEST = LOCALES.parents[1] / "surfaces" / "slack-manifest.yaml"


class Platform(Loopback):
    """Answers each method with what the test says; what is not said is a 404."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, tuple[int, dict[str, Any]]] = {}
        self.headers: dict[str, str] = {}

    async def answer(self, request: web.Request) -> web.Response:
        """One call."""
        status, body = self.answers.get(request.path.rpartition("/")[2], (404, {"ok": False}))
        return web.json_response(body, status=status, headers=self.headers)


@asynccontextmanager
async def platform() -> AsyncIterator[Platform]:
    """A platform on loopback."""
    server = Platform()
    app = web.Application()
    app.router.add_post("/{path:.+}", server.answer)
    await server.serve(app)
    yield server
    await server.stop()


def by_subject(findings: Iterator[Finding]) -> dict[str, Finding]:
    """The findings, each under its subject."""
    return {finding.subject: finding for finding in findings}


async def seen(check: Any, settings: Settings) -> dict[str, Finding]:
    """The findings of a platform's check, which waits for the network in a thread of its own."""
    found = await asyncio.to_thread(lambda: by_subject(check(settings)))
    for finding in found.values():
        shown = line(finding)
        assert TOKEN not in shown
        assert BOT_TOKEN not in shown
        assert APP_TOKEN not in shown
        assert finding.advice or finding.health in ("ok", "skipped"), "a problem comes with what to do about it"
    return found


def test_a_fresh_database_and_a_fresh_home_are_well(engine: Engine, settings: Settings) -> None:
    settings.home.chmod(0o700)
    found = by_subject(database.checks(settings)) | by_subject(home.checks(settings))
    assert {finding.health for finding in found.values()} == {"ok"}
    assert found["migrations"].says == "the database is at this version"


def test_an_old_schema_is_found(engine: Engine, settings: Settings) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    found = by_subject(database.checks(settings))
    assert found["migrations"].health == "failure"
    assert "lightwork migrate" in found["migrations"].advice


def test_a_database_that_is_away_is_found(settings: Settings) -> None:
    settings.database_url = "postgresql://ann:secret@127.0.0.1:1/none"
    found = by_subject(database.checks(settings))
    assert found["database"].health == "failure"
    assert "secret" not in found["database"].says
    assert "DATABASE_URL" in found["database"].advice


def test_a_home_that_cannot_be_written_is_found(settings: Settings) -> None:
    (settings.home / "file").write_text("")
    settings.home = settings.home / "file"
    assert by_subject(home.checks(settings))["home"].health == "failure"


def test_redis_that_evicts_or_forgets_is_found(redis: Redis, settings: Settings) -> None:
    before = {name: str(redis.config_get(name)[name]) for name in ("maxmemory-policy", "appendonly")}
    try:
        redis.config_set("maxmemory-policy", "allkeys-lru")
        redis.config_set("appendonly", "no")
        found = by_subject(redis_checks.checks(settings))
        assert found["redis eviction"].health == "failure"
        assert "noeviction" in found["redis eviction"].advice
        assert found["redis persistence"].health == "warning"
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("appendonly", "yes")
        found = by_subject(redis_checks.checks(settings))
        assert found["redis eviction"].health == found["redis persistence"].health == "ok"
    finally:
        for name, value in before.items():
            redis.config_set(name, value)


def test_redis_that_is_away_is_found(settings: Settings) -> None:
    settings.redis_url = "redis://:secret@127.0.0.1:1/0"
    found = by_subject(redis_checks.checks(settings))
    assert found["redis"].health == "failure"
    assert "secret" not in found["redis"].says


async def test_telegram_that_is_well(settings: Settings) -> None:
    async with platform() as server:
        server.answers["getMe"] = (200, {"ok": True, "result": {"username": "lightwork_bot"}})
        server.answers["getWebhookInfo"] = (200, {"ok": True, "result": {"url": "", "pending_update_count": 3}})
        settings.telegram_bot_token, settings.telegram_api_url = SecretStr(TOKEN), server.url
        found = await seen(telegram.checks, settings)
    assert {finding.health for finding in found.values()} == {"ok"}
    assert "@lightwork_bot" in found["telegram"].says
    assert found["clock"].health == "ok"


async def test_a_telegram_token_that_is_refused_is_found(settings: Settings) -> None:
    async with platform() as server:
        server.answers["getMe"] = (401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
        settings.telegram_bot_token, settings.telegram_api_url = SecretStr(TOKEN), server.url
        found = await seen(telegram.checks, settings)
    assert found["telegram"].health == "failure"
    assert "@BotFather" in found["telegram"].advice


async def test_telegram_that_is_away_is_found(settings: Settings) -> None:
    settings.telegram_bot_token, settings.telegram_api_url = SecretStr(TOKEN), "http://127.0.0.1:1"
    found = await seen(telegram.checks, settings)
    assert found["telegram"].health == "failure"
    assert "TELEGRAM_API_URL" in found["telegram"].advice


async def test_a_foreign_webhook_waiting_updates_and_a_wrong_clock_are_found(settings: Settings) -> None:
    async with platform() as server:
        server.headers["Date"] = format_datetime(now() - timedelta(minutes=7), usegmt=True)
        server.answers["getMe"] = (200, {"ok": True, "result": {"username": "lightwork_bot"}})
        info = {"url": "https://elsewhere.example/x", "pending_update_count": 9000}
        server.answers["getWebhookInfo"] = (200, {"ok": True, "result": info})
        settings.telegram_bot_token, settings.telegram_api_url = SecretStr(TOKEN), server.url
        found = await seen(telegram.checks, settings)
    assert {name: finding.health for name, finding in found.items()} == {
        "telegram": "ok",
        "clock": "warning",
        "telegram webhook": "warning",
        "telegram updates": "warning",
    }
    assert "elsewhere.example" in found["telegram webhook"].says


async def test_slack_that_is_well_and_slack_without_a_scope(settings: Settings) -> None:
    async with platform() as server:
        server.headers["X-OAuth-Scopes"] = ",".join(sorted(slack.SCOPES))
        server.answers["auth.test"] = (200, {"ok": True, "team": "Weather", "user": "lightwork"})
        server.answers["apps.connections.open"] = (200, {"ok": True, "url": "wss://x"})
        settings.slack_bot_token, settings.slack_app_token = SecretStr(BOT_TOKEN), SecretStr(APP_TOKEN)
        settings.slack_api_url = f"{server.url}/api/"
        assert {finding.health for finding in (await seen(slack.checks, settings)).values()} == {"ok"}
        server.headers["X-OAuth-Scopes"] = "chat:write,commands"
        server.answers["apps.connections.open"] = (200, {"ok": False, "error": "not_allowed_token_type"})
        found = await seen(slack.checks, settings)
    assert found["slack scopes"].health == "failure"
    assert "files:read" in found["slack scopes"].says
    assert "reinstall" in found["slack scopes"].advice
    assert "SLACK_APP_TOKEN" in found["slack"].says


def test_the_scopes_are_those_of_the_manifest() -> None:
    below = MANIFEST.read_text(encoding="utf-8").partition("scopes:")[2].partition("settings:")[0]
    assert {word.strip("- ") for word in below.splitlines() if word.strip().startswith("- ")} == slack.SCOPES


def test_a_web_chat_without_https_is_found_where_others_use_it(settings: Settings) -> None:
    say_it_runs(settings)
    assert by_subject(web_checks.checks(settings))["web chat"].health == "ok"
    settings.web_host = "0.0.0.0"
    assert by_subject(web_checks.checks(settings))["web chat"].health == "warning"
    settings.web_origin = "https://label.example"
    assert by_subject(web_checks.checks(settings))["web chat"].health == "ok"


def say_it_runs(settings: Settings) -> None:
    state_file(settings.home).write_text(json.dumps({"bot": {"pid": os.getpid()}}))


def test_the_web_chat_of_another_home_is_not_taken_for_this_one(engine: Engine, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        settings.web_port = somebody.getsockname()[1]
        found = by_subject(web_checks.checks(settings))["web chat"]
        assert (found.health, str(settings.web_port) in found.says) == ("warning", True)
        with unit_of_work(engine, lambda _effects: None) as session:  # as a bot that honcho has started
            assert hold(session, "delivery", "somebody", now()) is not None
        assert by_subject(web_checks.checks(settings))["web chat"].health == "ok"
    with unit_of_work(engine, lambda _effects: None) as session:
        let_go(session, "delivery", "somebody", now())
    found = by_subject(web_checks.checks(settings))["web chat"]
    assert (found.health, found.says[:11]) == ("skipped", "not running")


def test_a_home_that_others_can_read_is_found(settings: Settings) -> None:
    settings.home.chmod(0o755)
    found = by_subject(home.checks(settings))
    assert found["privacy"].health == "warning"
    assert "chmod" in found["privacy"].advice


def test_nothing_is_made_by_looking_for_it(settings: Settings) -> None:
    settings.home = settings.home / "not" / "yet"
    found = by_subject(examine(settings))
    assert (found["home"].health, found["database"].health) == ("warning", "failure")
    assert "lightwork up" in found["database"].advice
    assert list(settings.home.parents[1].iterdir()) == []


def test_settings_that_no_process_starts_with_do_not_end_the_examination(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIGHTWORK_HOME", str(settings.home))
    monkeypatch.setenv("LIGHTWORK_WEB_PORT", "eighty")
    monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:1/api/")
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert "✗ settings           LIGHTWORK_WEB_PORT" in result.stdout
    assert "✗ settings           SLACK_APP_TOKEN is missing" in result.stdout
    assert "✗ slack              127.0.0.1:1 does not answer" in result.stdout  # looked at with the token that is there
    assert "✗ database" in result.stdout


def test_what_is_not_set_is_skipped(engine: Engine, settings: Settings, redis: Redis) -> None:
    found = by_subject(examine(settings))
    assert found["telegram"].health == found["slack"].health == "skipped"
    assert {"home", "database", "redis", "web chat", "gpu", "base model"} <= set(found)


def test_the_command_tells_programs_and_ends_with_1_where_something_fails(
    sqlite_engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIGHTWORK_HOME", str(settings.home))
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    result = CliRunner().invoke(main, ["doctor", "--json"])
    told = json.loads(result.stdout.splitlines()[-1])
    assert result.exit_code == 1
    assert told["healthy"] is False
    assert {finding["subject"]: finding["health"] for finding in told["findings"]}["redis"] == "failure"
    assert "✗ redis" in CliRunner().invoke(main, ["doctor"]).stdout
