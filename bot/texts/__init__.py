"""The sentences that people read, by code: gettext catalogues, one for each language. English is the first."""

from __future__ import annotations

from bot.texts.catalogues import LANGUAGES, Catalogue, catalogue

FALLBACK = "unexpected"
NAMED = 12
"""Of a longer list this many are named."""
WORDS = ("role", "state", "export_kind")
"""Parameters whose values are words of the catalogue: `role_worker`, `state_open`, `export_kind_labels`."""


def say(code: str, locale: str = "en", /, **params: object) -> str:
    """The sentence of `code` in the person's language, English where that is not there.

    A sentence with plural forms takes its form from the parameter `count`. A parameter that is a list is named item
    by item; `problem` is a code itself, and its sentence is set in; the values of `WORDS` are put into the language.

    Raises:
        KeyError: no catalogue knows the code, or the sentence names a parameter that is not given.
    """
    spoken = catalogue(language_of(locale))
    readable = {name: _word(spoken, name, value) for name, value in params.items()}
    problem = params.get("problem")
    if isinstance(problem, str) and knows(problem):
        readable["problem"] = _template(spoken, problem, params).format_map(_Lenient(readable))
    return _template(spoken, code, params).format(**readable)


def knows(code: str) -> bool:
    """Whether there is a sentence for `code`."""
    return code in catalogue("en")


def language_of(locale: str) -> str:
    """The language that is spoken to somebody whose platform says `locale`: zh for zh-Hans, English for the rest."""
    language = locale.split("-", maxsplit=1)[0].split("_", maxsplit=1)[0].lower()
    return language if language in LANGUAGES else "en"


def _template(spoken: Catalogue, code: str, params: dict[str, object]) -> str:
    source = spoken if code in spoken else catalogue("en")
    count = params.get("count", 1)
    return source.template(code, count if isinstance(count, int) else 1)


def _word(spoken: Catalogue, name: str, value: object) -> object:
    word = f"{name}_{value}"
    return _template(spoken, word, {}) if name in WORDS and knows(word) else _readable(value)


def _readable(value: object) -> object:
    if isinstance(value, (list, tuple)):
        named = ", ".join(str(part) for part in value[:NAMED])
        return named + (" …" if len(value) > NAMED else "")
    return value


class _Lenient(dict[str, object]):
    """A sentence set into another may name what the outer one was not given."""

    def __missing__(self, key: str) -> str:
        return "?"
