"""The sentences that people read, by code: gettext catalogues, one for each language. English is the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.texts.catalogues import LANGUAGES, Catalogue, catalogue

FALLBACK = "unexpected"
NAMED = 16
"""Of a longer list this many are named."""
WORDS = ("role", "state", "export_kind")
"""Parameters whose values are words of the catalogue: `role_worker`, `state_open`, `export_kind_labels`."""


@dataclass(frozen=True, slots=True)
class Some:
    """A parameter that is a list. more: there are further things beside `parts`."""

    parts: tuple[object, ...]
    more: bool


def say(code: str, locale: str = "en", /, **params: object) -> str:
    """The sentence of `code` in the person's language, English where that is not there.

    A sentence with plural forms takes its form from the parameter `count`. A parameter that is a list is named item
    by item, as in `listed`; `problem` is a code itself, and its sentence is set in; the values of `WORDS` are put into
    the language.

    Raises:
        KeyError: no catalogue knows the code, or the sentence names a parameter that is not given.
    """
    return fill(_template(catalogue(language_of(locale)), code, params), locale, **params)


def fill(template: str, locale: str = "en", /, **params: object) -> str:
    """A sentence of somebody else's, with the parameters put in as `say` does.

    Raises:
        KeyError: it names a parameter that is not given.
    """
    if "{" not in template:
        return template
    spoken = catalogue(language_of(locale))
    readable = {name: _word(spoken, name, value, locale) for name, value in params.items()}
    problem = params.get("problem")
    if isinstance(problem, str):
        readable["problem"] = _template(spoken, _known(problem), params).format_map(_Lenient(readable))
    return template.format(**readable)


def row_problem(code: str, locale: str = "en", /, **params: object) -> str:
    """What is wrong with a row of a file, to be set into a line about it."""
    return say(_known(code), locale, **params)


def listed(parts: Sequence[object], locale: str = "en", *, more: bool = False) -> str:
    """Several things in one line, with the comma that the language has for that. Of many only `NAMED` are named.

    Args:
        more: there are further ones beside these.
    """
    named = say("list_comma", locale).join(str(part) for part in parts[:NAMED])
    return named + (" …" if more or len(parts) > NAMED else "")


def knows(code: str) -> bool:
    """Whether there is a sentence for `code`."""
    return code in catalogue("en")


@lru_cache(maxsize=1024)
def language_of(locale: str) -> str:
    """The language that is spoken to somebody whose platform says `locale`: zh for zh-Hans, English for the rest."""
    language = locale.split("-", maxsplit=1)[0].split("_", maxsplit=1)[0].lower()
    return language if language in LANGUAGES else "en"


def _known(problem: str) -> str:
    """The code of a problem, or that of a general one where it is of a version that knew more."""
    return problem if knows(problem) else "invalid_input"


def _template(spoken: Catalogue, code: str, params: dict[str, object]) -> str:
    source = spoken if code in spoken else catalogue("en")
    count = params.get("count", 1)
    return source.template(code, count if isinstance(count, int) else 1)


def _word(spoken: Catalogue, name: str, value: object, locale: str) -> object:
    word = f"{name}_{value}"
    if name in WORDS and knows(word):
        return _template(spoken, word, {})
    if isinstance(value, Some):
        return listed(value.parts, locale, more=value.more)
    return listed(value, locale) if isinstance(value, (list, tuple)) else value


class _Lenient(dict[str, object]):
    """A sentence set into another may name what the outer one was not given."""

    def __missing__(self, key: str) -> str:
        return "?"
