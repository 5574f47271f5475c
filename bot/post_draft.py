"""A job that is being posted, as it stands in the dialogue: plain JSON, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.cards.settings import JobSettings
from core import quality
from core.aims import Aim
from core.errors import InvalidInput
from core.gold_pool import set_aside_of
from core.importing import Received
from core.labels import choice, dump, text_content
from core.leases import Lease
from core.models import Upload
from core.projects import DEFAULT_MAX_OVERLAP, DEFAULT_MIN_OVERLAP
from core.views import LeaseView

Draft = dict[str, Any]
MAX_BAD = 5
MAX_COLUMNS = 100
"""So many names of columns are kept; more than that nobody reads."""
MAX_PROPOSED = 50
SETTABLE = ("price", "lease_seconds", "deadline", "audience", "language", "guidelines", "priority", "name")
OPTIONS = ("retrain_threshold", "retrain_cron")
"""Columns of the project that only a caption sets."""
AIM = tuple(Aim().columns())
"""Columns of the project that say what it aims at."""
GOLD_USE = "gold_use"
"""What known labels are for, as in `core.quality`."""
RANGE = ("minimum", "maximum")
DEFAULTS: Mapping[str, Any] = {
    "minimum": DEFAULT_MIN_OVERLAP,
    "maximum": DEFAULT_MAX_OVERLAP,
    "price": 0,
    "lease_seconds": 600,
    "deadline": None,
    "audience": "everyone",
    "language": "",
    "guidelines": "",
}


def empty_draft() -> Draft:
    """Nothing is known yet but what is usual."""
    return {"question": "", "labels": [], "upload": "", **DEFAULTS}


def with_items(draft: Draft, received: Received, upload: Upload) -> Draft:
    """The draft with these items in place of those it had.

    Raises:
        InvalidInput: no_text_column, or column_missing where a form has named a column for known labels.
    """
    columns = list(received.columns)
    if received.text_column is None:
        raise InvalidInput("no_text_column", columns=columns[:30])
    wanted = draft.get("wanted_gold", "")
    if wanted and wanted not in columns:
        raise InvalidInput("column_missing", column=wanted, columns=columns[:30])
    sure = len(received.text_candidates) < 2 or received.text_candidates[0][1] in ("only_column", "name")
    mapping = {"text": received.text_column, "id": received.id_column, "gold": wanted or received.gold_column}
    if received.explanation_column not in (None, received.text_column):
        mapping |= {"explanation": received.explanation_column}
    return draft | {
        "upload": upload.public_id,
        "file": received.name,
        "rows": received.rows,
        "columns": columns[:MAX_COLUMNS],
        "bad": [row.to_json() for row in received.bad_rows[:MAX_BAD]],
        "bad_count": received.bad_row_count,
        "mapping": mapping,
        "unsure": not sure,
        "known_file": "",
        "matched": {},
        "chosen_gold": "",
        "let_go": "",
        "fit": {},
        "samples": _samples(received),
        "proposed": list(received.gold_values) if 2 <= len(received.gold_values) <= MAX_PROPOSED else [],
    }


def _samples(received: Received) -> dict[str, str]:
    """The first text of each column that could be the one to judge."""
    names = [name for name, _ in received.text_candidates] or [str(received.text_column)]
    first = {name: next((row[name] for row in received.preview if row.get(name, "").strip()), "") for name in names}
    return dict(list(first.items())[:MAX_BAD])


def with_text_column(draft: Draft, column: str) -> Draft:
    """The draft with another column as the text; what was found out for the guess is forgotten."""
    mapping = {role: name for role, name in draft["mapping"].items() if role != "known"} | {"text": column}
    mapping |= {role: None for role in ("id", "gold") if mapping[role] == column}
    forgotten = {"bad": [], "bad_count": 0, "known_file": "", "matched": {}}
    return draft | {"mapping": mapping, "unsure": False} | forgotten


def with_labels(draft: Draft, names: Sequence[str]) -> Draft:
    """The draft with these labels.

    Raises:
        InvalidInput: as `core.labels.choice.make`.
    """
    return draft | {"labels": [label.name for label in choice.make(names).labels]}


def with_settings(draft: Draft, values: Mapping[str, Any]) -> Draft:
    """The draft with settings as `bot.job_settings` parses them."""
    plain: Draft = {}
    for name, value in values.items():
        plain |= value.columns() if isinstance(value, Aim) else {name: value}
    return draft | {name: value.isoformat() if isinstance(value, datetime) else value for name, value in plain.items()}


def known_columns(draft: Draft) -> list[str]:
    """Columns that may hold known labels."""
    return [column for column in draft["columns"] if column != draft["mapping"]["text"]]


def deadline_of(draft: Draft) -> datetime | None:
    """The deadline, if one was set."""
    return datetime.fromisoformat(draft["deadline"]) if draft["deadline"] else None


def misfit_count(draft: Draft) -> int:
    """Rows whose known label is none of the job's, as far as the file was looked at. They become no items."""
    seen = draft.get("fit", {})
    return int(seen["filled"] - seen["fitting"]) if seen else 0


def item_count(draft: Draft) -> int:
    """How many items the file gives, as far as it was looked at."""
    return max(0, int(draft["rows"]) - int(draft["bad_count"]) - misfit_count(draft))


def labeled_count(draft: Draft) -> tuple[int, int]:
    """How many items are to be labeled, and how many besides have known labels and only check people."""
    items, seen = item_count(draft), draft.get("fit", {})
    known = draft["matched"]["used"] if draft.get("matched") else 0
    if seen and (rows := seen["rows"] - misfit_count(draft)):
        known = round(items * seen["fitting"] / rows)
    checks = draft.get(GOLD_USE, quality.QualitySettings().gold_use) == "check"
    aside = set_aside_of(items, known) if checks else 0
    return items - aside, aside


def settings_of(draft: Draft) -> JobSettings:
    """The settings as cards show them."""
    known = {"known": draft["mapping"]["gold"] or "", "known_file": draft["known_file"]} if draft["upload"] else {}
    kept = {name: draft[name] for name in (*RANGE, *SETTABLE, GOLD_USE) if name in draft}
    return JobSettings(**kept | known | {"deadline": deadline_of(draft), "aim": aim_in(draft)})


def aim_in(draft: Draft) -> Aim:
    """What the job aims at, the usual where nothing was said."""
    columns = Aim().columns() | {name: draft[name] for name in AIM if name in draft}
    return Aim(columns["aim"], columns["error_cost"], columns["target_accuracy"], columns["answer_budget"])


def columns_of(draft: Draft) -> dict[str, Any]:
    """Columns of the project as `core.projects.create_project` takes them."""
    columns = {name: draft[name] for name in (*SETTABLE, *OPTIONS, *AIM) if name in draft}
    columns["deadline"] = deadline_of(draft)
    chosen = quality.change(quality.QualitySettings(), **{name: draft[name] for name in (GOLD_USE,) if name in draft})
    answers = {"min_overlap": draft["minimum"], "max_overlap": draft["maximum"], "pilot_size": draft.get("pilot", 0)}
    return columns | answers | {"quality": quality.dump(chosen)}


def sample_view(draft: Draft, now: datetime) -> LeaseView | None:
    """The first item as it will be leased; nothing where its text is not known."""
    text = draft["samples"].get(draft["mapping"]["text"], "")
    if not text:
        return None
    return LeaseView(
        lease=Lease(0, "sample", 1, 0, 0, now),
        question=draft["question"],
        label_schema=dump(choice.make(draft["labels"])),
        content=text_content(text.strip()),
        guidelines=draft["guidelines"],
        guidelines_changed=False,
        today=0,
        goal=0,
        done=0,
        total=labeled_count(draft)[0],
    )
