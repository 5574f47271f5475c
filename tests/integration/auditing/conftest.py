"""Projects whose answers are audited, on both databases."""

from __future__ import annotations

import pytest

from core import dispute_order
from core.runtime import Runtime
from tests.integration.auditing.bench import Bench


@pytest.fixture
def bench(runtime: Runtime) -> Bench:
    """A project with eight items, and nobody has answered."""
    return Bench(runtime)


@pytest.fixture
def single(runtime: Runtime) -> Bench:
    """A project with one item, on which two equal answers are enough."""
    return Bench(runtime, items=1, error_cost=2.0)


@pytest.fixture(autouse=True)
def no_second_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which verdicts are looked at again follows from random ids; tests of that choose for themselves."""
    monkeypatch.setattr(dispute_order, "SECOND_BELOW", "")
