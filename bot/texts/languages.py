"""Languages by the names that people have for them."""

from __future__ import annotations

from babel import Locale

from bot.texts import language_of


def language_name(code: str, locale: str) -> str:
    """What somebody calls a language of ISO 639-1; the code itself where they have no name for it."""
    return str(Locale.parse(language_of(locale)).languages.get(code, code))
