"""Quality settings: only what differs is stored, and nothing out of bounds gets in."""

from __future__ import annotations

from typing import Any

import pytest

from core import quality
from core.errors import InvalidInput


def test_only_what_differs_from_the_defaults_is_stored() -> None:
    settings = quality.change(quality.QualitySettings(), quiz=10, gold_every=8)
    assert quality.dump(settings) == {"quiz": 10}
    assert quality.load({"quiz": 10}) == settings


def test_nothing_stored_means_the_defaults_also_for_what_a_later_version_knows() -> None:
    assert quality.load(None) == quality.load({}) == quality.load({"later": 1}) == quality.QualitySettings()


def test_one_rule_can_be_changed_without_the_others() -> None:
    settings = quality.change(quality.QualitySettings(), rules={"fast": "none"})
    assert settings.rules == {**quality.RULES, "fast": "none"}
    assert quality.load(quality.dump(settings)) == settings


@pytest.mark.parametrize(
    "values",
    [
        {"quiz": -1},
        {"quiz_pass": 1.01},
        {"gold_rarest": 0},
        {"gold_use": "guess"},
        {"rules": {"fast": "shout"}},
        {"rules": {"slow": "warn"}},
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="bad_quality"):
        quality.change(quality.QualitySettings(), **values)
