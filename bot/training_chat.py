"""When the model of a job is trained by itself: the two steps behind `/learning` that say so, by button or in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.cards.learning import CRONS, LearningCard, LearningSetting
from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import TapRoute, checked, leave, save
from bot.learning_chat import learning_card
from bot.tokens import Token, make
from core.errors import Conflict
from core.models import Dialogue, Project
from core.projects import find_project
from core.training_times import COLUMNS, change_times, parse_time

NAME = "learnwhen"
PRESETS: Mapping[str, Mapping[str, str]] = {
    "retrain": {words: words for words in ("off", "50", "100", "200", "500", "1000")},
    "cron": {"off": "off"} | {name: cron for cron, name in CRONS.items()},
}
"""What each may be by button: as the button carries it, and as people write it."""
UNDO = "undo"


def on_when_tap(context: Context, token: Token) -> list[Show]:
    """A button of one of the steps: the way in and back, one of the values, or undo."""
    project = find_project(context.session, context.workspace_id, token.subject)
    if not token.argument:
        _leave_own(context)
        return [Show(learning_card(context, project), "edit")]
    if token.argument in COLUMNS:
        save(context, NAME, token.argument, {"project": project.public_id})
        return [Show(_step(project, token.argument), "edit")]
    if token.argument == UNDO:
        return [Show(_undone(context, project, checked(context, NAME, token)), "edit")]
    name, _, chosen = token.argument.partition("-")
    if chosen not in PRESETS.get(name, ()):
        raise Conflict("unknown_button")
    return [Show(_changed(context, project, parse_time(name, PRESETS[name][chosen])), "edit")]


def on_text(context: Context, dialogue: Dialogue, text: str) -> list[Show]:
    """Plain words: a number of items, or a cron string, also as a caption has them: `retrain=300`."""
    name = dialogue.step
    if name not in COLUMNS or not context.account.may("coordinator"):
        return [Show(Notice("say_hint"))]
    project = find_project(context.session, context.workspace_id, dialogue.data["project"])
    said = text.strip().removeprefix(name).strip().removeprefix("=")
    return [Show(_changed(context, project, parse_time(name, said)))]


def _changed(context: Context, project: Project, values: dict[str, Any]) -> LearningCard:
    """Set it; undo is offered where that changed anything, and stands in the dialogue."""
    before = {column: getattr(project, column) for column in values}
    if not change_times(context.session, project, context.worker_id, context.now, **values):
        _leave_own(context)
        return learning_card(context, project)
    dialogue = save(context, NAME, UNDO, {"project": project.public_id, "before": before})
    back = Choice(make(NAME, project.public_id, UNDO, dialogue.version), "button_learning_undo", style="quiet")
    return learning_card(context, project, (back,), saved=True)


def _undone(context: Context, project: Project, dialogue: Dialogue) -> LearningCard:
    if dialogue.step != UNDO or dialogue.data["project"] != project.public_id:
        raise Conflict("stale_button")
    changed = change_times(context.session, project, context.worker_id, context.now, **dialogue.data["before"])
    leave(context)
    return learning_card(context, project, saved=changed)


def _step(project: Project, name: str) -> LearningSetting:
    presets = tuple(
        (make(NAME, project.public_id, f"{name}-{carried}"), parse_time(name, words)[COLUMNS[name]])
        for carried, words in PRESETS[name].items()
    )
    back = Choice(make(NAME, project.public_id), "button_back", style="quiet")
    return LearningSetting(COLUMNS[name], getattr(project, COLUMNS[name]), presets, ((back,),))


def _leave_own(context: Context) -> None:
    """Stand in no step of this dialogue any more; another one is left alone."""
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    if dialogue is not None and dialogue.name == NAME:
        leave(context)


TAPS = {NAME: TapRoute("coordinator", on_when_tap)}
TEXTS = {NAME: on_text}
