"""Dialogue of a note: words that somebody sends right after an answer may say why they gave it."""

from __future__ import annotations

from datetime import timedelta

from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import TapRoute, checked, leave, save
from bot.tokens import Token, make
from core import labels
from core.answers import STANDING, add_note, check_note, last_answer
from core.models import Annotation, Dialogue, Project

NAME = "note"
FRESH = timedelta(minutes=10)
"""Words that come later than this after an answer are not about it."""


def on_words(context: Context, text: str) -> list[Show]:
    """Plain words of somebody who stands in no dialogue: a note to their last answer, if they say so.

    Raises:
        InvalidInput: it is too long for a note.
    """
    standing = context.session.get(Dialogue, context.account.identity.id)
    answer = _fresh_answer(context) if standing is None or standing.name == NAME else None
    if answer is None or not text.strip():
        return [Show(Notice("say_hint"))]
    check_note(text)
    dialogue = save(context, NAME, "ask", {"answer": answer.public_id, "text": text.strip()})
    project = context.session.get_one(Project, answer.project_id)
    name = labels.name_of(labels.load(project.label_schema), str(answer.label_id))
    row = (
        Choice(make(NAME, argument="add", version=dialogue.version), "button_note_add", style="primary"),
        Choice(make(NAME, argument="no", version=dialogue.version), "button_note_no", style="quiet"),
    )
    return [Show(Notice("note_ask", {"label": name}, (row,)))]


def on_note(context: Context, token: Token) -> list[Show]:
    """The note is wanted, or not."""
    dialogue = checked(context, NAME, token)
    answer, text = str(dialogue.data["answer"]), str(dialogue.data["text"])
    leave(context)
    if token.argument != "add":
        return [Show(Notice("note_dropped"), "edit")]
    add_note(context.session, context.worker_id, context.workspace_id, answer, text)
    return [Show(Notice("note_added"), "edit")]


def _fresh_answer(context: Context) -> Annotation | None:
    if context.account.workspace_id is None:
        return None
    answer = last_answer(context.session, context.worker_id, context.account.workspace_id)
    fresh = answer is not None and answer.state in STANDING and answer.created_at > context.now - FRESH
    return answer if fresh else None


TAPS = {NAME: TapRoute("worker", on_note)}
