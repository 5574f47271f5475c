"""Messages owed about the work of experts: what is due for them, and what they leave to coordinators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from bot.cards.settled import FinalCard
from bot.cards.views import Choice, Notice, View
from bot.tokens import make
from core.audit_sample import summary
from core.second_looks import difference
from core.suggestions import list_suggestions


def audits_due(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    """How many answers an expert is asked to look at; nothing where none is due any more."""
    count = summary(session, params["workspace_id"], auditor_id=params["worker_id"]).owed
    if not count:
        return None
    start = Choice(make("pick", "", "audit"), "button_start", style="primary")
    return Notice("audits_due", {"count": count}, ((start,),))


def suggestions(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    """How many items wait for clearer guidelines; nothing where all are done."""
    count = list_suggestions(session, params["workspace_id"]).total
    if not count:
        return None
    show = Choice(make("sugg"), "button_suggestions", style="primary")
    return Notice("suggestions_due", {"count": count}, ((show,),))


def second_differs(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    """Two experts differ about an item; nothing where the last word has been spoken."""
    found = difference(session, params["workspace_id"], params["item_public_id"])
    return None if found is None else FinalCard(found)


BUILDERS: dict[str, Callable[[Session, dict[str, Any], str], View | None]] = {
    "audits_due": audits_due,
    "suggestions": suggestions,
    "second_differs": second_differs,
}
