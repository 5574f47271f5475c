"""Dialogues in which workers look at their own work: which jobs there are for them, and what they have done."""

from __future__ import annotations

from bot.appeals_chat import standing
from bot.cards.jobs import JobsCard
from bot.cards.stats import StatsCard
from bot.cards.views import Show
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute
from bot.tokens import Token
from core.models import Workspace
from core.openings import openings
from core.worker_stats import worker_stats


def on_jobs(context: Context, _argument: str) -> list[Show]:
    """The jobs of the workspace: what the person may work on, and why not where they may not."""
    return [Show(_jobs(context, 1)), *standing(context)]


def on_jobs_tap(context: Context, token: Token) -> list[Show]:
    """Another page of them."""
    return [Show(_jobs(context, token.version), "edit")]


def _jobs(context: Context, page: int) -> JobsCard:
    account, now = context.account, context.now
    languages = account.worker.languages
    found = openings(context.session, context.workspace_id, context.worker_id, account.role, languages, now, page)
    currency = context.session.get_one(Workspace, context.workspace_id).currency
    return JobsCard(found, currency, account.worker.time_zone, now, account.may("coordinator"))


def on_stats(context: Context, _argument: str) -> list[Show]:
    """What the person has done, and where a rule has warned or paused them."""
    stats = worker_stats(context.session, context.account.worker, context.workspace_id, context.now)
    return [Show(StatsCard(stats)), *standing(context)]


COMMANDS = {
    "jobs": CommandRoute("worker", on_jobs),
    "stats": CommandRoute("worker", on_stats, reads=True),
}
TAPS = {"jobs": TapRoute("worker", on_jobs_tap)}
