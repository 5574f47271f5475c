"""The sentences that people read, by code. One catalogue per language; English is the first."""

from __future__ import annotations

from collections.abc import Mapping

from bot.texts.en import SENTENCES as ENGLISH

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH}
FALLBACK = "unexpected"


def say(code: str, locale: str = "en", /, **params: object) -> str:
    """The sentence of `code` in the person's language, English where that is not there.

    Raises:
        KeyError: no catalogue knows the code, or the sentence names a parameter that is not given.
    """
    catalogue = CATALOGUES.get(locale.split("-", maxsplit=1)[0].split("_", maxsplit=1)[0].lower(), ENGLISH)
    return (catalogue.get(code) or ENGLISH[code]).format(**params)


def knows(code: str) -> bool:
    """Whether there is a sentence for `code`."""
    return code in ENGLISH
