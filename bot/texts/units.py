"""Texts measured as Telegram and Slack measure them, shortened with a mark, broken into pieces that lose nothing."""

from __future__ import annotations

MARK = "…"
CHINESE_ENDS = ("。", "！", "？", "；", "：")


def length(text: str) -> int:
    """UTF-16 code units of `text`."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def prefix(text: str, limit: int) -> str:
    """The first characters of `text`, at most `limit` UTF-16 code units."""
    # errors="ignore" drops the half of a surrogate pair that the cut may leave.
    return text.encode("utf-16-le", "surrogatepass")[: max(0, limit) * 2].decode("utf-16-le", errors="ignore")


def shorten(text: str, limit: int) -> str:
    """`text` within `limit` UTF-16 code units; where something was cut, it ends in `MARK`."""
    return text if length(text) <= limit else prefix(text, limit - length(MARK)).rstrip() + MARK


def pieces(text: str, limit: int) -> list[str]:
    """`text` in pieces of at most `limit` UTF-16 code units, broken after a line or a word where one ends late enough.

    Joined, they are `text` again.
    """
    found = []
    while length(text) > limit:
        head = prefix(text, limit)
        end = max(head.rfind("\n"), head.rfind(" ")) + 1
        end = end if end > len(head) // 2 else len(head)
        found.append(text[:end])
        text = text[end:]
    return [*found, text] if text or not found else found


def in_a_row(*sentences: str) -> str:
    """Sentences behind each other, without the empty ones; behind the marks of Chinese stands no space."""
    said = ""
    for sentence in filter(None, sentences):
        said += f" {sentence}" if said and not said.endswith(CHINESE_ENDS) else sentence
    return said
