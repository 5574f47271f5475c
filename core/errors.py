"""Errors that a person may see. Each carries a code and parameters; the sentence stands in `bot/texts`."""

from __future__ import annotations

from typing import ClassVar


class LightworkError(Exception):
    """Base of all errors that end in a sentence for a person, never in a traceback.

    Args:
        code: key of the sentence in the text catalogue.
        params: values that the sentence names.
    """

    default_code: ClassVar[str] = "error"

    def __init__(self, code: str | None = None, **params: object) -> None:
        self.code = code or self.default_code
        self.params = params
        super().__init__(self.code, params)

    def __str__(self) -> str:
        details = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"{self.code}({details})"


class InvalidInput(LightworkError):
    """A file, a command or a value that a person gave cannot be used as it is."""

    default_code = "invalid_input"


class Refused(LightworkError):
    """The person may not do this: no membership, too low a role, or somebody else's assignment."""

    default_code = "refused"


class NotFound(LightworkError):
    """What the person named does not exist in their workspace."""

    default_code = "not_found"


class Conflict(LightworkError):
    """The state has moved on: tapped twice, expired, already decided."""

    default_code = "conflict"


class SettingsError(LightworkError):
    """A setting is missing or malformed. Raised at start; its message is the whole sentence."""

    default_code = "settings"

    def __init__(self, message: str) -> None:
        super().__init__(message=message)

    def __str__(self) -> str:
        return str(self.params["message"])
