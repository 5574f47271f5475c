"""Slack's Web API as data (tests/fakes/specs, of 2020, and what is newer): refuses other calls."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.fakes.slack_blocks import check_blocks, check_view
from tests.fakes.slack_error import SlackError

SPECS = Path(__file__).parent / "specs"
STRUCTURED = {"blocks", "attachments", "view", "files"}
# https://docs.slack.dev/changelog/2018-truncating-really-long-messages
MESSAGE_TEXT = 40_000
RENAMED = {"chat:write:bot": "chat:write", "chat:write:user": "chat:write"}
"""Scopes of 2020 and what they are called now: https://docs.slack.dev/reference/scopes/chat.write."""


@cache
def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for name in ("slack-web-api.json", "slack-web-api-newer.json"):
        paths |= json.loads((SPECS / name).read_text(encoding="utf-8"))["paths"]
    return paths


@cache
def _parameters(method: str) -> dict[str, tuple[str, bool]] | None:
    verbs = _paths().get(f"/{method}")
    if verbs is None:
        return None
    listed = next(iter(verbs.values()))["parameters"]
    return {one["name"]: (one["type"], one.get("required", False)) for one in listed if one["name"] != "token"}


def scopes(method: str) -> set[str]:
    """The scopes of which a token needs one to call `method`; none where it needs none."""
    named = next(iter(_paths()[f"/{method}"].values())).get("security", [])
    found = {scope for one in named for scope in one.get("slackAuth", ())} - {"none"}
    return {RENAMED.get(scope, scope) for scope in found}


def check(method: str, given: dict[str, Any]) -> dict[str, Any]:
    """The parsed parameters of a call. Raises `SlackError` where the specification does not allow it."""
    known = _parameters(method)
    if known is None:
        raise SlackError("unknown_method")
    if set(given) - set(known) - {"token"}:
        raise SlackError("invalid_arg_name")
    if any(required and name not in given for name, (_, required) in known.items()):
        raise SlackError("invalid_arguments")
    parsed = {name: _value(name, known[name][0], value) for name, value in given.items() if name != "token"}
    if "blocks" in parsed:
        check_blocks(parsed["blocks"])
    if "view" in parsed:
        check_view(parsed["view"])
    if len(parsed.get("text") or "") > MESSAGE_TEXT:
        raise SlackError("msg_too_long")
    return parsed


def _value(name: str, kind: str, value: Any) -> Any:
    if name in STRUCTURED:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise SlackError("invalid_arguments") from None
    if kind == "boolean" and value not in (True, False, "true", "false", "0", "1"):
        raise SlackError("invalid_arguments")
    if kind == "integer" and not str(value).isdigit():
        raise SlackError("invalid_arguments")
    if kind == "string" and not isinstance(value, str | int):
        raise SlackError("invalid_arguments")
    return value
