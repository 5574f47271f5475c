"""What the chat's sentences say: each is recognised by the catalogue's own text, so that a new wording is followed."""

from __future__ import annotations

import re
from functools import cache
from string import Formatter

from bot.texts.en import SENTENCES


def read(code: str, text: str) -> dict[str, str] | None:
    """The values in `text`, where it is the catalogue's sentence `code`; None where it is another one."""
    found = _pattern(code).fullmatch(text.strip())
    return None if found is None else found.groupdict()


def is_button(code: str, text: str) -> bool:
    """Whether a button with the caption `text` is the catalogue's button `code`."""
    return read(code, text) is not None


@cache
def _pattern(code: str) -> re.Pattern[str]:
    pieces: list[str] = []
    named: set[str] = set()
    for literal, field, _, _ in Formatter().parse(SENTENCES[code].strip()):
        pieces.append(re.escape(literal))
        if field is not None:
            pieces.append(f"(?P={field})" if field in named else f"(?P<{field}>.*?)")
            named.add(field)
    return re.compile("".join(pieces), re.DOTALL)
