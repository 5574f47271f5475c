"""Low-rank adapters (Hu et al. 2021): few weights learn, and what is saved is the encoder with them added in.

Which layers get one is asked of the model: the linear layers of its attention, by the names that encoders give them.
"""

from __future__ import annotations

import warnings
from typing import Any

from torch import nn

from trainer.frozen import output_layer

TARGETS = (
    "query",
    "key",
    "value",
    "dense",
    "q_proj",
    "k_proj",
    "v_proj",
    "q_lin",
    "k_lin",
    "v_lin",
    "out_lin",
    "Wqkv",
    "Wo",
)
"""Last parts of the names of layers in BERT, RoBERTa, DeBERTa, DistilBERT, ModernBERT and their kind."""


def wrap(model: Any, rank: int, alpha: int, dropout: float) -> Any:
    """The model with adapters; they and the last linear layer learn, everything else stays.

    A model without a layer of a known name is returned as it is, and learns wholly.
    """
    from peft import LoraConfig, get_peft_model

    names = [name for name, module in model.base_model.named_modules() if _is_adapted(name, module)]
    if not names:
        return model
    last = output_layer(model)
    layers = [f"{model.base_model_prefix}.{name}" for name in names]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by an older name
        wrapped = get_peft_model(
            model, LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=layers)
        )
    last.requires_grad_(True)
    return wrapped


def merge(model: Any) -> Any:
    """The plain model, with what the adapters learned added to its weights."""
    return model.merge_and_unload() if hasattr(model, "merge_and_unload") else model


def _is_adapted(name: str, module: Any) -> bool:
    learns = any(parameter.requires_grad for parameter in module.parameters())
    inside = "layer" in name or "block" in name
    return isinstance(module, nn.Linear) and inside and learns and name.rsplit(".", 1)[-1] in TARGETS
