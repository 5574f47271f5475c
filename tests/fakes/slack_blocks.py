"""The documented limits of messages and modals: what Slack's Block Kit does not allow is refused."""

from __future__ import annotations

from typing import Any

from tests.fakes.slack_error import SlackError

# https://docs.slack.dev/reference/block-kit/blocks, .../header-block, .../section-block, .../context-block,
# .../actions-block, https://docs.slack.dev/reference/block-kit/block-elements/button-element
TEXT_LIMITS = {"header": 150, "section": 3000, "context": 2000}
BLOCKS_PER_MESSAGE = 50
ACTIONS_ELEMENTS = 25
CONTEXT_ELEMENTS = 10
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
ACTION_ID = 255
BLOCK_ID = 255
# https://docs.slack.dev/reference/views/modal-views
BLOCKS_PER_VIEW = 100
VIEW_TITLE = 24
PRIVATE_METADATA = 3000
CALLBACK_ID = 255
VIEW_FIELDS = {
    "type",
    "title",
    "blocks",
    "close",
    "submit",
    "private_metadata",
    "callback_id",
    "clear_on_close",
    "notify_on_close",
    "external_id",
    "submit_disabled",
}
# https://docs.slack.dev/reference/block-kit/blocks/input-block
INPUT_FIELDS = {"type", "block_id", "label", "element", "dispatch_action", "hint", "optional"}
LABEL = 2000
# .../block-elements/plain-text-input-element, .../select-menu-element, .../file-input-element
ELEMENT_FIELDS = {
    "plain_text_input": {"initial_value", "multiline", "min_length", "max_length", "placeholder"},
    "static_select": {"options", "option_groups", "initial_option", "placeholder", "confirm"},
    "file_input": {"filetypes", "max_files"},
}
INPUT_TEXT = 3000
OPTIONS = 100
OPTION_TEXT = 75
OPTION_VALUE = 150
MAX_FILES = 10


def check_blocks(blocks: Any) -> None:
    """Raises `SlackError` for what Slack's documentation does not allow in a message."""
    _require(isinstance(blocks, list) and len(blocks) <= BLOCKS_PER_MESSAGE)
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
    _require(len(actions) == len(set(actions)))


def check_view(view: Any) -> None:
    """Raises `SlackError` for what Slack's documentation does not allow in a modal of input blocks."""
    _require(isinstance(view, dict) and view.get("type") == "modal" and not set(view) - VIEW_FIELDS)
    _check_text(view["title"], VIEW_TITLE, plain_only=True)
    blocks = view["blocks"]
    _require(isinstance(blocks, list) and 1 <= len(blocks) <= BLOCKS_PER_VIEW)
    # "submit is required when an input block is within the blocks array"
    _check_text(view["submit"], VIEW_TITLE, plain_only=True)
    _require(_length(view.get("private_metadata", "")) <= PRIVATE_METADATA)
    _require(_length(view.get("callback_id", "")) <= CALLBACK_ID)
    for block in blocks:
        _check_input(block)
    names = [block["block_id"] for block in blocks]
    _require(len(names) == len(set(names)))


def _check_input(block: dict[str, Any]) -> None:
    _require(block.get("type") == "input" and not set(block) - INPUT_FIELDS)
    _require(1 <= _length(block["block_id"]) <= BLOCK_ID and isinstance(block.get("optional", False), bool))
    _check_text(block["label"], LABEL, plain_only=True)
    if "hint" in block:
        _check_text(block["hint"], LABEL, plain_only=True)
    element = block["element"]
    _require(element.get("type") in ELEMENT_FIELDS)
    _require(not set(element) - ELEMENT_FIELDS[element["type"]] - {"type", "action_id"})
    _require(1 <= _length(element["action_id"]) <= ACTION_ID)
    _ELEMENTS[element["type"]](element)


def _check_text_input(element: dict[str, Any]) -> None:
    most = element.get("max_length", INPUT_TEXT)
    _require(1 <= most <= INPUT_TEXT and _length(element.get("initial_value", "")) <= most)


def _check_select(element: dict[str, Any]) -> None:
    _check_count(element["options"], OPTIONS)
    for option in element["options"]:
        _require(set(option) == {"text", "value"} and 1 <= _length(option["value"]) <= OPTION_VALUE)
        _check_text(option["text"], OPTION_TEXT)
    values = [option["value"] for option in element["options"]]
    _require(len(values) == len(set(values)))
    # "A single option that exactly matches one of the options"
    _require("initial_option" not in element or element["initial_option"] in element["options"])


def _check_file_input(element: dict[str, Any]) -> None:
    _require(1 <= element.get("max_files", MAX_FILES) <= MAX_FILES)


_ELEMENTS = {"plain_text_input": _check_text_input, "static_select": _check_select, "file_input": _check_file_input}


def _check_count(elements: Any, most: int) -> None:
    _require(isinstance(elements, list) and 1 <= len(elements) <= most)


def _check_text(text: Any, most: int, plain_only: bool = False) -> None:
    kinds = ("plain_text",) if plain_only else ("plain_text", "mrkdwn")
    _require(text.get("type") in kinds and 1 <= _length(text.get("text", "")) <= most)


def _check_button(element: dict[str, Any]) -> str:
    _require(element.get("type") == "button")
    _require(not set(element) - {"type", "action_id", "text", "value", "style", "url"})
    _check_text(element["text"], BUTTON_TEXT, plain_only=True)
    _require(len(element.get("value", "")) <= BUTTON_VALUE and 1 <= len(element["action_id"]) <= ACTION_ID)
    _require(element.get("style", "primary") in ("primary", "danger"))
    return str(element["action_id"])


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _require(allowed: bool) -> None:
    if not allowed:
        raise SlackError("invalid_blocks")


def texts(message: dict[str, Any]) -> list[str]:
    """What a message shows, block by block, without its buttons."""
    shown = []
    for block in message["blocks"]:
        shown += [block["text"]["text"]] if "text" in block else []
        shown += [element["text"] for element in block.get("elements", ()) if block["type"] == "context"]
    return shown
