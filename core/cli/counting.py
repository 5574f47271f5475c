"""Numbers with their nouns, as the commands print them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number of things: `1 label`, `1,234 labels`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
