"""Parts of a batch, when compiling pays, and when to stop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from core.blind import lot
from trainer import steps
from trainer.early_stop import EarlyStop, kept_aside, mean_loss
from trainer.settings import Device, TrainingSettings

TEXTS = [f"text number {number}" for number in range(2000)]


class Short:
    """Memory for so many texts at once; keeps the sizes that it was asked for."""

    def __init__(self, room: int, model: Any) -> None:
        self.room, self.model, self.asked = room, model, list[int]()

    def __call__(self, batch: list[int]) -> torch.Tensor:
        self.asked.append(len(batch))
        if len(batch) > self.room:
            raise torch.OutOfMemoryError("faked")
        loss: torch.Tensor = self.model.weight.sum() * sum(batch) / len(batch)
        return loss


def test_parts_weigh_by_their_size_and_stay_small() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    roomy, tight, memory = Short(9, model), Short(2, model), steps.Accumulation()
    batch = [1, 2, 3, 4, 10]
    steps.Accumulation().backward(batch, roomy, model)
    assert model.weight.grad is not None
    whole = model.weight.grad.clone()
    model.zero_grad()
    loss = memory.backward(batch, tight, model)
    assert torch.allclose(model.weight.grad, whole)
    assert loss.item() == pytest.approx(4.0 * model.weight.item())
    assert (memory.parts, tight.asked) == (4, [5, 3, 2, 2, 1])
    memory.backward([1, 2, 3, 4], tight, model)
    assert tight.asked[5:] == [1, 1, 1, 1]


def test_a_single_text_that_does_not_fit_is_told() -> None:
    model = torch.nn.Linear(1, 1)
    with pytest.raises(torch.OutOfMemoryError):
        steps.Accumulation().backward([1, 2, 3], Short(0, model), model)


@pytest.mark.parametrize(
    ("device", "count", "compiles"),
    [("cuda", steps.COMPILE_FROM, True), ("cuda", steps.COMPILE_FROM - 1, False), ("cpu", 10**6, False)],
)
def test_compiles_on_cuda_for_many_steps(
    monkeypatch: pytest.MonkeyPatch, device: str, count: int, compiles: bool
) -> None:
    seen: list[Any] = []

    def compile_it(model: Any, **options: Any) -> str:
        seen.append(options)
        return "compiled"

    monkeypatch.setattr(torch, "compile", compile_it)
    model = torch.nn.Linear(1, 1)
    assert steps.compiled(model, Device(device, None), count) == ("compiled" if compiles else model)
    assert seen == ([{"dynamic": True}] if compiles else [])


def test_what_tells_when_to_stop_is_a_fixed_part_far_from_the_holdout() -> None:
    settings = TrainingSettings()
    aside = kept_aside(TEXTS, settings)
    assert 140 < len(aside) < 260
    assert min(lot(TEXTS[index], "") for index in aside) > settings.holdout_share
    reversed_aside = {TEXTS[::-1][index] for index in kept_aside(TEXTS[::-1], settings)}
    assert reversed_aside == {TEXTS[index] for index in aside}
    assert kept_aside(TEXTS[: settings.least_validated - 1], settings) == []
    assert kept_aside(TEXTS, replace(settings, early_stop=False)) == []


def test_the_best_epoch_is_kept_and_two_bad_ones_end_it() -> None:
    model, stop = torch.nn.Linear(1, 1, bias=False), EarlyStop(2)
    ended = []
    for value, loss in ((1.0, 0.9), (2.0, 0.5), (3.0, 0.6), (4.0, 0.7)):
        torch.nn.init.constant_(model.weight, value)
        ended.append(stop.is_over(loss, model))
        again = EarlyStop(2)
        again.restore(stop.state())
        stop = again
    assert ended == [False, False, False, True]
    assert stop.epochs == 4
    stop.put_back(model)
    assert model.weight.item() == 2.0


def test_without_epochs_nothing_is_put_back() -> None:
    model = torch.nn.Linear(1, 1)
    before = model.weight.clone()
    EarlyStop(2).put_back(model)
    assert torch.equal(model.weight, before)


def test_validation_is_measured_without_dropout() -> None:
    model = torch.nn.Dropout(0.5).train()
    modes: list[bool] = []

    def loss_of(batch: list[int]) -> torch.Tensor:
        modes.append(model.training)
        return torch.tensor(float(sum(batch)) / len(batch))

    assert mean_loss([1, 2, 3, 6], loss_of, model, 3) == pytest.approx(3.0)
    assert (modes, model.training) == ([False, False], True)
