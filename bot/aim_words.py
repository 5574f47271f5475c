"""Aims as people type them: "95 %", "at most 3000 answers", "at most 60 USD", "error 20"."""

from __future__ import annotations

import re

from core.aims import Aim, check_aim
from core.errors import InvalidInput

_MOST = r"(?:at\s+most|up\s+to|max(?:imum)?|budget|最多|不超过|预算)?[\s:：]*"
_ACCURACY = re.compile(
    r"(?:at\s+least|至少)?\s*(\d{1,3}(?:[.,]\d{1,2})?)\s*[%％]\s*(?:right|correct|正确)?", re.IGNORECASE
)
_ERROR = re.compile(
    r"(?:an?\s+)?(?:errors?|mistakes?|(?:一个)?错误)\D{0,24}?(\d{1,7})\s*(?:answers?|个?回答)?", re.IGNORECASE
)
_ANSWERS = re.compile(_MOST + r"(\d[\d\s,.'’]*)\s*(?:answers?|个?回答)", re.IGNORECASE)
_MONEY = re.compile(
    _MOST + r"([$€£¥￥]|[a-z]{3}\b)?\s*(\d{1,9})(?:[.,](\d{1,2}))?\s*([$€£¥￥元块]|[a-z]{3}\b)?", re.IGNORECASE
)
PRESETS = ("error 5", "error 10", "error 20", "error 50", "90 %", "95 %")
"""What may be chosen by button, in words that `parse_aim` takes."""


def parse_aim(text: str, price: int = 0) -> Aim:
    """The aim that somebody typed.

    Args:
        price: of an answer in the job, in hundredths; turns an amount of money into a number of answers.

    Raises:
        InvalidInput: aim_unclear, aim_no_price, or as `core.aims.check_aim`.
    """
    words = text.strip()
    if match := _ACCURACY.fullmatch(words):
        return check_aim(Aim("accuracy", target=round(float(match[1].replace(",", ".")) / 100, 4)))
    if match := _ANSWERS.fullmatch(words):
        return check_aim(Aim("budget", budget=int(re.sub(r"\D", "", match[1])[:12])))
    if match := _ERROR.fullmatch(words):
        return check_aim(Aim("error_cost", error_cost=float(match[1])))
    match = _MONEY.fullmatch(words)
    if match is None or not (match[1] or match[4]):
        raise InvalidInput("aim_unclear", text=words[:40])
    if not price:
        raise InvalidInput("aim_no_price")
    return check_aim(Aim("budget", budget=(int(match[2]) * 100 + int((match[3] or "").ljust(2, "0"))) // price))


def typed_aim(aim: Aim) -> str:
    """An aim in words that `parse_aim` takes for the same."""
    if aim.kind == "accuracy" and aim.target is not None:
        return f"{aim.target * 100:g} %"
    return f"at most {aim.budget} answers" if aim.kind == "budget" else f"error {aim.error_cost:g}"
