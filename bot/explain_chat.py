"""Dialogues of experts: why does the model say so? Asked by button, on the card of a dispute or of an audit."""

from __future__ import annotations

from bot.cards.views import Notice, Show
from bot.context import Context
from bot.dialogue import TapRoute
from bot.owed_explain import AUDIT, SETTLE
from bot.tokens import Token
from core.auditing import find_annotation
from core.explanations import request
from core.models import Item


def on_why_tap(context: Context, token: Token) -> list[Show]:
    """Why, about the item of a dispute."""
    return _ask(context, token.subject, SETTLE)


def on_audit_tap(context: Context, token: Token) -> list[Show]:
    """Why, about the item whose answer is audited."""
    annotation, _ = find_annotation(context.session, context.workspace_id, token.subject)
    return _ask(context, context.session.get_one(Item, annotation.item_id).public_id, AUDIT)


def _ask(context: Context, item_public_id: str, origin: str) -> list[Show]:
    """The answer comes as a message of its own; the card in hand stays as it is."""
    request(
        context.session,
        context.workspace_id,
        context.worker_id,
        item_public_id,
        context.now,
        origin=origin,
        pictures=str(context.settings.picture_directory.resolve()),
    )
    return [Show(Notice("explain_coming"), "toast")]


TAPS = {
    "why": TapRoute("expert", on_why_tap),
    "whyaudit": TapRoute("expert", on_audit_tap),
}
