"""Texts in cells of a spreadsheet: what it would run gets an apostrophe in front, and loses it where it is read again.

The two are exact inverses: a text that had such an apostrophe of its own gets one more.
"""

from __future__ import annotations

import re
from typing import Any

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What begins with one of these is a formula for a spreadsheet, or becomes one when it is pasted."""
_RUN = re.compile(r"'*[=+\-@\t\r\n]")
_GUARDED = re.compile(r"'+[=+\-@\t\r\n]")
_NEGATIVE = re.compile(r"-[0-9]+(?:\.[0-9]+)?")
"""A number is no formula, and programs want it as it is."""


def guarded(value: Any) -> Any:
    """A text that a spreadsheet takes for text, with an apostrophe in front if need be; everything else as it is.

    >>> [guarded(one) for one in ("=1+1", "'=1+1", "-1.5", "'tis", 3)]
    ["'=1+1", "''=1+1", '-1.5', "'tis", 3]
    """
    if not isinstance(value, str) or not value.startswith((*DANGEROUS, "'")):
        return value
    return f"'{value}" if _RUN.match(value) and not _NEGATIVE.fullmatch(value) else value


def unguarded(text: str) -> str:
    """What `guarded` was given for this text.

    >>> [unguarded(one) for one in ("'=1+1", "''=1+1", "-1.5", "'tis")]
    ['=1+1', "'=1+1", '-1.5', "'tis"]
    """
    return text[1:] if text.startswith("'") and _GUARDED.match(text) else text
