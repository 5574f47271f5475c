"""A champion speaks on all open items, and they are asked in the order of its doubt.

It also speaks on the holdout's items that people have labeled, so that it is known what may be done with what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from core import spent_predictions
from core.clock import now
from core.db import let_others_write
from core.labels import item_text
from core.log import get_logger
from core.models import Item, ModelVersion, Project
from core.predictions import PredictionRow, finish_prelabel, record, unpredicted, unspoken
from core.runtime import Runtime
from trainer import artifacts, predict, redaction
from trainer.heads import Head, head_for, known_labels
from trainer.ordering import reorder
from trainer.settings import Device, choose_device

CHUNK = 500

log = get_logger(__name__)


def carry_out(runtime: Runtime, version: ModelVersion) -> int:
    """Predict, then reorder, until no open item is left without a prediction; returns how many were predicted.

    What older versions have said goes then, as far as nothing rests on it.

    Raises:
        LightworkError: the artifact is lost, the device is not there, or another model became the champion.
    """
    device = choose_device(runtime.settings.device)
    with runtime.reading() as session:
        project = session.get_one(Project, version.project_id)
    loaded = _load(runtime.settings.model_directory / version.artifact, version.temperature)
    head = head_for(known_labels(project.label_schema, loaded.label_ids))
    total = 0
    while True:
        total += _predict_all(runtime, version, head, device, loaded, unpredicted)
        _predict_all(runtime, version, head, device, loaded, unspoken)
        reorder(runtime, version)
        with runtime.writing() as session:
            if finish_prelabel(session, version.id, now()):
                break
    log.info("prelabel_done", version_id=version.id, items=total)
    spent_predictions.clear(runtime, version.project_id, now)
    return total


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model as its artifact holds it. label_ids: the classes it knows, which may be fewer than the project's."""

    model: Any
    tokenizer: Any
    max_length: int
    label_ids: tuple[str, ...]
    temperature: float


def _load(directory: Path, temperature: float | None) -> Loaded:
    model, tokenizer, manifest = artifacts.load(directory)
    length, label_ids = int(manifest["settings"]["max_length"]), tuple(manifest["label_ids"])
    return Loaded(model, tokenizer, length, label_ids, temperature or 1.0)


def _predict_all(
    runtime: Runtime,
    version: ModelVersion,
    head: Head,
    device: Device,
    loaded: Loaded,
    find: Callable[[Session, ModelVersion, int, int], list[Item]],
) -> int:
    """Speak on all items that `find` gives, a page after another: (session, version, last id, how many)."""
    redact = redaction.load(runtime.settings.redaction)
    total = after = 0
    while True:
        with runtime.reading() as session:
            items = find(session, version, after, CHUNK)
        if not items:
            return total
        texts = [redact(item_text(item.content)) for item in items]
        said = predict.probabilities(
            loaded.model, loaded.tokenizer, texts, head, device, loaded.max_length, loaded.temperature
        )
        rows = _rows(items, head, said)
        with runtime.writing() as session:
            record(session, version.id, rows, now())
        let_others_write(runtime.engine)
        total += len(items)
        after = items[-1].id


def _rows(items: Sequence[Item], head: Head, probabilities: Any) -> list[PredictionRow]:
    doubt = head.uncertainty(probabilities)
    rows = []
    for item, said, uncertainty in zip(items, probabilities, doubt, strict=True):
        best = int(said.argmax())
        spread = tuple(round(float(share), 6) for share in said)
        rows.append(PredictionRow(item.id, head.label_ids[best], float(said[best]), spread, float(uncertainty)))
    return rows
