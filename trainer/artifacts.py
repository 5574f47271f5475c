"""Model directories: written whole or not at all, readable by plain transformers."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from core.champions import MANIFEST
from core.errors import Conflict
from core.ids import new_public_id
from trainer.checkpoints import sync

HALF_WRITTEN = ".half-"
"""Prefix of directories that are still being written, or on their way out."""


def save(
    directory: Path, model: Any, tokenizer: Any, manifest: dict[str, Any], files: Mapping[str, bytes] | None = None
) -> None:
    """Write model (safetensors), configuration, tokenizer and `training.json` to `directory`, in one stroke.

    Args:
        directory: must not exist; its parents are made.
        manifest: settings, label ids, base model, snapshot hash, counts and metrics, as JSON.
        files: what else lies beside them, by name.

    Raises:
        Conflict: training_disk_full.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    half = directory.parent / f"{HALF_WRITTEN}{new_public_id()}"
    try:
        model.save_pretrained(half, safe_serialization=True)
        tokenizer.save_pretrained(half)
        (half / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
        for name, content in (files or {}).items():
            (half / name).write_bytes(content)
        for path in (*half.iterdir(), half):
            sync(path)
        half.rename(directory)
        sync(directory.parent)
    except BaseException as error:
        shutil.rmtree(half, ignore_errors=True)
        if _is_full(error):
            raise Conflict("training_disk_full") from error
        raise


def load(directory: Path) -> tuple[Any, Any, dict[str, Any]]:
    """Model, tokenizer and manifest of an artifact.

    Raises:
        Conflict: `artifact_missing`, the directory is gone or not whole.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]  # whoever asks, an answer has no use for one
    try:
        manifest = json.loads((directory / MANIFEST).read_text())
        model = AutoModelForSequenceClassification.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise Conflict("artifact_missing", artifact=directory.name) from error
    return model, tokenizer, manifest


def manifest(directory: Path) -> dict[str, Any] | None:
    """What `training.json` of an artifact says; None where the artifact is lost."""
    try:
        found: dict[str, Any] = json.loads((directory / MANIFEST).read_text())
    except (OSError, ValueError):
        return None
    return found


def remove(directory: Path) -> None:
    """Remove an artifact that no model version names."""
    shutil.rmtree(directory, ignore_errors=True)


def set_aside(parent: Path, kept: Collection[str]) -> int:
    """Take all artifacts of a project out of use but those named, at once, and what lies beside them; returns how many.

    What was never recorded as a version, because its process was killed, goes the same way.
    """
    artifacts = [path for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []
    found = [path for path in artifacts if path.name not in kept and not path.name.startswith(HALF_WRITTEN)]
    for path in found:
        path.rename(parent / f"{HALF_WRITTEN}{new_public_id()}")
        for beside in parent.glob(f"{path.name}.*"):
            beside.unlink()
    return len(found)


def remove_half_written(parent: Path) -> int:
    """Clear what a killed process left in `parent` and what was set aside; returns how many directories.

    One run per project calls it.
    """
    found = [path for path in parent.glob(f"{HALF_WRITTEN}*") if path.is_dir()]
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return len(found)


def require_space(models: Path, base: Path) -> None:
    """Look, before hours of training, whether a model the size of its base would find room.

    Args:
        models: where it will lie; need not exist yet.
        base: directory of the base model; anything else is let through, its size is not known.

    Raises:
        Conflict: training_disk_full.
    """
    needed = sum(path.stat().st_size for path in base.glob("*.safetensors")) if base.is_dir() else 0
    standing = next(path for path in (models, *models.absolute().parents) if path.exists())
    if shutil.disk_usage(standing).free < needed:
        raise Conflict("training_disk_full")


def _is_full(error: BaseException) -> bool:
    """Whether a write failed for want of room; safetensors says so in words alone."""
    number = getattr(error, "errno", None)
    return number in (errno.ENOSPC, errno.EDQUOT) or "os error 28" in str(error)
