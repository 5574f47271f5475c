"""The sentences that people read, by code. One catalogue per language; English is the first."""

from __future__ import annotations

from collections.abc import Mapping

from bot.texts.en import SENTENCES as ENGLISH

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH}
FALLBACK = "unexpected"
NAMED = 12
"""Of a longer list this many are named."""


def say(code: str, locale: str = "en", /, **params: object) -> str:
    """The sentence of `code` in the person's language, English where that is not there.

    A parameter that is a list is named item by item; `problem` is a code itself, and its sentence is set in.

    Raises:
        KeyError: no catalogue knows the code, or the sentence names a parameter that is not given.
    """
    catalogue = CATALOGUES.get(locale.split("-", maxsplit=1)[0].split("_", maxsplit=1)[0].lower(), ENGLISH)
    readable = {name: _readable(value) for name, value in params.items()}
    problem = params.get("problem")
    if isinstance(problem, str) and knows(problem):
        readable["problem"] = ENGLISH[problem].format_map(_Lenient(readable))
    return (catalogue.get(code) or ENGLISH[code]).format(**readable)


def knows(code: str) -> bool:
    """Whether there is a sentence for `code`."""
    return code in ENGLISH


def _readable(value: object) -> object:
    if isinstance(value, (list, tuple)):
        named = ", ".join(str(part) for part in value[:NAMED])
        return named + (" …" if len(value) > NAMED else "")
    return value


class _Lenient(dict[str, object]):
    """A sentence set into another may name what the outer one was not given."""

    def __missing__(self, key: str) -> str:
        return "?"
