"""Posting a job by one form, on platforms that have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.context import Context
from bot.dialogue import FormProblems
from bot.job_settings import SETTINGS, Clock, typed
from bot.post_draft import Draft, settings_of, with_settings
from bot.post_options import split_labels
from bot.surface import Field, FieldKind, Form
from bot.texts import say
from bot.tokens import make
from core.errors import InvalidInput
from core.labels import choice
from core.projects import AUDIENCES, check_question

FIELDS: Mapping[str, FieldKind] = {
    "question": "text",
    "labels": "lines",
    "file": "file",
    "lines": "lines",
    "overlap": "text",
    "price": "text",
    "time": "text",
    "deadline": "text",
    "who": "choice",
    "language": "text",
    "known": "text",
    "guidelines": "lines",
}
"""In their order."""
OPTIONAL = ("file", "lines", "known", "guidelines")
HINTED = ("labels", "file", "lines", "overlap", "price", "time", "deadline", "language", "known")
IN_WORDS = ("overlap", "price", "time", "deadline", "who", "language")
"""Settings that are one line of words."""


def form_of(context: Context, draft: Draft) -> Form:
    """The form, filled in with what is known or usual."""
    locale = context.account.worker.locale
    clock = Clock(context.now, context.account.worker.time_zone)
    settings = settings_of(draft | {"upload": ""})
    values = {name: typed(name, settings, clock) for name in IN_WORDS} | {
        "question": draft["question"],
        "labels": "\n".join(draft["labels"]),
        "lines": draft.get("pasted", ""),
        "known": draft.get("wanted_gold", ""),
        "guidelines": settings.guidelines,
    }
    audiences = tuple((audience, say(f"value_{audience}", locale)) for audience in AUDIENCES)
    fields = tuple(
        Field(
            name,
            say(f"field_{name}", locale),
            kind,
            values.get(name, ""),
            say(f"hint_{name}", locale) if name in HINTED else "",
            audiences if name == "who" else (),
            optional=name in OPTIONAL,
        )
        for name, kind in FIELDS.items()
    )
    return Form(make("post"), say("form_title", locale), say("form_submit", locale), fields)


def read_form(values: Mapping[str, str], clock: Clock) -> tuple[Draft, str]:
    """What was filled in, as part of a draft; and the pasted lines.

    Raises:
        FormProblems: with the first error of each field.
    """
    draft: Draft = {"form": True, "decided": True}
    problems: dict[str, InvalidInput] = {}

    def read(name: str, parse: Callable[[str], dict[str, Any]]) -> None:
        try:
            draft.update(parse(values.get(name, "").strip()))
        except InvalidInput as error:
            problems[name] = error

    read("question", lambda text: {"question": check_question(text)})
    read("labels", lambda text: {"labels": [label.name for label in choice.make(split_labels(text)).labels]})
    for name in (*IN_WORDS, "guidelines"):
        read(name, lambda text, name=name: with_settings({}, SETTINGS[name].parse(text, clock)))  # type: ignore[misc]
    if problems:
        raise FormProblems(problems)
    return draft | {"wanted_gold": values.get("known", "").strip()}, values.get("lines", "").strip()
