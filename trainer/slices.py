"""Where a model is good and where not: its holdout cut by length, source, script, how it was decided, and when."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.aggregation.interval import wilson_interval
from trainer.dataset import Example

MOST_SLICES = 8
"""Of each kind, the largest."""
MOST_PERIODS = 6
LOOKED_AT = 300
"""Characters by which the script of a text is told."""
OTHER = "other"

Right = NDArray[np.bool_]
Cuts = Sequence[tuple[int, datetime]]
"""Number and moment of each version that was made before, the oldest first."""


def by_kind(examples: Sequence[Example], right: Right) -> dict[str, list[dict[str, Any]]]:
    """Shares that are right, with 95 % intervals, by state, script, length and source; kinds of one slice are left out.

    The shortest come first, of other kinds the largest.

    Args:
        right: for each of the n examples whether the model is right.
    """
    lengths = np.array([len(one.text) for one in examples])
    cuts = np.quantile(lengths, (1 / 3, 2 / 3)).astype(int).tolist() if len(lengths) else [0, 0]
    kinds = {
        "state": [one.state for one in examples],
        "script": [script(one.text) for one in examples],
        "length": [_length(len(one.text), cuts) for one in examples],
        "source": [one.source for one in examples],
    }
    found = {kind: _slices(names, right) for kind, names in kinds.items()}
    found["length"].sort(key=lambda one: _lengths(cuts).index(one["name"]))
    return {kind: some for kind, some in found.items() if len(some) > 1}


def forgetting(
    examples: Sequence[Example], label_ids: Sequence[str], right: Right, before: Right, cuts: Cuts
) -> dict[str, list[dict[str, Any]]]:
    """What the model in use got right and the new one does, of the same items: by class, and by when they were decided.

    Args:
        right, before: for each of the n examples whether the new model is right, and the one in use.

    Returns:
        classes, with label_id; and periods, with `until`, the number of the version that was made at their end (None
        for the last). Each with n, before and after, shares from 0 to 1.
    """
    labels = np.array([one.label_id for one in examples])
    classes = [
        {"label_id": label_id} | _pair(right, before, labels == label_id)
        for label_id in label_ids
        if (labels == label_id).any()
    ]
    return {"classes": classes, "periods": list(_periods(examples, right, before, cuts))}


def script(text: str) -> str:
    """The script that most letters of a text are of, as Unicode calls it: LATIN, CJK ...; "other" without letters."""
    counts = Counter(unicodedata.name(char, OTHER).split()[0] for char in text[:LOOKED_AT] if char.isalpha())
    return min(counts, key=lambda name: (-counts[name], name)) if counts else OTHER


def _periods(examples: Sequence[Example], right: Right, before: Right, cuts: Cuts) -> Iterator[dict[str, Any]]:
    dated = np.array([one.decided_at is not None for one in examples])
    last: datetime | None = None
    for until, end in (*cuts[-(MOST_PERIODS - 1) :], (None, None)):
        within = np.array([_within(one.decided_at, last, end) for one in examples], dtype=np.bool_) & dated
        if within.any():
            yield {"until": until} | _pair(right, before, within)
        last = end


def _within(moment: datetime | None, after: datetime | None, until: datetime | None) -> bool:
    return moment is not None and (after is None or moment > after) and (until is None or moment <= until)


def _pair(right: Right, before: Right, some: Right) -> dict[str, Any]:
    return {"n": int(some.sum()), "before": float(before[some].mean()), "after": float(right[some].mean())}


def _slices(names: Sequence[str], right: Right) -> list[dict[str, Any]]:
    places: Mapping[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        places[name].append(place)
    found = []
    for name, some in sorted(places.items(), key=lambda entry: (-len(entry[1]), entry[0]))[:MOST_SLICES]:
        hits = int(right[some].sum())
        low, high = wilson_interval(hits, len(some))
        found.append({"name": name, "n": len(some), "accuracy": hits / len(some), "low": low, "high": high})
    return found


def _lengths(cuts: Sequence[int]) -> tuple[str, str, str]:
    return f"up to {cuts[0]} characters", f"up to {cuts[1]} characters", f"over {cuts[1]} characters"


def _length(characters: int, cuts: Sequence[int]) -> str:
    return _lengths(cuts)[sum(characters > cut for cut in cuts)]
