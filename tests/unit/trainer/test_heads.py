"""The head for a choice of one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.errors import InvalidInput
from trainer.heads import head_for
from trainer.heads.choice import ChoiceHead

SCHEMA = {"kind": "choice", "labels": [{"id": "a", "name": "Yes"}, {"id": "b", "name": "No"}, {"id": "c", "name": "?"}]}


def test_classes_stand_in_the_order_of_the_labels() -> None:
    assert head_for(SCHEMA).label_ids == ("a", "b", "c")


@pytest.mark.parametrize("kind", ["boxes", "", "../choice", "__init__", "choice.x"])
def test_a_kind_without_a_head_is_refused(kind: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        head_for({**SCHEMA, "kind": kind})
    assert caught.value.code == "schema_not_trainable"


@pytest.mark.parametrize(
    ("posterior", "expected"),
    [
        (None, [0.0, 1.0, 0.0]),
        ([0.1, 0.8, 0.1], [0.1, 0.8, 0.1]),
        ([0.2, 1.6, 0.2], [0.1, 0.8, 0.1]),
        ([0.8, 0.1, 0.1], [0.0, 1.0, 0.0]),
        ([0.5, 0.5], [0.0, 1.0, 0.0]),
        ([0.0, 0.0, 0.0], [0.0, 1.0, 0.0]),
    ],
    ids=["none", "soft", "not normed", "against the label", "other labels", "empty"],
)
def test_target_is_the_posterior_where_it_decided(posterior: list[float] | None, expected: list[float]) -> None:
    assert ChoiceHead(("a", "b", "c")).target("b", posterior) == pytest.approx(expected)


def test_rare_classes_weigh_more_within_bounds() -> None:
    targets = torch.eye(3)[torch.tensor([0] * 900 + [1] * 100)]
    weights = ChoiceHead(("a", "b", "c")).class_weights(targets, 1.0)
    assert weights[1] / weights[0] == pytest.approx(4.0)
    assert weights[2] == 0.0
    assert (weights * targets.sum(dim=0)).sum() / 1000 == pytest.approx(1.0)
    assert ChoiceHead(("a", "b", "c")).class_weights(targets, 0.0)[:2].tolist() == pytest.approx([1.0, 1.0])


def test_loss_is_cross_entropy() -> None:
    logits, targets = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    expected = torch.nn.functional.cross_entropy(logits, targets)
    assert ChoiceHead(("a", "b")).loss(logits, targets, torch.ones(2)) == pytest.approx(expected.item())


def test_uncertainty_is_one_minus_the_margin() -> None:
    said = np.array([[1.0, 0.0, 0.0], [0.5, 0.4, 0.1], [0.4, 0.4, 0.2]])
    assert ChoiceHead(("a", "b", "c")).uncertainty(said) == pytest.approx([0.0, 0.9, 1.0])
