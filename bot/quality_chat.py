"""`/quality`: what makes sure of the labels of a job, and the way to each of its sections.

A section is a dialogue of its own whose buttons carry its verb; it leads back here by `back_choice`.
"""

from __future__ import annotations

from bot.cards.aim import Answers
from bot.cards.quality import QualityCard
from bot.cards.views import Choice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute, leave
from bot.jobs_chat import one_project
from bot.tokens import Token, make
from core.aims import aim_of
from core.gold_pool import pool_of
from core.models import Dialogue, Project, Workspace
from core.projects import find_project
from core.quality import load

SECTIONS = ("aim", "goldset", "rules", "auditset", "pilot")
"""Verbs of the sections' buttons, which are also the names of their dialogues."""
PER_ROW = 2


def on_quality(context: Context, argument: str) -> list[Show]:
    """`/quality JOB`: all sections in plain sentences."""
    return [Show(_card(context, one_project(context, "quality", argument.strip())))]


def on_quality_tap(context: Context, token: Token) -> list[Show]:
    """The way back from a section, whose dialogue ends with it."""
    project = find_project(context.session, context.workspace_id, token.subject)
    leave_section(context)
    return [Show(_card(context, project), "edit")]


def leave_section(context: Context) -> None:
    """Stand in no section any more; a dialogue of another kind is left alone."""
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    if dialogue is not None and dialogue.name in SECTIONS:
        leave(context)


def back_choice(project: Project) -> Choice:
    """The button that leads from a section back to all of them."""
    return Choice(make("quality", project.public_id), "button_back", style="quiet")


def answers_of(context: Context, project: Project) -> Answers:
    """The range of answers of a project, and what one costs."""
    currency = context.session.get_one(Workspace, project.workspace_id).currency
    return Answers(project.min_overlap, project.max_overlap, project.price, currency)


def _card(context: Context, project: Project) -> QualityCard:
    buttons = [Choice(make(verb, project.public_id), f"button_quality_{verb}") for verb in SECTIONS]
    return QualityCard(
        name=project.name,
        aim=aim_of(project),
        answers=answers_of(context, project),
        settings=load(project.quality),
        pool=pool_of(context.session, project.id),
        pilot_size=project.pilot_size,
        pilot_state=project.pilot_state,
        rows=tuple(tuple(buttons[start : start + PER_ROW]) for start in range(0, len(buttons), PER_ROW)),
    )


COMMANDS = {"quality": CommandRoute("coordinator", on_quality, reads=True)}
TAPS = {"quality": TapRoute("coordinator", on_quality_tap)}
