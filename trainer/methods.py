"""Which way of training fits the labels there are and the size of the encoder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import nn

from trainer.settings import TrainingSettings

FROZEN_BELOW = 100
"""Under so many labels the encoder stays as it is."""
LORA_FROM = 20_000_000
"""From so many parameters on, low-rank adapters learn in place of all weights. Tables of embeddings do not count: they
say how many words an encoder knows, not how large it is."""


def resolve(settings: TrainingSettings, labels: int, parameters: int) -> TrainingSettings:
    """The settings with `auto` replaced by what fits; a method that somebody chose stays.

    >>> resolve(TrainingSettings(), 99, 10**6).method, resolve(TrainingSettings(), 100, 10**6).method
    ('frozen', 'full')
    >>> resolve(TrainingSettings(), 100, 10**8).method
    'lora'
    """
    if settings.method != "auto":
        return settings
    if labels < FROZEN_BELOW:
        return replace(settings, method="frozen")
    return replace(settings, method="lora" if parameters >= LORA_FROM else "full")


def parameter_count(model: Any) -> int:
    """How many weights the layers of a model have, without its tables of embeddings."""
    tables = sum(one.weight.numel() for one in model.modules() if isinstance(one, nn.Embedding))
    return int(sum(parameter.numel() for parameter in model.parameters())) - tables
