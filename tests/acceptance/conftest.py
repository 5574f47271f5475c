"""What acceptance tests share: one `lightwork up` for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.config import Settings
from tests.acceptance.running import Running, lightwork_up


@pytest.fixture(scope="module")
def lightwork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`lightwork up` on SQLite and the embedded Valkey, for the whole module."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for field in Settings.model_fields.values():
            monkeypatch.delenv(str(field.alias), raising=False)
        with lightwork_up(tmp_path_factory.mktemp("up") / "home") as running:
            yield running
