"""Which device, which precision, which base model."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from core.config import load_settings
from core.errors import SettingsError
from trainer.settings import DEFAULT_NAME, Device, autocast, base_model, choose_device, cpu_has_bf16


def fake_cuda(monkeypatch: pytest.MonkeyPatch, *, there: bool, bf16: bool = True) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)


@pytest.mark.parametrize("setting", ["auto", "cuda"])
def test_cuda_is_taken_where_it_is(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    fake_cuda(monkeypatch, there=True)
    assert choose_device(setting) == Device("cuda", torch.bfloat16)


def test_an_old_gpu_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_cuda(monkeypatch, there=True, bf16=False)
    assert choose_device("auto") == Device("cuda", None)


def test_cuda_refuses_to_fall_back(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_cuda(monkeypatch, there=False)
    with pytest.raises(SettingsError, match="LIGHTWORK_DEVICE is cuda, but"):
        choose_device("cuda")


@pytest.mark.parametrize("setting", ["auto", "cpu"])
def test_cpu_where_there_is_no_cuda(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    fake_cuda(monkeypatch, there=False)
    assert choose_device(setting).type == "cpu"


def test_cpu_is_kept_beside_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_cuda(monkeypatch, there=True)
    assert choose_device("cpu").type == "cpu"


@pytest.mark.parametrize(
    ("capabilities", "native"),
    [
        ({"avx512_bf16": True}, True),
        ({"amx_bf16": True}, True),
        ({"avx512_f": True, "avx512_bf16": False}, False),
        ({}, False),
    ],
)
def test_bf16_on_the_cpu_only_where_it_is_native(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], native: bool
) -> None:
    assert cpu_has_bf16(capabilities) is native
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert choose_device("cpu").autocast == (torch.bfloat16 if native else None)


def test_unknown_device_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="must be auto, cpu or cuda, not tpu"):
        choose_device("tpu")


def test_autocast_computes_in_bf16_or_not_at_all() -> None:
    left = right = torch.ones(4, 4)
    with autocast(Device("cpu", torch.bfloat16)):
        assert (left @ right).dtype == torch.bfloat16
    with autocast(Device("cpu", None)):
        assert (left @ right).dtype == torch.float32


def test_default_base_model_comes_in_a_wheel() -> None:
    found = base_model(load_settings(_env_file=None))
    assert found.name == DEFAULT_NAME
    assert found.source.endswith("/model")


def test_base_model_by_setting() -> None:
    found = base_model(load_settings(LIGHTWORK_BASE_MODEL="prajjwal1/bert-tiny", _env_file=None))
    assert (found.name, found.source) == ("prajjwal1/bert-tiny", "prajjwal1/bert-tiny")


def test_missing_wheel_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="install lightwork"):
        base_model(load_settings(_env_file=None))
