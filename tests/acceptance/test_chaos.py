"""Real processes survive ten faults on each database: nothing that people were told is lost, doubled or left over.

`make chaos` plays many rounds, and writes a report; `LIGHTWORK_CHAOS_SEED` plays another one here.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from core.config import Settings
from tests.chaos.playing import play
from tests.chaos.report import Struck

SEED = int(os.environ.get("LIGHTWORK_CHAOS_SEED", "1"))
FAULTS = 10

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_everything_holds_after_each_fault(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)
    survived: list[Struck] = []
    asyncio.run(play(tmp_path / "disk", database, SEED, FAULTS, survived.append))
    sys.stdout.writelines(f"{one}\n" for one in survived)
    assert len(survived) == FAULTS
    assert all(one.answers and one.checked for one in survived)
