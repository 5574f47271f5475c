"""What people who learn read: about the answer they just gave, how far a lesson has come, and how a quiz ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.texts import say
from bot.texts.units import shorten

TEXT_UNITS, LABEL_UNITS, EXPLANATION_UNITS = 60, 40, 280
"""UTF-16 code units of an item, a label and an explanation, so that all fit a card beside what else it shows."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told about an answer to the item of this text.

    label, said: names of the right label, and of the one that was given. explanation: empty where nobody gave one.
    """

    right: bool
    text: str
    label: str
    said: str
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """How far practice or a quiz has come: this is item `number` of `total`."""

    kind: Literal["practice", "quiz"]
    number: int
    total: int


def label_text(told: Told) -> str:
    """The right label as far as there is room for it."""
    return shorten(told.label, LABEL_UNITS)


def told_text(told: Told, locale: str) -> str:
    """A friendly sentence or two about an answer; they name the item, because another one is on the card by then."""
    code = "told_right" if told.right else "told_other"
    code = f"{code}_why" if told.explanation else code
    about = {"text": shorten(" ".join(told.text.split()), TEXT_UNITS), "said": shorten(told.said, LABEL_UNITS)}
    why = shorten(told.explanation, EXPLANATION_UNITS)
    return say(code, locale, label=label_text(told), explanation=why, **about)


def step_text(step: Step, locale: str) -> str:
    """Which item of the lesson it is, and how it is meant."""
    return say(f"step_{step.kind}", locale, number=step.number, total=step.total)
