"""What the trainer is busy with, for those who wait for it: a sentence that promises nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.texts import say
from bot.texts.measures import share


@dataclass(frozen=True, slots=True)
class Busy:
    """A training run under way, as somebody sees it who asks about a job.

    whose: own, of that job; other, of another one in the same workspace; hidden, of a workspace that they know nothing
    of. name: of the other job. done: share of its steps, None where nothing is known yet.
    """

    whose: Literal["own", "other", "hidden"]
    name: str = ""
    done: float | None = None


def busy_sentence(busy: Busy | None, locale: str) -> str:
    """What is being trained and how far that is, and that the rest comes after it; empty where nothing is."""
    if busy is None:
        return ""
    if busy.done is None:
        return say(f"trainer_busy_{busy.whose}", locale, project=busy.name)
    return say(f"trainer_busy_{busy.whose}_part", locale, project=busy.name, done=share(busy.done, locale))
