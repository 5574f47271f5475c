"""Texts are measured as the platforms do, and nothing of them is lost without a mark."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.texts.units import MARK, in_a_row, length, pieces, prefix, shorten

TEXTS = st.text(alphabet=st.sampled_from("ab \n中😀é"), max_size=400)


def test_length_counts_utf_16_code_units() -> None:
    assert [length("abc"), length("中文"), length("😀")] == [3, 2, 2]


def test_a_prefix_never_ends_in_half_a_character() -> None:
    assert prefix("a😀b", 2) == "a"
    assert prefix("a😀b", 3) == "a😀"
    assert prefix("abc", -1) == ""


@given(TEXTS, st.integers(min_value=2, max_value=60))
def test_what_is_shortened_fits_and_says_so(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert length(short) <= limit
    assert short == text or short.endswith(MARK)


@given(TEXTS, st.integers(min_value=2, max_value=60))
def test_pieces_fit_and_lose_nothing(text: str, limit: int) -> None:
    found = pieces(text, limit)
    assert "".join(found) == text
    assert all(length(piece) <= limit for piece in found)
    assert all(found) or found == [""]


def test_pieces_break_after_a_line_or_a_word() -> None:
    assert pieces("one two three", 9) == ["one two ", "three"]
    assert pieces("first line\nsecond", 14) == ["first line\n", "second"]


@pytest.mark.parametrize("text", ["", "short"])
def test_a_short_text_is_one_piece(text: str) -> None:
    assert pieces(text, 10) == [text]


def test_sentences_in_a_row_have_a_space_where_their_language_has_one() -> None:
    assert in_a_row("One.", "", "Two.") == "One. Two."
    assert in_a_row("一。", "二。", "") == "一。二。"
    assert in_a_row("发送 /train。", "训练即将开始。", "v3 已启用。") == "发送 /train。训练即将开始。v3 已启用。"
    assert in_a_row("", "") == ""
