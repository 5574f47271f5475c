"""An item explained by a model version: what it says, which words spoke for it, and what decided items are like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core.config import Settings
from core.db import reading
from core.explanations import Explanation, Neighbour, Word
from core.labels import item_text
from core.models import Item, ModelVersion, Project
from core.training import decided_items
from trainer import artifacts, neighbours, predict, redaction
from trainer.attribution import attribute
from trainer.embeddings import Vectors, embed
from trainer.heads import Head, head_for, known_labels
from trainer.read_back import read_back
from trainer.redaction import Redaction
from trainer.settings import Device, choose_device

INDEXED = 3000
"""So many of the items that were decided last are kept as vectors beside a version."""
AT_ONCE = 300
"""Without these vectors so many are embedded while somebody waits."""


@dataclass(frozen=True, slots=True)
class Explainer:
    """A model version that explains itself; texts are given to it as people see them, and it reads them redacted.

    head: the labels it knows.
    """

    model: Any
    tokenizer: Any
    max_length: int
    head: Head
    temperature: float
    artifact: Path
    device: Device
    redact: Redaction

    def says(self, text: str) -> dict[str, float]:
        """P(label) by label id, the likeliest first."""
        shares = predict.probabilities(
            self.model, self.tokenizer, [self.redact(text)], self.head, self.device, self.max_length, self.temperature
        )[0]
        order = np.argsort(-shares, kind="stable")
        return {self.head.label_ids[place]: float(shares[place]) for place in order}

    def words(self, text: str, label_id: str) -> tuple[Word, ...]:
        """How much each word of the text spoke for a label; one that was redacted has what was read in its place."""
        read, target = self.redact(text), self.head.label_ids.index(label_id)
        found = attribute(self.model, self.tokenizer, read, target, self.max_length, self.device)
        return read_back(text, read, found.words)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """What the texts are about, in the eyes of this model: rows of length 1."""
        return embed(self.model.base_model, self.tokenizer, [self.redact(text) for text in texts], self.device)


def load_explainer(settings: Settings, version: ModelVersion, project: Project) -> Explainer:
    """A version, ready to explain.

    Raises:
        Conflict: `artifact_missing`.
        SettingsError: the device is not there, or the redaction names what there is not.
    """
    device = choose_device(settings.device)
    directory = settings.model_directory / version.artifact
    model, tokenizer, manifest = artifacts.load(directory)
    head = head_for(known_labels(project.label_schema, manifest["label_ids"]))
    length = int(manifest["settings"]["max_length"])
    model.to(device.type).eval()
    redact, temperature = redaction.load(settings.redaction), version.temperature or 1.0
    return Explainer(model, tokenizer, length, head, temperature, directory, device, redact)


def explain_item(settings: Settings, engine: Engine, item_id: int, version_id: int) -> Explanation:
    """What a version says of an item, and why.

    Raises:
        LightworkError: the artifact is lost, the device is not there, or the text cannot be redacted.
    """
    with reading(engine) as session:
        version = session.get_one(ModelVersion, version_id)
        project = session.get_one(Project, version.project_id)
        text = item_text(session.get_one(Item, item_id).content)
    explainer = load_explainer(settings, version, project)
    probabilities = explainer.says(text)
    label_id = next(iter(probabilities))
    words = explainer.words(text, label_id)
    return Explanation(label_id, probabilities, words, _neighbours(engine, project.id, item_id, text, explainer))


def index_items(settings: Settings, engine: Engine, version: ModelVersion) -> int:
    """Keep the vectors of the decided items beside a version, so that nobody waits for them; returns how many.

    Raises:
        LightworkError: as `explain_item`.
    """
    with reading(engine) as session:
        project = session.get_one(Project, version.project_id)
        ids, texts = _decided(session, project.id, INDEXED)
    explainer = load_explainer(settings, version, project)
    neighbours.save_index(neighbours.index_path(explainer.artifact), ids, explainer.vectors(texts))
    return len(ids)


def _neighbours(
    engine: Engine, project_id: int, item_id: int, text: str, explainer: Explainer
) -> tuple[Neighbour, ...]:
    kept = neighbours.load_index(neighbours.index_path(explainer.artifact))
    if kept is None:
        with reading(engine) as session:
            decided, texts = _decided(session, project_id, AT_ONCE)
        kept = np.array(decided, dtype=np.int64), explainer.vectors(texts)
    ids, vectors = kept
    with reading(engine) as session:
        standing = set(session.scalars(select(Item.id).where(decided_items(project_id))))
    usable = np.array([int(one) in standing and int(one) != item_id for one in ids], dtype=np.bool_)
    return tuple(neighbours.nearest(explainer.vectors([text])[0], vectors[usable], ids[usable]))


def _decided(session: Session, project_id: int, limit: int) -> tuple[list[int], list[str]]:
    """Ids and texts of the items that were decided last."""
    statement = select(Item.id, Item.content).where(decided_items(project_id))
    rows = session.execute(statement.order_by(Item.decided_at.desc(), Item.id).limit(limit)).all()
    return [item_id for item_id, _ in rows], [item_text(content) for _, content in rows]
