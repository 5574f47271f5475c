"""What a person has chosen for themselves: all of it at a glance, and the choices with more than one line."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import language_of, say
from bot.texts.catalogues import LANGUAGES
from bot.texts.languages import language_name
from bot.tokens import make
from core.preferences import READ_LANGUAGES

PER_ROW = 2
"""More would stand one below the other on a phone in the web chat."""
DONE = (Choice(make("about"), "button_done", style="primary"),)
PRESETS = ((22 * 60, 8 * 60), (23 * 60, 7 * 60), (20 * 60, 9 * 60))
"""Quiet hours that are proposed, the likeliest first."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Quiet hours in minutes after midnight, or none, by the clock of a time zone, which shows `clock` at present.

    time_zone: an IANA name; empty where it is not known, then `clock` is that of UTC.
    """

    quiet: tuple[int, int] | None
    time_zone: str
    clock: str


@dataclass(frozen=True, slots=True)
class AboutCard(View):
    """Everything that a person has chosen. `reads` in codes of ISO 639-1, none for any; goal: answers a day."""

    reads: tuple[str, ...]
    hours: Hours
    goal: int


@dataclass(frozen=True, slots=True)
class ReadingCard(View):
    """Languages to mark as read."""

    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuietCard(View):
    """Quiet hours to choose."""

    hours: Hours


def render_about(card: AboutCard, locale: str) -> Message:
    """A line for each choice, a button to change it, and the way to work."""
    lines = [
        say("about_language", locale, language=LANGUAGES[language_of(locale)]),
        _reading(card.reads, locale),
        _quiet(card.hours, locale),
        _clock(card.hours, locale),
        say("about_goal", locale, count=card.goal) if card.goal else say("about_no_goal", locale),
    ]
    rows = (
        (Choice(make("begin"), "button_start", style="primary"),),
        (Choice(make("quiet"), "button_quiet"), Choice(make("zone"), "button_zone")),
        (Choice(make("reads"), "button_reads"), Choice(make("speak"), "button_speak")),
        (Choice(make("goal"), "button_goal"),),
    )
    return Message(
        kind="form",
        heading=say("about_heading", locale),
        text="\n".join(lines),
        footer=say("about_hint", locale),
        buttons=render_rows(rows, locale),
    )


def render_reading(card: ReadingCard, locale: str) -> Message:
    """A button for each language; a tap marks it, another one takes the mark away."""
    codes = [*READ_LANGUAGES, *(code for code in card.reads if code not in READ_LANGUAGES)]
    choices = [
        Choice(
            make("reads", "", code, version=int(code not in card.reads)),
            "button_marked" if code in card.reads else "",
            language_name(code, locale),
        )
        for code in codes
    ]
    text = f"{_reading(card.reads, locale)}\n\n" + say("reading_ask", locale)
    return Message(kind="form", text=text, buttons=render_rows((*in_rows(choices, PER_ROW), DONE), locale))


def render_quiet(card: QuietCard, locale: str) -> Message:
    """What is chosen, some usual hours, and how to say others."""
    hours = card.hours
    presets = [
        Choice(make("quiet", "", f"{start}-{end}"), text=f"{wall_clock(start)}–{wall_clock(end)}")
        for start, end in PRESETS
    ]
    choices = [*presets, Choice(make("quiet", "", "off"), "button_no_quiet"), Choice(make("zone"), "button_zone")]
    rows = (*in_rows(choices, PER_ROW), DONE)
    text = f"{_quiet(hours, locale)}\n{_clock(hours, locale)}\n\n" + say("quiet_ask", locale)
    return Message(kind="form", text=text, buttons=render_rows(rows, locale))


def in_rows(choices: list[Choice], per_row: int) -> tuple[tuple[Choice, ...], ...]:
    """Buttons in rows of `per_row`."""
    return tuple(tuple(choices[start : start + per_row]) for start in range(0, len(choices), per_row))


def wall_clock(minute: int) -> str:
    """A minute of the day as a clock shows it."""
    return f"{minute // 60}:{minute % 60:02d}"


def _reading(reads: tuple[str, ...], locale: str) -> str:
    if not reads:
        return say("about_reads_any", locale)
    return say("about_reads", locale, languages=[language_name(code, locale) for code in reads])


def _quiet(hours: Hours, locale: str) -> str:
    if hours.quiet is None:
        return say("about_no_quiet", locale)
    start, end = hours.quiet
    return say("about_quiet", locale, start=wall_clock(start), end=wall_clock(end))


def _clock(hours: Hours, locale: str) -> str:
    if not hours.time_zone:
        return say("about_no_zone", locale, clock=hours.clock)
    return say("about_zone", locale, zone=zone_name(hours.time_zone), clock=hours.clock)


def zone_name(time_zone: str) -> str:
    """A zone as people write it: UTC+8 for Etc/GMT-8, whose sign is the other way round, else its own name."""
    hours = time_zone.removeprefix("Etc/GMT")
    if hours == time_zone or not hours:
        return time_zone.replace("_", " ")
    return f"UTC{-int(hours):+d}"
