"""What the chat's sentences say: each is recognised by the catalogue's own text, so that a new wording is followed."""

from __future__ import annotations

import re
from functools import cache
from string import Formatter

from bot.texts.catalogues import catalogue


def read(code: str, text: str) -> dict[str, str] | None:
    """The values in `text`, where it is the catalogue's sentence `code`; None where it is another one."""
    found = (pattern.fullmatch(text.strip()) for pattern in _patterns(code))
    return next((match.groupdict() for match in found if match is not None), None)


def is_button(code: str, text: str) -> bool:
    """Whether a button with the caption `text` is the catalogue's button `code`."""
    return read(code, text) is not None


def counted(number: int, noun: str) -> str:
    """A number and its noun: `1 dispute`, `2 disputes`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


@cache
def _patterns(code: str) -> tuple[re.Pattern[str], ...]:
    return tuple(_pattern(form) for form in catalogue("en").codes()[code])


def _pattern(sentence: str) -> re.Pattern[str]:
    pieces: list[str] = []
    named: set[str] = set()
    for literal, field, _, _ in Formatter().parse(sentence.strip()):
        pieces.append(re.escape(literal))
        if field is not None:
            pieces.append(f"(?P={field})" if field in named else f"(?P<{field}>.*?)")
            named.add(field)
    return re.compile("".join(pieces), re.DOTALL)
