"""`lightwork doctor`: look at everything that Lightwork stands on, and say what to do about each failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec

from core.config import Settings
from core.findings import Finding, failure, skipped

CHECKS = ("core.cli.checks.home", "core.cli.checks.database", "core.cli.checks.redis", "bot.checks", "trainer.checks")
"""Modules by name, because core knows neither bot nor trainer; each has `checks(settings)`."""
MARKS = {"ok": "✓", "warning": "!", "failure": "✗", "skipped": "·"}


def examine(settings: Settings) -> Iterator[Finding]:
    """All findings, each as soon as it is known."""
    for name in CHECKS:
        if find_spec(name.partition(".")[0]) is None:
            yield skipped(name.partition(".")[0], "not installed on this machine")
            continue
        yield from import_module(name).checks(settings)


def faults(problems: Sequence[str]) -> Iterator[Finding]:
    """What is wrong with the settings themselves. problems: a sentence each."""
    for problem in problems:
        yield failure("settings", problem, "Correct it in .env or in the environment: no process starts like this.")


def line(finding: Finding) -> str:
    """One finding for a person: a mark, the subject, how it is, and below it what to do."""
    said = f"{MARKS[finding.health]} {finding.subject:<18} {finding.says}"
    return f"{said}\n{'':<21}→ {finding.advice}" if finding.advice else said
