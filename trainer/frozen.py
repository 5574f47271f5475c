"""A linear head on an encoder that stays as it is: learned in seconds, saved like any other model.

The features are what the last linear layer of the model gets to see, so that layer can take the weights that the
regression finds. It is a model by itself, and the best beginning for fine-tuning: a head that starts at random first
teaches the encoder nonsense (Kumar et al. 2022, "Fine-tuning can distort pretrained features").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch import nn
from transformers import AutoConfig

from trainer.linear import LinearHead, fit_soft
from trainer.settings import Device, autocast

BATCH_SIZE = 64


def fit_head(
    model: Any, tokenizer: Any, tokens: Sequence[list[int]], targets: torch.Tensor, weights: torch.Tensor,
    seed: int, device: Device, progress: Callable[[int, int], None],
) -> None:  # fmt: skip
    """Put the head that fits the features best into `model`; nothing else of it changes.

    Args:
        tokens: of n texts. targets: shape (n, classes). weights: of each text and class, the same shape.
        progress: called with (batch, batches) while the features are computed.
    """
    seen = features(model, tokenizer, tokens, device, progress)
    found = fit_soft(seen, targets.cpu().double().numpy(), weights.cpu().double().numpy(), seed)
    set_head(model, found)


def features(
    model: Any, tokenizer: Any, tokens: Sequence[list[int]], device: Device, progress: Callable[[int, int], None]
) -> NDArray[np.float32]:
    """What the last linear layer gets to see of each text: shape (n, width), in the order given."""
    last = output_layer(model)
    caught: list[torch.Tensor] = []
    hook = last.register_forward_pre_hook(lambda _module, inputs: caught.append(inputs[0]))
    order = sorted(range(len(tokens)), key=lambda index: len(tokens[index]))
    result: NDArray[np.float32] = np.zeros((len(tokens), last.in_features), dtype=np.float32)
    was_training = model.training
    model.eval()
    batches = range(0, len(order), BATCH_SIZE)
    try:
        with torch.inference_mode():
            for number, start in enumerate(batches, start=1):
                batch = order[start : start + BATCH_SIZE]
                inputs = tokenizer.pad({"input_ids": [tokens[index] for index in batch]}, return_tensors="pt")
                with autocast(device):
                    model(**inputs.to(device.type))
                result[batch] = caught.pop().float().cpu().numpy()
                progress(number, len(batches))
    finally:
        hook.remove()
        model.train(was_training)
    return result


def output_layer(model: Any) -> Any:
    """The linear layer that says one number per label."""
    found = [one for one in model.modules() if isinstance(one, nn.Linear) and one.out_features == model.num_labels]
    return found[-1]


def set_head(model: Any, head: LinearHead) -> None:
    """Give the last linear layer these weights."""
    last = output_layer(model)
    with torch.no_grad():
        last.weight.copy_(torch.from_numpy(head.weight))
        if last.bias is not None:
            last.bias.copy_(torch.from_numpy(head.bias))


def keep_known_rows(model: Any, source: str) -> None:
    """Give the last linear layer what an artifact's knows of the same labels; rows of new labels are zero.

    Args:
        source: the directory of the artifact.
    """
    last = output_layer(model)
    name = next(name for name, module in model.named_modules() if module is last)
    known = {label: int(index) for index, label in AutoConfig.from_pretrained(source).id2label.items()}
    places = [(index, known[label]) for index, label in model.config.id2label.items() if label in known]
    new, old = [one for one, _ in places], [one for _, one in places]
    with safe_open(Path(source) / "model.safetensors", framework="pt") as kept, torch.no_grad():
        for part, parameter in last.named_parameters():
            rows = torch.zeros_like(parameter)
            rows[new] = kept.get_tensor(f"{name}.{part}")[old].to(rows)
            parameter.copy_(rows)
