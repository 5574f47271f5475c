"""A pilot and what it shows, in plain sentences with a verdict first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from bot.cards.buttons import render_rows
from bot.cards.status import left_sentence, right_sentence
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import listed, say
from bot.texts.measures import money, number, share, span
from bot.texts.units import shorten
from core.aggregation.agreement import Estimate
from core.pilot_report import PilotReport

LABEL_UNITS = 40
"""UTF-16 code units of a label in a sentence."""


@dataclass(frozen=True, slots=True)
class PilotCard(View):
    """The section of a job's pilot.

    state: as `project.pilot_state`; `can_begin`, where there is none: whether one can still be put before the items.
    price: of an answer, in hundredths of `currency`.
    """

    name: str
    size: int
    state: str
    can_begin: bool
    report: PilotReport | None
    price: int
    currency: str
    rows: tuple[tuple[Choice, ...], ...]


def render(card: PilotCard, locale: str) -> Message:
    """Where the pilot stands, the verdict, the facts it comes from, and what the rest will take."""
    found = card.report
    pieces = [_standing(card, locale)]
    if found is not None and found.answers:
        verdict = say(f"pilot_verdict_{found.verdict}", locale) if card.state != "passed" else ""
        pieces += [verdict, "\n".join(_facts(found, locale)), "\n".join(_rest(card, found, locale))]
    return Message(
        kind="form",
        heading=say("pilot_heading", locale, name=card.name),
        text="\n\n".join(piece for piece in pieces if piece),
        buttons=render_rows(card.rows, locale),
    )


def _standing(card: PilotCard, locale: str) -> str:
    if not card.size:
        return say("pilot_none" if card.can_begin else "pilot_not_now", locale)
    return say(f"pilot_is_{card.state or 'set'}", locale, count=card.size)


def _facts(found: PilotReport, locale: str) -> list[str]:
    per_item = f"{found.answers / max(1, found.items):.1f}"
    facts = [
        say("pilot_items", locale, decided=found.decided, items=found.items, disputed=found.disputed),
        say("pilot_answers", locale, count=found.people, answers=number(found.answers, locale), per_item=per_item),
    ]
    if found.seconds is not None:
        facts.append(say("pilot_time", locale, time=span(timedelta(seconds=max(1.0, found.seconds)), locale)))
    facts += _agreement(found.pairs, found.alpha, locale)
    if found.skipped:
        reasons = listed(_reasons(found.skips, locale), locale)
        facts.append(say("pilot_skips", locale, count=found.skipped, reasons=reasons))
    for one, other, count in found.confused:
        names = {"one": shorten(one, LABEL_UNITS), "other": shorten(other, LABEL_UNITS)}
        facts.append(say("pilot_confused", locale, count=count, **names))
    if found.unclear:
        facts.append(say("pilot_unclear", locale, count=found.unclear))
    return [f"• {fact}" for fact in facts]


def _agreement(pairs: Estimate, alpha: Estimate, locale: str) -> list[str]:
    facts = []
    if pairs.value is not None:
        facts.append(say("pilot_pairs", locale, share=share(pairs.value, locale)))
    if alpha.value is not None and alpha.low is not None and alpha.high is not None:
        figures = {"alpha": f"{alpha.value:.2f}", "low": f"{alpha.low:.2f}", "high": f"{alpha.high:.2f}"}
        facts.append(say("pilot_alpha", locale, **figures))
    return facts


def _reasons(skips: Iterable[tuple[str, int]], locale: str) -> list[str]:
    return [
        f"{say(f'button_skip_{reason}' if reason else 'pilot_no_reason', locale)}: {count}" for reason, count in skips
    ]


def _rest(card: PilotCard, found: PilotReport, locale: str) -> list[str]:
    """What the items that wait will take; nothing once they are asked."""
    if not found.waiting:
        return []
    rest = [say("pilot_waiting", locale, count=found.waiting, items=number(found.waiting, locale))]
    rest.append(left_sentence(found.ahead, locale))
    if card.price:
        rest.append(say("pilot_cost", locale, cost=money(found.ahead.cost_left, card.currency, locale)))
    if right := right_sentence(found.ahead, locale):
        rest.append(right)
    return rest
