"""Personal data is taken out of texts before a model reads them: in training, and in prediction just the same.

What is taken out is said by `LIGHTWORK_REDACTION`, a setting of the machine: it may name Python code, so it is never
taken from a chat. The side of a text is still that of the text as people saw it, so that a change of this setting moves
nothing between training and holdout.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from core.errors import Conflict, SettingsError

Redact = Callable[[str], str]

_PATTERNS = {
    "emails": (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII), "[email]"),
    # From eight digits on, so that years, prices and scores stay; dates do, too.
    "phones": (
        re.compile(r"(?<![\w.])(?!\d{4}-\d\d-\d\d\b)(?:\+|\(\+?)?\d(?:[\s().\-/]{0,2}\d){7,14}(?!\w)", re.ASCII),
        "[phone]",
    ),
    "handles": (re.compile(r"(?<![\w@.])@\w{2,}"), "@user"),
}
BUILT_IN = tuple(_PATTERNS)


@dataclass(frozen=True, slots=True)
class Redaction:
    """How texts are redacted. names: as they were set; none: texts stay as they are."""

    names: tuple[str, ...] = ()
    steps: tuple[Redact, ...] = ()

    def __call__(self, text: str) -> str:
        """The text as a model may read it.

        Raises:
            Conflict: `redaction_failed`, a function of the machine's raised, or did not give a text. No model reads
                what could not be redacted.
        """
        for name, step in zip(self.names, self.steps, strict=True):
            try:
                text = step(text)
            except Exception as error:
                raise Conflict("redaction_failed", name=name, error=type(error).__name__) from error
            if not isinstance(text, str):
                raise Conflict("redaction_failed", name=name, error=type(text).__name__)
        return text


def load(setting: str) -> Redaction:
    """What `LIGHTWORK_REDACTION` names, in its order.

    Raises:
        SettingsError: a name is none of the built-in ones, and no function.
    """
    names = tuple(name.strip() for name in setting.split(",") if name.strip())
    return Redaction(names, tuple(_step(name) for name in names))


def _step(name: str) -> Redact:
    if name in _PATTERNS:
        pattern, instead = _PATTERNS[name]
        return lambda text: pattern.sub(instead, text)
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function) if module and function else None
    except (ImportError, AttributeError, ValueError):
        found = None
    if not callable(found):
        raise SettingsError(
            f"LIGHTWORK_REDACTION: {name} is none of {', '.join(BUILT_IN)}, and no function; "
            "name a function as module:function."
        )
    step: Redact = found
    return step
