"""The rows that a run was trained on, as a file that lies with its model and never changes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Protocol

NAME = "snapshot.jsonl.gz"


class Row(Protocol):
    """What is kept of an example; `trainer.dataset.Example` is one."""

    @property
    def public_id(self) -> str:
        """Of the item."""

    @property
    def text(self) -> str:
        """As the model read it."""

    @property
    def label_id(self) -> str:
        """What it was decided to be."""

    @property
    def target(self) -> tuple[float, ...]:
        """P(label), in the order of the project's labels."""

    @property
    def weight(self) -> float:
        """How much it counts in training."""

    @property
    def state(self) -> str:
        """agreed, adjudicated or gold."""


def rows(
    train: Sequence[Row], holdout: Sequence[Row], left_out: Sequence[Row] = (), *, texts: bool = False
) -> list[str]:
    """One line of JSON for each example, by item: id, label, posterior, weight, state, side, and its text where wanted.

    Without texts the lines are what `Dataset.snapshot_hash` is made of, whatever the order of the examples.
    """
    sides = (("train", train), ("holdout", holdout), ("left_out", left_out))
    lines = chain.from_iterable(_lines(side, examples, texts) for side, examples in sides)
    return sorted(lines)


def packed(lines: Iterable[str]) -> bytes:
    """The lines as a gzip file: the same rows, the same bytes."""
    return gzip.compress("".join(lines).encode(), mtime=0)


def _lines(side: str, examples: Iterable[Row], texts: bool) -> Iterable[str]:
    for one in examples:
        row = {
            "id": one.public_id,
            "label": one.label_id,
            "posterior": [round(share, 6) for share in one.target],
            "weight": round(one.weight, 6),
            "state": one.state,
            "side": side,
        }
        yield json.dumps(row | ({"text": one.text} if texts else {}), ensure_ascii=False) + "\n"
