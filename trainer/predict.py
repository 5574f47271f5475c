"""What a fine-tuned model says about texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.heads import Head
from trainer.settings import Device, autocast

BATCH_SIZE = 64


def probabilities(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str],
    head: Head,
    device: Device,
    max_length: int,
    temperature: float = 1.0,
) -> NDArray[Any]:
    """P(label) for each text: shape (n, classes) in the order of `head.label_ids`, float64, rows sum to 1.

    Texts are taken in the order of their length, so that little is padded; the answer is in the order given.

    Args:
        temperature: divides the logits, as `trainer.calibration` found it.
    """
    result: NDArray[np.float64] = np.zeros((len(texts), len(head.label_ids)))
    if not texts:
        return result
    model.to(device.type).eval()
    tokens = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
    order = sorted(range(len(texts)), key=lambda index: len(tokens[index]))
    with torch.inference_mode():
        for start in range(0, len(order), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            inputs = tokenizer.pad({"input_ids": [tokens[index] for index in batch]}, return_tensors="pt")
            with autocast(device):
                logits = model(**inputs.to(device.type)).logits
            result[batch] = head.probabilities(logits.float() / temperature).double().cpu().numpy()
    result /= result.sum(axis=1, keepdims=True)
    return result
