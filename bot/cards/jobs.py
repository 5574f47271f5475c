"""What somebody may work on, and why not where they may not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import say
from bot.texts.languages import language_name
from bot.texts.measures import moment, money, number
from bot.texts.units import shorten
from bot.tokens import make
from core.openings import Opening, OpeningsPage

NAME_UNITS = 30
"""UTF-16 code units of a job's name on a button."""


@dataclass(frozen=True, slots=True)
class JobsCard(View):
    """Some jobs of a workspace as one worker sees them.

    time_zone: theirs, an IANA name; empty for UTC.
    coordinates: they have commands to look after jobs.
    """

    found: OpeningsPage
    currency: str
    time_zone: str
    now: datetime
    coordinates: bool = False


def render(card: JobsCard, locale: str) -> Message:
    """A paragraph for each job, a button for each that waits for this person."""
    found = card.found
    jobs = [_job(opening, card, locale) for opening in found.openings] or [say("jobs_none", locale)]
    rows = [
        (Choice(make("next", opening.public_id), "button_start_job", shorten(opening.name, NAME_UNITS), "primary"),)
        for opening in found.openings
        if opening.reason is None
    ]
    below = [
        say("members_page", locale, page=found.page, pages=found.pages) if found.pages > 1 else "",
        say("jobs_coordinator", locale) if card.coordinates else "",
    ]
    return Message(
        text="\n\n".join(jobs),
        footer=" · ".join(piece for piece in below if piece),
        buttons=render_rows([*rows, _turning(found)], locale),
    )


def _turning(found: OpeningsPage) -> list[Choice]:
    """Back to the page before, on to more jobs."""
    turns = ((found.page - 1, "button_page_back"), (found.page + 1, "button_more_jobs"))
    return [Choice(make("jobs", version=to), code, style="quiet") for to, code in turns if 1 <= to <= found.pages]


def _job(opening: Opening, card: JobsCard, locale: str) -> str:
    language = language_name(opening.language, locale) if opening.language else ""
    if opening.reason is not None:
        return f"{opening.name}\n{say(opening.reason, locale, language=language)}"
    facts = [
        _waiting(opening, locale),
        say("jobs_price", locale, price=money(opening.price, card.currency, locale)) if opening.price else "",
        _deadline(opening, card, locale),
        language,
    ]
    return f"{opening.name}\n" + " · ".join(fact for fact in facts if fact)


def _waiting(opening: Opening, locale: str) -> str:
    if not opening.slots:  # the last item of the job is in their hands
        return ""
    code = "jobs_waiting_more" if opening.more else "jobs_waiting"
    return say(code, locale, count=opening.slots, slots=number(opening.slots, locale))


def _deadline(opening: Opening, card: JobsCard, locale: str) -> str:
    if opening.deadline is None:
        return ""
    return say("jobs_deadline", locale, moment=moment(opening.deadline, card.time_zone, locale, card.now))
