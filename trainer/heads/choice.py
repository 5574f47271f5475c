"""Choice of one: a softmax over the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray

from trainer.selection import margin_doubt

MAX_WEIGHT = 4.0


@dataclass(frozen=True, slots=True)
class ChoiceHead:
    """Classes stand in the order of the project's labels."""

    label_ids: tuple[str, ...]

    def target(self, label_id: str, posterior: list[float] | None) -> list[float]:
        """The crowd's posterior where it has one and decided for `label_id`; else all on `label_id`.

        An adjudicated item has a verdict against its posterior, so its target is the verdict alone.
        """
        position = self.label_ids.index(label_id)
        if posterior is not None and len(posterior) == len(self.label_ids):
            total = sum(posterior)
            if total > 0 and max(posterior) == posterior[position]:
                return [share / total for share in posterior]
        return [float(index == position) for index in range(len(self.label_ids))]

    def class_weights(self, targets: torch.Tensor, balance: float) -> torch.Tensor:
        """frequency ** -balance, at most 4 times the smallest, 1 on average over the examples.

        A class without examples gets weight 0: nothing is learned about it, and nothing is divided by zero.
        """
        counts = targets.sum(dim=0)
        present = counts > 0
        raw = torch.where(present, counts.clamp(min=1e-9) ** -balance, torch.zeros_like(counts))
        raw = torch.minimum(raw, raw[present].min() * MAX_WEIGHT)
        return raw * counts.sum() / (raw * counts).sum()

    def loss(self, logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Cross-entropy against soft targets, averaged over the examples."""
        log_probabilities = torch.log_softmax(logits.float(), dim=-1)
        return -(targets * weights * log_probabilities).sum(dim=-1).mean()

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Softmax in float32, whatever the model computed in."""
        return torch.softmax(logits.float(), dim=-1)

    def uncertainty(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """1 - margin, the margin being the best probability minus the second best."""
        return margin_doubt(probabilities)


def make(label_schema: dict[str, Any]) -> ChoiceHead:
    """The head for `{"kind": "choice", "labels": [{"id": ...}, ...]}`."""
    return ChoiceHead(tuple(str(label["id"]) for label in label_schema["labels"]))
