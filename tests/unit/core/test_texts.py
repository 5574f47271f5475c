"""Beginnings of texts, as they are shown in passing."""

from __future__ import annotations

import pytest

from core.texts import beginning


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Rain", "Rain"),
        ("12345678", "12345678"),
        ("123456789", "1234567…"),
        ("  a\n\tb  ", "a b"),
        ("what a day", "what a…"),
        ("", ""),
    ],
)
def test_a_text_is_cut_to_one_short_line(text: str, shown: str) -> None:
    assert beginning(text, 8) == shown
