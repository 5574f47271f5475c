"""A model speaks on items of a job that has more labels now than when it was trained."""

from __future__ import annotations

import numpy as np

from core.models import Item
from trainer.heads import head_for, known_labels
from trainer.prelabel import _rows

SCHEMA = {"kind": "choice", "labels": [{"id": name, "name": name.upper()} for name in "abcd"]}


def test_a_model_knows_the_labels_it_was_trained_on() -> None:
    head = head_for(known_labels(SCHEMA, ("a", "b", "c")))
    assert head.label_ids == ("a", "b", "c")
    [row] = _rows([Item(id=7)], head, np.array([[0.1, 0.7, 0.2]]))
    assert (row.item_id, row.label_id, row.probabilities) == (7, "b", (0.1, 0.7, 0.2))
    assert head_for(known_labels(SCHEMA, "abcd")).label_ids == ("a", "b", "c", "d")
