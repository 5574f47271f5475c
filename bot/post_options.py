"""What a `/post` caption says between its bars: `Question? | Label | Label | overlap=3-8 | price=0.05`."""

from __future__ import annotations

import re
from typing import Any

from bot.aim_words import parse_aim
from bot.job_settings import SETTINGS, Clock
from core.errors import InvalidInput
from core.quality import GOLD_USES
from core.training_times import parse_time, parse_whole

LIKE_OPTION = re.compile(r"([A-Za-z_]+)\s*=\s*(.*)", re.DOTALL)
NUMBERS = {"lease": "lease_seconds", "error": "error_cost"}
"""Options that are whole numbers, and the columns of the project they set."""
TIMES = ("retrain", "cron")
QUESTION = ("question", "q")
"""The question may stand behind one of these keys, and then anywhere."""
OPTIONS = (*SETTINGS, TIMES[0], *NUMBERS, TIMES[1], "gold")


def parse_caption(caption: str, clock: Clock) -> tuple[str, list[str], dict[str, Any]]:
    """The question, the labels, and the values of options: minimum, maximum, and columns of the project.

    Raises:
        InvalidInput: unknown_option, bad_option, bad_gold_use, bad_cron, or as the setting's own parser.
    """
    rest: list[str] = []
    asked: str | None = None
    values: dict[str, Any] = {}
    aim: str | None = None
    for part in (part.strip() for part in caption.split("|")):
        like = LIKE_OPTION.fullmatch(part)
        if (keyed := _behind_key(part)) is not None:
            asked = keyed
        elif like is not None and like[1].lower() == "aim":
            aim = like[2].strip()
        elif like is not None and like[1].lower() in OPTIONS:
            values |= _value(like[1].lower(), like[2].strip(), clock)
        elif rest and like is not None:  # a misspelt option would become a label, and labels are not taken back
            raise InvalidInput("unknown_option", option=like[1][:40], options=[f"{option}=" for option in OPTIONS])
        else:
            rest.append(part)
    if aim is not None:  # an amount of money means so many answers at the price, which may stand behind it
        values = {"aim": parse_aim(aim, values.get("price", 0))} | values
    if asked is None:
        asked = rest.pop(0) if rest else ""
    return asked, rest, values


def plain_question(words: str) -> str:
    """A question without the key that it may stand behind."""
    keyed = _behind_key(words.strip())
    return words.strip() if keyed is None else keyed


def split_labels(text: str) -> list[str]:
    """Labels from one message: one per line, or separated by |, or by commas where there is nothing else."""
    for separator in ("\n", "|", ",", "，", "、"):
        if separator in text.strip():
            return [part.strip() for part in text.strip().split(separator) if part.strip()]
    return [text.strip()]


def _behind_key(words: str) -> str | None:
    """The question behind its key, which may be empty; None where there is no such key."""
    like = LIKE_OPTION.fullmatch(words)
    return like[2].strip() if like is not None and like[1].lower() in QUESTION else None


def _value(name: str, value: str, clock: Clock) -> dict[str, Any]:
    if name in SETTINGS:
        return SETTINGS[name].parse(value, clock)
    if name == "gold":
        if value.lower() not in GOLD_USES:
            raise InvalidInput("bad_gold_use", value=value[:40])
        return {"gold_use": value.lower()}
    return parse_time(name, value) if name in TIMES else {NUMBERS[name]: parse_whole(name, value)}
