"""Labels of a job that look wrong, for its coordinator, and a way to have them asked again; and where people differ
from the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.cards.busy import Busy, busy_sentence
from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import say
from bot.texts.measures import number, share
from bot.texts.units import in_a_row, shorten
from bot.tokens import make
from core.disagreements import Disagreements, most_confused
from core.label_errors import DoubtfulLabels
from core.second_look_outcomes import Outcome

SHOWN = 6
PAGE, FILE = "page", "file"
"""What buttons ask for: another page, whose number they carry as their version, or a file."""
EXCERPT_UNITS, LABEL_UNITS = 90, 30


@dataclass(frozen=True, slots=True)
class DoubtsCard(View):
    """What looks wrong in a job.

    names: of its labels by id. answers: that each item takes at least when it is asked again. apart: people beside the
    model. second_look: what has come of the last one; `left` are items that still wait, while it is `open`.
    page: of the labels, from 0; the last one where there are not so many any more. busy: what the trainer does now,
    where looking is due.
    """

    public_id: str
    name: str
    names: Mapping[str, str]
    found: DoubtfulLabels
    answers: int
    apart: Disagreements | None = None
    second_look: Outcome | None = None
    open: bool = False
    page: int = 0
    busy: Busy | None = None

    @property
    def start(self) -> int:
        """Place of the first label of the page."""
        last = max(0, len(self.found.labels) - 1) // SHOWN
        return SHOWN * min(max(self.page, 0), last)


def render(card: DoubtsCard, locale: str) -> Message:
    """The most doubtful labels one by one, and what asking them again takes."""
    count = len(card.found.labels)
    pieces = [_count(card, locale), "\n".join(_lines(card, locale)), _second_look(card, locale)]
    if card.apart is not None:
        pieces.append(disagreement_sentence(card.apart, card.names, locale))
    return Message(
        heading=say("doubts_heading", locale, project=card.name),
        text="\n\n".join(piece for piece in pieces if piece),
        footer=say("doubts_cost", locale, count=count * card.answers) if count else "",
        buttons=render_rows(_rows(card, locale), locale),
    )


def _rows(card: DoubtsCard, locale: str) -> tuple[tuple[Choice, ...], ...]:
    count, page, job = len(card.found.labels), card.start // SHOWN, card.public_id
    models = Choice(make("models", job), "button_models", style="quiet")
    if not count:
        return ((models,),)
    turns = []
    if page:
        turns.append(Choice(make("doubts", job, PAGE, page - 1), "button_back", style="quiet"))
    if card.start + SHOWN < count:
        turns.append(Choice(make("doubts", job, PAGE, page + 1), "button_doubts_more", style="quiet"))
    again = Choice(make("askagain", job, "", count), "button_ask_again", number(count, locale), "primary")
    file = Choice(make("doubts", job, FILE), "button_doubts_file", style="quiet")
    return (tuple(turns), (again,), (file, models))


def disagreement_sentence(apart: Disagreements, names: Mapping[str, str], locale: str) -> str:
    """How often people and the model in use say the same, and which labels they take for each other; empty where
    they have judged nothing alike.
    """
    if not apart.compared:
        return ""
    counts = {"version": apart.version, "compared": number(apart.compared, locale)}
    lines = [say("disagree_share", locale, share=share(apart.agreed / apart.compared, locale), **counts)]
    for people, model, count in most_confused(apart):
        pair = {"people": _name(names, people), "model": _name(names, model)}
        lines.append(say("disagree_pair", locale, count=count, **pair))
    return "\n".join(lines)


def _count(card: DoubtsCard, locale: str) -> str:
    if card.found.looked_at is None:
        if not card.found.looking:
            return say("doubts_not_looked", locale)
        return in_a_row(say("doubts_looking", locale), busy_sentence(card.busy, locale) or say("doubts_later", locale))
    count, looked_at = len(card.found.labels), number(card.found.looked_at, locale)
    if not count and card.open and card.second_look is not None and card.second_look.left:
        asked = card.second_look.left
        return say("doubts_asked", locale, count=asked)
    return say("doubts_count" if count else "doubts_none", locale, count=count, looked_at=looked_at)


def _lines(card: DoubtsCard, locale: str) -> list[str]:
    lines = []
    start, count = card.start, len(card.found.labels)
    for one in card.found.labels[start : start + SHOWN]:
        text = shorten(" ".join(one.text.split()), EXCERPT_UNITS)
        pair = {"given": _name(card.names, one.given), "likely": _name(card.names, one.likely)}
        lines.append(say("doubts_line", locale, text=text, **pair))
    if count > SHOWN:
        lines.append(say("doubts_page", locale, first=start + 1, last=start + len(lines), count=count))
    return lines


def _second_look(card: DoubtsCard, locale: str) -> str:
    if card.second_look is None:
        return ""
    one = card.second_look
    code = "second_look_going" if card.open and one.left else "second_look_was"
    return say(code, locale, confirmed=one.confirmed, corrected=one.corrected, left=one.left)


def _name(names: Mapping[str, str], label_id: str) -> str:
    return shorten(names.get(label_id, label_id), LABEL_UNITS)
