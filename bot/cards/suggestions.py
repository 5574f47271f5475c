"""Where the guidelines are unclear, with what experts would have them say, and a button for what is done."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import say
from bot.texts.units import shorten
from bot.tokens import make
from core.suggestions import PAGE, Suggestion, SuggestionPage

NOTE_UNITS = 240
NAME_UNITS = 24


@dataclass(frozen=True, slots=True)
class SuggestionsCard(View):
    """Suggestions of one job or of all.

    scope: public id of the one job; empty for all, which are then named. done: one was dealt with just now.
    """

    page: SuggestionPage
    scope: str = ""
    done: bool = False


def render(card: SuggestionsCard, locale: str) -> Message:
    """Each item with its notes; empty lists say so."""
    page = card.page
    first = page.page * PAGE + 1
    lines = [_lines(one, first + place, card, locale) for place, one in enumerate(page.suggestions)]
    skipped = [say("suggestions_skip", locale, text=text, count=count) for text, count in page.skipped]
    if skipped:
        lines.append("\n".join([say("suggestions_skipped", locale), *skipped]))
    heading = say("suggestions_heading", locale, count=page.total) if page.total else ""
    return Message(
        kind="form",
        heading=heading,
        text="\n\n".join(lines) or say("suggestions_all_done" if card.done else "suggestions_none", locale),
        footer=say("card_page", locale, page=page.page + 1, pages=page.pages) if page.pages > 1 else "",
        buttons=render_rows(_rows(card, first), locale),
    )


def _lines(one: Suggestion, number: int, card: SuggestionsCard, locale: str) -> str:
    job = "" if card.scope else f" ({shorten(one.project, NAME_UNITS)})"
    said = [f"{number}. “{one.text}”{job}"]
    said += [f"– {shorten(note, NOTE_UNITS)}" for note in one.notes] or [say("suggestions_no_note", locale)]
    if one.skips:
        said.append(say("suggestions_skips", locale, count=one.skips))
    return "\n".join(said)


def _rows(card: SuggestionsCard, first: int) -> tuple[tuple[Choice, ...], ...]:
    page, shown = card.page, card.page.suggestions
    done = tuple(
        Choice(
            make("suggdone", one.item_public_id, card.scope, page.page), "button_suggestion_done", str(first + place)
        )
        for place, one in enumerate(shown)
    )
    jobs = dict.fromkeys((one.project_public_id, one.project) for one in shown)
    edits = tuple(
        (Choice(make("edit", job, "guidelines"), "button_edit_guidelines", shorten(name, NAME_UNITS)),)
        for job, name in jobs
    )
    turns = [(page.page - 1, "button_page_back"), (page.page + 1, "button_page_on")]
    pages = tuple(
        Choice(make("sugg", card.scope, "", to), code, style="quiet") for to, code in turns if 0 <= to < page.pages
    )
    return (*(done[start : start + 2] for start in range(0, len(done), 2)), *edits, pages)
