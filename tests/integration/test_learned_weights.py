"""A run learns each label with the weight that its snapshot says, whichever model it starts from."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from sqlalchemy import Engine, select

from core.clock import now
from core.config import Settings
from core.db import reading
from core.models import Item, ModelVersion
from core.runtime import Runtime
from core.training import request_training
from tests.integration.trainer_fixtures import Base, trainer_runtime
from tests.tiny_encoder import save_tiny_encoder
from trainer import continual, jobs, snapshots, train
from trainer.continual import Plan

TEXTS = [f"the {word} is {number}" for number in range(20) for word in ("sun", "rain")]


@pytest.fixture
def base(sqlite_engine: Engine) -> Base:
    """A project whose first twenty labels people hardly agree on; an expert has settled the last ten."""
    made = Base(sqlite_engine, labels=("a", "b"))
    ids = made.items(TEXTS)
    made.decide(ids[:30], lambda place: "ab"[place % 2])
    made.decide(ids[30:], lambda place: "ab"[place % 2], state="adjudicated")
    with made.writing() as session:
        for item_id in ids[:20]:
            item = session.get_one(Item, item_id)
            item.confidence = 0.55
    return made


@pytest.fixture
def runtime(
    base: Base, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runtime]:
    """The runtime that the jobs find, with a tiny encoder."""
    settings.base_model = str(save_tiny_encoder(tmp_path_factory.mktemp("tiny")))
    with trainer_runtime(base, settings, monkeypatch) as found:
        yield found


def test_both_ways_learn_labels_by_how_sure_they_are(
    base: Base, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: list[dict[str, float]] = []

    def fit(texts: Any, targets: Any, head: Any, base_model: Any, *_: Any, weights: Any, **__: Any) -> tuple[Any, Any]:
        fits.append(dict(zip(texts, weights, strict=True)))
        torch.manual_seed(len(fits))
        model, tokenizer = train.load_base(base_model, head.label_ids)
        return model.eval(), tokenizer

    monkeypatch.setattr(train, "fit", fit)
    version = run(base)
    monkeypatch.setattr(continual, "start", lambda *_, **__: Plan(("champion",), "no_time"))
    with base.writing() as session:
        session.get_one(ModelVersion, version.id).state = "champion"
    run(base)
    assert len(fits) == 2
    lying = (runtime.settings.model_directory / version.artifact / snapshots.NAME).read_bytes()
    rows = [json.loads(line) for line in gzip.decompress(lying).splitlines()]
    with reading(base.engine) as session:
        named = {item.public_id: item.content[0]["text"] for item in session.scalars(select(Item))}
    told = {named[row["id"]]: row["weight"] for row in rows if row["side"] == "train"}
    assert set(told.values()) == {0.55, 0.97, 1.0}
    for learned in fits:
        assert learned == {text: told[text] for text in learned}
        assert set(learned.values()) == {0.55, 0.97, 1.0}


def run(base: Base) -> ModelVersion:
    """A training run by button; the version that it made."""
    with base.writing() as session:
        due = request_training(session, base.project_id, "button", now())
    assert due is not None
    jobs.retrain(due.id)
    with reading(base.engine) as session:
        return session.scalars(select(ModelVersion).where(ModelVersion.training_run_id == due.id)).one()
