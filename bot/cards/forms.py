"""Steps of posting a job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.cards.buttons import render_rows
from bot.cards.views import FormCard
from bot.surface import Message
from bot.texts import listed, say

NAMED_COLUMNS = 12


def render(card: FormCard, locale: str) -> Message:
    """The file's name, what is known so far, what is asked."""
    data = card.params
    mapping = data.get("mapping", {})
    columns = list(data.get("columns", []))
    known = {
        "name": data.get("file", ""),
        "rows": data.get("rows", 0),
        "text": mapping.get("text", ""),
        "columns": listed(columns[:NAMED_COLUMNS], locale, more=len(columns) > NAMED_COLUMNS),
        "gold": say("form_gold", locale, gold=mapping["gold"]) if mapping.get("gold") else "",
        "bad": bad_rows_text(data.get("bad", []), data.get("bad_count", 0), locale),
        "question": data.get("question", ""),
        "known_column": mapping.get("gold") or "",
        **_misfits(data.get("fit", {}), locale),
    }
    facts = say("form_facts", locale, count=known["rows"], **known) if data.get("with_facts") else ""
    asked = say(card.text_code, locale, **known) if card.text_code else ""
    return Message(
        kind="form",
        heading=say(card.heading_code, locale, **known),
        text="\n\n".join(piece for piece in (facts, asked) if piece),
        buttons=render_rows(card.rows, locale),
    )


def _misfits(seen: Mapping[str, Any], locale: str) -> dict[str, Any]:
    """How many of the known labels fit, and a line for each of the first that do not."""
    rows = [
        {"line": at, "code": "unknown_gold_label", "params": {"label": name}} for at, name in seen.get("misfits", ())
    ]
    lines = "\n".join(bad_row_line(row, locale) for row in rows)
    return {"fitting": seen.get("fitting", 0), "filled": seen.get("filled", 0), "misfits": lines}


def bad_rows_text(bad: Iterable[Mapping[str, Any]], count: int, locale: str) -> str:
    """The first bad rows with their line numbers; empty where there are none."""
    lines = "\n".join(bad_row_line(row, locale) for row in bad)
    return say("form_bad", locale, count=count, lines=lines) if count else ""


def bad_row_line(row: Mapping[str, Any], locale: str) -> str:
    """One bad row as a line of text."""
    said = {**row.get("params", {}), "line": row["line"], "problem": str(row["code"])}
    return say("bad_row_line", locale, **said)
