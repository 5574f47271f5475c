"""How one job stands: a picture, and words that a coordinator understands without knowing how it works inside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.cards.buttons import render_rows
from bot.cards.models import Standing, model_sentence
from bot.cards.views import Choice, View
from bot.surface import Attachment, Message
from bot.texts import say
from bot.texts.measures import moment, money, number, share, span
from bot.tokens import make
from core.forecast import Forecast
from core.progress import Progress
from core.stats import ProjectStats

PICTURE = "status.png"
SQUARES = (
    ("agreed", ("agreed",)),
    ("settled", ("adjudicated", "accepted")),
    ("disputed", ("disputed",)),
    ("withdrawn", ("withdrawn",)),
    ("open", ("open",)),
)
"""Kinds of items as the picture and the words tell them apart, each with the states of items it stands for."""


@dataclass(frozen=True, slots=True)
class JobStatus(View):
    """One job.

    price: of an answer, in hundredths of `currency`. time_zone: of who looks. picture: path of a PNG file, filled in
    after the transaction; empty where it could not be drawn.
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
    picture: str = ""

    @property
    def items(self) -> tuple[tuple[str, int], ...]:
        """How many items are of each kind of `SQUARES`."""
        states = self.stats.states
        return tuple((kind, sum(states.get(state, 0) for state in meant)) for kind, meant in SQUARES)

    @property
    def spent(self) -> int:
        """What the answers so far cost, in hundredths."""
        return (self.stats.annotations + self.stats.surplus) * self.price

    @property
    def expected(self) -> int:
        """What all answers will cost; of a closed job what they have."""
        return self.spent + (0 if self.state == "closed" else self.forecast.cost_left)


def render(card: JobStatus, locale: str) -> Message:
    """The picture with the words below it; the words alone where there is no picture."""
    count = _count(card, locale)
    lines = [count, _when(card, locale), *_facts(card, locale), model_sentence(card.model, locale)]
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
    return "\n".join([said, "  ".join(kinds)])


def _when(card: JobStatus, locale: str) -> str:
    """When it will be done, or what holds it up."""
    ahead = card.forecast
    if card.state != "open":
        return say(f"status_{card.state}", locale, id=card.public_id)
    if not card.stats.states.get("open", 0):
        return say("status_through", locale) if card.stats.items else ""
    if ahead.done_at is None:
        said = say("status_silent", locale)
    else:
        said = say(
            "status_until",
            locale,
            when=moment(ahead.done_at, card.time_zone, locale, card.now),
            span=span(ahead.done_at - card.now, locale),
            pace=number(max(1, round(ahead.per_hour)), locale),
        )
    return "\n".join(line for line in (said, _deadline(card, locale)) if line)


def _deadline(card: JobStatus, locale: str) -> str:
    if card.deadline is None:
        return ""
    late = card.now > card.deadline or (card.forecast.done_at is not None and card.forecast.done_at > card.deadline)
    when = moment(card.deadline, card.time_zone, locale, card.now)
    return say("status_deadline_late" if late else "status_deadline", locale, when=when)


def _facts(card: JobStatus, locale: str) -> list[str]:
    stats, gone = card.stats, card.progress
    lines = []
    if stats.annotations:
        per_item = f"{stats.annotations_per_item:.1f}"
        answers = number(stats.annotations + stats.surplus, locale)
        lines += [say("status_answers", locale, answers=answers, per_item=per_item)]
        lines += [say("status_active", locale, count=gone.active)] if card.state == "open" else []
    if gone.agreement is not None:
        lines += [say("status_agreement", locale, share=share(gone.agreement, locale))]
    if stats.gold_known:
        lines += [say("status_gold", locale, right=stats.gold_right, known=stats.gold_known)]
    if card.price:
        spent, expected = (money(amount, card.currency, locale) for amount in (card.spent, card.expected))
        lines += [say("status_cost", locale, spent=spent, expected=expected)]
    if disputed := stats.states.get("disputed", 0):
        lines += [say("status_disputes", locale, count=disputed)]
    return lines


def _rows(card: JobStatus) -> tuple[tuple[Choice, ...], ...]:
    job = card.public_id
    settle = (Choice(make("pick", job, "settle"), "button_settle", style="primary"),)
    return (
        settle if card.stats.states.get("disputed", 0) else (),
        (Choice(make("status", job), "button_refresh"), Choice(make("export", job), "button_export")),
        (Choice(make("edit", job), "button_edit"), Choice(make("workers"), "button_people")),
    )
