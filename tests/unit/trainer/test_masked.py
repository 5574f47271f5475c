"""Hidden tokens: which ones, and what guessing them does to an encoder."""

from __future__ import annotations

import pytest
import torch

from core.errors import SettingsError
from tests.unit.trainer.conftest import CPU
from trainer import masked, train
from trainer.settings import BaseModel, TrainingSettings

TEXTS = ["the sun is very nice today", "rain and storm so cold", "warm sun is nice", "bad cold rain today"] * 10


def test_hides_a_share_and_no_special_token(tiny_base: BaseModel) -> None:
    _, tokenizer = train.load_base(tiny_base, ["a", "b"])
    torch.manual_seed(1)
    ids = tokenizer(TEXTS, padding=True, return_tensors="pt")["input_ids"]
    shown = masked.hide(ids, tokenizer, 0.3)
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids))
    assert torch.equal(shown[special], ids[special])
    hidden = shown == tokenizer.mask_token_id
    assert 0.2 < (hidden.sum() / (~special).sum()).item() < 0.4
    assert torch.equal(shown[~hidden], ids[~hidden])
    assert torch.equal(masked.hide(ids, tokenizer, 0.0), ids)


def test_adapting_changes_the_encoder_itself_and_reports(tiny_base: BaseModel) -> None:
    torch.manual_seed(1)
    model, tokenizer = train.load_base(tiny_base, ["a", "b"])
    before = {name: one.clone() for name, one in model.state_dict().items()}
    seen: list[tuple[int, int]] = []
    tokens = tokenizer(TEXTS)["input_ids"]
    masked.adapt(
        model, tokenizer, tiny_base, tokens, TrainingSettings(), CPU, lambda step, steps: seen.append((step, steps))
    )
    changed = {name for name, one in model.state_dict().items() if not torch.equal(one, before[name])}
    assert "bert.encoder.layer.0.attention.self.query.weight" in changed
    assert "bert.embeddings.word_embeddings.weight" in changed
    assert not any("classifier" in name for name in changed)
    assert seen == [(step, 9) for step in range(1, 10)]


def test_a_base_that_cannot_guess_is_one_sentence(tiny_base: BaseModel) -> None:
    model, tokenizer = train.load_base(tiny_base, ["a", "b"])
    with pytest.raises(SettingsError, match="switch adapt off"):
        masked.adapt(
            model, tokenizer, BaseModel("gone", "/nowhere/at/all"), [[2, 5, 3]], TrainingSettings(), CPU, print
        )
