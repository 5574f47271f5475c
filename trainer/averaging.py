"""A last layer that averages over the tokens, for encoders that heads would ask by their first token only.

Sentence encoders are trained so that the mean over the tokens says what a text is about; the first token alone says
less, most of all where labels are few. So one more ordinary layer is put behind the others, whose fixed weights make
the first token that mean: its attention weighs all tokens alike, its output drowns what came before, and its
feed-forward part adds nothing. What is saved stays a model that plain transformers loads, with one layer more.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

FAMILIES = ("bert", "roberta", "xlm-roberta", "camembert")
"""Types of models whose layers and heads are built as expected here; others keep their own way."""
MARK = "averages_tokens"
"""Attribute of the configuration of a model that has the layer."""
LOUDNESS = 1000.0
"""How much louder the mean is than what the first token said itself."""
GENTLE = 0.2
"""Factor in front of the hyperbolic tangent of the head, which is then nearly straight."""


def average_tokens(model: Any) -> bool:
    """Give a classification model the layer, if it is of a known family; false where it stays as it is.

    A model that has the layer already (it was loaded from an artifact) keeps it. The layer does not learn.
    """
    if model.config.model_type not in FAMILIES or (dense := _dense_of(model)) is None:
        return False
    layers = model.base_model.encoder.layer
    if not getattr(model.config, MARK, False):
        layers.append(_averaging_layer(layers[-1], len(layers)))
        model.config.num_hidden_layers = len(layers)
        setattr(model.config, MARK, True)
        with torch.no_grad():
            _set(dense, torch.eye(dense.in_features) * GENTLE)
    for part in (layers[-1], dense):
        part.requires_grad_(False)
        for module in part.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
    return True


def _dense_of(model: Any) -> Any | None:
    """The square layer between the first token and the hyperbolic tangent."""
    pooler = getattr(model.base_model, "pooler", None)
    head = getattr(model, "classifier", None)
    dense = getattr(pooler, "dense", None) if pooler is not None else getattr(head, "dense", None)
    return dense if isinstance(dense, nn.Linear) and dense.in_features == dense.out_features else None


def _averaging_layer(last: Any, index: int) -> Any:
    layer = copy.deepcopy(last)
    attention, output = layer.attention.self, layer.attention.output
    attention.layer_idx = index
    size = output.dense.in_features
    with torch.no_grad():
        for linear in (attention.query, attention.key, layer.intermediate.dense, layer.output.dense):
            _set(linear, torch.zeros_like(linear.weight))
        _set(attention.value, torch.eye(size))
        _set(output.dense, torch.eye(size) * LOUDNESS)
        for norm in (output.LayerNorm, layer.output.LayerNorm):
            norm.weight.fill_(1.0)
            norm.bias.zero_()
    return layer


def _set(linear: Any, weight: torch.Tensor) -> None:
    linear.weight.copy_(weight)
    linear.bias.zero_()
