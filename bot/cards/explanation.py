"""Why a model says what it says of an item: the words it looked at, what is like it, and what people said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.cards.buttons import render_rows
from bot.cards.item import shown_parts
from bot.cards.views import Choice, View
from bot.surface import Attachment, Message
from bot.texts import say
from bot.texts.measures import share
from bot.texts.units import shorten
from core.explanations import Word

PICTURE = "why.png"
LABEL_UNITS, WORD_UNITS, EXCERPT_UNITS = 30, 24, 70
MOST_WORDS, MOST_LABELS = 6, 4
NOTABLE = 0.15
"""Words with less than this share of the strongest one's weight are not named."""
INSTEAD = "→"
"""Stands between a word and what the model read in its place."""


@dataclass(frozen=True, slots=True)
class Similar:
    """A decided item that is like the one explained, and its label. copies: nearly the same, itself too."""

    text: str
    label: str
    copies: int = 1


@dataclass(frozen=True, slots=True)
class ExplanationCard(View):
    """An explanation, with labels by name.

    probabilities: of the model, the likeliest first. tallies: of people, the most frequent first.
    directory: where pictures are kept. picture: path of a PNG file, filled in before it is sent; empty where it could
    not be drawn.
    """

    text: str
    content: list[dict[str, Any]]
    version: int
    words: tuple[Word, ...]
    probabilities: tuple[tuple[str, float], ...]
    tallies: tuple[tuple[str, int], ...]
    similar: tuple[Similar, ...]
    rows: tuple[tuple[Choice, ...], ...] = ()
    directory: str = ""
    picture: str = ""


def render(card: ExplanationCard, locale: str) -> Message:
    """The words in the picture are named below it too; without a picture the item stands in its place."""
    label, _ = card.probabilities[0]
    words = [line for line in (_words(card, locale, 1), _words(card, locale, -1)) if line]
    words += [say("explain_read_as", locale)] if any(f" {INSTEAD} " in line for line in words) else []
    known = [say("explain_similar", locale), *(_similar(one, locale) for one in card.similar)] if card.similar else []
    pieces = ("\n".join(words or [say("explain_no_words", locale)]), _sides(card, locale), "\n".join(known))
    attachment = Attachment(PICTURE, "image/png", card.picture, " ".join(words)) if card.picture else None
    return Message(
        kind="picture" if attachment else "text",
        heading=say("explain_heading", locale, version=card.version, label=shorten(label, LABEL_UNITS)),
        parts=() if attachment else shown_parts(card.content),
        text="\n\n".join(piece for piece in pieces if piece),
        footer=say("explain_footer", locale),
        buttons=render_rows(card.rows, locale),
        attachment=attachment,
    )


def telling(text: str, words: Sequence[Word], sign: int) -> list[str]:
    """What spoke for the label (sign 1) or against it (-1), the strongest first; neighbours in the text are joined."""
    most = max((abs(word.weight) for word in words), default=0.0)
    if most == 0.0:
        return []
    found: dict[tuple[str, str], float] = {}
    for run in _runs(text, words, sign, NOTABLE * most):
        shown = text[run.start : run.end], run.read_as
        found[shown] = found.get(shown, 0.0) + run.weight
    ordered = sorted(found.items(), key=lambda one: -one[1])
    return [f" {INSTEAD} ".join(_short(shown)) for shown, _ in ordered[:MOST_WORDS]]


def _short(shown: Sequence[str]) -> list[str]:
    return [shorten(one, WORD_UNITS) for one in shown if one]


def _runs(text: str, words: Sequence[Word], sign: int, least: float) -> Iterator[Word]:
    """Words above `least`, those joined that touch (Chinese has no spaces); what was redacted stands alone."""
    run: Word | None = None
    for word in words:
        weight = sign * word.weight
        if weight < least or not any(char.isalnum() for char in text[word.start : word.end]):
            continue
        if run is not None and run.end == word.start and not run.read_as and not word.read_as:
            run = replace(run, end=word.end, weight=run.weight + weight)
            continue
        if run is not None:
            yield run
        run = replace(word, weight=weight)
    if run is not None:
        yield run


def _words(card: ExplanationCard, locale: str, sign: int) -> str:
    named = telling(card.text, card.words, sign)
    code = "explain_for" if sign > 0 else "explain_against"
    return say(code, locale, words=" · ".join(named)) if named else ""


def _sides(card: ExplanationCard, locale: str) -> str:
    """The model beside the people, and whether they differ."""
    shares = card.probabilities[:MOST_LABELS]
    said = " · ".join(f"{shorten(name, LABEL_UNITS)} {share(value, locale)}" for name, value in shares)
    votes = " · ".join(f"{shorten(name, LABEL_UNITS)} {count}" for name, count in card.tallies[:MOST_LABELS])
    lines = [say("explain_model", locale, shares=said)]
    lines += [say("settle_tallies", locale, tallies=votes)] if votes else []
    if card.tallies and _leaders(card.tallies) != {card.probabilities[0][0]}:
        lines.append(say("explain_differ", locale))
    return "\n".join(lines)


def _leaders(tallies: Sequence[tuple[str, int]]) -> set[str]:
    most = max(count for _, count in tallies)
    return {name for name, count in tallies if count == most}


def _similar(one: Similar, locale: str) -> str:
    text = shorten(" ".join(one.text.split()), EXCERPT_UNITS)
    code = "explain_similar_one" if one.copies == 1 else "explain_similar_copies"
    return say(code, locale, text=text, label=shorten(one.label, LABEL_UNITS), count=one.copies)
