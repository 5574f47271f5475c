"""What people answer at the steps of posting a job: by button and in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from bot.aim_words import parse_aim
from bot.cards.views import Notice, Show
from bot.context import Context
from bot.dialogue import checked, leave
from bot.job_settings import SETTINGS, parse_guidelines, parse_overlap
from bot.post_draft import GOLD_USE, Draft, known_columns, with_labels, with_settings, with_text_column
from bot.post_items import append, publish, with_lines
from bot.post_known import settle, undecided, usable, with_known_column
from bot.post_options import split_labels
from bot.post_steps import HUB_SETTINGS, NAME, SET, clock, go, go_on, next_step, proposal, step_before
from bot.tokens import Token
from core import quality
from core.errors import Conflict, InvalidInput
from core.models import Dialogue
from core.pilot import PILOT_ITEMS
from core.projects import check_question, find_project

_NUMBERED = re.compile(r"([cv])(\d{1,3})")


def on_sample(_context: Context, _token: Token) -> list[Show]:
    """A button of the preview was tapped: it does nothing, and says so."""
    return [Show(Notice("sample_tapped"), "toast")]


def on_post_tap(context: Context, token: Token) -> list[Show]:
    """A button of a step. Its version makes a button of an earlier step harmless."""
    dialogue = checked(context, NAME, token)
    step, draft = dialogue.step, dict(dialogue.data)
    if token.argument == "cancel":
        leave(context)
        return [Show(Notice("post_cancelled"), "edit")]
    if token.argument == "back" and (before := step_before(context, step, draft)) is not None:
        return go(context, before, draft, "edit")
    if step == f"{SET}overlap" and token.argument == f"{SET}aim":
        return go(context, token.argument, draft, "edit")
    if step.startswith(SET):
        return _to_hub(context, _chosen(context, step.removeprefix(SET), draft, token.argument), "edit")
    if step == "target" and token.argument == "add":
        project = find_project(context.session, context.workspace_id, token.subject)
        return _left(context, append(context, project, draft))
    if step == "preview" and token.argument in ("post", "pilot"):
        size = PILOT_ITEMS if token.argument == "pilot" else 0
        return _left(context, publish(context, draft | {"pilot": size}))
    return _onward(context, step, draft, token.argument)


def on_text(context: Context, dialogue: Dialogue, text: str) -> list[Show]:
    """Plain words: the answer to what the step asks."""
    if not context.account.may("coordinator"):
        return [Show(Notice("say_hint"))]
    step, draft = dialogue.step, dict(dialogue.data)
    if step == f"{SET}guidelines":
        return go(context, step, _written(context, draft, text))
    if step.startswith(SET):
        return _to_hub(context, _said(context, step.removeprefix(SET), draft, text))
    match step:
        case "items":
            return go_on(context, _pasted(context, draft, text))
        case "columns":
            draft = with_text_column(draft, _column(draft["columns"], text))
        case "target" | "question":
            draft |= {"question": check_question(text), "decided": True}
        case "labels":
            draft = with_labels(draft, split_labels(text))
        case "hub":  # the numbers of answers are typed so often that they need no button first
            return go(context, "hub", with_settings(draft, _overlap(text)))
        case _:
            raise InvalidInput("tap_to_go_on")
    draft = settle(context, draft)
    return go(context, next_step(context, draft), draft)


def _to_hub(context: Context, draft: Draft, how: Literal["send", "edit"] = "send") -> list[Show]:
    """A setting was chosen: the card of all settings, unless known labels leave a question."""
    return go(context, "misfits" if undecided(draft) else "hub", draft, how)


def _onward(context: Context, step: str, draft: Draft, argument: str) -> list[Show]:
    """A button that leads to another step."""
    if step == "hub" and argument.removeprefix(SET) in HUB_SETTINGS:
        return go(context, argument, draft | {"writing": False}, "edit")
    if step == "hub" and argument == "preview":
        return go(context, "preview", draft, "edit")
    if step == "columns" and (number := _number(argument, "c")) is not None:
        draft = with_text_column(draft, _at(draft["columns"], number))
    elif step == "target" and argument == "new":
        draft |= {"decided": True}
    elif step == "question" and argument == "keep":
        draft |= {"question": proposal(context, step, draft)[0], "decided": True}
    elif step == "labels" and argument == "keep":
        draft = with_labels(draft, proposal(context, step, draft))
    elif step == "misfits" and argument == "use" and usable(draft):
        draft |= {"accepted": draft["fit"]}
    elif step == "misfits" and argument == "none":
        draft = with_known_column(context, draft, None)
    else:
        raise Conflict("stale_button")
    draft = settle(context, draft)
    return go(context, next_step(context, draft), draft, "edit")


def _chosen(context: Context, name: str, draft: Draft, argument: str) -> Draft:
    """The draft with what a button of one setting says."""
    if name == "known":
        if argument in quality.GOLD_USES:
            return with_settings(draft, {GOLD_USE: argument})
        number = _number(argument, "c")
        if number is None and argument != "none":
            raise Conflict("stale_button")
        column = None if number is None else _at(known_columns(draft), number)
        return with_known_column(context, draft, column)
    if name == "guidelines":
        if argument not in ("done", "none"):
            raise Conflict("stale_button")
        return draft | ({"guidelines": ""} if argument == "none" else {})
    number = _number(argument, "v")
    if number is None:
        raise Conflict("stale_button")
    return _said(context, name, draft, _at(SETTINGS[name].presets, number))


def _said(context: Context, name: str, draft: Draft, text: str) -> Draft:
    if name == "known":
        return with_known_column(context, draft, _column(known_columns(draft), text))
    if name == "aim":  # an amount of money means so many answers at the price of the job
        return with_settings(draft, {"aim": parse_aim(text, draft["price"])})
    return with_settings(draft, SETTINGS[name].parse(text, clock(context)))


def _written(context: Context, draft: Draft, text: str) -> Draft:
    """The first message takes the place of the guidelines, those after it are put behind: apps split long ones."""
    whole = f"{draft['guidelines']}\n{text}" if draft.get("writing") else text
    return draft | parse_guidelines(whole, clock(context)) | {"writing": True}


def _pasted(context: Context, draft: Draft, text: str) -> Draft:
    if "\n" not in text.strip():
        raise InvalidInput("one_line")
    return with_lines(context, draft, text)


def _overlap(text: str) -> dict[str, int]:
    try:
        return parse_overlap(text)
    except InvalidInput as error:
        raise InvalidInput("tap_to_change") if error.code == "overlap_unclear" else error from None


def _column(columns: list[str], text: str) -> str:
    wanted = text.strip().casefold()
    for column in columns:
        if column.casefold() == wanted:
            return column
    raise InvalidInput("column_missing", column=text.strip()[:40], columns=columns[:30])


def _number(argument: str, kind: str) -> int | None:
    match = _NUMBERED.fullmatch(argument)
    return int(match[2]) if match is not None and match[1] == kind else None


def _at(values: Sequence[str], number: int) -> str:
    if number >= len(values):
        raise Conflict("stale_button")
    return values[number]


def _left(context: Context, notice: Notice) -> list[Show]:
    leave(context)
    return [Show(notice, "edit")]
