"""Dialogues of coordinators: the last word where two experts differ about an item."""

from __future__ import annotations

from bot.cards.settled import FinalCard, verdict_notice
from bot.cards.views import Notice, Show
from bot.context import Context
from bot.dialogue import TapRoute
from bot.item_details import whole_text
from bot.tokens import Token
from core import labels
from core.disputes import find_item
from core.errors import Conflict
from core.second_looks import difference, next_difference, settle_finally


def on_final_tap(context: Context, token: Token) -> list[Show]:
    """The item, or another page of its labels; the next one where its last word has been spoken."""
    find_item(context.session, context.workspace_id, token.subject)  # whatever came of it: it is of this workspace
    found = difference(context.session, context.workspace_id, token.subject)
    if found is None:
        return [Show(Notice("final_gone"), "toast"), _next(context)]
    return [Show(FinalCard(found, token.version), "edit")]


def on_final_set(context: Context, token: Token) -> list[Show]:
    """The last word: a label, or, without one, that nobody can answer it. The next such item follows."""
    try:
        _, project = settle_finally(
            context.session,
            workspace_id=context.workspace_id,
            worker_id=context.worker_id,
            item_public_id=token.subject,
            label_id=token.argument,
            now=context.now,
        )
    except Conflict as late:
        return [Show(Notice(late.code, late.params), "toast"), _next(context)]
    return [Show(verdict_notice(project.label_schema, token.argument), "toast"), _next(context)]


def on_full_tap(context: Context, token: Token) -> list[Show]:
    """The whole question and item, then the card again."""
    item, project = find_item(context.session, context.workspace_id, token.subject)
    text = f"{project.question}\n\n{labels.item_text(item.content)}"
    found = difference(context.session, context.workspace_id, token.subject)
    again = [Show(FinalCard(found))] if found is not None else []
    return [*whole_text(context, "full_heading", text, "item.txt"), *again]


def _next(context: Context) -> Show:
    found = next_difference(context.session, context.workspace_id)
    return Show(Notice("final_none") if found is None else FinalCard(found), "edit")


TAPS = {
    "final": TapRoute("coordinator", on_final_tap, reads=True),
    "finalfull": TapRoute("coordinator", on_full_tap, reads=True),
    "finalset": TapRoute("coordinator", on_final_set),
}
