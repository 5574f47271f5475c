"""The comparison with other servers, our own side of it: real processes, over HTTP, and what is stored in the end."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peer_lightwork import Lightwork
from benchmarks.peer_loop import measure

ITEMS = 400
PEOPLE = 3


async def test_every_accepted_answer_is_stored_once(tmp_path: Path) -> None:
    row = await measure("lightwork", Lightwork(tmp_path, tmp_path), ITEMS, PEOPLE, seconds=20.0)
    assert row.answers >= 20
    assert (row.failed, row.lost, row.doubled) == (0, 0, 0)
    assert row.stored >= row.answers + ITEMS // 10
    assert row.cpu_ms > 0
