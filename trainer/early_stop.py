"""When to stop: a part of the training side is kept aside, and the best model on it is the one that is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from core.blind import lot
from trainer.settings import TrainingSettings

State = dict[str, Any]


def kept_aside(texts: Sequence[str], settings: TrainingSettings) -> list[int]:
    """Indices of the texts that tell when to stop; none where every text is worth more as an example.

    They are those with the largest lots (`core.blind.lot`), while the holdout has the smallest: a text and its copies
    lie on one side, and always on the same.
    """
    if not settings.early_stop or len(texts) < settings.least_validated:
        return []
    return [index for index, text in enumerate(texts) if lot(text, str(index)) >= 1.0 - settings.validation_share]


class EarlyStop:
    """The best epoch so far, by the mean loss on what is kept aside. `epochs` counts those it has seen.

    Args:
        patience: epochs in a row without a better one after which to stop.
    """

    def __init__(self, patience: int) -> None:
        self._patience, self._best, self._bad = patience, float("inf"), 0
        self._weights: State = {}
        self.epochs = 0

    def is_over(self, loss: float, model: Any) -> bool:
        """Take note of an epoch; whether to stop after it."""
        self.epochs += 1
        if loss < self._best:
            self._best, self._bad = loss, 0
            self._weights = {name: one.detach().clone() for name, one in model.named_parameters() if one.requires_grad}
        else:
            self._bad += 1
        return self._bad >= self._patience

    def put_back(self, model: Any) -> None:
        """Give the model the weights of its best epoch, if there was one."""
        model.load_state_dict(self._weights, strict=False)

    def state(self) -> State:
        """What `restore` needs."""
        return {"best": self._best, "bad": self._bad, "epochs": self.epochs, "weights": self._weights}

    def restore(self, state: State) -> None:
        """Go on from there."""
        self._best, self._bad, self.epochs = float(state["best"]), int(state["bad"]), int(state["epochs"])
        self._weights = dict(state["weights"])


@torch.inference_mode()
def mean_loss(
    indices: Sequence[int], loss_of: Callable[[list[int]], torch.Tensor], model: Any, batch_size: int
) -> float:
    """The mean loss of the examples with these indices, without dropout; leaves the model in training mode."""
    model.eval()
    batches = [list(indices[start : start + batch_size]) for start in range(0, len(indices), batch_size)]
    total = sum(float(loss_of(batch)) * len(batch) for batch in batches)
    model.train()
    return total / len(indices)
