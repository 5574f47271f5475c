"""A candidate and the champion on the same holdout: scores, baselines, calibration, and what the gate says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Conflict
from core.log import get_logger
from core.models import ModelVersion
from trainer import artifacts, calibration, evaluate, predict, slices
from trainer.dataset import Dataset, Example
from trainer.gate import Rival, decide
from trainer.heads import Head, head_for, known_labels
from trainer.settings import Device
from trainer.slices import Cuts

MOST_CONFUSED = 400
"""Pairs of labels that are kept, of many labels the most frequent."""
MAX_NEW = 1000
"""So many new labels of the training side the champion is asked about; more would only make it slower."""

Array = NDArray[Any]
log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Speaker:
    """A model that can be asked. head: the labels it knows. temperature: divides its logits; None: as it is."""

    model: Any
    tokenizer: Any
    max_length: int
    head: Head
    temperature: float | None = None

    def says(self, texts: Sequence[str], device: Device) -> Array:
        """P(label) for each text, in the order of `head.label_ids`."""
        temperature = self.temperature or 1.0
        return predict.probabilities(self.model, self.tokenizer, texts, self.head, device, self.max_length, temperature)


@dataclass(frozen=True, slots=True)
class Reigning:
    """The champion, the public ids of the items whose labels came after its training, and when versions were made."""

    version: ModelVersion
    new: frozenset[str]
    cuts: Cuts = ()


def load_speaker(models: Path, version: ModelVersion, label_schema: dict[str, Any]) -> Speaker | None:
    """A version with the labels that it knows; None where its artifact is lost or knows labels that there are not."""
    try:
        model, tokenizer, manifest = artifacts.load(models / version.artifact)
    except Conflict as error:
        log.warning("champion_lost", version_id=version.id, error=str(error))
        return None
    head = head_for(known_labels(label_schema, manifest["label_ids"]))
    if list(head.label_ids) != list(manifest["label_ids"]):
        return None
    return Speaker(model, tokenizer, int(manifest["settings"]["max_length"]), head, version.temperature)


def measure(
    data: Dataset, candidate: Speaker, reigning: Reigning | None, champion: Speaker | None, device: Device
) -> tuple[dict[str, Any], float | None]:
    """The metrics of a candidate, as `core.champions.promote_if_better` and people read them, and its temperature."""
    label_ids = candidate.head.label_ids
    texts, truth = [one.text for one in data.holdout], [one.label_id for one in data.holdout]
    train_texts, train_labels = [one.text for one in data.train], [one.label_id for one in data.train]
    actual, said = _indices(data.holdout, label_ids), candidate.says(texts, device)
    temperature, calibrated = calibration.calibrate(said, actual)
    final = calibration.scaled(said, temperature or 1.0)
    rival = None if reigning is None or champion is None else _rival(data, champion, reigning.new, label_ids, device)
    guess = evaluate.majority_class_accuracy(train_labels, truth)
    mine = evaluate.score(final, truth, label_ids)
    return {
        "accuracy": mine["accuracy"],
        "holdout": mine,
        "calibration": calibrated | {"temperature": temperature},
        "champion": _scores(reigning, rival, truth, label_ids),
        "gate": decide(label_ids, actual, said, rival, guess),
        "confusion": evaluate.confusion(final, actual)[:MOST_CONFUSED],
        "reliability": evaluate.reliability(final, actual),
        "slices": slices.by_kind(data.holdout, final.argmax(axis=1) == actual),
        "forgetting": _forgetting(data, label_ids, actual, final, reigning, rival),
        "majority_class_accuracy": guess,
        "tfidf_logreg_accuracy": evaluate.tfidf_logreg_accuracy(train_texts, train_labels, texts, truth),
        "train_items": len(data.train),
        "holdout_items": len(data.holdout),
        "holdout_published": data.holdout_items,
        "holdout_coverage": data.holdout_coverage,
        "left_out": len(data.left_out),
    }, temperature


def _forgetting(
    data: Dataset,
    label_ids: tuple[str, ...],
    actual: Array,
    said: Array,
    reigning: Reigning | None,
    rival: Rival | None,
) -> dict[str, Any] | None:
    if reigning is None or rival is None:
        return None
    right, before = said.argmax(axis=1) == actual, rival.probabilities.argmax(axis=1) == actual
    return slices.forgetting(data.holdout, label_ids, right, before, reigning.cuts)


def _rival(data: Dataset, champion: Speaker, new: frozenset[str], label_ids: tuple[str, ...], device: Device) -> Rival:
    more = [one for one in data.train if one.public_id in new][-MAX_NEW:]
    asked = [*data.holdout, *more]
    said = _widened(champion.says([one.text for one in asked], device), champion.head.label_ids, label_ids)
    held = len(data.holdout)
    return Rival(
        probabilities=said[:held],
        new=np.array([one.public_id in new for one in data.holdout], dtype=bool),
        more=said[held:],
        more_truth=_indices(more, label_ids),
    )


def _widened(said: Array, known: tuple[str, ...], label_ids: tuple[str, ...]) -> Array:
    """With zeros for the labels that a model has never heard of."""
    wide = np.zeros((len(said), len(label_ids)))
    wide[:, [label_ids.index(label_id) for label_id in known]] = said
    return wide


def _scores(
    reigning: Reigning | None, rival: Rival | None, truth: Sequence[str], label_ids: tuple[str, ...]
) -> dict[str, Any] | None:
    """The champion's scores on this holdout; only its id where it could not be asked."""
    if reigning is None:
        return None
    known = {"version_id": reigning.version.id, "number": reigning.version.number}
    return known if rival is None else known | evaluate.score(rival.probabilities, truth, label_ids)


def _indices(examples: Sequence[Example], label_ids: tuple[str, ...]) -> Array:
    return np.array([label_ids.index(one.label_id) for one in examples], dtype=int)
