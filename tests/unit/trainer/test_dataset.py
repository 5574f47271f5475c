"""The holdout side of a text."""

from __future__ import annotations

import pytest

from trainer.dataset import on_holdout

TEXTS = [f"weather report number {number} from the coast" for number in range(4000)]


def test_about_the_wanted_share_is_held_out() -> None:
    assert 0.18 < sum(on_holdout(text, "", 0.2) for text in TEXTS) / len(TEXTS) < 0.22


def test_a_side_never_changes() -> None:
    sides = "".join(str(int(on_holdout(text, "", 0.2))) for text in TEXTS[:40])
    assert sides == "0000000001000000000100000000000000000001"


@pytest.mark.parametrize(
    "copy",
    [
        "Storm over  THE coast",
        "storm over the coast!!!",
        "RT @somebody: storm over the coast https://t.example/x1",
        "storm over the coast {link}",
    ],
)
def test_copies_lie_on_one_side(copy: str) -> None:
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        assert on_holdout(copy, "one hash", share) == on_holdout("storm over the coast", "another", share)


def test_texts_in_any_script_are_told_apart() -> None:
    sides = {on_holdout(text, "", 0.5) for text in ("大雨", "晴れ", "дождь", "солнце", "مطر", "नमस्ते", "해", "ฝน")}
    assert sides == {True, False}


def test_a_text_without_words_goes_by_its_hash() -> None:
    sides = {on_holdout("https://t.example/x", f"hash {number}", 0.5) for number in range(40)}
    assert sides == {True, False}
