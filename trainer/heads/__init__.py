"""What a model ends in, one module per kind of label schema: a new kind is a new file here and nothing else."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from numpy.typing import NDArray

from core.errors import InvalidInput


class Head(Protocol):
    """Label ids to what a model computes, and back."""

    @property
    def label_ids(self) -> tuple[str, ...]:
        """The classes in order: those of the project's labels."""

    def target(self, label_id: str, posterior: list[float] | None) -> list[float]:
        """What the model should say: P(label) in the order of `label_ids`."""

    def class_weights(self, targets: torch.Tensor, balance: float) -> torch.Tensor:
        """Weights of the classes, shape (classes,), from targets of shape (n, classes)."""

    def loss(self, logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Mean loss, a scalar, of logits and targets of shape (n, classes).

        Args:
            weights: of the classes, or of each text and class: shape (classes,) or (n, classes).
        """

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """P(label) from logits, both of shape (n, classes)."""

    def uncertainty(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """How unsure each row of shape (n, classes) is: shape (n,), 0 sure to 1 undecided."""


def head_for(label_schema: dict[str, Any]) -> Head:
    """The head of a project's label schema.

    Raises:
        InvalidInput: `schema_not_trainable`, no model can be trained on this kind of labels yet.
    """
    kind = str(label_schema.get("kind", ""))
    name = f"{__name__}.{kind}"
    if re.fullmatch(r"[a-z][a-z_]{0,39}", kind) is None or importlib.util.find_spec(name) is None:
        raise InvalidInput("schema_not_trainable", kind=kind)
    head: Head = importlib.import_module(name).make(label_schema)
    return head


def known_labels(label_schema: dict[str, Any], label_ids: Sequence[str]) -> dict[str, Any]:
    """The schema as a model knows it: labels that were added since stand behind those."""
    return label_schema | {"labels": [label for label in label_schema["labels"] if label["id"] in label_ids]}
