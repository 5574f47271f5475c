"""The Slack app: tokens, scopes, clock."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from bot.checks.ask import Reply, Unreachable, ask
from bot.checks.clock import compare
from core.config import Settings
from core.findings import Finding, failure, ok, skipped

SCOPES = frozenset({"chat:write", "commands", "files:read", "files:write", "im:history", "im:write", "users:read"})
"""What bot/surfaces/slack-manifest.yaml asks for."""
APP_SCOPE = "connections:write"


def checks(settings: Settings) -> Iterator[Finding]:
    """What is wrong with Slack, if anything."""
    bot_token = settings.slack_bot_token.get_secret_value()
    if not bot_token:
        yield skipped("slack", "SLACK_BOT_TOKEN is not set")
        return
    who = _ask(settings, "auth.test", bot_token)
    if isinstance(who, Unreachable) or not who.body.get("ok"):
        yield _refused(settings, "SLACK_BOT_TOKEN", "OAuth & Permissions, Bot User OAuth Token", who)
        return
    yield ok("slack", f"team {who.body.get('team', '?')} as {who.body.get('user', '?')}")
    yield _scopes(who)
    yield from compare("Slack", who.date)
    if app_token := settings.slack_app_token.get_secret_value():
        yield _socket_mode(settings, app_token)


def _scopes(who: Reply) -> Finding:
    given = {scope.strip() for scope in who.headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
    if not given:
        return skipped("slack scopes", "Slack did not say which scopes the token has")
    if missing := sorted(SCOPES - given):
        advice = "Add them under OAuth & Permissions (or paste the manifest again), then reinstall the app."
        return failure("slack scopes", f"Missing: {', '.join(missing)}.", advice)
    return ok("slack scopes", "all there")


def _socket_mode(settings: Settings, app_token: str) -> Finding:
    opened = _ask(settings, "apps.connections.open", app_token)
    if isinstance(opened, Reply) and opened.body.get("ok"):
        return ok("slack socket mode", "a socket can be opened")
    where = f"Basic Information, App-Level Tokens, with the scope {APP_SCOPE}; and switch Socket Mode on"
    return _refused(settings, "SLACK_APP_TOKEN", where, opened)


def _refused(settings: Settings, setting: str, where: str, reply: Reply | Unreachable) -> Finding:
    host = urlsplit(settings.slack_api_url).netloc
    if isinstance(reply, Unreachable):
        return failure("slack", f"{host} does not answer ({reply.reason}).", "Check the network and SLACK_API_URL.")
    says = f"Slack refuses {setting} ({str(reply.body.get('error', reply.status))[:60]})."
    return failure("slack", says, f"Copy it anew: {where}.")


def _ask(settings: Settings, method: str, token: str) -> Reply | Unreachable:
    return ask(f"{settings.slack_api_url.rstrip('/')}/{method}", {"Authorization": f"Bearer {token}"})
