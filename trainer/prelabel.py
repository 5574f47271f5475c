"""A champion speaks on all open items, and they are asked in the order of its doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.clock import now
from core.labels import item_text
from core.log import get_logger
from core.models import Item, ModelVersion, Project
from core.predictions import PredictionRow, finish_prelabel, pieces, plan_bands, reband, record, unpredicted
from core.ranks import ORDINARY, UNCERTAIN
from core.runtime import Runtime
from trainer import artifacts, predict
from trainer.cycle import pause
from trainer.heads import Head, head_for
from trainer.settings import Device, choose_device

CHUNK = 500

log = get_logger(__name__)


def carry_out(runtime: Runtime, version: ModelVersion) -> int:
    """Predict, then reorder, until no open item is left without a prediction; returns how many were predicted.

    Raises:
        LightworkError: the artifact is lost, the device is not there, or another model became the champion.
    """
    device = choose_device(runtime.settings.device)
    with runtime.reading() as session:
        project = session.get_one(Project, version.project_id)
    loaded = _load(runtime.settings.model_directory / version.artifact)
    head = head_for(_known_labels(project.label_schema, loaded.label_ids))
    total = 0
    while True:
        total += _predict_all(runtime, version, head, device, loaded)
        _reorder(runtime, version)
        with runtime.writing() as session:
            if finish_prelabel(session, version.id, now()):
                break
    log.info("prelabel_done", version_id=version.id, items=total)
    return total


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model as its artifact holds it. label_ids: the classes it knows, which may be fewer than the project's."""

    model: Any
    tokenizer: Any
    max_length: int
    label_ids: tuple[str, ...]


def _load(directory: Path) -> Loaded:
    model, tokenizer, manifest = artifacts.load(directory)
    return Loaded(model, tokenizer, int(manifest["settings"]["max_length"]), tuple(manifest["label_ids"]))


def _known_labels(label_schema: dict[str, Any], label_ids: Sequence[str]) -> dict[str, Any]:
    """The schema as the model knows it: labels that were added since stand behind those."""
    return label_schema | {"labels": [label for label in label_schema["labels"] if label["id"] in label_ids]}


def _predict_all(runtime: Runtime, version: ModelVersion, head: Head, device: Device, loaded: Loaded) -> int:
    total = after = 0
    while True:
        with runtime.reading() as session:
            items = unpredicted(session, version, after, CHUNK)
        if not items:
            return total
        texts = [item_text(item.content) for item in items]
        said = predict.probabilities(loaded.model, loaded.tokenizer, texts, head, device, loaded.max_length)
        rows = _rows(items, head, said)
        with runtime.writing() as session:
            record(session, version.id, rows, now())
        pause(runtime)
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


def _reorder(runtime: Runtime, version: ModelVersion) -> None:
    with runtime.reading() as session:
        plan = plan_bands(session, version.project_id)
    for ids, band in ((plan.promote, UNCERTAIN), (plan.demote, ORDINARY)):
        for piece in pieces(ids):
            with runtime.writing() as session:
                reband(session, version.project_id, version.id, piece, band)
            pause(runtime)
