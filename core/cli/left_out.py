"""What a command that reads answers from a file says about the rows that it did not count."""

from __future__ import annotations

from core.cli.counting import counted
from core.crowd_table import CrowdTable


def named(table: CrowdTable) -> dict[str, int]:
    """How many rows were left out, by the names that `--json` gives the reasons."""
    return {"repeated": table.repeated, "taken_back": table.taken_back, "control": table.control}


def sentences(found: dict[str, int]) -> list[str]:
    """The same for a person: a sentence for each reason that there is."""
    reasons = {
        "repeated": "that worker had answered that item before",
        "taken_back": "withdrawn, superseded or rejected",
        "control": "answers to known items, which only check people",
    }
    return [_sentence(found[name], why) for name, why in reasons.items() if found[name]]


def _sentence(count: int, why: str) -> str:
    return f"{counted(count, 'row')} {'was' if count == 1 else 'were'} left out: {why}."
