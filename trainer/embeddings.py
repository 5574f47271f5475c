"""What a text is about as a vector, from the encoder as it came: nothing is trained, and no label is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

from core.errors import SettingsError
from trainer.settings import BaseModel, Device, autocast

BATCH_SIZE = 64
MAX_TOKENS = 64

Vectors = NDArray[np.float32]


def load_encoder(base: BaseModel, device: Device) -> tuple[Any, Any]:
    """The frozen encoder on `device`, and its tokenizer.

    Raises:
        SettingsError: there is no such model, or it needs code of its own to load.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(base.source, trust_remote_code=False)
        model = AutoModel.from_pretrained(
            base.source, trust_remote_code=False, use_safetensors=True, dtype=torch.float32
        )
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The base model {base.name} cannot be loaded: set LIGHTWORK_BASE_MODEL to an encoder "
            "with safetensors weights that transformers knows, by its Hugging Face name or as a directory."
        ) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model.to(device.type).eval(), tokenizer


def embed(model: Any, tokenizer: Any, texts: Sequence[str], device: Device) -> Vectors:
    """The mean of the last layer over the tokens of each text, of length 1: shape (n, width), in the order given.

    Texts are cut after `MAX_TOKENS` tokens, and taken in the order of their length, so that little is padded.
    """
    result: Vectors = np.zeros((len(texts), int(model.config.hidden_size)), dtype=np.float32)
    if not texts:
        return result
    tokens = tokenizer(list(texts), truncation=True, max_length=MAX_TOKENS)["input_ids"]
    order = sorted(range(len(texts)), key=lambda index: len(tokens[index]))
    with torch.inference_mode():
        for start in range(0, len(order), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            inputs = tokenizer.pad({"input_ids": [tokens[index] for index in batch]}, return_tensors="pt")
            inputs = inputs.to(device.type)
            with autocast(device):
                hidden = model(**inputs).last_hidden_state.float()
            mask = inputs["attention_mask"].unsqueeze(-1)
            mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
            result[batch] = torch.nn.functional.normalize(mean, dim=1).cpu().numpy()
    return result
