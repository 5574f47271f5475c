"""Which method fits, and what each leaves behind: a model that plain transformers loads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, DistilBertConfig, DistilBertForSequenceClassification

from core import learning
from tests.unit.trainer.conftest import CPU
from trainer import lora, predict, train
from trainer.averaging import MARK, average_tokens
from trainer.frozen import features, output_layer
from trainer.heads.choice import ChoiceHead
from trainer.methods import FROZEN_BELOW, LORA_FROM, parameter_count, resolve
from trainer.settings import BaseModel, TrainingSettings, for_project

HEAD = ChoiceHead(("good", "bad"))
QUICK = TrainingSettings(epochs=6, encoder_lr=2e-3, adapter_lr=1e-2, head_lr=2e-3, batch_size=8, max_length=16)
SAID = ["the sun is nice", "storm and rain so bad"]


def fit(base: BaseModel, weather: tuple[list[str], list[str]], settings: TrainingSettings) -> tuple[Any, Any]:
    wanted = [HEAD.target(label, None) for label in weather[1]]
    return train.fit(weather[0], wanted, HEAD, base, settings, CPU, lambda step, steps: None)


@pytest.mark.parametrize(
    ("method", "labels", "parameters", "expected"),
    [
        ("auto", FROZEN_BELOW - 1, 10, "frozen"),
        ("auto", FROZEN_BELOW, LORA_FROM - 1, "full"),
        ("auto", FROZEN_BELOW, LORA_FROM, "lora"),
        ("auto", FROZEN_BELOW - 1, LORA_FROM, "frozen"),
        ("full", 1, 10**9, "full"),
        ("lora", 1, 10, "lora"),
        ("frozen", 10**6, 10, "frozen"),
    ],
)
def test_method_by_labels_and_size(method: str, labels: int, parameters: int, expected: str) -> None:
    assert resolve(TrainingSettings(method=method), labels, parameters).method == expected


def test_words_do_not_make_an_encoder_large(tiny_base: BaseModel) -> None:
    model, _ = train.load_base(tiny_base, HEAD.label_ids)
    tables = sum(part.numel() for name, part in model.named_parameters() if "embeddings.weight" in name)
    assert tables > 0
    assert parameter_count(model) == model.num_parameters() - tables


@pytest.mark.parametrize("method", ["full", "lora", "frozen"])
@pytest.mark.parametrize("average", [True, False])
def test_each_method_learns_and_is_saved_plainly(
    tiny_base: BaseModel, weather: tuple[list[str], list[str]], tmp_path: Path, method: str, average: bool
) -> None:
    model, tokenizer = fit(tiny_base, weather, replace(QUICK, method=method, average=average))
    said = predict.probabilities(model, tokenizer, SAID, HEAD, CPU, 16)
    assert said.argmax(axis=1).tolist() == [0, 1]
    assert model.config.training_method == method
    model.save_pretrained(tmp_path / "saved")
    plain, report = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved", output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert predict.probabilities(plain, tokenizer, SAID, HEAD, CPU, 16) == pytest.approx(said, abs=1e-5)


def test_few_labels_leave_the_encoder_as_it_is(tiny_base: BaseModel, weather: tuple[list[str], list[str]]) -> None:
    before, _ = train.load_base(tiny_base, HEAD.label_ids)
    model, _ = fit(tiny_base, weather, QUICK)
    after = model.state_dict()
    kept = {name: one for name, one in before.state_dict().items() if "classifier" not in name and "pooler" not in name}
    assert model.config.training_method == "frozen"
    assert all(torch.equal(one, after[name]) for name, one in kept.items())


def test_adapters_change_few_layers_and_no_embedding(
    tiny_base: BaseModel, weather: tuple[list[str], list[str]]
) -> None:
    before, _ = train.load_base(tiny_base, HEAD.label_ids)
    wrapped = lora.wrap(before, 8, 16, 0.0)
    learning_parts = {name for name, one in wrapped.named_parameters() if one.requires_grad}
    assert all("lora_" in name or "classifier" in name for name in learning_parts)
    assert any("classifier" in name for name in learning_parts)
    assert any("intermediate.dense" in name for name in learning_parts)
    before, _ = train.load_base(tiny_base, HEAD.label_ids)
    model, _ = fit(tiny_base, weather, replace(QUICK, method="lora"))
    names = ("bert.embeddings.word_embeddings.weight", "bert.encoder.layer.0.attention.self.query.weight")
    same = [torch.equal(before.state_dict()[name], model.state_dict()[name]) for name in names]
    assert same == [True, False]


def test_the_head_is_asked_about_the_mean_over_the_tokens(tiny_base: BaseModel) -> None:
    model, tokenizer = train.load_base(tiny_base, HEAD.label_ids)
    texts = ["the sun is nice", "rain", "storm and rain so bad today"]
    tokens = tokenizer(texts)["input_ids"]
    means = []
    with torch.inference_mode():
        for ids in tokens:
            mean = model.eval().bert(torch.tensor([ids])).last_hidden_state[0].mean(dim=0)
            means.append(torch.nn.functional.layer_norm(mean, mean.shape))
    layers = model.config.num_hidden_layers
    assert average_tokens(model)
    assert average_tokens(model)  # again changes nothing
    assert (model.config.num_hidden_layers, getattr(model.config, MARK)) == (layers + 1, True)
    seen = features(model, tokenizer, tokens, CPU, lambda step, steps: None)
    expected = np.tanh(0.2 * torch.stack(means).numpy())
    assert seen == pytest.approx(expected, abs=5e-3)


def test_an_unknown_family_keeps_its_own_way() -> None:
    config = DistilBertConfig(vocab_size=20, dim=16, n_layers=1, n_heads=2, hidden_dim=32, max_position_embeddings=16)
    model = DistilBertForSequenceClassification(config)
    assert not average_tokens(model)
    assert output_layer(model) is model.classifier
    wrapped = lora.wrap(model, 4, 8, 0.0)
    assert any("q_lin.lora_A" in name for name, _ in wrapped.named_parameters())


def test_a_job_has_its_own_hyperparameters() -> None:
    given = TrainingSettings(method="full", epochs=7)
    assert for_project(given, learning.LearningSettings()) == given
    own = learning.change(
        learning.LearningSettings(), method="lora", soft=False, epochs=3, encoder_lr=5e-5, max_length=64, adapt=True
    )
    made = for_project(TrainingSettings(), own)
    assert (made.method, made.soft, made.epochs, made.max_length, made.adapt) == ("lora", False, 3, 64, True)
    assert made.encoder_lr == 5e-5
    assert made.adapter_lr == pytest.approx(5e-4)
    assert made.batch_size == TrainingSettings().batch_size
