"""How one job stands: a picture, and words that a coordinator understands without knowing how it works inside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.cards.buttons import render_rows
from bot.cards.learning import model_sentences
from bot.cards.models import Standing, model_sentence
from bot.cards.views import Choice, View
from bot.surface import Attachment, Message
from bot.texts import say
from bot.texts.measures import moment, money, number, share, span
from bot.tokens import make
from core.acceptance_report import NOTHING, ModelReport
from core.forecast import Forecast
from core.progress import Progress
from core.stats import ProjectStats

PICTURE = "status.png"
SQUARES = (
    ("agreed", ("agreed",)),
    ("settled", ("adjudicated",)),
    ("accepted", ("accepted",)),
    ("disputed", ("disputed",)),
    ("withdrawn", ("withdrawn",)),
    ("open", ("open",)),
)
"""Kinds of items as the picture and the words tell them apart, each with the states of items it stands for."""
TIGHT = 0.5
"""A chance to be done by the deadline below this is a reason to do something."""


@dataclass(frozen=True, slots=True)
class JobStatus(View):
    """One job.

    price: of an answer, spent: on all so far (answers, audits, verdicts, training), in hundredths of `currency`.
    audits_owed: answers that are due for an expert's look. time_zone: of who looks.
    picture: path of a PNG file, filled in after the transaction; empty where it could not be drawn.
    waiting: items that wait for the end of a pilot. by_model: what models have labeled by themselves.
    """

    public_id: str
    name: str
    state: str
    created_at: datetime
    deadline: datetime | None
    price: int
    currency: str
    time_zone: str
    now: datetime
    stats: ProjectStats
    progress: Progress
    forecast: Forecast
    model: Standing
    spent: int = 0
    audits_owed: int = 0
    picture: str = ""
    waiting: int = 0
    by_model: ModelReport = NOTHING

    @property
    def items(self) -> tuple[tuple[str, int], ...]:
        """How many items are of each kind of `SQUARES`."""
        states = self.stats.states
        return tuple((kind, sum(states.get(state, 0) for state in meant)) for kind, meant in SQUARES)

    @property
    def expected(self) -> int:
        """What the job will have cost in the end; of a closed one what it has."""
        return self.spent + (0 if self.state == "closed" else self.forecast.cost_left)


def render(card: JobStatus, locale: str) -> Message:
    """The picture with the words below it; the words alone where there is no picture."""
    count = _count(card, locale)
    lines = [count, _when(card, locale), *_facts(card, locale), model_sentence(card.model, locale)]
    lines += model_sentences(card.by_model, locale)
    text = "\n".join(line for line in lines if line)
    legend = say("status_legend", locale, id=card.public_id)
    attachment = Attachment(PICTURE, "image/png", card.picture, count) if card.picture else None
    return Message(
        kind="picture" if attachment else "text",
        heading=card.name,
        text=text,
        footer=legend if attachment else say("status_id", locale, id=card.public_id),
        progress=card.stats.decided / card.stats.items if card.stats.items and not attachment else None,
        buttons=render_rows(_rows(card), locale),
        attachment=attachment,
    )


def _count(card: JobStatus, locale: str) -> str:
    stats = card.stats
    if not stats.items:
        return say("status_loading" if stats.batches_loading else "status_no_items", locale, id=card.public_id)
    said = say(
        "status_decided",
        locale,
        share=share(stats.decided / stats.items, locale),
        decided=number(stats.decided, locale),
        items=number(stats.items, locale),
    )
    kinds = [
        say(f"status_{kind}", locale, count=count, number=number(count, locale)) for kind, count in card.items if count
    ]
    waits = say("status_pilot", locale, count=card.waiting, items=number(card.waiting, locale)) if card.waiting else ""
    return _lines(said, " · ".join(kinds), waits)


def _when(card: JobStatus, locale: str) -> str:
    """What it will still take, when it will be done and how right it will be, or what holds it up."""
    if card.state != "open":
        return say(f"status_{card.state}", locale, id=card.public_id)
    if card.forecast.used_up:
        return left_sentence(card.forecast, locale)
    right = right_sentence(card.forecast, locale)
    if not card.stats.states.get("open", 0):
        return _lines(say("status_through", locale) if card.stats.items else "", right)
    return _lines(left_sentence(card.forecast, locale), _end(card, locale), _deadline(card, locale), right)


def left_sentence(ahead: Forecast, locale: str) -> str:
    """The answers that are still needed, or that a budget allows none of them."""
    if budget := ahead.used_up:
        return say("status_budget_used", locale, count=budget, answers=number(budget, locale))
    low, high = (number(count, locale) for count in (ahead.answers_low, ahead.answers_high))
    code = "status_left_exactly" if low == high else "status_left"
    answers = number(ahead.answers_left, locale)
    return say(code, locale, count=ahead.answers_left, answers=answers, low=low, high=high)


def right_sentence(ahead: Forecast, locale: str) -> str:
    """How many labels will be right; nothing where that cannot be said."""
    if (right := ahead.accuracy) is None:
        return ""
    middle, low, high = (share(value, locale) for value in (right.middle, right.low, right.high))
    return say("status_right", locale, share=middle, low=low, high=high)


def _tells_end(card: JobStatus) -> bool:
    """Whether it is said when asking will be done, and with it what then waits for experts."""
    ahead, is_asked = card.forecast, bool(card.stats.states.get("open", 0))
    return card.state == "open" and is_asked and ahead.done_at is not None and not (ahead.used_up or ahead.nobody)


def _end(card: JobStatus, locale: str) -> str:
    ahead = card.forecast
    if ahead.nobody:
        return say("status_nobody", locale, count=card.stats.states.get("open", 0))
    if ahead.done_at is None:
        return say("status_silent", locale)
    when = moment(ahead.done_at, card.time_zone, locale, card.now)
    length, pace = span(ahead.done_at - card.now, locale), number(max(1, round(ahead.per_hour)), locale)
    said = {"when": when, "span": length, "pace": pace}
    if disputed := card.stats.states.get("disputed", 0):
        return say("status_asked_until", locale, count=disputed, **said)
    return say("status_until", locale, **said)


def _deadline(card: JobStatus, locale: str) -> str:
    if card.deadline is None:
        return ""
    chance = card.forecast.on_time
    when = moment(card.deadline, card.time_zone, locale, card.now)
    if card.now > card.deadline or (chance is not None and chance < TIGHT):
        return say("status_deadline_late", locale, when=when)
    if chance is None:
        return say("status_deadline", locale, when=when)
    return say("status_deadline_chance", locale, when=when, chance=share(chance, locale))


def _lines(*sentences: str) -> str:
    return "\n".join(sentence for sentence in sentences if sentence)


def _facts(card: JobStatus, locale: str) -> list[str]:
    stats, gone = card.stats, card.progress
    lines = []
    if stats.answers:
        lines += [_answers(stats, locale)]
        lines += [say("status_active", locale, count=gone.active)] if card.state == "open" else []
    if gone.agreement is not None:
        lines += [say("status_agreement", locale, share=share(gone.agreement, locale))]
    if stats.control_items:
        lines += [say("status_control", locale, count=stats.control_items)]
    if stats.gold_known:
        lines += [say("status_gold", locale, right=stats.gold_right, known=stats.gold_known)]
    if card.price or card.spent:
        spent, expected = (money(amount, card.currency, locale) for amount in (card.spent, card.expected))
        lines += [say("status_cost", locale, spent=spent, expected=expected)]
    disputed = stats.states.get("disputed", 0)
    if disputed and not _tells_end(card):
        lines += [say("status_disputes", locale, count=disputed)]
    if card.audits_owed:
        lines += [say("status_audits", locale, count=card.audits_owed)]
    return lines


def _answers(stats: ProjectStats, locale: str) -> str:
    """All answers that stand, as they are paid, and how many of them only checked people."""
    answers, per_item = number(stats.answers, locale), f"{stats.annotations_per_item:.1f}"
    said = say("status_answers", locale, count=stats.answers, answers=answers, per_item=per_item)
    if not stats.control:
        return said
    known = number(stats.control, locale)
    return say("status_answers_known", locale, count=stats.control, said=said, number=known)


def _rows(card: JobStatus) -> tuple[tuple[Choice, ...], ...]:
    job = card.public_id
    settle = (Choice(make("pick", job, "settle"), "button_settle", style="primary"),)
    return (
        (Choice(make("aim", job), "button_raise", style="primary"),)
        if card.state == "open" and card.forecast.used_up
        else (),
        settle if card.stats.states.get("disputed", 0) else (),
        (Choice(make("status", job), "button_refresh"), Choice(make("export", job), "button_export")),
        (Choice(make("edit", job), "button_edit"), Choice(make("workers"), "button_people")),
    )
