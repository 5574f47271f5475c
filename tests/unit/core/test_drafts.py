"""Files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.drafts import drafted


def test_a_file_takes_its_place_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with drafted(path) as draft:
        draft.write_text("after")
        assert (path.read_text(), draft.suffix) == ("before", ".csv")
    assert path.read_text() == "after"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_where_writing_fails_everything_is_as_before(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")

    def half() -> None:
        with drafted(path) as draft:
            draft.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        half()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
