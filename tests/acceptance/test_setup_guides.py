"""docs/telegram.md and docs/slack.md, followed to the letter by newcomers, from an empty directory to an answered item.

Terminal commands, `.env`, chat messages and buttons are taken from the page, and what it shows must be seen. Only the
tokens and the addresses of the platforms are those of the strict local servers.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from aiohttp import web

from bot.surfaces.slack_http import PATH as SLACK_PATH
from tests.acceptance.newcomer import DOCS, Platform, below, newcomer, steps
from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import BOT, TelegramServer
from tests.integration.day import phone as phones
from tests.integration.day.phone import Phone
from tests.integration.day.phones import SlackPhone, TelegramPhone
from tests.integration.slack.rig import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET
from tests.integration.telegram.rig import TOKEN
from tests.processes import ROOT

SURFACES = ROOT / "bot" / "surfaces"
PATIENCE_SECONDS = 30.0


class OnTelegram(Platform):
    """The strict Bot API server."""

    def __init__(self, server: TelegramServer) -> None:
        self._server = server
        self.values = {"123456:ABC-DEF": TOKEN, "my_label_bot": str(BOT["username"])}
        self.settings = {"TELEGRAM_API_URL": server.url}

    async def phone(self, number: int) -> Phone:
        """A private chat with the bot."""
        return TelegramPhone(f"person {number}", self._server, 100 + number)

    def reach(self, port: int) -> None:
        """Updates are posted there once the webhook is set."""
        self._server.reach = f"http://127.0.0.1:{port}"


class OnSlack(Platform):
    """The strict Slack, with the app that the manifest describes."""

    def __init__(self, server: SlackServer) -> None:
        self._server = server
        self.values = {
            "xoxb-your-token": BOT_TOKEN,
            "xapp-your-token": APP_TOKEN,
            "your-signing-secret": SIGNING_SECRET,
        }
        self.settings = {"SLACK_API_URL": server.api_url}

    async def phone(self, number: int) -> Phone:
        """Direct messages with the app."""
        self._server.join(f"U0PERSON{number}")
        return GuidedSlackPhone(f"person {number}", self._server, f"U0PERSON{number}")

    def reach(self, port: int) -> None:
        """Signed requests go there."""
        self._server.request_url = f"http://127.0.0.1:{port}{SLACK_PATH}"


class GuidedSlackPhone(SlackPhone):
    """Types slash commands as the page writes them."""

    async def _say(self, text: str) -> None:
        await self._server.command(self._user, text)


class InstalledApp(SlackServer):
    """Slack tells with every answer which scopes the app was given: those of the manifest."""

    scopes: str

    async def _call(self, request: web.Request) -> web.Response:
        answer = await super()._call(request)
        answer.headers["X-OAuth-Scopes"] = self.scopes
        return answer


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real processes take longer than those in a test's own."""
    monkeypatch.setattr(phones, "PATIENCE_SECONDS", PATIENCE_SECONDS)


async def test_the_telegram_guide(tmp_path: Path) -> None:
    server = TelegramServer(TOKEN)
    await server.start()
    try:
        async with newcomer(tmp_path, OnTelegram(server)) as somebody:
            await somebody.follow(steps("telegram.md", "Set it up"))
            assert len(somebody.people) == 2
            assert server.hook is None
            await somebody.follow(steps("telegram.md", "Being called instead of asking"))
            assert server.hook is not None
    finally:
        await server.stop()


async def test_the_slack_guide(tmp_path: Path) -> None:
    server = InstalledApp(BOT_TOKEN, APP_TOKEN, SIGNING_SECRET)
    server.scopes = ",".join(manifest("slack-manifest.yaml")["oauth_config"]["scopes"]["bot"])
    await server.start()
    try:
        async with newcomer(tmp_path, OnSlack(server)) as somebody:
            await somebody.follow(steps("slack.md", "Set it up"))
            assert len(somebody.people) == 2
            assert server.connections > 0
            sockets = server.connections
            await somebody.follow(steps("slack.md", "Over HTTP instead"))
            assert server.connections == sockets
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("name", "section"), [("slack-manifest.yaml", "Set it up"), ("slack-manifest-http.yaml", "Over HTTP instead")]
)
def test_each_way_has_its_own_manifest(name: str, section: str) -> None:
    assert f"(../bot/surfaces/{name})" in below("slack.md", section)
    assert manifest(name)["settings"]["socket_mode_enabled"] is (section == "Set it up")


@pytest.mark.parametrize("page", ["telegram.md", "slack.md"])
def test_what_doctor_says_in_the_guide_is_what_it_can_say(page: str) -> None:
    table = (DOCS / page).read_text().split("| it says |")[1].split("\n\n")[0]
    sources = [*(ROOT / "bot" / "checks").glob("*.py"), *(ROOT / "core" / "cli" / "checks").glob("*.py")]
    sources.append(ROOT / "core" / "config.py")
    said = "\n".join(source.read_text() for source in sources)
    sentences = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert len(sentences) >= 5
    assert [sentence for sentence in sentences if sentence not in said] == []


def manifest(name: str) -> dict[str, Any]:
    """An app manifest of the repository."""
    found: dict[str, Any] = yaml.safe_load((SURFACES / name).read_text())
    return found
