"""A text counts as much as its label is sure: with every method, beside the weights of classes, and when to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.unit.trainer.conftest import CPU
from trainer import predict, train
from trainer.early_stop import mean_loss
from trainer.heads.choice import ChoiceHead
from trainer.settings import BaseModel, TrainingSettings
from trainer.weighting import of_texts, of_texts_and_classes

HEAD = ChoiceHead(("good", "bad"))
QUICK = TrainingSettings(epochs=6, encoder_lr=2e-3, adapter_lr=1e-2, head_lr=2e-3, batch_size=8, max_length=16)
TEXTS = ["the sun is nice", "rain and storm so bad"] * 16
RIGHT = [[1.0, 0.0], [0.0, 1.0]] * 8
"""The first half of the labels; the second half says the opposite of the same texts."""
LABELS = [*RIGHT, *([[0.0, 1.0], [1.0, 0.0]] * 8)]


def fit(base: BaseModel, settings: TrainingSettings, weights: Sequence[float] | None) -> tuple[Any, Any]:
    return train.fit(TEXTS, LABELS, HEAD, base, settings, CPU, lambda step, steps: None, weights=weights)


@pytest.mark.parametrize("method", ["full", "lora", "frozen"])
@pytest.mark.parametrize(("first", "second", "said"), [(0.9, 0.3, [0, 1]), (0.3, 0.9, [1, 0])])
def test_of_labels_that_contradict_each_other_the_surer_ones_are_learned(
    tiny_base: BaseModel, method: str, first: float, second: float, said: list[int]
) -> None:
    model, tokenizer = fit(tiny_base, replace(QUICK, method=method), [first] * 16 + [second] * 16)
    shares = predict.probabilities(model, tokenizer, TEXTS[:2], HEAD, CPU, 16)
    assert shares.argmax(axis=1).tolist() == said
    assert shares.max(axis=1) == pytest.approx([0.75, 0.75], abs=0.12), "three to one, so that sure it is"


def test_equal_weights_change_nothing_and_the_same_seed_gives_the_same_model(tiny_base: BaseModel) -> None:
    settings = replace(QUICK, method="full", epochs=1)
    uneven = [0.5 + number / 64 for number in range(32)]
    plain, even, first, again = (
        fit(tiny_base, settings, weights)[0].state_dict() for weights in (None, [0.5] * 32, uneven, uneven)
    )
    assert all(torch.equal(plain[name], even[name]) for name in plain)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(plain[name], first[name]) for name in plain)


def test_weights_are_one_in_the_mean_and_classes_weigh_beside_them() -> None:
    wanted = torch.tensor([[0.9, 0.1], [1.0, 0.0], [0.8, 0.2], [0.0, 1.0]])
    given = [0.9, 0.6, 0.8, 0.3]
    texts = of_texts(given, 4)
    assert texts.mean() == pytest.approx(1.0)
    assert (texts / texts[0]).tolist() == pytest.approx([one / 0.9 for one in given])
    both = of_texts_and_classes(HEAD, wanted, given, 0.5)
    for of_class in (both / both[0]).T:
        assert of_class.tolist() == pytest.approx((texts / texts[0]).tolist())
    assert both[0, 1] > both[0, 0], "the rarer class"
    assert (both * wanted).sum(dim=1).mean() == pytest.approx(1.0)
    assert torch.equal(of_texts_and_classes(HEAD, wanted, None, 0.5), HEAD.class_weights(wanted, 0.5).expand(4, 2))


@pytest.mark.parametrize("weights", [[1.0], [1.0, -0.1], [0.0, 0.0], [1.0, float("nan")], [1.0, float("inf")]])
def test_weights_that_cannot_be_meant_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="2 texts need as many weights"):
        of_texts(weights, 2)


def test_what_tells_when_to_stop_counts_by_the_same_weights(tiny_base: BaseModel) -> None:
    model, tokenizer = train.load_base(tiny_base, HEAD.label_ids)
    tokens = tokenizer(TEXTS[:2])["input_ids"]
    wanted = torch.tensor(LABELS[:2])

    def loss(weights: Sequence[float] | None, indices: list[int]) -> float:
        data = train.Examples(tokens, wanted, of_texts_and_classes(HEAD, wanted, weights, 0.0))
        return mean_loss(indices, train.loss_function(model, tokenizer, data, HEAD, QUICK, CPU), model, 1)

    alone = [loss(None, [0]), loss(None, [1])]
    assert loss([0.75, 0.25], [0, 1]) == pytest.approx(0.75 * alone[0] + 0.25 * alone[1], abs=1e-5)
