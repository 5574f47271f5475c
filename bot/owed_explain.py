"""Messages owed about what a model has to explain: why it says so, which labels look wrong, what second looks found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from bot.busy import busy_with
from bot.cards.busy import busy_sentence
from bot.cards.explanation import ExplanationCard, Similar
from bot.cards.views import Choice, Notice, View
from bot.texts import knows, say
from bot.tokens import make
from core import labels
from core.clock import now
from core.disagreements import tallies
from core.disputes import find_item
from core.explanations import ANSWER, ERROR, Explanation, similar_items
from core.label_errors import doubtful_labels
from core.learning import load as load_learning
from core.models import Item, Project
from core.second_look_outcomes import outcome

SETTLE, AUDIT = "settle", "audit"
"""Where somebody asked why: the command that brings them back there."""


def explanation(session: Session, params: dict[str, Any], locale: str) -> View:
    """The explanation; where there is none (yet), why."""
    rows = _back(params.get("origin", SETTLE))
    if ERROR in params:
        code, values = params[ERROR]["code"], params[ERROR]["params"]
        reason = say(code, locale, **values) if knows(code) else say("unexpected", locale)
        return Notice("explain_failed", {"reason": reason}, rows)
    item, project = find_item(session, params["workspace_id"], params["item_public_id"])
    if ANSWER not in params:
        busy = busy_sentence(busy_with(session, project, now()), locale)
        return Notice("explain_waiting_busy" if busy else "explain_waiting", {"busy": busy}, rows)
    return _card(session, item, project, params, rows)


def labels_doubted(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    """How many labels look wrong; nothing where none does any more."""
    project = session.get_one(Project, params["project_id"])
    count = len(doubtful_labels(session, project).labels)
    if not count:
        return None
    show = Choice(make("doubts", project.public_id), "button_doubts", style="primary")
    return Notice("labels_doubted", {"project": project.name, "count": count}, ((show,),))


def second_look_done(session: Session, params: dict[str, Any], _locale: str) -> View:
    """What other people found who were asked doubtful labels again."""
    child = session.get_one(Project, params["project_id"])
    parent = session.get_one(Project, load_learning(child.learning).second_look_of)
    found = outcome(session, child)
    told = {"confirmed": found.confirmed, "corrected": found.corrected, "count": found.left}
    code = "second_look_done_left" if found.left else "second_look_done"
    return Notice(code, {"project": parent.name, **told})


def _card(
    session: Session, item: Item, project: Project, params: dict[str, Any], rows: tuple[tuple[Choice, ...], ...]
) -> ExplanationCard:
    found = Explanation.from_json(params[ANSWER])
    names = {label.id: label.name for label in labels.load(project.label_schema).labels}
    similar = similar_items(session, project.id, found)
    return ExplanationCard(
        text=labels.item_text(item.content),
        content=item.content,
        version=params["version"],
        words=found.words,
        probabilities=tuple((names[label_id], value) for label_id, value in found.probabilities.items()),
        tallies=tuple((names[label_id], count) for label_id, count in tallies(session, project, item.id).items()),
        similar=tuple(Similar(one.text, names[one.label_id], one.copies) for one in similar),
        rows=rows,
        directory=params.get("pictures", ""),
    )


def _back(origin: str) -> tuple[tuple[Choice, ...], ...]:
    code = "button_back_to_audit" if origin == AUDIT else "button_back_to_settle"
    return ((Choice(make("pick", "", origin), code, style="quiet"),),)


BUILDERS: dict[str, Callable[[Session, dict[str, Any], str], View | None]] = {
    "explanation": explanation,
    "labels_doubted": labels_doubted,
    "second_look_done": second_look_done,
}
