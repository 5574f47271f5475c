"""Samples of explanations, and of labels that look wrong."""

from __future__ import annotations

import re

from bot.cards.doubts import DoubtsCard
from bot.cards.explanation import ExplanationCard, Similar
from bot.cards.views import Choice, View
from bot.tokens import make
from core.disagreements import Disagreements
from core.explanations import Word
from core.label_errors import DoubtfulLabel, DoubtfulLabels
from core.second_look_outcomes import Outcome
from tests.unit.bot.sentence_samples import ITEM, JOB, OTHER, Said

BACK = ((Choice(make("pick", "", "settle"), "button_back_to_settle", style="quiet"),),)


def words_of(text: str) -> tuple[Word, ...]:
    """The words of a text, for it and against it by turns of three, weaker and weaker."""
    spans = [found.span() for found in re.finditer(r"[\u4e00-\u9fff]|\w+", text)]
    return tuple(Word(*span, (-1.0) ** (place // 3) / (place + 1)) for place, span in enumerate(spans))


def of_explanations(said: Said) -> dict[str, View]:
    """With a picture and without, with few words and with many labels in doubt."""
    first, second, third = said.labels
    explained = ExplanationCard(
        text=said.item,
        content=[{"type": "text", "text": said.item}],
        version=3,
        words=words_of(said.item),
        probabilities=((third, 0.81), (second, 0.12), (first, 0.07)),
        tallies=((second, 2), (third, 1)),
        similar=(Similar(said.other, first), Similar(said.item, third, 3)),
        rows=BACK,
    )
    drawn = ExplanationCard(
        text=said.item,
        content=explained.content,
        version=3,
        words=explained.words,
        probabilities=explained.probabilities,
        tallies=((third, 3),),
        similar=(),
        rows=BACK,
        picture="why.png",
    )
    bare = ExplanationCard(said.item, explained.content, 1, (), explained.probabilities, (), ())
    names = {"a": first, "b": second, "c": third}
    found = DoubtfulLabels(
        640,
        (
            DoubtfulLabel(1, ITEM, said.item, "a", "c", 0.93),
            *(DoubtfulLabel(number, OTHER, said.other, "c", "a", 0.8) for number in range(2, 11)),
        ),
    )
    apart = Disagreements(3, 120, {("a", "a"): 100, ("b", "c"): 14, ("c", "b"): 1, ("a", "b"): 5}, ())
    return {
        "explained": explained,
        "explained_with_picture": drawn,
        "explained_without_words": bare,
        "doubts": DoubtsCard(JOB, said.job, names, found, 3, apart, Outcome(5, 2, 4), True),
        "doubts_last_page": DoubtsCard(JOB, said.job, names, found, 3, apart, page=1),
        "doubts_asked": DoubtsCard(JOB, said.job, names, DoubtfulLabels(640), 3, apart, Outcome(5, 2, 4), True),
        "doubts_looking": DoubtsCard(JOB, said.job, names, DoubtfulLabels(None, looking=True), 3),
        "doubts_none": DoubtsCard(JOB, said.job, names, DoubtfulLabels(640), 3, apart, Outcome(5, 2, 1)),
        "doubts_not_looked": DoubtsCard(JOB, said.job, names, DoubtfulLabels(None), 3),
    }
