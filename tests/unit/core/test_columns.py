"""Columns of rows as arrays."""

from __future__ import annotations

import pytest

from core.db.columns import coded


def test_a_value_without_a_code_is_an_error_where_none_is_said_for_it() -> None:
    codes = {"open": 0, "agreed": 1}
    assert coded(codes)(["agreed", "open"]).tolist() == [1, 0]
    assert coded(codes, other=-1)(["agreed", None]).tolist() == [1, -1]
    with pytest.raises(KeyError):
        coded(codes)(["agreed", "lost"])
