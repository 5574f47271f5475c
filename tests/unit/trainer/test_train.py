"""Fine-tuning learns, repeats itself, goes on after a kill, and survives little data."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertForSequenceClassification

from core.errors import SettingsError
from tests.unit.trainer.conftest import CPU
from trainer import predict, steps, train
from trainer.checkpoints import Checkpoints
from trainer.heads.choice import ChoiceHead
from trainer.settings import BaseModel, TrainingSettings, choose_device

HEAD = ChoiceHead(("good", "bad", "unseen"))
QUICK = TrainingSettings(method="full", epochs=15, encoder_lr=2e-3, head_lr=2e-3, batch_size=8, max_length=16)


def targets(labels: Sequence[str]) -> list[list[float]]:
    return [HEAD.target(label, None) for label in labels]


def fit(base: BaseModel, texts: Sequence[str], labels: Sequence[str], settings: TrainingSettings = QUICK) -> Any:
    return train.fit(texts, targets(labels), HEAD, base, settings, CPU, lambda step, steps: None)


def test_learns_what_one_word_decides(tiny_base: BaseModel, weather: tuple[list[str], list[str]]) -> None:
    model, tokenizer = fit(tiny_base, *weather)
    said = predict.probabilities(model, tokenizer, ["the sun is nice", "storm and rain so bad"], HEAD, CPU, 16)
    assert said.argmax(axis=1).tolist() == [0, 1]


def test_same_seed_same_model_other_seed_another(tiny_base: BaseModel, weather: tuple[list[str], list[str]]) -> None:
    one_epoch = TrainingSettings(method="full", epochs=1, batch_size=8, max_length=16)
    first, again = (fit(tiny_base, *weather, one_epoch)[0].state_dict() for _ in range(2))
    other = fit(tiny_base, *weather, replace(one_epoch, seed=1))[0].state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_few_texts_and_a_missing_class(tiny_base: BaseModel, count: int) -> None:
    seen: list[tuple[int, int]] = []
    texts = ["nice sun", "cold rain", "warm", "storm", "so bad"][:count]
    labels = ["good", "bad", "good", "bad", "bad"][:count]
    model, tokenizer = train.fit(
        texts, targets(labels), HEAD, tiny_base, QUICK, CPU, lambda step, all_of: seen.append((step, all_of))
    )
    said = predict.probabilities(model, tokenizer, texts, HEAD, CPU, 16)
    assert torch.isfinite(torch.from_numpy(said)).all()
    assert seen[-1][0] == seen[-1][1]
    assert [step for step, all_of in seen if all_of == seen[-1][1]][-seen[-1][1] :] == [*range(1, seen[-1][1] + 1)]


def test_new_layers_and_pooler_learn_faster(tiny_base: BaseModel) -> None:
    model, _ = train.load_base(tiny_base, HEAD.label_ids)
    rate = {
        id(one): group["lr"]
        for group in steps.parameter_groups(model, QUICK, QUICK.encoder_lr)
        for one in group["params"]
    }
    rates = {name: rate[id(parameter)] for name, parameter in model.named_parameters()}
    assert len(rates) == len(list(model.parameters()))
    assert rates["classifier.weight"] == rates["bert.pooler.dense.weight"] == QUICK.head_lr
    assert rates["bert.embeddings.word_embeddings.weight"] == QUICK.encoder_lr


def test_learning_rate_rises_and_falls_to_nothing() -> None:
    factor = steps.warmup_then_linear(10, 0.2)
    assert [round(factor(step), 3) for step in (0, 1, 2, 9, 10)] == [0.5, 1.0, 0.889, 0.111, 0.0]


def test_buckets_hold_every_text_once_and_pad_little() -> None:
    lengths = [random.Random(3).randint(1, 60) for _ in range(101)]
    lengths = [length * (index % 7 + 1) for index, length in enumerate(lengths)]
    batches = list(steps.length_buckets(lengths, 8, random.Random(1)))
    assert sorted(index for batch in batches for index in batch) == list(range(101))
    bucketed = sum(max(lengths[index] for index in batch) * len(batch) for batch in batches)
    in_order = sum(max(lengths[start : start + 8]) * len(lengths[start : start + 8]) for start in range(0, 101, 8))
    assert bucketed < in_order


def test_base_model_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="LIGHTWORK_BASE_MODEL"):
        train.load_base(BaseModel("nowhere", "/nowhere/at/all"), ["a", "b"])


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("killed_after", [1, 5, 12])
def test_a_killed_fit_ends_at_the_same_model(
    tiny_base: BaseModel, weather: tuple[list[str], list[str]], tmp_path: Path, method: str, killed_after: int
) -> None:
    texts, labels = weather
    settings = replace(QUICK, method=method, epochs=3, least_validated=20, validation_share=0.5, patience=9)

    def run(folder: str, killed: int) -> dict[str, torch.Tensor]:
        left = [killed]

        def progress(step: int, all_of: int) -> None:
            left[0] -= all_of > 1
            if left[0] == 0:
                raise Killed

        kept = Checkpoints(tmp_path / folder, "same", 0)
        model, _ = train.fit(texts, targets(labels), HEAD, tiny_base, settings, CPU, progress, kept)
        weights: dict[str, torch.Tensor] = model.state_dict()
        return weights

    whole = run("whole", -1)
    with pytest.raises(Killed):
        run("killed", killed_after)
    again = run("killed", -1)
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_goes_on_from_an_artifact_and_keeps_what_it_knows(
    tiny_base: BaseModel, weather: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    texts, labels = weather
    model, tokenizer = fit(tiny_base, texts, labels)
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path / "first")
    more = ChoiceHead(("new", "bad", "good"))
    small = replace(QUICK, epochs=1, encoder_lr=1e-6, head_lr=1e-6)
    wanted = [more.target(label, None) for label in labels]
    start = BaseModel("first", str(tmp_path / "first"))
    again, _ = train.fit(texts, wanted, more, tiny_base, small, CPU, lambda step, steps: None, start_from=start)
    said = predict.probabilities(again, tokenizer, ["the sun is nice", "storm and rain so bad"], more, CPU, 16)
    assert said.argmax(axis=1).tolist() == [2, 1]
    assert again.config.num_hidden_layers == model.config.num_hidden_layers


def test_soft_labels_leave_doubt_and_hard_ones_do_not(
    tiny_base: BaseModel, weather: tuple[list[str], list[str]]
) -> None:
    texts, labels = weather
    unsure = [[0.7, 0.3, 0.0] if label == "good" else [0.3, 0.7, 0.0] for label in labels]

    def surest(soft: bool) -> float:
        settings = replace(QUICK, soft=soft)
        model, tokenizer = train.fit(texts, unsure, HEAD, tiny_base, settings, CPU, lambda step, steps: None)
        return float(predict.probabilities(model, tokenizer, texts, HEAD, CPU, 16).max(axis=1).mean())

    assert surest(soft=True) == pytest.approx(0.7, abs=0.08)
    assert surest(soft=False) > 0.9


def test_a_batch_that_does_not_fit_is_halved_and_comes_to_the_same(
    tiny_base: BaseModel, weather: tuple[list[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = BertForSequenceClassification.forward
    monkeypatch.setattr("torch.nn.Dropout.forward", lambda self, given: given)

    def says(most: int) -> Any:
        def tight(self: Any, input_ids: Any = None, **rest: Any) -> Any:
            if len(input_ids) > most and self.training:
                raise torch.OutOfMemoryError("faked")
            return forward(self, input_ids=input_ids, **rest)

        with monkeypatch.context() as patched:
            patched.setattr(BertForSequenceClassification, "forward", tight)
            model, tokenizer = fit(tiny_base, *weather, replace(QUICK, epochs=2))
        return predict.probabilities(model, tokenizer, weather[0], HEAD, CPU, 16)

    assert says(2) == pytest.approx(says(99), abs=1e-3)
    with pytest.raises(torch.OutOfMemoryError):
        says(0)


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
