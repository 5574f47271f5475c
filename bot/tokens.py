"""Button payloads: `verb.subject.argument.version`, at most 64 bytes, ids only. Whatever comes back is untrusted."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_BYTES = 64
_SHAPE = re.compile(r"([a-z]{1,10})(?:\.([A-Za-z0-9_-]{0,20}))?(?:\.([A-Za-z0-9_-]{0,20}))?(?:\.(\d{1,6}))?")


@dataclass(frozen=True, slots=True)
class Token:
    """A parsed payload.

    subject: public id of an assignment, an item or a project.
    argument: a label id or another choice.
    version: of the assignment or dialogue, so that a stale button is known as stale.
    """

    verb: str
    subject: str = ""
    argument: str = ""
    version: int = 0


def make(verb: str, subject: str = "", argument: str = "", version: int = 0) -> str:
    """The payload of a button.

    Raises:
        ValueError: it would be longer than the 64 bytes that Telegram allows.
    """
    payload = f"{verb}.{subject}.{argument}.{version}"
    if len(payload.encode()) > MAX_BYTES or _SHAPE.fullmatch(payload) is None:
        raise ValueError(f"not a payload: {payload!r}")
    return payload


def parse(payload: str) -> Token | None:
    """What a tapped button says; nothing where it was never one of ours."""
    match = _SHAPE.fullmatch(payload) if len(payload) <= MAX_BYTES else None
    if match is None:
        return None
    verb, subject, argument, version = match.groups()
    return Token(verb, subject or "", argument or "", int(version or 0))
