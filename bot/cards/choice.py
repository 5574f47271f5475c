"""Choice of one: a button for each label."""

from __future__ import annotations

from bot.surface import Button
from bot.tokens import make
from core.views import LeaseView

SHORT = 14
"""Labels up to this many characters share a row."""


def answer_rows(view: LeaseView) -> tuple[tuple[Button, ...], ...]:
    """One button for each label, in the project's order; short ones two in a row."""
    lease = view.lease
    buttons = [
        Button(label["name"], make("answer", lease.public_id, label["id"], lease.version))
        for label in view.label_schema["labels"]
    ]
    if all(len(button.text) <= SHORT for button in buttons):
        return tuple(tuple(buttons[start : start + 2]) for start in range(0, len(buttons), 2))
    return tuple((button,) for button in buttons)
