"""Training on every GPU of this machine: `accelerate launch -m trainer.launch FOLDER`, started and watched from `fit`.

What is to be learned lies in a folder of its own that only this user can read, and the model is found there. A run that
is stopped takes its processes with it. Such a run keeps no checkpoints: after a kill it starts anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from core.errors import SettingsError
from trainer import parallel
from trainer.heads import Head, head_for
from trainer.settings import BaseModel, Device, TrainingSettings

PAYS_FROM = 20_000
"""Texts from which starting processes, which takes half a minute, is earned back."""
LOOK_SECONDS = 0.5
END_SECONDS = 60.0
WORK, PROGRESS, FAILURE, MODEL, OUTPUT = "work.json", "progress", "failure", "model", "output"
MEMORY = "memory"

Progress = Callable[[int, int], None]


def gpus(device: Device, texts: int, settings: TrainingSettings) -> int:
    """How many GPUs are to train: all of them where that pays, else 1."""
    if device.type != "cuda" or texts < PAYS_FROM or settings.method == "frozen" or parallel.is_launched():
        return 1
    return torch.cuda.device_count()


def fit(
    texts: Sequence[str],
    targets: Sequence[Sequence[float]],
    head: Head,
    base: BaseModel,
    settings: TrainingSettings,
    device: Device,
    progress: Progress,
    processes: int,
    start_from: BaseModel | None = None,
    weights: Sequence[float] | None = None,
) -> tuple[Any, Any]:
    """As `trainer.train.fit`, in several processes.

    Raises:
        SettingsError: the base model cannot be loaded.
        torch.OutOfMemoryError: not even a single text fits the memory.
        RuntimeError: a process broke; the end of its output is in the log.
    """
    work = {
        "texts": list(texts),
        "targets": [list(map(float, row)) for row in targets],
        "weights": None if weights is None else list(map(float, weights)),
        "kind": type(head).__module__.rsplit(".", 1)[-1],
        "label_ids": list(head.label_ids),
        "base": asdict(base),
        "start_from": asdict(start_from) if start_from is not None else None,
        "settings": settings.as_dict(),
        "device": device.type,
        "threads": device.threads,
        "owner": os.getpid(),
    }
    with tempfile.TemporaryDirectory(prefix="lightwork-fit-") as name:
        folder = Path(name)
        (folder / WORK).write_text(json.dumps(work))
        _run(_command(folder, processes), folder, progress)
        model = AutoModelForSequenceClassification.from_pretrained(folder / MODEL, dtype=torch.float32)
        return model.to(device.type).eval(), AutoTokenizer.from_pretrained(folder / MODEL)


def _command(folder: Path, processes: int) -> list[str]:
    start = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes)]
    plain = ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    return [*start, *plain, "-m", "trainer.launch", str(folder)]


def _run(command: list[str], folder: Path, progress: Progress) -> None:
    with (folder / OUTPUT).open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603 (our own)
    try:
        while _is_running(process):
            if (said := _last_line(folder / PROGRESS)) is not None:
                step, steps = map(int, said.split())
                progress(step, steps)
    finally:
        _end(process)
    if process.returncode != 0:
        raise _failure(folder)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have the launcher end the processes that it has started, in sessions of their own, and itself."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def _last_line(path: Path) -> str | None:
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    whole = [line for line in lines if line.endswith("\n")]
    return whole[-1] if whole else None


def _failure(folder: Path) -> Exception:
    said = (folder / FAILURE).read_text() if (folder / FAILURE).exists() else ""
    if said == MEMORY:
        return torch.OutOfMemoryError("in one of several processes")
    return SettingsError(said) if said else RuntimeError((folder / OUTPUT).read_text(errors="replace")[-2000:])


def main(folder: Path) -> None:
    """One of the processes."""
    from trainer import train

    work = json.loads((folder / WORK).read_text())
    crew = parallel.crew()
    head = head_for({"kind": work["kind"], "labels": [{"id": one} for one in work["label_ids"]]})
    start = BaseModel(**work["start_from"]) if work["start_from"] else None
    autocast = torch.bfloat16 if work["device"] == "cuda" and torch.cuda.is_bf16_supported() else None

    def progress(step: int, steps: int) -> None:
        require_owner(work["owner"])
        if crew.rank == 0:
            with (folder / PROGRESS).open("a") as file:
                file.write(f"{step} {steps}\n")

    try:
        model, tokenizer = train.fit(
            work["texts"],
            work["targets"],
            head,
            BaseModel(**work["base"]),
            TrainingSettings(**work["settings"]),
            Device(work["device"], autocast, work["threads"]),
            progress,
            start_from=start,
            weights=work["weights"],
        )
    except (torch.OutOfMemoryError, SettingsError) as error:
        (folder / FAILURE).write_text(MEMORY if isinstance(error, torch.OutOfMemoryError) else str(error))
        raise
    if crew.rank == 0:
        model.save_pretrained(folder / MODEL)
        tokenizer.save_pretrained(folder / MODEL)


def require_owner(process_id: int) -> None:
    """End this process where the one that asked for the model is gone.

    Raises:
        SystemExit: it is.
    """
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        raise SystemExit("nobody waits for this model any more") from None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
