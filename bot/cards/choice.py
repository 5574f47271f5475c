"""Choice of one: a button for each label, in pages where they are many, numbered where they are long."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.cards.views import Answers
from bot.surface import Button
from bot.texts.units import length, shorten
from bot.tokens import make
from core.views import LeaseView

SHORT = 14
"""Labels up to this many characters share a row."""
WHOLE = 30
"""Labels up to this many characters stand whole on a button, on every platform."""
PAGE = 48
"""Labels on a page. Telegram takes 100 buttons and Slack 50 blocks; this leaves room for what else a card has."""
LIST_UNITS = 1000
"""UTF-16 code units of the labels that a page lists, so that question, item and labels fit one message."""
NUMBERED = 24
"""Characters of a long label that its button repeats behind the number."""


def answers(view: LeaseView, page: int) -> Answers:
    """The labels of a page with which an item is answered."""
    lease = view.lease
    return label_page(
        view.label_schema, page, lambda label_id: make("answer", lease.public_id, label_id, lease.version)
    )


def label_page(label_schema: Mapping[str, Any], page: int, payload: Callable[[str], str]) -> Answers:
    """One button for each label of the page, in the project's order; short ones two in a row.

    Where a label would not stand whole on its button, all are listed in the card's text and numbered.

    Args:
        page: the first is 0; one that is not there becomes the nearest.
        payload: of the button of a label, by the label's id.
    """
    labels = label_schema["labels"]
    names = [label["name"] for label in labels]
    listed = any(len(name) > WHOLE for name in names)
    pages = _pages(names, listed)
    page = min(max(0, page), len(pages) - 1)
    texts = {at: f"{at + 1} · {_brief(names[at])}" if listed else names[at] for at in pages[page]}
    buttons = [Button(text, payload(labels[at]["id"])) for at, text in texts.items()]
    lines = [f"{at + 1}. {names[at]}" for at in pages[page]] if listed else []
    return Answers(rows=_rows(buttons), listed="\n".join(lines), page=page, pages=len(pages))


def _pages(names: Sequence[str], listed: bool) -> list[range]:
    if not listed:
        return [range(start, min(start + PAGE, len(names))) for start in range(0, len(names), PAGE)]
    pages, start, units = [], 0, 0
    for at, name in enumerate(names):
        size = length(name) + 6  # its number, a full stop, a space and the end of the line
        if at > start and (units + size > LIST_UNITS or at - start == PAGE):
            pages.append(range(start, at))
            start, units = at, 0
        units += size
    return [*pages, range(start, len(names))]


def _rows(buttons: Sequence[Button]) -> tuple[tuple[Button, ...], ...]:
    if all(len(button.text) <= SHORT for button in buttons):
        return tuple(tuple(buttons[start : start + 2]) for start in range(0, len(buttons), 2))
    return tuple((button,) for button in buttons)


def _brief(name: str) -> str:
    return name if len(name) <= WHOLE else shorten(name, NUMBERED)
