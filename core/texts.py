"""Texts of items as they are shown in passing."""

from __future__ import annotations


def beginning(text: str, limit: int) -> str:
    """The beginning of a text in one line of at most `limit` characters; an ellipsis at its end says that it goes on.

    >>> beginning("What  a\\nlovely day", 8), beginning("Rain", 8)
    ('What a…', 'Rain')
    """
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"
