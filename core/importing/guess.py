"""Which column holds the text, the id and the known label: guesses from names and from the first rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.importing.rows import Row

TEXT_NAMES = (
    "text",
    "tweet",
    "sentence",
    "content",
    "body",
    "message",
    "comment",
    "review",
    "post",
    "question",
    "utterance",
    "query",
    "title",
    "headline",
    "description",
)
ID_NAMES = (
    "id",
    "item_id",
    "external_id",
    "uid",
    "uuid",
    "guid",
    "key",
    "task",
    "task_id",
    "tweet_id",
    "doc_id",
    "text_id",
    "example_id",
    "row_id",
)
GOLD_NAMES = (
    "gold",
    "gold_label",
    "label",
    "labels",
    "expected",
    "truth",
    "ground_truth",
    "answer",
    "correct",
    "category",
    "class",
    "sentiment",
    "target",
)
EXPLANATION_NAMES = ("explanation", "why", "reason", "rationale", "gold_reason")
MAX_GOLD_VALUES = 100
MIN_WORDS_OF_TEXT = 3
"""From how many words a row on a column named like a label or an id can be the text after all."""
_WORDS = re.compile(r"[^\W\d_]{2,}")
_ADDRESS = re.compile(r"(https?://|www\.)\S+")


@dataclass(frozen=True, slots=True)
class Column:
    """What the first rows show of one column."""

    name: str
    filled: int
    distinct: tuple[str, ...]
    """Distinct values in order of appearance, at most `MAX_GOLD_VALUES` + 1."""
    unique: bool
    """Filled in every row, and never with one value twice."""
    telling: bool
    """Filled in every row, and only now and then with one value twice."""
    words: float
    """Words per row, without web addresses."""


@dataclass(frozen=True, slots=True)
class Guess:
    """The columns as guessed; a person may say otherwise."""

    text: str | None
    candidates: tuple[tuple[str, str], ...]
    """Columns that could be the text with the reason: only_column, name or longest; the best first."""
    id: str | None
    gold: str | None
    gold_values: tuple[str, ...]
    """The labels that the guessed gold column holds in the first rows."""
    explanation: str | None = None
    """Where a label is known: why it is this one. In a file of known labels alone it may pass for the text, too."""


def guess(columns: Sequence[str], rows: Sequence[Row]) -> Guess:
    """Guess from the first good rows of a file."""
    seen = [_look(name, rows) for name in columns]
    candidates = _text_candidates(seen)
    text = candidates[0][0] if candidates else None
    rest = [column for column in seen if column.name != text]
    identifier = _first_named(ID_NAMES, [column for column in rest if column.unique]) or _first_named(
        ID_NAMES, [column for column in rest if column.telling]
    )
    gold = _first_named(GOLD_NAMES, [column for column in rest if 0 < len(column.distinct) <= MAX_GOLD_VALUES])
    explanation = _first_named(EXPLANATION_NAMES, [column for column in seen if column.filled])
    return Guess(
        text,
        candidates,
        identifier.name if identifier else None,
        gold.name if gold else None,
        gold.distinct if gold else (),
        explanation.name if explanation else None,
    )


def _look(name: str, rows: Sequence[Row]) -> Column:
    values = [value for row in rows if (value := row.values.get(name, "").strip())]
    distinct = tuple(dict.fromkeys(values))
    words = sum(len(_WORDS.findall(_ADDRESS.sub("", value))) for value in values)
    everywhere = bool(values) and len(values) == len(rows)
    unique, telling = everywhere and len(distinct) == len(rows), everywhere and len(distinct) * 2 > len(rows)
    return Column(name, len(values), distinct[: MAX_GOLD_VALUES + 1], unique, telling, words / max(1, len(values)))


def _text_candidates(columns: Sequence[Column]) -> tuple[tuple[str, str], ...]:
    worded = [column for column in columns if column.words > 0]
    columns = [column for column in columns if column.filled]
    named = [(column.name, "name") for name in TEXT_NAMES for column in columns if _plain(column.name) == name]
    if len(columns) == 1 and not named:
        return tuple((column.name, "only_column") for column in worded)
    taken = {name for name, _ in named}
    longest = sorted(
        (column for column in worded if column.name not in taken and not _looks_like_label(column)),
        key=lambda column: (_plain(column.name) in EXPLANATION_NAMES, -column.words),
    )
    return (*named, *((column.name, "longest") for column in longest))


def _looks_like_label(column: Column) -> bool:
    return _plain(column.name) in (*GOLD_NAMES, *ID_NAMES) and (column.words < MIN_WORDS_OF_TEXT or not column.unique)


def _first_named(names: Sequence[str], columns: Sequence[Column]) -> Column | None:
    return next((column for name in names for column in columns if _plain(column.name) == name), None)


def _plain(name: str) -> str:
    """`data.Tweet-Text` and `tweet_text` are one name; a path counts by its last part."""
    return re.sub(r"[\s\-]+", "_", name.casefold().rpartition(".")[2].strip())
