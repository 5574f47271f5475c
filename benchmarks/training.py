"""What the trainer costs beside bare PyTorch: `python -m benchmarks.training`, or with `--small` in a minute.

Fine-tuning is `trainer.train.learn` as a run calls it: watched (database and limits), with checkpoints. Next to it
stands a loop of PyTorch's own on the same model, data and batches. They take turns, each time in the other order, and
the ratio is that of the medians. Prediction is `trainer.predict` for all texts next to one text at a time.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import csv
import json
import logging
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from redis import Redis
from torch.optim.lr_scheduler import LambdaLR
from transformers.utils.logging import disable_progress_bar, set_verbosity_error

from core.cli.migrate import migrate
from core.config import load_settings
from core.db import make_engine
from core.log import setup_logging
from core.runtime import Runtime
from trainer import predict, train
from trainer.checkpoints import Checkpoints
from trainer.cores import use_all_cores
from trainer.heads import Head
from trainer.heads.choice import ChoiceHead
from trainer.limits import MB, Limits, peak_bytes
from trainer.settings import Device, TrainingSettings, autocast, base_model, choose_device
from trainer.steps import length_buckets, parameter_groups, warmup_then_linear
from trainer.stopping import RunStopped, Watch
from trainer.train import Examples
from trainer.weighting import of_texts_and_classes

TEXTS = Path(__file__).parents[1] / "demo" / "weather_text" / "items.csv"
LABELS = ("a", "b", "c", "d", "e")
LEAST_RATIO = 0.95
LEAST_SPEED = 2.0
SETTINGS = TrainingSettings(method="full", early_stop=False)


@dataclass(frozen=True, slots=True)
class Setup:
    """A model that both sides start from, and what they learn."""

    model: Any
    tokenizer: Any
    data: Examples
    head: Head
    settings: TrainingSettings
    device: Device


def main() -> None:
    """Print the ratios; the status is 1 where one is below its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="less of everything; says whether it works, no more")
    parser.add_argument("--json", action="store_true", help="one object")
    options = parser.parse_args()
    setup_logging(level=logging.WARNING)
    set_verbosity_error()  # type: ignore[no-untyped-call]
    disable_progress_bar()  # type: ignore[no-untyped-call]
    texts, epochs, repetitions = (read_texts(64), 1, 2) if options.small else (read_texts(800), 2, 5)
    found = measure(texts, epochs, repetitions)
    print(json.dumps(found, indent=2) if options.json else sentences(found))
    raise SystemExit(0 if found["ratio"] >= LEAST_RATIO and found["speed"] >= LEAST_SPEED else 1)


def read_texts(count: int) -> list[str]:
    """Tweets of the demo, in the order of the file."""
    with TEXTS.open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)][:count]


def measure(texts: list[str], epochs: int, repetitions: int) -> dict[str, Any]:
    """All figures; times in seconds, memory in MB of 2^20 bytes."""
    setup = prepare(texts, replace(SETTINGS, epochs=epochs))
    with tempfile.TemporaryDirectory() as home:
        watched = a_run(Path(home))
        ours, bare = take_turns(lambda: learn(setup, *watched), lambda: learn_bare(setup), repetitions)
    together, single = take_turns(lambda: say(setup, texts), lambda: say_singly(setup, texts), repetitions)
    seen = len(texts) * epochs
    return {
        "texts": len(texts),
        "epochs": epochs,
        "device": setup.device.type,
        "threads": torch.get_num_threads(),
        "fine_tuning_texts_per_second": round(seen / statistics.median(ours), 1),
        "bare_texts_per_second": round(seen / statistics.median(bare), 1),
        "ratio": round(statistics.median(bare) / statistics.median(ours), 3),
        "ratios": [round(theirs / own, 3) for own, theirs in zip(ours, bare, strict=True)],
        "prediction_texts_per_second": round(len(texts) / statistics.median(together), 1),
        "singly_texts_per_second": round(len(texts) / statistics.median(single), 1),
        "speed": round(statistics.median(single) / statistics.median(together), 2),
        "peak_memory_mb": peak_bytes() // MB,
    }


def prepare(texts: list[str], settings: TrainingSettings) -> Setup:
    """The default encoder on this machine's device, and labels by chance: what is learned does not matter here."""
    here = load_settings(_env_file=None)
    device, head, dice = choose_device(here.device), ChoiceHead(LABELS), random.Random(1)
    use_all_cores(device)
    train.seed_everything(settings.seed)
    model, tokenizer = train.load_base(base_model(here), head.label_ids)
    tokens = tokenizer(texts, truncation=True, max_length=settings.max_length)["input_ids"]
    wanted = torch.tensor([head.target(dice.choice(LABELS), None) for _ in texts], dtype=torch.float32)
    data = Examples(tokens, wanted, of_texts_and_classes(head, wanted, None, settings.balance))
    return Setup(model.to(device.type), tokenizer, data, head, settings, device)


def take_turns(
    first: Callable[[], float], second: Callable[[], float], repetitions: int
) -> tuple[list[float], list[float]]:
    """Seconds of both, measured in turns; what comes first changes each time, and one turn before warms up."""
    first(), second()
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(repetitions):
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            times[side].append((first, second)[side]())
    return times


def a_run(home: Path) -> tuple[Callable[[int, int], None], Callable[[], Checkpoints]]:
    """What a run is watched by: (progress, a way to make checkpoints), on a database of its own."""
    settings = load_settings(LIGHTWORK_HOME=home, _env_file=None)
    migrate(settings)
    runtime = Runtime(settings, make_engine(settings), Redis(), lambda _: None)
    limits = Limits(settings.train_seconds, settings.train_memory_mb, lambda _: None)
    watch = Watched(runtime, 1, 1)

    def progress(step: int, steps: int) -> None:
        limits.check()
        watch(step, steps)

    return progress, lambda: Checkpoints(home / "runs" / "fit", "benchmark", settings.checkpoint_seconds)


class Watched(Watch):
    """Asks the database as a run does; that it knows no such run stops nobody here."""

    def __call__(self, step: int, steps: int) -> None:
        """Look."""
        with contextlib.suppress(RunStopped):
            super().__call__(step, steps)


def learn(setup: Setup, progress: Callable[[int, int], None], checkpoints: Callable[[], Checkpoints]) -> float:
    """Seconds of the trainer's loop."""
    model = begin(setup)
    started = time.perf_counter()
    train.learn(
        model, setup.tokenizer, setup.data, (), setup.head, setup.settings, setup.device, progress, checkpoints()
    )
    return time.perf_counter() - started


def learn_bare(setup: Setup) -> float:
    """Seconds of a loop with nothing around it."""
    model, settings, device = begin(setup), setup.settings, setup.device
    lengths = [len(ids) for ids in setup.data.tokens]
    shuffle = random.Random(settings.seed)
    epochs = [list(length_buckets(lengths, settings.batch_size, shuffle)) for _ in range(settings.epochs)]
    started = time.perf_counter()
    optimizer = torch.optim.AdamW(parameter_groups(model, settings, settings.encoder_lr), fused=True)
    schedule = LambdaLR(optimizer, warmup_then_linear(sum(map(len, epochs)), settings.warmup_share))
    model.train()
    for batches in epochs:
        for batch in batches:
            tokens = [setup.data.tokens[index] for index in batch]
            inputs = setup.tokenizer.pad({"input_ids": tokens}, return_tensors="pt").to(device.type)
            with autocast(device):
                logits = model(**inputs).logits
            wanted, weights = (part[batch].to(device.type) for part in (setup.data.wanted, setup.data.weights))
            loss = setup.head.loss(logits, wanted, weights)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.max_gradient_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
    return time.perf_counter() - started


def begin(setup: Setup) -> Any:
    """A copy of the model; the same chances for both sides."""
    train.seed_everything(setup.settings.seed)
    return copy.deepcopy(setup.model)


def say(setup: Setup, texts: list[str]) -> float:
    """Seconds to predict all texts at once."""
    started = time.perf_counter()
    predict.probabilities(setup.model, setup.tokenizer, texts, setup.head, setup.device, setup.settings.max_length)
    return time.perf_counter() - started


def say_singly(setup: Setup, texts: list[str]) -> float:
    """Seconds to predict one text after another."""
    return sum(say(setup, [text]) for text in texts)


def sentences(found: dict[str, Any]) -> str:
    """The figures for people."""
    return (
        f"Fine-tuning: {found['fine_tuning_texts_per_second']} texts/s, bare PyTorch {found['bare_texts_per_second']}: "
        f"ratio {found['ratio']} (each turn: {found['ratios']}; goal {LEAST_RATIO}).\n"
        f"Prediction: {found['prediction_texts_per_second']} texts/s, one by one {found['singly_texts_per_second']}: "
        f"{found['speed']} times as fast (goal {LEAST_SPEED:g}).\n"
        f"{found['texts']} texts, {found['epochs']} epochs, {found['device']}, {found['threads']} threads; "
        f"peak memory {found['peak_memory_mb']} MB."
    )


if __name__ == "__main__":
    main()
