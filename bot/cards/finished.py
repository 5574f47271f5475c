"""A job has come to its end: what came of it, with its labels as a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Attachment, Message
from bot.texts import say
from bot.texts.measures import money, number, share, span
from bot.tokens import make


@dataclass(frozen=True, slots=True)
class Finished(View):
    """What came of a job. cost: in hundredths of `currency`, 0 where answers are free.

    by_model: of the decided items, those that a model labeled. known, right: items whose label was known, and how many
    of them came out so. file: name, media type and path of the labels; nothing where they could not be written.
    """

    public_id: str
    name: str
    decided: int
    disputed: int
    answers: int
    people: int
    cost: int
    currency: str
    took: timedelta
    known: int = 0
    right: int = 0
    file: tuple[str, str, str] | None = None
    by_model: int = 0


def render(card: Finished, locale: str) -> Message:
    """A line for each thing there is to tell; what is left to do as buttons."""
    lines = [
        say("finished_decided", locale, decided=number(card.decided, locale)),
        say("finished_by_model", locale, count=card.by_model) if card.by_model else "",
        say("finished_disputed", locale, count=card.disputed) if card.disputed else "",
        say("finished_answers", locale, answers=number(card.answers, locale), count=card.people),
        say("finished_took", locale, span=span(card.took, locale)),
        say("finished_cost", locale, cost=money(card.cost, card.currency, locale)) if card.cost else "",
        say("finished_gold", locale, share=share(card.right / card.known, locale)) if card.known else "",
        say("finished_file" if card.file else "finished_no_file", locale),
    ]
    return Message(
        kind="file" if card.file else "text",
        heading=say("finished_heading", locale, project=card.name),
        text="\n".join(line for line in lines if line),
        buttons=render_rows(_rows(card), locale),
        attachment=Attachment(*card.file) if card.file else None,
    )


def _rows(card: Finished) -> tuple[tuple[Choice, ...], ...]:
    settle = Choice(make("pick", card.public_id, "settle"), "button_settle", style="primary")
    export = Choice(make("export", card.public_id), "button_export")
    close = Choice(make("pick", card.public_id, "close"), "button_close_job")
    return ((settle,) if card.disputed else (), (export, close))
