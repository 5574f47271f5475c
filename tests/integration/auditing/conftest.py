"""Projects whose answers are audited, on both databases."""

from __future__ import annotations

import pytest

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
