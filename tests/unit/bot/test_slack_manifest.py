"""The app manifests ask for what the code needs, and for nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from bot.surfaces.slack_http import PATH
from bot.surfaces.slack_rates import TIERS
from bot.surfaces.slack_words import SLASH
from tests.fakes import slack_rates
from tests.fakes.slack_spec import scopes

SURFACES = Path(__file__).parents[3] / "bot" / "surfaces"
CALL = re.compile(r"\.web\.([a-z]+)_([A-Za-z0-9_]+)\(")
UPLOAD = {"files.getUploadURLExternal", "files.completeUploadExternal"}
"""What files_upload_v2 of Slack's client calls."""
EVENT_SCOPES = {
    # https://docs.slack.dev/reference/events/message.im, .../app_uninstalled, .../tokens_revoked
    "message.im": {"im:history"},
    "app_uninstalled": set[str](),
    "tokens_revoked": set[str](),
}


def manifest(name: str) -> Any:
    return yaml.safe_load((SURFACES / name).read_text(encoding="utf-8"))


def called() -> set[str]:
    """Methods of the Web API that the sources call."""
    found = set()
    for path in SURFACES.glob("slack*.py"):
        for family, method in CALL.findall(path.read_text(encoding="utf-8")):
            found |= UPLOAD if (family, method) == ("files", "upload_v2") else {f"{family}.{method.replace('_', '.')}"}
    return found


def test_every_call_and_every_event_is_covered_by_a_scope_and_no_scope_is_idle() -> None:
    methods = {method for method in called() if method != "apps.connections.open"}  # for the app token
    assert len(methods) >= 10, "the search finds the calls at all"
    given = set(manifest("slack-manifest.yaml")["oauth_config"]["scopes"]["bot"])
    needed = {method: scopes(method) for method in methods}
    assert {method for method, any_of in needed.items() if any_of and not any_of & given} == set()
    events = manifest("slack-manifest.yaml")["settings"]["event_subscriptions"]["bot_events"]
    assert [event for event in events if not EVENT_SCOPES[event] <= given] == []
    used = set().union(*needed.values(), *(EVENT_SCOPES[event] for event in events), {"commands"})
    assert given - used == set()


def test_every_method_of_a_tier_keeps_to_it() -> None:
    special = {"chat.postMessage", "auth.test", "apps.connections.open"}
    assert called() - special == set(TIERS)
    for method, (per_second, burst) in TIERS.items():
        assert per_second * slack_rates.WINDOW_SECONDS + burst <= slack_rates.TIERS[method], method


def test_the_app_has_one_command_buttons_and_direct_messages() -> None:
    made = manifest("slack-manifest.yaml")
    assert [command["command"] for command in made["features"]["slash_commands"]] == [SLASH]
    assert made["features"]["slash_commands"][0]["usage_hint"]
    assert made["settings"]["interactivity"]["is_enabled"]
    assert made["settings"]["socket_mode_enabled"]
    home = made["features"]["app_home"]
    assert (home["home_tab_enabled"], home["messages_tab_enabled"]) == (False, True)
    assert not home["messages_tab_read_only_enabled"], "people write to the app there"


def test_over_http_only_the_addresses_are_added() -> None:
    socket, http = manifest("slack-manifest.yaml"), manifest("slack-manifest-http.yaml")
    places = [http["features"]["slash_commands"][0].pop("url")]
    places += [http["settings"][part].pop("request_url") for part in ("event_subscriptions", "interactivity")]
    assert places == [f"https://label.example.org{PATH}"] * 3
    assert http["settings"].pop("socket_mode_enabled") is False
    assert socket["settings"].pop("socket_mode_enabled") is True
    assert http == socket
