"""What `lightwork doctor` looks at for training: the libraries, the device, the base model."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from core.config import Settings
from core.errors import SettingsError
from core.findings import Finding, failure, ok, skipped

NEEDED = ("torch", "transformers", "safetensors", "sklearn")


def checks(settings: Settings) -> Iterator[Finding]:
    """What keeps this machine from training, if anything."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        says = f"{', '.join(missing)} not installed: this machine does not train"
        yield skipped("trainer", f"{says} (pip install 'lightwork[train]')")
        return
    yield _device(settings)
    yield _base_model(settings)


def _device(settings: Settings) -> Finding:
    import torch

    from trainer.settings import choose_device

    try:
        device = choose_device(settings.device)
    except SettingsError as error:
        return failure("gpu", "There is no CUDA device.", str(error))
    precision = "float32" if device.autocast is None else str(device.autocast).removeprefix("torch.")
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info()
        name = torch.cuda.get_device_name()
        return ok("gpu", f"{name}, {free / 1e9:.0f} of {total / 1e9:.0f} GB free, {precision}")
    return ok("gpu", f"none; training runs on {torch.get_num_threads()} CPU threads in {precision}")


def _base_model(settings: Settings) -> Finding:
    from trainer.settings import base_model

    try:
        return ok("base model", base_model(settings).name)
    except SettingsError as error:
        return failure("base model", "There is none.", str(error))
