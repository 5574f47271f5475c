"""What people who learn read: about the answer they just gave, how far a lesson has come, and how a quiz ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.texts import say
from bot.texts.units import shorten

LABEL_UNITS, EXPLANATION_UNITS = 40, 280
"""UTF-16 code units of a label and of an explanation, so that both fit a card beside all else that it shows."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told about an answer. label: the name of the right one. explanation: empty where nobody gave one."""

    right: bool
    label: str
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
    """A friendly sentence or two about an answer."""
    code = "told_right" if told.right else "told_other"
    code = f"{code}_why" if told.explanation else code
    why = shorten(told.explanation, EXPLANATION_UNITS)
    return say(code, locale, label=label_text(told), explanation=why)


def step_text(step: Step, locale: str) -> str:
    """Which item of the lesson it is, and how it is meant."""
    return say(f"step_{step.kind}", locale, number=step.number, total=step.total)
