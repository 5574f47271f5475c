"""What experts made of a worker's answers, kindly."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.views import View
from bot.surface import Message, Part
from bot.texts import say
from core.feedback import Feedback


@dataclass(frozen=True, slots=True)
class FeedbackCard(View):
    """A digest of verdicts on items that the reader answered."""

    feedback: Feedback


def render(card: FeedbackCard, locale: str) -> Message:
    """How many were as the reader said, then examples of what was not."""
    told = card.feedback
    code = "feedback_all" if told.same == told.count else "feedback"
    examples = (
        say("feedback_example", locale, text=one.text, verdict=one.verdict, said=one.said) for one in told.differences
    )
    return Message(
        heading=say(code, locale, count=told.count, same=told.same),
        parts=tuple(Part("text", example) for example in examples),
        footer=say("feedback_thanks", locale),
    )
