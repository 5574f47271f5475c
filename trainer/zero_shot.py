"""What the names of the labels alone say about texts, before anybody has labeled one: a guess that orders, no more.

A text is likened to the name of each label by the frozen encoder, which puts what means the same close together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

TEMPERATURE = 0.05
"""Divides the cosines: sure enough to tell labels apart, unsure enough to be wrong."""

Floats = NDArray[Any]
Vectors = NDArray[np.float32]


def label_texts(label_schema: Mapping[str, Any]) -> list[str]:
    """What stands for each label in the encoder's eyes: its name, and its description where it has one."""
    return [": ".join(filter(None, (one.get("name"), one.get("description")))) for one in label_schema["labels"]]


def probabilities(vectors: Vectors, label_vectors: Vectors, temperature: float = TEMPERATURE) -> Floats:
    """P(label) of each text, shape (n, classes).

    Args:
        vectors: of the texts, and label_vectors: of `label_texts`, of length 1, by the same encoder.
    """
    # Labels that resemble every text say nothing by that.
    cosines = vectors @ label_vectors.T
    relative = (cosines - cosines.mean(axis=0, keepdims=True)).astype(np.float64) / temperature
    raised = np.exp(relative - relative.max(axis=1, keepdims=True))
    said: Floats = raised / raised.sum(axis=1, keepdims=True)
    return said


def rarity(said: Floats) -> Floats:
    """Weights of texts, 1 in the mean: the rarer a label seems, the more a text counts that seems to have it."""
    shares = said.mean(axis=0)
    weights: Floats = (said / np.maximum(shares, 1e-3)).max(axis=1)
    weights /= weights.mean()
    return weights


def tell_something(names: Sequence[str]) -> bool:
    """Whether names of labels say anything: single letters, numbers and signs do not."""
    return all(sum(letter.isalpha() for letter in name) > 1 or _is_ideograph(name) for name in names)


def _is_ideograph(name: str) -> bool:
    return any(letter >= "\u2e80" and letter.isalpha() for letter in name)
