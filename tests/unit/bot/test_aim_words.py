"""Aims as people type them, in both languages."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.aim_words import PRESETS, parse_aim, typed_aim
from bot.cards.aim import Answers, aim_sentence, aim_words
from core.aims import AIMS, Aim
from core.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "aim"),
    [
        ("95 %", Aim("accuracy", target=0.95)),
        ("97,5% right", Aim("accuracy", target=0.975)),
        ("至少95％正确", Aim("accuracy", target=0.95)),
        ("at most 3000 answers", Aim("budget", budget=3000)),
        ("3,000 answers", Aim("budget", budget=3000)),
        ("最多3000个回答", Aim("budget", budget=3000)),
        ("error 20", Aim(error_cost=20.0)),
        ("an error costs as much as 20 answers", Aim(error_cost=20.0)),
        ("一个错误抵 20 个回答", Aim(error_cost=20.0)),
        ("错误20", Aim(error_cost=20.0)),
        ("at most 60 USD", Aim("budget", budget=1200)),
        ("$60", Aim("budget", budget=1200)),
        ("最多60元", Aim("budget", budget=1200)),
        ("12.50 eur", Aim("budget", budget=250)),
    ],
)
def test_what_people_type_is_understood(text: str, aim: Aim) -> None:
    assert parse_aim(text, price=5) == aim


@pytest.mark.parametrize(
    ("text", "price", "code"),
    [
        ("good", 5, "aim_unclear"),
        ("", 5, "aim_unclear"),
        ("20", 5, "aim_unclear"),
        ("60 USD", 0, "aim_no_price"),
        ("100 %", 5, "bad_target"),
        ("12 %", 5, "bad_target"),
        ("0 answers", 5, "bad_budget"),
        ("error 0", 5, "bad_error_cost"),
        ("$0.01", 5, "bad_budget"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(text: str, price: int, code: str) -> None:
    with pytest.raises(InvalidInput, match=code):
        parse_aim(text, price)


@given(st.text(max_size=60))
def test_any_text_is_an_aim_or_refused(text: str) -> None:
    with suppress(InvalidInput):  # and nothing else
        assert parse_aim(text, 3).kind in AIMS


@pytest.mark.parametrize("aim", [*map(parse_aim, PRESETS), Aim("budget", budget=1234), Aim()])
def test_an_aim_is_typed_as_it_is_understood(aim: Aim) -> None:
    assert parse_aim(typed_aim(aim)) == aim


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize("aim", [Aim(), Aim("accuracy", target=0.95), Aim("budget", budget=3000)])
def test_an_aim_says_what_it_does(aim: Aim, locale: str) -> None:
    ranged, fixed = Answers(3, 8, 5, "USD"), Answers(3, 3, 0, "USD")
    assert "8" in aim_sentence(aim, ranged, locale)
    assert aim_sentence(aim, ranged, locale) != aim_sentence(aim, fixed, locale)
    if aim.kind == "budget":
        assert "150" in aim_words(aim, ranged, locale), "what it is worth"
        assert "0" not in aim_words(aim, fixed, locale).replace("3,000", "")
