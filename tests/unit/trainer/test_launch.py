"""Two processes come to the model of one; a stopped run takes its processes with it; what breaks is told."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from typing import Any

import psutil
import pytest
import torch

from core.errors import SettingsError
from tests.unit.trainer.conftest import CPU
from trainer import launch, parallel, predict, train
from trainer.heads.choice import ChoiceHead
from trainer.settings import BaseModel, Device, TrainingSettings

HEAD = ChoiceHead(("good", "bad"))
SETTINGS = TrainingSettings(
    method="lora", epochs=2, adapter_lr=1e-2, batch_size=7, max_length=16, adapter_dropout=0.0, least_validated=20
)
THREAD = replace(CPU, threads=1)


def targets(labels: list[str]) -> list[list[float]]:
    return [HEAD.target(label, None) for label in labels]


@pytest.fixture
def still_base(tiny_base: BaseModel, tmp_path: Any) -> BaseModel:
    """The tiny encoder without dropout, which each process would draw for its own share."""
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    off = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "classifier_dropout": 0.0}
    model = AutoModelForMaskedLM.from_pretrained(tiny_base.source, **off)
    for part in (model, AutoTokenizer.from_pretrained(tiny_base.source)):
        part.save_pretrained(tmp_path / "still")
    return BaseModel("still", str(tmp_path / "still"))


def test_two_processes_come_to_the_model_of_one(still_base: BaseModel, weather: tuple[list[str], list[str]]) -> None:
    texts, labels = weather
    given = (texts, targets(labels), HEAD, still_base, SETTINGS, THREAD)
    sure = [1.0 if label == "good" else 0.6 for label in labels]
    alone, tokenizer = train.fit(*given, lambda step, steps: None, weights=sure)
    together, _ = launch.fit(*given, lambda step, steps: None, 2, weights=sure)
    said = [predict.probabilities(model, tokenizer, texts, HEAD, CPU, 16) for model in (alone, together)]
    assert said[1] == pytest.approx(said[0], abs=1e-3)
    assert together.config.training_method == "lora"
    before, _ = train.load_base(still_base, HEAD.label_ids)
    assert not torch.equal(before.bert.encoder.layer[0].output.dense.weight, together.bert.encoder.layer[0].output.dense.weight)  # fmt: skip  # noqa: E501


class Stopped(Exception):
    """A person stopped the run."""


def test_a_stopped_run_takes_its_processes_with_it(
    still_base: BaseModel, weather: tuple[list[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    popen = subprocess.Popen

    def remember(*given: Any, **rest: Any) -> Any:
        started.append(popen(*given, **rest))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", remember)

    workers: list[psutil.Process] = []

    def stop(step: int, steps: int) -> None:
        workers.extend(psutil.Process(started[0].pid).children(recursive=True))
        raise Stopped

    long = replace(SETTINGS, epochs=100_000, early_stop=False)
    with pytest.raises(Stopped):
        launch.fit(weather[0], targets(weather[1]), HEAD, still_base, long, THREAD, stop, 2)
    assert started[0].returncode is not None
    assert len([one for one in workers if one.pid != started[0].pid]) >= 2
    assert not psutil.wait_procs(workers, timeout=60)[1]


def test_a_process_whose_owner_is_gone_ends() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    with pytest.raises(SystemExit):
        launch.require_owner(ended.pid)
    launch.require_owner(os.getpid())


def test_what_a_process_says_is_told(weather: tuple[list[str], list[str]]) -> None:
    nowhere = BaseModel("nowhere", "/nowhere/at/all")
    with pytest.raises(SettingsError, match="LIGHTWORK_BASE_MODEL"):
        launch.fit(weather[0], targets(weather[1]), HEAD, nowhere, SETTINGS, THREAD, lambda step, steps: None, 2)


@pytest.mark.parametrize(
    ("device", "texts", "method", "world", "expected"),
    [
        ("cuda", launch.PAYS_FROM, "auto", "1", 4),
        ("cuda", launch.PAYS_FROM - 1, "auto", "1", 1),
        ("cuda", launch.PAYS_FROM, "frozen", "1", 1),
        ("cuda", launch.PAYS_FROM, "auto", "4", 1),
        ("cpu", launch.PAYS_FROM, "auto", "1", 1),
    ],
)
def test_all_gpus_where_it_pays(
    monkeypatch: pytest.MonkeyPatch, device: str, texts: int, method: str, world: str, expected: int
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setenv("WORLD_SIZE", world)
    assert launch.gpus(Device(device, None), texts, TrainingSettings(method=method)) == expected


def test_shares_hold_each_text_once() -> None:
    batch = list(range(7))
    shares = [parallel.Crew(rank, 3).share(batch) for rank in range(3)]
    assert sorted(index for share in shares for index in share) == batch
    assert parallel.Crew().share(batch) == batch
