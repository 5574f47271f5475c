"""Dialogues of coordinators: where the guidelines of their jobs are unclear."""

from __future__ import annotations

from bot.cards.suggestions import SuggestionsCard
from bot.cards.views import Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute
from bot.jobs_chat import job_or_all
from bot.tokens import Token
from core.errors import Conflict
from core.models import Project
from core.projects import find_project
from core.suggestions import list_suggestions, mark_done


def on_suggestions(context: Context, argument: str) -> list[Show]:
    """`/suggestions JOB`: of one job, or of all."""
    return [Show(_card(context, job_or_all(context, "suggestions", argument.strip())))]


def on_page_tap(context: Context, token: Token) -> list[Show]:
    """Another page."""
    return [Show(_card(context, _chosen(context, token.subject), token.version), "edit")]


def on_done_tap(context: Context, token: Token) -> list[Show]:
    """It is done; the list without it."""
    try:
        mark_done(context.session, context.workspace_id, context.worker_id, token.subject, context.now)
        said = Notice("suggestion_done")
    except Conflict as late:  # the second tap, or another coordinator
        said = Notice(late.code, late.params)
    card = _card(context, _chosen(context, token.argument), token.version, done=True)
    return [Show(said, "toast"), Show(card, "edit")]


def _chosen(context: Context, public_id: str) -> Project | None:
    """The job that a button names; None for all."""
    return find_project(context.session, context.workspace_id, public_id) if public_id else None


def _card(context: Context, project: Project | None, page: int = 0, *, done: bool = False) -> SuggestionsCard:
    found = list_suggestions(context.session, context.workspace_id, project.id if project else None, page)
    return SuggestionsCard(found, project.public_id if project else "", done)


COMMANDS = {"suggestions": CommandRoute("coordinator", on_suggestions, reads=True)}
TAPS = {
    "sugg": TapRoute("coordinator", on_page_tap, reads=True),
    "suggdone": TapRoute("coordinator", on_done_tap),
}
