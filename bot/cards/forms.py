"""Steps of posting a job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.cards.buttons import render_rows
from bot.cards.views import FormCard
from bot.surface import Message, Part
from bot.texts import knows, say

NAMED_COLUMNS = 12


def render(card: FormCard, locale: str) -> Message:
    """The file's name, what is known so far, what is asked."""
    data = card.params
    columns = list(data.get("columns", []))
    known = {
        "name": data.get("name", ""),
        "rows": data.get("rows", 0),
        "items": max(0, data.get("rows", 0) - data.get("bad_count", 0)),
        "text": data.get("text", ""),
        "columns": ", ".join(columns[:NAMED_COLUMNS]) + (" …" if len(columns) > NAMED_COLUMNS else ""),
        "gold": say("form_gold", locale, gold=data["gold_column"]) if data.get("gold_column") else "",
        "bad": bad_rows_text(data.get("bad", []), data.get("bad_count", 0), locale),
        "question": data.get("question", ""),
        "labels": " | ".join(data.get("labels", [])),
        "minimum": data.get("minimum", 0),
        "maximum": data.get("maximum", 0),
    }
    return Message(
        kind="form",
        heading=say(card.heading_code, locale, **known),
        parts=tuple(Part("text", text) for text in card.preview),
        text=say(card.text_code, locale, **known),
        buttons=render_rows(card.rows, locale),
    )


def bad_rows_text(bad: Iterable[Mapping[str, Any]], count: int, locale: str) -> str:
    """The first bad rows with their line numbers; empty where there are none."""
    lines = "\n".join(bad_row_line(row, locale) for row in bad)
    return say("form_bad", locale, count=count, lines=lines) if count else ""


def bad_row_line(row: Mapping[str, Any], locale: str) -> str:
    """One bad row as a line of text."""
    code = str(row["code"])
    problem = say(code if knows(code) else "invalid_input", locale, **row.get("params", {}))
    return say("bad_row_line", locale, line=row["line"], problem=problem)
