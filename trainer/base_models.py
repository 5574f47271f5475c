"""Which encoder to start from, by the languages of the texts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.config import Settings
from core.errors import SettingsError
from core.log import get_logger
from trainer import e5
from trainer.settings import BaseModel, base_model

SAMPLE = 500
"""So many texts, spread evenly over all, say what language they are in."""
FOREIGN_SHARE = 0.2
"""From this share of texts in other languages on the multilingual encoder is taken."""
LATIN_SHARE = 0.5
"""A text that has less of its letters in the Latin script is in another language."""
COMMON_ENGLISH = (
    " the a an and or of to in on for with is are was were be it this that i you he she we they not have has had do "
    "my your at as but so if from by about just will can would there what when who all no out up get "
)
LEAST_WORDS = 6
"""Fewer words say too little about which language in Latin script it is; then English is taken for granted."""
ENGLISH_SHARE = 0.1
"""Share of such words that a longer text in English has at the least."""

_LETTERS = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_NOISE = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|\{\w+\}")

log = get_logger(__name__)


def base_for(settings: Settings, texts: Sequence[str]) -> BaseModel:
    """The encoder for these texts: as set, else English for English, and a multilingual one for anything else.

    Where the multilingual one is not installed, the English one has to do, and the log says so.

    Raises:
        SettingsError: nothing is set, and not even the English encoder is installed.
    """
    if settings.base_model or not is_multilingual(texts):
        return base_model(settings)
    try:
        return BaseModel(e5.NAME, str(e5.converted(settings.model_directory)))
    except SettingsError as error:
        log.warning("no_multilingual_encoder", says=str(error))
        return base_model(settings)


def is_multilingual(texts: Sequence[str]) -> bool:
    """Whether enough of the texts are in another language than English."""
    step = max(1, len(texts) // SAMPLE)
    sample = [text for text in texts[::step] if _LETTERS.search(text)]
    return bool(sample) and sum(map(is_foreign, sample)) >= FOREIGN_SHARE * len(sample)


def is_foreign(text: str) -> bool:
    """Whether a text is most likely not in English: by its letters, or for want of the commonest English words.

    >>> is_foreign("今天天气真好"), is_foreign("it is so hot today, I love it")
    (True, False)
    >>> is_foreign("das Wetter ist heute wieder einmal ganz schrecklich")
    True
    """
    plain = _NOISE.sub(" ", text[:2000])
    letters = _LETTERS.findall(plain)
    if not letters:
        return False
    if sum(_LATIN.match(letter) is not None for letter in letters) < LATIN_SHARE * len(letters):
        return True
    words = re.findall(r"[^\W\d_]+", plain.lower())
    return len(words) >= LEAST_WORDS and sum(f" {word} " in COMMON_ENGLISH for word in words) < ENGLISH_SHARE * len(
        words
    )
