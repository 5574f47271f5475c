"""A `Form` as a modal of Slack, and back: what was filled in, and which field says what is wrong.

Limits: https://docs.slack.dev/reference/views/modal-views (title and submit 24, blocks 100, private_metadata 3000),
https://docs.slack.dev/reference/block-kit/blocks/input-block (label and hint 2000, block_id 255),
.../block-elements/plain-text-input-element (3000), .../block-elements/select-menu-element (100 options),
.../composition-objects/option-object (text 75, value 150), .../block-elements/file-input-element.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.surface import Field, Form
from bot.surfaces.plain import clean, cut
from bot.surfaces.slack_render import Block, plain_text
from bot.surfaces.slack_words import Words, spoken
from bot.texts.units import length

CALLBACK = "form"
ACTION = "value"
TITLE_LIMIT = 24
LABEL_LIMIT = 2000
TEXT_LIMIT = 3000
NAME_LIMIT = 255
METADATA_LIMIT = 3000
MAX_FIELDS = 100
MAX_OPTIONS = 100
OPTION_TEXT = 75
OPTION_VALUE = 150
MARK = "="
"""Stands before the value of an option, which may be empty with us and may not with Slack."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A modal that was sent off.

    view: Slack's id of it.
    fields: names of its fields, in order.
    files: Slack's descriptions of the files in it.
    """

    view: str
    payload: str
    fields: tuple[str, ...]
    values: dict[str, str]
    files: tuple[dict[str, Any], ...]


def view_of(form: Form, words: Words) -> dict[str, Any]:
    """The modal that asks `form`.

    Raises:
        ValueError: Slack would not take it, or would cut what stands in a field.
    """
    if not 1 <= len(form.fields) <= MAX_FIELDS or len(form.payload) > METADATA_LIMIT:
        raise ValueError(f"a form of {len(form.fields)} fields and a payload of {len(form.payload)} characters")
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": form.payload,
        "title": _short(form.title, TITLE_LIMIT),
        "submit": _short(form.submit, TITLE_LIMIT),
        "blocks": [_input(field, words) for field in form.fields],
    }


def submission_of(view: Mapping[str, Any]) -> Submission:
    """What a sent-off modal holds. Everything in it is untrusted."""
    values: dict[str, str] = {}
    files: list[dict[str, Any]] = []
    state = (view.get("state") or {}).get("values") or {}
    for name, by_action in state.items():
        for given in by_action.values():
            if given.get("type") == "file_input":
                files += given.get("files") or []
            else:
                values[name] = _value(given)
    shown = [str(block.get("block_id", "")) for block in view.get("blocks") or () if block.get("type") == "input"]
    payload = str(view.get("private_metadata") or "")
    return Submission(str(view.get("id", "")), payload, tuple(shown or state), values, tuple(files))


def errors_of(submission: Submission, problems: Mapping[str, str], words: Words) -> dict[str, str]:
    """`problems` by field as Slack takes them; what belongs to no field stands at the first one."""
    found: dict[str, str] = {}
    for name, sentence in problems.items():
        place = name if name in submission.fields else next(iter(submission.fields), name)
        whole = "\n".join(piece for piece in (found.get(place), spoken(clean(sentence), words.commands)) if piece)
        found[place] = cut(whole, LABEL_LIMIT) or "…"
    return found


def _input(field: Field, words: Words) -> Block:
    if not 1 <= len(field.name) <= NAME_LIMIT:
        raise ValueError(f"a field's name of {len(field.name)} characters")
    made = {
        "type": "input",
        "block_id": field.name,
        "label": _short(spoken(field.label, words.commands), LABEL_LIMIT),
        "optional": field.optional,
        "element": _element(field),
    }
    if hint := clean(spoken(field.hint, words.commands)):
        made["hint"] = _short(hint, LABEL_LIMIT)
    return made


def _element(field: Field) -> Block:
    match field.kind:
        case "choice":
            return _select(field)
        case "file":
            return {"type": "file_input", "action_id": ACTION, "max_files": 1}
        case _:
            return _text_input(field)


def _text_input(field: Field) -> Block:
    value = clean(field.value)
    if length(value) > TEXT_LIMIT:
        raise ValueError(f"{length(value)} characters in {field.name!r}; a modal holds {TEXT_LIMIT}")
    made = {
        "type": "plain_text_input",
        "action_id": ACTION,
        "multiline": field.kind == "lines",
        "max_length": TEXT_LIMIT,
    }
    return made | ({"initial_value": value} if value else {})


def _select(field: Field) -> Block:
    if not 1 <= len(field.options) <= MAX_OPTIONS:
        raise ValueError(f"{len(field.options)} options in {field.name!r}; a modal shows 1 to {MAX_OPTIONS}")
    options = {value: _option(value, text) for value, text in field.options}
    made = {"type": "static_select", "action_id": ACTION, "options": list(options.values())}
    return made | ({"initial_option": options[field.value]} if field.value in options else {})


def _option(value: str, text: str) -> Block:
    if length(MARK + value) > OPTION_VALUE:
        raise ValueError(f"an option's value of {length(value)} characters")
    return {"text": _short(text, OPTION_TEXT), "value": MARK + value}


def _short(text: str, limit: int) -> Block:
    return plain_text(cut(clean(text), limit, marker="…") or "·")


def _value(given: Mapping[str, Any]) -> str:
    if given.get("type") == "static_select":
        return str((given.get("selected_option") or {}).get("value") or "").removeprefix(MARK)
    return str(given.get("value") or "")
