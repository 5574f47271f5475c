"""Fine-tuning of a pre-trained encoder. `fit` reads from top to bottom."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from core.errors import SettingsError
from trainer.heads import Head
from trainer.settings import BaseModel, Device, TrainingSettings, autocast

BUCKET_BATCHES = 8
"""Batches are cut from this many batches' worth of shuffled texts, sorted by length: little padding, still random."""

Progress = Callable[[int, int], None]


def fit(
    texts: Sequence[str],
    targets: Sequence[Sequence[float]],
    head: Head,
    base: BaseModel,
    settings: TrainingSettings,
    device: Device,
    progress: Progress,
) -> tuple[Any, Any]:
    """Fine-tune `base` on `texts`; on one machine the same data and settings give the same model.

    Args:
        texts: n training texts, at least one.
        targets: n rows of P(label) in the order of `head.label_ids`.
        progress: called with (step, steps) after every step.

    Returns:
        The model, in evaluation mode on `device`, and its tokenizer.

    Raises:
        SettingsError: the base model cannot be loaded.
    """
    seed_everything(settings.seed)
    use_all_cores(device)
    model, tokenizer = load_base(base, head.label_ids)
    model.to(device.type).train()

    tokens = tokenizer(list(texts), truncation=True, max_length=settings.max_length)["input_ids"]
    lengths = [len(ids) for ids in tokens]
    wanted = torch.tensor(targets, dtype=torch.float32)
    weights = head.class_weights(wanted, settings.balance).to(device.type)

    batch_size = max(1, min(settings.batch_size, len(texts) // settings.min_steps_per_epoch))
    steps = settings.epochs * math.ceil(len(texts) / batch_size)
    optimizer = torch.optim.AdamW(parameter_groups(model, settings), fused=True)
    schedule = LambdaLR(optimizer, warmup_then_linear(steps, settings.warmup_share))

    shuffle = random.Random(settings.seed)  # noqa: S311 (it orders texts, it guards nothing)
    step = 0
    for _ in range(settings.epochs):
        for batch in length_buckets(lengths, batch_size, shuffle):
            inputs = tokenizer.pad({"input_ids": [tokens[index] for index in batch]}, return_tensors="pt")
            with autocast(device):
                logits = model(**inputs.to(device.type)).logits
            loss = head.loss(logits, wanted[batch].to(device.type), weights)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.max_gradient_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            progress(step, steps)
    return model.eval(), tokenizer


def load_base(base: BaseModel, label_ids: Sequence[str]) -> tuple[Any, Any]:
    """The encoder with a new head of one output per label, and its tokenizer.

    Raises:
        SettingsError: there is no such model, or it needs code of its own to load.
    """
    names = {index: str(label_id) for index, label_id in enumerate(label_ids)}
    try:
        tokenizer = AutoTokenizer.from_pretrained(base.source, trust_remote_code=False)
        model = AutoModelForSequenceClassification.from_pretrained(
            base.source,
            num_labels=len(names),
            id2label=names,
            label2id={name: index for index, name in names.items()},
            problem_type="single_label_classification",
            ignore_mismatched_sizes=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
        )
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The base model {base.name} cannot be loaded: set LIGHTWORK_BASE_MODEL to an encoder "
            "with safetensors weights that transformers knows, by its Hugging Face name or as a directory."
        ) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
        model.config.pad_token_id = tokenizer.pad_token_id
    return model, tokenizer


def parameter_groups(model: Any, settings: TrainingSettings) -> list[dict[str, Any]]:
    """Parameters by learning rate and decay: new layers learn faster, biases and norms do not decay.

    A pooler counts as new. Sentence encoders leave it as it was before they were trained on sentences.
    """
    groups: dict[tuple[float, float], list[Any]] = {}
    prefix = f"{model.base_model_prefix}."
    for name, parameter in model.named_parameters():
        is_new = not name.startswith(prefix) or name.startswith(f"{prefix}pooler.")
        rate = settings.head_lr if is_new else settings.encoder_lr
        decay = settings.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": some, "lr": rate, "weight_decay": decay} for (rate, decay), some in groups.items()]


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


def seed_everything(seed: int) -> None:
    """Make the new head's weights and dropout repeatable."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def use_all_cores(device: Device) -> None:
    """On the CPU, one thread per core that this process may use."""
    if device.type == "cpu":
        torch.set_num_threads(max(1, len(os.sched_getaffinity(0))))
