"""Catalogues are read from their .po files, so that nothing has to be compiled before the first start."""

from __future__ import annotations

from functools import lru_cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).parent / "locale"
LANGUAGES = {"en": "English", "zh": "中文"}
"""Codes of the languages there are, with the name each has for itself."""


class Catalogue:
    """The sentences of one language."""

    def __init__(self, language: str) -> None:
        self._forms: dict[str, tuple[str, ...]] = {}
        self._translations = GNUTranslations()
        for path in sorted((LOCALES / language / "LC_MESSAGES").glob("*.po")):
            self._read(path, language)

    def __contains__(self, code: str) -> bool:
        return code in self._forms

    def codes(self) -> dict[str, tuple[str, ...]]:
        """All codes with their sentences: one, or one for each plural form."""
        return dict(self._forms)

    def template(self, code: str, count: int = 1) -> str:
        """The sentence of `code`, in the plural form for `count`.

        Raises:
            KeyError: there is none.
        """
        forms = self._forms[code]
        return forms[0] if len(forms) == 1 else self._translations.ngettext(code, code, count)

    def _read(self, path: Path, language: str) -> None:
        with path.open("rb") as file:
            entries = read_po(file, locale=language)
        for entry in entries:
            code = entry.id if isinstance(entry.id, str) else entry.id[0]
            forms = (entry.string,) if isinstance(entry.string, str) else tuple(entry.string or ())
            if code and forms and all(forms) and not entry.fuzzy:
                self._forms[code] = forms
        compiled = BytesIO()
        write_mo(compiled, entries)
        compiled.seek(0)
        read = GNUTranslations(compiled)
        read.add_fallback(self._translations)
        self._translations = read


@lru_cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of one of `LANGUAGES`."""
    return Catalogue(language)
