"""What a worker has done: numbers that cheer, and none that would tell which answers were right."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.views import View
from bot.surface import Message
from bot.texts import say
from bot.texts.measures import money, share
from core.worker_stats import WorkerStats


@dataclass(frozen=True, slots=True)
class StatsCard(View):
    """What a worker has done."""

    stats: WorkerStats


def render(card: StatsCard, locale: str) -> Message:
    """A line for each thing there is to tell; a bar for the day's goal."""
    stats = card.stats
    if not stats.annotations and not stats.skips and not stats.rejected:
        return Message(text=say("stats_none", locale))
    lines = [
        say("stats", locale, count=stats.annotations),
        say("stats_rejected", locale, count=stats.rejected) if stats.rejected else "",
        _today(stats, locale),
        say("stats_streak", locale, count=stats.streak) if stats.streak > 1 else "",
        say("stats_skips", locale, count=stats.skips) if stats.skips else "",
        "" if stats.agreement is None else say("stats_agreement", locale, share=share(stats.agreement, locale)),
        "" if stats.earned is None else say("stats_earned", locale, amount=money(stats.earned, stats.currency, locale)),
    ]
    jobs = [say("stats_line", locale, project=name, count=count) for name, count in stats.by_project]
    paragraphs = ["\n".join(line for line in lines if line), "\n".join(jobs) if len(jobs) > 1 else ""]
    return Message(
        text="\n\n".join(piece for piece in paragraphs if piece),
        progress=min(1.0, stats.today / stats.goal) if stats.goal else None,
    )


def _today(stats: WorkerStats, locale: str) -> str:
    if not stats.goal:
        return say("stats_today", locale, today=stats.today)
    return say("stats_goal", locale, today=stats.today, goal=stats.goal)
