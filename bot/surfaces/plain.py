"""Plain text for platforms that count characters: cut with a mark, never in silence."""

from __future__ import annotations

from bot.texts.units import length, prefix

SHORTENED = "... (shortened)"
BAR_CELLS = 10


def clean(text: str) -> str:
    """Without lone surrogates, which no encoding of a request can carry, and without outer space."""
    return (text if text.isascii() else text.encode("utf-8", errors="replace").decode()).strip()


def cut(text: str, limit: int, marker: str = f"\n{SHORTENED}") -> str:
    """`text` within `limit` UTF-16 code units; where something was cut, it ends in `marker`."""
    if length(text) <= limit:
        return text
    return prefix(prefix(text, limit - length(marker)).rstrip() + marker, limit)


def bar(share: float) -> str:
    """A progress bar of block characters with its percentage; `share` from 0 to 1. Only all of it looks like all."""
    full, percent = _steps(share, BAR_CELLS), _steps(share, 100)
    return "█" * full + "░" * (BAR_CELLS - full) + f" {percent}%"


def _steps(share: float, whole: int) -> int:
    return whole if share >= 1.0 else min(round(max(share, 0.0) * whole), whole - 1)


def footer(progress: float | None, text: str) -> str:
    """The bar, where there is progress, above the hints."""
    drawn = bar(progress) if progress is not None else ""
    return "\n".join(piece for piece in (drawn, clean(text)) if piece)
