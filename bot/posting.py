"""Posting a job: how it begins, from a file, from pasted lines, or by a form. The steps are in `bot.post_steps`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, FormProblems, FormRoute, TapRoute, save
from bot.jobs_chat import one_project
from bot.post_again import on_repost
from bot.post_answers import on_post_tap, on_sample, on_text
from bot.post_draft import Draft, empty_draft, with_settings
from bot.post_form import form_of, read_form
from bot.post_items import Looked, append, publish, with_file, with_known_file, with_lines
from bot.post_known import settle, undecided, usable
from bot.post_options import parse_caption, plain_question
from bot.post_steps import NAME, SET, clock, go, go_on
from bot.texts.units import shorten
from bot.tokens import Token, make
from core.errors import InvalidInput
from core.labels import choice
from core.models import Dialogue
from core.projects import check_question

MAX_WORDS = 80
"""Of a caption that was not understood, so much is repeated."""
QUESTION_MARKS = ("?", "？")
EXAMPLE_LABELS = "Yes | No"
NAMED_LABELS, LABEL_UNITS = 5, 40
"""So many labels are repeated, each in so many UTF-16 code units."""
JUST_NOW = timedelta(hours=1)
MAX_IN_FORM = 3000
"""Longer texts cannot be set into a form beforehand."""


def on_post(context: Context, argument: str) -> list[Show]:
    """`/post`, also with a question, with labels and options, or with pasted lines, each of which is an item."""
    first, _, rest = argument.strip().partition("\n")
    draft, pasted, whole = _waiting(context) or empty_draft(), rest.strip(), "|" in first
    if whole:
        draft = _captioned(context, draft, first)
    elif first.endswith(QUESTION_MARKS) or (first and not pasted):
        draft |= {"question": _asked(plain_question(first)), "decided": True}
    elif first:
        pasted = argument.strip()
    if context.person.forms and len(pasted) <= MAX_IN_FORM:
        return _open_form(context, draft | {"pasted": pasted})
    if not pasted:
        return go(context, "items", draft)
    return _on_items(context, with_lines(context, draft, pasted), whole)


def on_upload(context: Context, looked: Looked, caption: str) -> list[Show]:
    """A file came. With a whole caption it is posted at once, else the steps begin or go on."""
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    if dialogue is not None and (dialogue.name, dialogue.step) == (NAME, f"{SET}known"):
        return go(context, "hub", with_known_file(context, dict(dialogue.data), looked))
    command, *behind = caption.split(maxsplit=1) or [""]
    rest = "".join(behind)
    if command.lower() == "/add":
        project = one_project(context, "add", rest.strip())
        return [Show(append(context, project, with_file(context, empty_draft(), looked)))]
    draft = with_file(context, _begun(context) or empty_draft(), looked)
    posted = command.lower() == "/post"
    words = rest.strip() if posted else caption.strip()
    if posted and "|" in words:
        return _on_items(context, _captioned(context, draft, words), whole=True)
    if words and (posted or words.endswith(QUESTION_MARKS)):
        return _on_items(context, draft | {"question": _asked(plain_question(words)), "decided": True})
    aside = [Show(Notice("caption_aside", {"words": words[:MAX_WORDS]}))] if words else []
    return [*aside, *_on_items(context, draft)]


def on_form(context: Context, _token: Token, values: Mapping[str, str]) -> list[Show]:
    """The form was sent off. Its file, if there is one, follows; until then all that was filled in is kept."""
    filled, pasted = read_form(values, clock(context))
    draft = empty_draft() | filled
    if not pasted:
        return go(context, "items", draft)
    try:
        draft = with_lines(context, draft, pasted)
    except InvalidInput as error:
        raise FormProblems({"known" if error.code == "column_missing" else "lines": error}) from error
    return go_on(context, draft)


def on_form_tap(context: Context, _token: Token) -> list[Show]:
    """The form is asked for again; where the platform cannot open it, the steps take its place."""
    draft = _waiting(context) or empty_draft()
    return _open_form(context, draft) if context.person.forms else go(context, "items", draft)


def _open_form(context: Context, draft: Draft) -> list[Show]:
    save(context, NAME, "items", draft)
    again = Choice(make("postform"), "button_open_form", style="primary")
    return [Show(Notice("form_instead", rows=((again,),)), form=form_of(context, draft))]


def _on_items(context: Context, draft: Draft, whole: bool = False) -> list[Show]:
    """The items are there. Where question and labels came in the same message, the job is posted at once.

    Unless nothing would come of it, because most rows have known labels that are none of the job's.
    """
    draft = settle(context, draft)
    if whole and draft["labels"] and (usable(draft) or not undecided(draft)):
        return [Show(publish(context, draft))]
    return go_on(context, draft)


def _waiting(context: Context) -> Draft | None:
    """What was said before the items came, by the form or by `/post` with a question; else nothing."""
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    waits = dialogue is not None and (dialogue.name, dialogue.step) == (NAME, "items")
    return dict(dialogue.data) if dialogue is not None and waits else None


def _begun(context: Context) -> Draft | None:
    """What was said of a job that was begun just now: a file that was corrected takes the place of the first one."""
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    if dialogue is None or dialogue.name != NAME or dialogue.updated_at < context.now - JUST_NOW:
        return _waiting(context)
    return dict(dialogue.data)


def _captioned(context: Context, draft: Draft, caption: str) -> Draft:
    """The draft with a question, labels and options between bars."""
    question, names, values = parse_caption(caption, clock(context))
    if question in draft.get("proposed", ()) or (len(names) == 1 and not question.endswith(QUESTION_MARKS)):
        question, names = "", [name for name in (question, *names) if name]  # nothing but labels
    asked = _asked(question, names)
    labels = [label.name for label in choice.make(names).labels] if names else []
    said = {"question": asked, "labels": labels, "decided": True}
    return with_settings(draft, values) | said


def _asked(question: str, labels: Sequence[str] = ()) -> str:
    """The question that somebody wrote, without its key.

    Raises:
        InvalidInput: caption_no_question, with what to write, or as `check_question`.
    """
    if not question:
        named = " | ".join(shorten(label, LABEL_UNITS) for label in labels[:NAMED_LABELS])
        raise InvalidInput("caption_no_question", labels=named if len(labels) > 1 else EXAMPLE_LABELS)
    return check_question(question)


COMMANDS = {"post": CommandRoute("coordinator", on_post)}
TAPS = {
    "post": TapRoute("coordinator", on_post_tap),
    "repost": TapRoute("coordinator", on_repost),
    "postform": TapRoute("coordinator", on_form_tap),
    "sample": TapRoute("coordinator", on_sample, reads=True),
}
FORMS = {"post": FormRoute("coordinator", on_form)}
TEXTS = {NAME: on_text}
