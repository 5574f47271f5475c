"""Fine-tuning learns, repeats itself, and survives little data."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from core.errors import SettingsError
from tests.unit.trainer.conftest import CPU
from trainer import predict, train
from trainer.heads.choice import ChoiceHead
from trainer.settings import BaseModel, TrainingSettings, choose_device

HEAD = ChoiceHead(("good", "bad", "unseen"))
QUICK = TrainingSettings(epochs=15, encoder_lr=2e-3, head_lr=2e-3, batch_size=8, max_length=16)


def targets(labels: Sequence[str]) -> list[list[float]]:
    return [HEAD.target(label, None) for label in labels]


def fit(base: BaseModel, texts: Sequence[str], labels: Sequence[str], settings: TrainingSettings = QUICK) -> Any:
    return train.fit(texts, targets(labels), HEAD, base, settings, CPU, lambda step, steps: None)


def test_learns_what_one_word_decides(tiny_base: BaseModel, weather: tuple[list[str], list[str]]) -> None:
    model, tokenizer = fit(tiny_base, *weather)
    said = predict.probabilities(model, tokenizer, ["the sun is nice", "storm and rain so bad"], HEAD, CPU, 16)
    assert said.argmax(axis=1).tolist() == [0, 1]


def test_same_seed_same_model_other_seed_another(tiny_base: BaseModel, weather: tuple[list[str], list[str]]) -> None:
    one_epoch = TrainingSettings(epochs=1, batch_size=8, max_length=16)
    first, again = (fit(tiny_base, *weather, one_epoch)[0].state_dict() for _ in range(2))
    other = fit(tiny_base, *weather, TrainingSettings(epochs=1, batch_size=8, max_length=16, seed=1))[0].state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_few_texts_and_a_missing_class(tiny_base: BaseModel, count: int) -> None:
    steps: list[tuple[int, int]] = []
    texts = ["nice sun", "cold rain", "warm", "storm", "so bad"][:count]
    labels = ["good", "bad", "good", "bad", "bad"][:count]
    model, tokenizer = train.fit(
        texts, targets(labels), HEAD, tiny_base, QUICK, CPU, lambda step, all_of: steps.append((step, all_of))
    )
    said = predict.probabilities(model, tokenizer, texts, HEAD, CPU, 16)
    assert torch.isfinite(torch.from_numpy(said)).all()
    assert steps[-1][0] == steps[-1][1] == len(steps)


def test_new_layers_and_pooler_learn_faster(tiny_base: BaseModel) -> None:
    model, _ = train.load_base(tiny_base, HEAD.label_ids)
    rate = {id(one): group["lr"] for group in train.parameter_groups(model, QUICK) for one in group["params"]}
    rates = {name: rate[id(parameter)] for name, parameter in model.named_parameters()}
    assert len(rates) == len(list(model.parameters()))
    assert rates["classifier.weight"] == rates["bert.pooler.dense.weight"] == QUICK.head_lr
    assert rates["bert.embeddings.word_embeddings.weight"] == QUICK.encoder_lr


def test_learning_rate_rises_and_falls_to_nothing() -> None:
    factor = train.warmup_then_linear(10, 0.2)
    assert [round(factor(step), 3) for step in (0, 1, 2, 9, 10)] == [0.5, 1.0, 0.889, 0.111, 0.0]


def test_buckets_hold_every_text_once_and_pad_little() -> None:
    lengths = [random.Random(3).randint(1, 60) for _ in range(101)]
    lengths = [length * (index % 7 + 1) for index, length in enumerate(lengths)]
    batches = list(train.length_buckets(lengths, 8, random.Random(1)))
    assert sorted(index for batch in batches for index in batch) == list(range(101))
    bucketed = sum(max(lengths[index] for index in batch) * len(batch) for batch in batches)
    in_order = sum(max(lengths[start : start + 8]) * len(lengths[start : start + 8]) for start in range(0, 101, 8))
    assert bucketed < in_order


def test_base_model_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="LIGHTWORK_BASE_MODEL"):
        train.load_base(BaseModel("nowhere", "/nowhere/at/all"), ["a", "b"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="NO CUDA DEVICE: fine-tuning on a GPU is not tested here")
def test_fine_tunes_on_cuda_in_bf16(tiny_base: BaseModel, weather: tuple[list[str], list[str]]) -> None:
    device = choose_device("cuda")
    assert device.autocast == torch.bfloat16
    texts, labels = weather
    model, tokenizer = train.fit(texts, targets(labels), HEAD, tiny_base, QUICK, device, lambda step, steps: None)
    assert next(model.parameters()).device.type == "cuda"
    assert next(model.parameters()).dtype == torch.float32
    said = predict.probabilities(model, tokenizer, ["the sun is nice", "storm and rain so bad"], HEAD, device, 16)
    assert said.argmax(axis=1).tolist() == [0, 1]
