"""Tokens that are hidden: to go on learning a language from texts without labels, and to depend on no single word."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import AutoModelForMaskedLM

from core.errors import SettingsError
from trainer.settings import BaseModel, Device, TrainingSettings, autocast
from trainer.steps import length_buckets, warmup_then_linear

EPOCHS = 3
RATE = 5e-5
"""Peak learning rate."""
HIDDEN = 0.15
"""Share of the tokens that are to be guessed."""
NO_TOKEN = -100
"""What cross-entropy leaves out."""


def adapt(
    model: Any,
    tokenizer: Any,
    base: BaseModel,
    tokens: Sequence[list[int]],
    settings: TrainingSettings,
    device: Device,
    progress: Callable[[int, int], None],
) -> None:
    """Let the encoder of `model` guess hidden tokens of these texts, which it changes in place.

    Raises:
        SettingsError: the base has no form that guesses tokens.
    """
    guesser = _around(model, base).to(device.type).train()
    batches = EPOCHS * -(-len(tokens) // settings.batch_size)
    optimizer = torch.optim.AdamW(guesser.parameters(), lr=RATE, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, warmup_then_linear(batches, settings.warmup_share))
    shuffle, step = random.Random(settings.seed), 0  # noqa: S311 (it orders texts, it guards nothing)
    for _ in range(EPOCHS):
        for batch in length_buckets([len(ids) for ids in tokens], settings.batch_size, shuffle):
            inputs = tokenizer.pad({"input_ids": [tokens[index] for index in batch]}, return_tensors="pt")
            shown = hide(inputs["input_ids"], tokenizer, HIDDEN)
            asked = inputs["input_ids"].masked_fill(shown == inputs["input_ids"], NO_TOKEN)
            inputs["input_ids"] = shown
            if (asked != NO_TOKEN).any():
                with autocast(device):
                    loss = guesser(**inputs.to(device.type), labels=asked.to(device.type)).loss
                torch.autograd.backward(loss)
                torch.nn.utils.clip_grad_norm_(guesser.parameters(), settings.max_gradient_norm)
                optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            progress(step, batches)


def hide(ids: torch.Tensor, tokenizer: Any, share: float) -> torch.Tensor:
    """The same ids, a share of the ordinary ones replaced by the mask, or by the unknown token where there is none."""
    mask = tokenizer.mask_token_id if tokenizer.mask_token_id is not None else tokenizer.unk_token_id
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids))
    drawn = (torch.rand(ids.shape) < share) & ~special
    return ids.masked_fill(drawn, mask)


def _around(model: Any, base: BaseModel) -> Any:
    """A model that guesses tokens by the very encoder of `model`."""
    try:
        guesser = AutoModelForMaskedLM.from_pretrained(
            base.source, trust_remote_code=False, use_safetensors=True, dtype=torch.float32
        )
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The base model {base.name} cannot go on learning from texts alone: switch adapt off for this job."
        ) from error
    setattr(guesser, guesser.base_model_prefix, model.base_model)
    guesser.tie_weights()
    return guesser
