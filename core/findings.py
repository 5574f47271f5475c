"""What `lightwork doctor` found out: one line for each thing it looked at, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Health = Literal["ok", "warning", "failure", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    subject: what, in one or two words. says: how it is. advice: what to do, empty where nothing has to be done.
    """

    subject: str
    health: Health
    says: str
    advice: str = ""


def ok(subject: str, says: str) -> Finding:
    """Nothing has to be done."""
    return Finding(subject, "ok", says)


def warning(subject: str, says: str, advice: str) -> Finding:
    """It works, but will not for long, or not well."""
    return Finding(subject, "warning", says, advice)


def failure(subject: str, says: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(subject, "failure", says, advice)


def skipped(subject: str, says: str) -> Finding:
    """It is not used here."""
    return Finding(subject, "skipped", says)
