"""What is asked next, carried out: spread over the texts before there is a model, then by its doubt, and by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from core.arrays import Ints
from core.asking import ASKING, OpenItems, latest_labels, move, note_order, open_items, texts_of, wants_start
from core.db import let_others_write
from core.errors import SettingsError
from core.learning import load as load_learning
from core.log import get_logger
from core.models import ModelVersion, Project
from core.predictions import pieces
from core.ranks import ORDINARY, UNCERTAIN
from core.runtime import Runtime
from trainer import payoff, redaction, selection, zero_shot
from trainer.base_models import base_for
from trainer.embeddings import embed, load_encoder
from trainer.selection import BandPlan, Vectors
from trainer.settings import TrainingSettings, choose_device

AHEAD_ITEMS = 5000
"""At most so many items go ahead of the others."""
LOOKED_AT = 2000
"""At most so many texts are embedded at once: less than a minute on two cores."""
START_ITEMS = 400
"""So many are spread over the texts before there is a model; then it is done again."""
SPREAD = (50, 300)
"""Fewest and most doubtful items that are spread: as many as are labeled until the next model."""
LABELS_LOOKED_AT = 1000
"""At most so many labels are replayed to see whether choosing pays."""

log = get_logger(__name__)


def start(runtime: Runtime, project_id: int) -> int:
    """Choose what is asked first where there is no model yet; returns how many items go ahead.

    Where the encoder cannot be had, chance decides.

    Raises:
        Conflict: `model_replaced`, a model has come meanwhile.
    """
    with runtime.reading() as session:
        if not wants_start(session, project_id):
            return 0
        project = session.get_one(Project, project_id)
        items = open_items(session, project)
    share = chance_share(project)
    drawn = selection.by_chance(items.lots, share)
    chosen = _spread(runtime, project_id, items, share)
    most = int(START_ITEMS / max(1e-9, 1.0 - share)) if len(chosen) else START_ITEMS
    plan = selection.plan(items.ids, chosen, drawn, items.ahead, share, most)
    _carry_out(runtime, project_id, None, plan)
    log.info("start_chosen", project_id=project_id, items=len(plan.promote))
    return len(plan.promote)


def _spread(runtime: Runtime, project_id: int, items: OpenItems, share: float) -> Ints:
    """Indices: what people have begun, then items that cover what there is. Documents stay in one piece."""
    begun = np.flatnonzero(~np.isnan(items.told) & (items.lots >= share))
    fresh = np.flatnonzero(np.isnan(items.told) & items.alone)
    fresh = fresh[np.argsort(items.lots[fresh], kind="stable")]
    fresh = fresh[items.lots[fresh] >= share][:LOOKED_AT]
    with runtime.reading() as session:
        texts = texts_of(session, project_id, items.ids[fresh].tolist())
        names = zero_shot.label_texts(session.get_one(Project, project_id).label_schema)
    vectors = _embedded(runtime, [*texts, *names])
    order = np.arange(len(fresh)) if vectors is None else _covering(vectors[: len(texts)], vectors[len(texts) :], names)
    return np.concatenate([begun, fresh[order[:START_ITEMS]]])


def _covering(vectors: Vectors, label_vectors: Vectors, names: Sequence[str]) -> Ints:
    """What covers the texts; those that seem to be of rare labels count more, where the labels' names say anything."""
    weights = None
    if zero_shot.tell_something(names):
        weights = zero_shot.rarity(zero_shot.probabilities(vectors, label_vectors))
    return selection.diverse_order(vectors, START_ITEMS, weights)


def reorder(runtime: Runtime, version: ModelVersion) -> None:
    """Put the open items of a champion's project into the order of its doubt, or of chance where that is better.

    Raises:
        Conflict: `model_replaced`, another model has become the champion meanwhile.
    """
    with runtime.reading() as session:
        project = session.get_one(Project, version.project_id)
        items = open_items(session, project)
        note = session.get_one(ModelVersion, version.id).metrics.get(ASKING)
    share = chance_share(project)
    note = note or _measured(runtime, version, share)
    if note is not None and note["by"] == "chance":
        share = 1.0
    drawn = selection.by_chance(items.lots, share)
    chosen = _doubtful(runtime, project, items, share)
    plan = selection.plan(items.ids, chosen, drawn, items.ahead, share, AHEAD_ITEMS)
    _carry_out(runtime, project.id, version.id, plan)


def _doubtful(runtime: Runtime, project: Project, items: OpenItems, share: float) -> Ints:
    """Indices by what the next answer is worth; the first ones, until the next model, differ from each other."""
    known = np.flatnonzero(~np.isnan(items.doubt) & (items.lots >= share))
    worth = selection.priority(items.doubt, items.told)
    ordered = known[np.argsort(-worth[known], kind="stable")]
    count = min(max(project.retrain_threshold, SPREAD[0]), SPREAD[1])
    near = known[selection.shortlist(worth[known], count)][:LOOKED_AT]
    vectors = _vectors(runtime, project.id, items.ids[near].tolist()) if len(near) > count else None
    if vectors is None:
        return ordered
    first = near[selection.spread(worth[near], vectors, count)]
    return np.concatenate([first, ordered[~np.isin(ordered, first)]])


def _measured(runtime: Runtime, version: ModelVersion, share: float) -> dict[str, Any] | None:
    """Whether choosing pays, kept with the version; None while there are too few labels, or no encoder."""
    with runtime.reading() as session:
        labels = latest_labels(session, version.project_id, LABELS_LOOKED_AT)
    drawn = np.array([one_lot < share for _, _, one_lot in labels], dtype=np.bool_)
    if not payoff.enough(drawn):
        return None
    vectors = _embedded(runtime, [text for text, _, _ in labels])
    _, indices = np.unique([label_id for _, label_id, _ in labels], return_inverse=True)
    if vectors is None:
        return None
    outcome = payoff.measure(vectors, indices.astype(np.int64), drawn)
    note = {"by": "doubt" if outcome.pays else "chance", **asdict(outcome)}
    with runtime.writing() as session:
        note_order(session, version.id, note)
    return note


def chance_share(project: Project) -> float:
    """Share of a project's items that no model chooses: those that measure it, and some of those that it learns from.

    Those that measure are the blind ones, and the holdout: asked by doubt it would say little of all items, and its
    labels teach nothing.
    """
    measuring = max(load_learning(project.learning).blind_share, TrainingSettings().holdout_share)
    return measuring + selection.CHANCE * (1.0 - measuring)


def _vectors(runtime: Runtime, project_id: int, item_ids: list[int]) -> Vectors | None:
    with runtime.reading() as session:
        texts = texts_of(session, project_id, item_ids)
    return _embedded(runtime, texts)


def _embedded(runtime: Runtime, texts: Sequence[str]) -> Vectors | None:
    """None where the encoder cannot be had: then the order is less clever, and nothing else."""
    try:
        device = choose_device(runtime.settings.device)
        model, tokenizer = load_encoder(base_for(runtime.settings, texts), device)
    except SettingsError as error:
        log.warning("no_embeddings", error=str(error))
        return None
    redact = redaction.load(runtime.settings.redaction)
    return embed(model, tokenizer, [redact(text) for text in texts], device)


def _carry_out(runtime: Runtime, project_id: int, version_id: int | None, plan: BandPlan) -> None:
    for ids, band in ((plan.promote, UNCERTAIN), (plan.demote, ORDINARY)):
        for piece in pieces(ids):
            with runtime.writing() as session:
                move(session, project_id, version_id, piece, band)
            let_others_write(runtime.engine)
