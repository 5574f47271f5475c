"""Training of a classifier from a pre-trained encoder, by any of the methods. `fit` reads from top to bottom.

`settings` may be those of a job (`trainer.settings.for_project`), and the encoder one that fits the texts
(`trainer.base_models.base_for`). Which method was taken stands in `model.config.training_method`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from core.errors import SettingsError
from trainer import frozen, launch, lora, masked, parallel
from trainer.averaging import average_tokens
from trainer.checkpoints import Checkpoints, capture, restore
from trainer.cores import use_all_cores
from trainer.early_stop import EarlyStop, kept_aside, mean_loss
from trainer.heads import Head
from trainer.methods import parameter_count, resolve
from trainer.settings import BaseModel, Device, TrainingSettings, autocast
from trainer.steps import Accumulation, compiled, length_buckets, parameter_groups, warmup_then_linear
from trainer.weighting import of_texts_and_classes

Progress = Callable[[int, int], None]
Observe = Callable[[int, Mapping[str, float]], None]
OBSERVE_EVERY = 5
"""Steps; reading a loss makes a GPU wait."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Tokens of n texts, what the model should say of them, and how much that counts, both of shape (n, classes)."""

    tokens: Sequence[list[int]]
    wanted: torch.Tensor
    weights: torch.Tensor


def fit(
    texts: Sequence[str],
    targets: Sequence[Sequence[float]],
    head: Head,
    base: BaseModel,
    settings: TrainingSettings,
    device: Device,
    progress: Progress,
    checkpoints: Checkpoints | None = None,
    start_from: BaseModel | None = None,
    observe: Observe | None = None,
    weights: Sequence[float] | None = None,
) -> tuple[Any, Any]:
    """Train on `texts`; on one machine the same data and settings give the same model.

    Args:
        texts: n training texts, at least one.
        targets: n rows of P(label) in the order of `head.label_ids`.
        progress: called with (step, steps) after every step, also of what comes before: features, adaptation.
        checkpoints: where the state is kept, so that a killed run goes on; the caller removes them.
        start_from: an artifact to go on from, in place of the base: what it knows of these labels is kept.
        observe: called with a step and its numbers now and then: loss, lr, validation_loss.
        weights: how much each text counts, beside the others; None: all alike.

    Returns:
        The model, in evaluation mode on `device`, and its tokenizer.

    Raises:
        SettingsError: the base model cannot be loaded.
        torch.OutOfMemoryError: not even a single text fits the memory.
    """
    if (count := launch.gpus(device, len(texts), settings)) > 1:
        return launch.fit(texts, targets, head, base, settings, device, progress, count, start_from, weights)
    seed_everything(settings.seed)
    use_all_cores(device)
    model, tokenizer = load_base(start_from or base, head.label_ids)
    settings = resolve(settings, len(texts), parameter_count(model))
    tokens = tokenizer(list(texts), truncation=True, max_length=settings.max_length)["input_ids"]
    wanted = torch.tensor(targets, dtype=torch.float32)
    wanted = wanted if settings.soft else hardened(wanted)
    data = Examples(tokens, wanted, of_texts_and_classes(head, wanted, weights, settings.balance))

    model.to(device.type)
    if start_from is not None:
        frozen.keep_known_rows(model, start_from.source)
    elif settings.adapt:
        masked.adapt(model, tokenizer, base, tokens, settings, device, progress)
    if settings.average:
        average_tokens(model)
    if settings.method == "frozen" or (settings.warm_head and start_from is None):
        frozen.fit_head(model, tokenizer, tokens, data.wanted, data.weights, settings.seed, device, progress)
    if settings.method == "lora":
        model = lora.wrap(model, settings.rank, settings.alpha, settings.adapter_dropout)
    if settings.method != "frozen":
        aside = kept_aside(texts, settings)
        learn(model, tokenizer, data, aside, head, settings, device, progress, checkpoints, observe)
    model = lora.merge(model)
    model.config.training_method = settings.method
    return model.eval(), tokenizer


def learn(
    model: Any,
    tokenizer: Any,
    data: Examples,
    aside: Sequence[int],
    head: Head,
    settings: TrainingSettings,
    device: Device,
    progress: Progress,
    checkpoints: Checkpoints | None = None,
    observe: Observe | None = None,
) -> None:
    """Change the weights of `model` that learn, by gradient descent.

    Args:
        aside: indices of examples that only tell when to stop.
    """
    used = sorted(set(range(len(data.tokens))) - set(aside))
    lengths = [len(data.tokens[index]) for index in used]
    batch_size = max(1, min(settings.batch_size, len(used) // settings.min_steps_per_epoch))
    steps = settings.epochs * math.ceil(len(used) / batch_size)
    rate = settings.adapter_lr if settings.method == "lora" else settings.encoder_lr
    optimizer = torch.optim.AdamW(parameter_groups(model, settings, rate), fused=True)
    schedule = LambdaLR(optimizer, warmup_then_linear(steps, settings.warmup_share))
    loss_of = loss_function(compiled(model, device, steps), tokenizer, data, head, settings, device)
    memory, stop, shuffle = Accumulation(), EarlyStop(settings.patience), random.Random(settings.seed)  # noqa: S311
    observe, crew = observe or nobody, parallel.crew()
    step, done = 0, resumed(checkpoints, model, optimizer, schedule, stop)

    model.train()
    for epoch in range(settings.epochs):
        for batch in length_buckets(lengths, batch_size, shuffle):
            step += 1
            if step <= done:
                continue
            loss = memory.backward([used[place] for place in crew.share(batch)], loss_of, model, len(batch))
            crew.add_gradients(model)
            advance(model, optimizer, schedule, settings.max_gradient_norm)
            if checkpoints is not None and checkpoints.due(step):
                checkpoints.save(capture(step, model, optimizer, schedule) | {"stop": stop.state()})
            if step % OBSERVE_EVERY == 0:
                observe(step, {"loss": float(loss), "lr": float(schedule.get_last_lr()[0])})
            progress(step, steps)
        if aside and epoch >= stop.epochs:
            validation_loss = crew.agreed(mean_loss(aside, loss_of, model, batch_size), device.type)
            observe(step, {"validation_loss": validation_loss})
            if stop.is_over(validation_loss, model):
                break
    stop.put_back(model)


def advance(model: Any, optimizer: Any, schedule: Any, max_gradient_norm: float) -> None:
    """One step along the gradient, which is forgotten."""
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_gradient_norm)
    optimizer.step()
    schedule.step()
    optimizer.zero_grad(set_to_none=True)


def nobody(step: int, numbers: Mapping[str, float]) -> None:
    """Nobody observes."""


def loss_function(
    forward: Any, tokenizer: Any, data: Examples, head: Head, settings: TrainingSettings, device: Device
) -> Callable[[list[int]], torch.Tensor]:
    """The mean loss of the examples with these indices; while the model trains, some of their tokens may be hidden."""

    def loss_of(batch: list[int]) -> torch.Tensor:
        inputs = tokenizer.pad({"input_ids": [data.tokens[index] for index in batch]}, return_tensors="pt")
        if settings.token_dropout and forward.training:
            inputs["input_ids"] = masked.hide(inputs["input_ids"], tokenizer, settings.token_dropout)
        with autocast(device):
            logits = forward(**inputs.to(device.type)).logits
        return head.loss(logits, data.wanted[batch].to(device.type), data.weights[batch].to(device.type))

    return loss_of


def resumed(checkpoints: Checkpoints | None, model: Any, optimizer: Any, schedule: Any, stop: EarlyStop) -> int:
    """Put the state of a killed run back; returns how many steps it had done."""
    state = checkpoints.load() if checkpoints is not None else None
    if state is None:
        return 0
    stop.restore(state["stop"])
    return restore(state, model, optimizer, schedule)


def hardened(wanted: torch.Tensor) -> torch.Tensor:
    """All on the likeliest label of each row."""
    return torch.nn.functional.one_hot(wanted.argmax(dim=1), wanted.shape[1]).float()


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


def seed_everything(seed: int) -> None:
    """Make the new head's weights and dropout repeatable."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
