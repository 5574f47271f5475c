"""The log of privileged acts, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import knows, say
from bot.texts.measures import moment
from bot.tokens import make
from core.acts import Act, ActsPage


@dataclass(frozen=True, slots=True)
class LogCard(View):
    """Some acts, the newest first. first: whether newer ones come before them."""

    page: ActsPage
    first: bool
    time_zone: str
    now: datetime


def render(card: LogCard, locale: str) -> Message:
    """A line for each act, and ways to older and back to the newest."""
    if not card.page.acts:
        return Message(text=say("log_none", locale))
    turning = []
    if not card.first:
        turning.append(Choice(make("log"), "button_newest", style="quiet"))
    if card.page.older is not None:
        turning.append(Choice(make("log", "", str(card.page.older)), "button_older", style="quiet"))
    lines = [_line(act, card, locale) for act in card.page.acts]
    return Message(heading=say("log_heading", locale), text="\n".join(lines), buttons=render_rows([turning], locale))


def _line(act: Act, card: LogCard, locale: str) -> str:
    when = moment(act.at, card.time_zone, locale, card.now)
    who = act.who or say("act_nobody" if act.who is None else "act_somebody", locale)
    return say("log_line", locale, when=when, who=who, what=_what(act, locale)).rstrip()


def _what(act: Act, locale: str) -> str:
    code = f"act_{act.act}"
    subject = " ".join(word if named else _word(word, locale) for word, named in act.subject)
    return say(code, locale, subject=subject) if knows(code) else say("act_other", locale, act=act.act, subject=subject)


def _word(word: str, locale: str) -> str:
    """Roles, verdicts and settings are written into the log by their codes; a list of them has commas."""
    plain = word.removesuffix(",")
    found = (code for code in (f"role_{plain}", f"logged_{plain.lower()}") if knows(code))
    code = next(found, None)
    return word if code is None else say(code, locale) + word[len(plain) :]
