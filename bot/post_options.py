"""Options in a `/post` caption: `overlap=3-8 | retrain=200 | cron=0 3 * * * | lease=600 | error=15`."""

from __future__ import annotations

import re
from typing import Any

from core.errors import InvalidInput
from core.projects import check_overlap
from core.training import check_cron

OVERLAP = re.compile(r"(?:overlap\s*=?\s*)?(\d{1,3})\s*(?:-|–|to)\s*(\d{1,3})", re.IGNORECASE)
OPTION = re.compile(r"(overlap|retrain|cron|lease|error)\s*=\s*(\S.*)", re.IGNORECASE)
LIKE_OPTION = re.compile(r"([A-Za-z_]+)\s*=\s*\S.*")
NUMBERS = {"retrain": "retrain_threshold", "lease": "lease_seconds", "error": "error_cost"}
"""Options that are whole numbers, and the columns of the project they set."""
LARGEST = 1_000_000
OFF = "off"


def parse_overlap(text: str) -> tuple[int, int]:
    """Minimum and maximum from a text such as 3-8.

    Raises:
        InvalidInput: it does not look like that, or no job can have it.
    """
    match = OVERLAP.fullmatch(text.strip())
    if match is None:
        raise InvalidInput("overlap_unclear", text=text[:40])
    minimum, maximum = int(match[1]), int(match[2])
    check_overlap(minimum, maximum)
    return minimum, maximum


def split_options(parts: list[str]) -> tuple[list[str], dict[str, Any]]:
    """What is no option, and the values of those that are: minimum, maximum, and columns of the project.

    Raises:
        InvalidInput: overlap_unclear, bad_overlap, unknown_option, bad_option or bad_cron.
    """
    rest: list[str] = []
    options: dict[str, Any] = {}
    for part in parts:
        match = OPTION.fullmatch(part)
        if match is None:
            # A misspelt option would become a label, and a job that is posted cannot be changed any more.
            if rest and (like := LIKE_OPTION.fullmatch(part)) is not None:
                raise InvalidInput("unknown_option", option=like[1][:40])
            rest.append(part)
        else:
            options |= _value(match[1].lower(), match[2].strip())
    return rest, options


def _value(name: str, value: str) -> dict[str, Any]:
    if name == "overlap":
        minimum, maximum = parse_overlap(value)
        return {"minimum": minimum, "maximum": maximum}
    if name in ("cron", "retrain") and value.lower() == OFF:
        return {"retrain_cron": ""} if name == "cron" else {"retrain_threshold": 0}
    if name == "cron":
        return {"retrain_cron": check_cron(value)}
    if not value.isdecimal() or not 1 <= int(value) <= LARGEST:
        raise InvalidInput("bad_option", option=name, value=value[:40])
    return {NUMBERS[name]: int(value)}
