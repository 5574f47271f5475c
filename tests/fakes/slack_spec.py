"""Slack's Web API as data (tests/fakes/specs, of 2020) and the documented limits of blocks: refuses other calls."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

SPEC = Path(__file__).parent / "specs" / "slack-web-api.json"
NEWER: dict[str, dict[str, bool]] = {
    # https://docs.slack.dev/reference/methods/apps.connections.open
    "apps.connections.open": {},
    # https://docs.slack.dev/reference/methods/files.getUploadURLExternal
    "files.getUploadURLExternal": {"filename": True, "length": True, "alt_txt": False, "snippet_type": False},
    # https://docs.slack.dev/reference/methods/files.completeUploadExternal
    "files.completeUploadExternal": {
        "files": True,
        "channel_id": False,
        "channels": False,
        "thread_ts": False,
        "initial_comment": False,
        "blocks": False,
    },
}
"""Methods that are younger than the specification: parameter -> whether it is required."""
STRUCTURED = {"blocks", "attachments", "view", "files"}
# https://docs.slack.dev/reference/block-kit/blocks, .../header-block, .../section-block, .../context-block,
# .../actions-block, https://docs.slack.dev/reference/block-kit/block-elements/button-element
TEXT_LIMITS = {"header": 150, "section": 3000, "context": 2000}
BLOCKS_PER_MESSAGE = 50
ACTIONS_ELEMENTS = 25
CONTEXT_ELEMENTS = 10
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
ACTION_ID = 255
# https://docs.slack.dev/changelog/2018-truncating-really-long-messages
MESSAGE_TEXT = 40_000


class SlackError(Exception):
    """An answer with ok: false."""

    def __init__(self, code: str, status: int = 200, retry_after: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.retry_after = retry_after


@cache
def _parameters(method: str) -> dict[str, tuple[str, bool]] | None:
    if method in NEWER:
        return {name: ("string", required) for name, required in NEWER[method].items()}
    verbs = json.loads(SPEC.read_text(encoding="utf-8"))["paths"].get(f"/{method}")
    if verbs is None:
        return None
    listed = next(iter(verbs.values()))["parameters"]
    return {one["name"]: (one["type"], one.get("required", False)) for one in listed if one["name"] != "token"}


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
    if kind == "string" and not isinstance(value, str | int):
        raise SlackError("invalid_arguments")
    return value


def check_blocks(blocks: Any) -> None:
    """Raises `SlackError` for what Slack's documentation does not allow in a message."""
    if not isinstance(blocks, list) or len(blocks) > BLOCKS_PER_MESSAGE:
        raise SlackError("invalid_blocks")
    actions: list[str] = []
    for block in blocks:
        kind = block.get("type")
        if kind in ("header", "section"):
            _check_text(block["text"], TEXT_LIMITS[kind], plain_only=kind == "header")
        elif kind == "context":
            _check_count(block["elements"], CONTEXT_ELEMENTS)
            for element in block["elements"]:
                _check_text(element, TEXT_LIMITS[kind])
        elif kind == "actions":
            _check_count(block["elements"], ACTIONS_ELEMENTS)
            actions += [_check_button(element) for element in block["elements"]]
        else:
            raise SlackError("invalid_blocks")
    if len(actions) != len(set(actions)):
        raise SlackError("invalid_blocks")


def _check_count(elements: Any, most: int) -> None:
    if not isinstance(elements, list) or not 1 <= len(elements) <= most:
        raise SlackError("invalid_blocks")


def _check_text(text: Any, most: int, plain_only: bool = False) -> None:
    kinds = ("plain_text",) if plain_only else ("plain_text", "mrkdwn")
    if text.get("type") not in kinds or not 1 <= len(text.get("text", "").encode("utf-16-le")) // 2 <= most:
        raise SlackError("invalid_blocks")


def _check_button(element: dict[str, Any]) -> str:
    if element.get("type") != "button" or set(element) - {"type", "action_id", "text", "value", "style", "url"}:
        raise SlackError("invalid_blocks")
    _check_text(element["text"], BUTTON_TEXT, plain_only=True)
    if len(element.get("value", "")) > BUTTON_VALUE or not 1 <= len(element["action_id"]) <= ACTION_ID:
        raise SlackError("invalid_blocks")
    if element.get("style", "primary") not in ("primary", "danger"):
        raise SlackError("invalid_blocks")
    return str(element["action_id"])


def texts(message: dict[str, Any]) -> list[str]:
    """What a message shows, block by block, without its buttons."""
    shown = []
    for block in message["blocks"]:
        shown += [block["text"]["text"]] if "text" in block else []
        shown += [element["text"] for element in block.get("elements", ()) if block["type"] == "context"]
    return shown
