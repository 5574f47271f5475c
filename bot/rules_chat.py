"""Section "rules" of `/quality`: what follows in a job where somebody's answers look wrong."""

from __future__ import annotations

from bot.cards.rules import SURE, RulesCard
from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import TapRoute
from bot.quality_chat import back_choice
from bot.tokens import Token, make
from core.changes import change_quality
from core.errors import Conflict
from core.models import Project
from core.projects import find_project
from core.quality import ACTIONS, RULES, load


def on_rules(context: Context, token: Token) -> list[Show]:
    """The rules of a job, or one of them with what may follow."""
    project = find_project(context.session, context.workspace_id, token.subject)
    if token.argument and token.argument not in RULES:
        raise Conflict("unknown_button")
    return [Show(_card(project, token.argument), "edit")]


def on_rule(context: Context, token: Token) -> list[Show]:
    """Another action for one kind, which holds for what is found from then on. A ban is asked about first."""
    project = find_project(context.session, context.workspace_id, token.subject)
    kind, _, action = token.argument.partition("-")
    sure = action == SURE
    action = "ban" if sure else action
    if kind not in RULES or action not in ACTIONS:
        raise Conflict("unknown_button")
    if action == "ban" and not sure and load(project.quality).rules[kind] != action:
        return [Show(_card(project, kind, asks_ban=True), "edit")]
    change_quality(context.session, project, context.worker_id, context.now, rules={kind: action})
    return [Show(Notice("rule_changed"), "toast"), Show(_card(project), "edit")]


def _card(project: Project, kind: str = "", *, asks_ban: bool = False) -> RulesCard:
    to_rule = Choice(make("rules", project.public_id, kind), "button_back", style="quiet")
    to_rules = Choice(make("rules", project.public_id), "button_back", style="quiet")
    back = to_rule if asks_ban else to_rules if kind else back_choice(project)
    return RulesCard(project.name, project.public_id, load(project.quality).rules, back, kind, asks_ban)


TAPS = {"rules": TapRoute("coordinator", on_rules), "rule": TapRoute("coordinator", on_rule)}
