"""The aim of a job that runs: what an error costs, how many labels should be right, or how many answers it may take."""

from __future__ import annotations

from bot.aim_words import PRESETS, parse_aim
from bot.cards.aim import AimCard
from bot.cards.views import Notice, Show
from bot.context import Context
from bot.dialogue import TapRoute, checked, save
from bot.quality_chat import answers_of, back_choice
from bot.tokens import Token, make
from core.aims import Aim, aim_of
from core.budget import spent
from core.errors import Conflict
from core.models import Dialogue, Project
from core.projects import find_project
from core.steering import count_items, reached, set_aim

NAME = "aim"
PER_ITEM = (2, 3)
"""Budgets that are proposed, in answers per item."""


def on_aim_tap(context: Context, token: Token) -> list[Show]:
    """A button of the section: the way in, or one of the aims."""
    project = find_project(context.session, context.workspace_id, token.subject)
    if not token.argument:
        return [Show(_card(context, project), "edit")]
    dialogue = checked(context, NAME, token)
    if dialogue.data["project"] != project.public_id:
        raise Conflict("stale_button")
    proposed = _proposed(dialogue.data["budgets"])
    number = int(token.argument) if token.argument.isdecimal() else len(proposed)
    if number >= len(proposed):
        raise Conflict("stale_button")
    return [Show(_changed(context, project, proposed[number]), "edit")]


def on_text(context: Context, dialogue: Dialogue, text: str) -> list[Show]:
    """Plain words: another aim."""
    if not context.account.may("coordinator"):
        return [Show(Notice("say_hint"))]
    project = find_project(context.session, context.workspace_id, dialogue.data["project"])
    return [Show(_changed(context, project, parse_aim(text, project.price)))]


def _changed(context: Context, project: Project, aim: Aim) -> AimCard:
    changed = set_aim(context.session, project, aim, context.worker_id, context.now)
    return _card(context, project, saved=changed)


def _proposed(budgets: list[int]) -> list[Aim]:
    """What may be chosen by button, in the order of the buttons' numbers."""
    return [*(parse_aim(words) for words in PRESETS), *(Aim("budget", budget=budget) for budget in budgets)]


def _card(context: Context, project: Project, *, saved: bool = False) -> AimCard:
    items = count_items(context.session, project.id)
    budgets = [items * each for each in PER_ITEM if items]
    dialogue = save(context, NAME, "choose", {"project": project.public_id, "budgets": budgets})
    aims = enumerate(_proposed(budgets))
    presets = tuple((make(NAME, project.public_id, str(number), dialogue.version), aim) for number, aim in aims)
    return AimCard(
        name=project.name,
        aim=aim_of(project),
        answers=answers_of(context, project),
        used=spent(context.session, project.id).used,
        accuracy=reached(context.session, project).accuracy,
        presets=tuple((payload, aim) for payload, aim in presets if aim != aim_of(project)),
        rows=((back_choice(project),),),
        saved=saved,
    )


TAPS = {NAME: TapRoute("coordinator", on_aim_tap)}
TEXTS = {NAME: on_text}
