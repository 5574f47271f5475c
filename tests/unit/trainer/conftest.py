"""A tiny BERT with random weights, so that training takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.tiny_encoder import save_tiny_encoder
from trainer.settings import BaseModel, Device

CPU = Device("cpu", None)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads wait for each other longer than a tiny model computes."""
    monkeypatch.setattr("trainer.train.use_all_cores", lambda device: torch.set_num_threads(1))


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> BaseModel:
    """A directory with a two-layer encoder and a vocabulary of thirteen words."""
    return BaseModel("tiny", str(save_tiny_encoder(tmp_path_factory.mktemp("tiny"))))


@pytest.fixture
def weather() -> tuple[list[str], list[str]]:
    """Forty short texts with the labels good and bad, which one word decides."""
    good = [f"the {word} is {much} nice today" for word in ("sun", "warm") for much in ("very", "so")] * 5
    bad = [f"{word} and {other} so bad" for word in ("rain", "storm") for other in ("cold", "very")] * 5
    return [*good, *bad], ["good"] * len(good) + ["bad"] * len(bad)


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """Where a test may put artifacts."""
    return tmp_path / "models" / "project"
