"""The parts of a training step: batches, learning rates, and a step that fits the memory."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from core.log import get_logger
from trainer.settings import Device, TrainingSettings

BUCKET_BATCHES = 8
"""Batches are cut from this many batches' worth of shuffled texts, sorted by length: little padding, still random."""
COMPILE_FROM = 1000
"""Steps from which compiling, which takes a minute, is earned back."""

log = get_logger(__name__)


def parameter_groups(model: Any, settings: TrainingSettings, rate: float) -> list[dict[str, Any]]:
    """Parameters that learn, by learning rate and decay: new layers learn faster, biases and norms do not decay.

    A pooler counts as new. Sentence encoders leave it as it was before they were trained on sentences.

    Args:
        rate: of the pre-trained layers, or of the adapters in their place.
    """
    groups: dict[tuple[float, float], list[Any]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        is_new = ".pooler." in f".{name}" or not _is_inside(model, name)
        decay = settings.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((settings.head_lr if is_new else rate, decay), []).append(parameter)
    return [{"params": some, "lr": lr, "weight_decay": decay} for (lr, decay), some in groups.items()]


def _is_inside(model: Any, name: str) -> bool:
    """Whether a parameter belongs to the encoder; adapters put their own names before it."""
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    return f".{plain.base_model_prefix}." in f".{name}"


def warmup_then_linear(steps: int, warmup_share: float) -> Callable[[int], float]:
    """The factor on the learning rates at a step: up from 0 to 1 in the warm-up, then down to 0 at the end."""
    warmup = max(1, int(steps * warmup_share))
    return lambda step: min((step + 1) / warmup, (steps - step) / max(1, steps - warmup + 1))


def length_buckets(lengths: Sequence[int], batch_size: int, shuffle: random.Random) -> Iterator[list[int]]:
    """Every index once, in batches of texts of similar length, in random order."""
    order = list(range(len(lengths)))
    shuffle.shuffle(order)
    span = batch_size * BUCKET_BATCHES
    batches = []
    for start in range(0, len(order), span):
        near = sorted(order[start : start + span], key=lengths.__getitem__)
        batches += [near[first : first + batch_size] for first in range(0, len(near), batch_size)]
    shuffle.shuffle(batches)
    yield from batches


class Accumulation:
    """Gradients of a batch, in as many parts as the memory asks for: once halved, later batches are too."""

    def __init__(self) -> None:
        self.parts = 1

    def backward(
        self, batch: list[int], loss_of: Callable[[list[int]], torch.Tensor], model: Any, whole: int | None = None
    ) -> torch.Tensor:
        """Add the gradient of the mean loss of a batch, whose parts weigh by their size; returns that loss.

        Args:
            loss_of: the mean loss of some indices.
            whole: size of the batch that this one is a share of; it is the whole where nothing is said.

        Raises:
            torch.OutOfMemoryError: a single text does not fit.
        """
        while True:
            try:
                return self._once(batch, loss_of, whole or len(batch))
            except torch.OutOfMemoryError:
                if self.parts >= len(batch):
                    raise
            # Outside the handler: the exception holds what is to be freed.
            self.parts *= 2
            log.info("batch_halved", parts=self.parts, texts=len(batch))
            model.zero_grad(set_to_none=True)
            torch.cuda.empty_cache()

    def _once(self, batch: list[int], loss_of: Callable[[list[int]], torch.Tensor], whole: int) -> torch.Tensor:
        total = torch.zeros(())
        for part in self._split(batch):
            loss = loss_of(part) * (len(part) / whole)
            torch.autograd.backward(loss)
            total = total.to(loss.device) + loss.detach()
        return total

    def _split(self, batch: list[int]) -> list[list[int]]:
        size = max(1, -(-len(batch) // self.parts))
        return [batch[start : start + size] for start in range(0, len(batch), size)]


def compiled(model: Any, device: Device, steps: int) -> Any:
    """What computes the model: compiled where that pays, on CUDA and for many steps, else the model itself."""
    if device.type != "cuda" or steps < COMPILE_FROM:
        return model
    return torch.compile(model, dynamic=True)
