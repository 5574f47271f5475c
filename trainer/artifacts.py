"""Model directories: written whole or not at all, readable by plain transformers."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from transformers import AutoModelForSequenceClassification, AutoTokenizer

from core.errors import Conflict
from core.ids import new_public_id

MANIFEST = "training.json"
HALF_WRITTEN = ".half-"
"""Prefix of directories that are still being written."""


def save(directory: Path, model: Any, tokenizer: Any, manifest: dict[str, Any]) -> None:
    """Write model (safetensors), configuration, tokenizer and `training.json` to `directory`, in one stroke.

    Args:
        directory: must not exist; its parents are made.
        manifest: settings, label ids, base model, snapshot hash, counts and metrics, as JSON.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    half = directory.parent / f"{HALF_WRITTEN}{new_public_id()}"
    try:
        model.save_pretrained(half, safe_serialization=True)
        tokenizer.save_pretrained(half)
        (half / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
        for path in (*half.iterdir(), half):
            _sync(path)
        half.rename(directory)
        _sync(directory.parent)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise


def load(directory: Path) -> tuple[Any, Any, dict[str, Any]]:
    """Model, tokenizer and manifest of an artifact.

    Raises:
        Conflict: `artifact_missing`, the directory is gone or not whole.
    """
    try:
        manifest = json.loads((directory / MANIFEST).read_text())
        model = AutoModelForSequenceClassification.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise Conflict("artifact_missing", artifact=directory.name) from error
    return model, tokenizer, manifest


def remove(directory: Path) -> None:
    """Remove an artifact that no model version names."""
    shutil.rmtree(directory, ignore_errors=True)


def remove_half_written(parent: Path) -> int:
    """Clear what a killed process left in `parent`; returns how many directories. One run per project calls it."""
    found = [path for path in parent.glob(f"{HALF_WRITTEN}*") if path.is_dir()]
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return len(found)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
