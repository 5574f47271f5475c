"""Section "rules" of `/quality`: what follows in a job where somebody's answers look wrong."""

from __future__ import annotations

from bot.cards.rules import RulesCard
from bot.cards.views import Notice, Show
from bot.context import Context
from bot.dialogue import TapRoute
from bot.quality_chat import back_choice
from bot.tokens import Token
from core.changes import change_quality
from core.errors import Conflict
from core.models import Project
from core.projects import find_project
from core.quality import ACTIONS, RULES, load


def on_rules(context: Context, token: Token) -> list[Show]:
    """The rules of a job."""
    return [Show(_card(find_project(context.session, context.workspace_id, token.subject)), "edit")]


def on_rule(context: Context, token: Token) -> list[Show]:
    """Another action for one kind. It holds for what is found from then on."""
    project = find_project(context.session, context.workspace_id, token.subject)
    kind, _, action = token.argument.partition("-")
    if kind not in RULES or action not in ACTIONS:
        raise Conflict("unknown_button")
    change_quality(context.session, project, context.worker_id, context.now, rules={kind: action})
    return [Show(Notice("rule_changed"), "toast"), Show(_card(project), "edit")]


def _card(project: Project) -> RulesCard:
    return RulesCard(project.name, project.public_id, load(project.quality).rules, back_choice(project))


TAPS = {"rules": TapRoute("coordinator", on_rules), "rule": TapRoute("coordinator", on_rule)}
