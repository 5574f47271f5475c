"""Each reason of the gate is a sentence in every language, with its numbers as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.cards.gate import Reason, reason_of, reason_sentence
from bot.texts import knows, say
from bot.texts.catalogues import LANGUAGES

SCHEMA = {"kind": "choice", "labels": [{"id": "a", "name": "Neutral"}]}
REASONS: dict[str, dict[str, Any]] = {
    "held_baseline": {"majority": 0.421},
    "held_worse": {"won": 3, "lost": 9},
    "held_unproven": {"won": 9, "lost": 7},
    "held_class": {"label_id": "a", "before": 0.9, "after": 0.625},
    "held_labels": {"seen": 0.412, "expected": 0.184, "count": 250},
    "held_replaced": {},
}


@pytest.mark.parametrize("locale", sorted(LANGUAGES))
@pytest.mark.parametrize("code", REASONS)
def test_each_reason_is_a_sentence(code: str, locale: str) -> None:
    gate = {"promote": False, "reason": code, "params": REASONS[code]}
    reason = reason_of({"gate": gate}, SCHEMA)
    assert reason is not None
    said = reason_sentence(reason, locale)
    for value in REASONS[code].values():
        shown = {float: f"{value:.0%}" if isinstance(value, float) else "", str: "Neutral"}
        assert shown.get(type(value), str(value)) in said


def test_every_reason_that_the_gate_gives_is_known() -> None:
    from pathlib import Path
    from re import findall

    root = Path(__file__).parents[3]
    given = {
        code
        for name in ("trainer/gate.py", "core/champions.py")
        for code in findall(r'"(held_\w+)"', (root / name).read_text())
    }
    assert given == set(REASONS)
    assert all(knows(code) for code in given)


def test_who_came_into_use_says_so_and_an_old_version_says_nothing() -> None:
    promoted = {"gate": {"promote": True, "reason": "gate_better", "params": {"won": 9, "lost": 1}}}
    reason = reason_of(promoted, SCHEMA)
    assert reason is not None
    assert reason_sentence(reason, "en") == say("training_promoted", "en")
    assert reason_of({}, SCHEMA) is None


@pytest.mark.parametrize("locale", sorted(LANGUAGES))
def test_a_model_that_gets_the_same_right_has_a_sentence_of_its_own(locale: str) -> None:
    gate = {"promote": False, "reason": "held_unproven", "params": {"won": 0, "lost": 0}}
    reason = reason_of({"gate": gate}, SCHEMA)
    assert reason is not None
    assert reason_sentence(reason, locale) == say("held_equal", locale)


def test_a_label_that_there_is_not_any_more_is_named_by_its_id_and_a_long_one_is_cut() -> None:
    gate = {"promote": False, "reason": "held_class", "params": {"label_id": "zz", "before": 1.0, "after": 0.5}}
    reason = reason_of({"gate": gate}, SCHEMA)
    assert reason is not None
    assert "“zz”" in reason_sentence(reason, "en")
    long = {"kind": "choice", "labels": [{"id": "zz", "name": "n" * 90}]}
    cut = reason_of({"gate": gate}, long)
    assert cut == Reason("held_class", (("before", 1.0), ("after", 0.5), ("label", "n" * 40)))


def test_a_setting_that_cannot_be_says_what_can() -> None:
    for locale in sorted(LANGUAGES):
        assert "0.5" in say("bad_learning", locale, name="accept_error", least=0.001, most=0.5)
