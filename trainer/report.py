"""What goes with a new model beside its weights: advice, card, picture, and the snapshot of what it learned from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.config import Settings
from core.errors import SettingsError
from core.log import get_logger
from core.models import Project
from trainer import advice, card_picture, model_card, snapshots
from trainer.dataset import Dataset, Example, describe
from trainer.embeddings import embed, load_encoder
from trainer.settings import BaseModel, Device

SEED = 20

log = get_logger(__name__)


def outlook(
    data: Dataset, label_ids: tuple[str, ...], base: BaseModel, accuracy: float, device: Device
) -> dict[str, Any]:
    """The learning curve and the advice, as `curve` and `advice` of a version's metrics.

    Args:
        accuracy: of the model in question on its holdout.
    """
    train, held = _some(data.train), _some(data.holdout)
    unknown = {"curve": None, "advice": advice.Advice("unknown").to_json()}
    if not advice.enough(len(train), len(held)):
        return unknown
    try:
        model, tokenizer = load_encoder(base, device)
    except SettingsError as error:
        log.warning("no_learning_curve", error=str(error))
        return unknown
    vectors, others = (embed(model, tokenizer, [one.text for one in some], device) for some in (train, held))
    labels, truth = (np.array([label_ids.index(one.label_id) for one in some]) for some in (train, held))
    curve, whole = advice.learning_curve(vectors, labels, others, truth)
    said = advice.advise(curve, whole, (vectors, labels, others, truth), label_ids, accuracy, len(data.train))
    return {"curve": {"points": list(curve.points), "law": list(curve.law)}, "advice": said.to_json()}


def files(
    settings: Settings,
    project: Project,
    data: Dataset,
    number: int,
    manifest: Mapping[str, Any],
    base: BaseModel,
) -> dict[str, bytes]:
    """The files by name: model-card.md, model-card.png and snapshot.jsonl.gz.

    Args:
        number: of the version. manifest: as the artifact keeps it, with its metrics.
    """
    names = {str(label["id"]): str(label["name"]) for label in project.label_schema["labels"]}
    subject = model_card.Subject(
        project=project.name,
        number=number,
        question=project.question,
        base_model=base.name,
        licence=model_card.licence_of(base),
        labels={label_id: names[label_id] for label_id in manifest["label_ids"]},
        snapshot=describe(data, project, manifest["label_ids"]),
        metrics=manifest["metrics"],
        settings={**manifest["settings"], "method": manifest["method"]},
    )
    rows = snapshots.rows(data.train, data.holdout, data.left_out, texts=settings.snapshot_texts)
    return {
        model_card.NAME: model_card.write(subject).encode(),
        model_card.PICTURE: card_picture.draw(_figures(subject)),
        snapshots.NAME: snapshots.packed(rows),
    }


def _figures(subject: model_card.Subject) -> card_picture.Figures:
    metrics, held = subject.metrics, subject.metrics["holdout"]
    curve = (metrics.get("curve") or {}).get("points", ())
    return card_picture.Figures(
        title=f"v{subject.number}",
        accuracy=(held["accuracy"], held["accuracy_low"], held["accuracy_high"]),
        before=(metrics.get("champion") or {}).get("accuracy"),
        n=held["n"],
        labels=tuple(subject.labels.values()),
        confusion=tuple((truth, said, count) for truth, said, count in metrics["confusion"]),
        reliability=tuple((one["confidence"], one["right"]) for one in metrics["reliability"]),
        curve=tuple((labels, share) for labels, share in curve),
    )


def _some(examples: tuple[Example, ...]) -> list[Example]:
    """At most as many as are looked at, by chance."""
    if len(examples) <= advice.MOST:
        return list(examples)
    return [examples[place] for place in np.random.default_rng(SEED).permutation(len(examples))[: advice.MOST]]
