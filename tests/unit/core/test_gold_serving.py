"""When a known item is due: a gap without memory, longer for whoever is known, shorter for whoever is watched."""

from __future__ import annotations

from random import Random
from statistics import fmean

import pytest
from scipy.stats import chisquare

from core.gold_serving import draw_gap, is_due, mean_gap
from core.quality import QualitySettings
from core.standing import Standing

SETTINGS = QualitySettings()


@pytest.mark.parametrize("mean", [1.0, 2.0, 8.0, 40.0])
def test_gaps_have_their_mean_and_are_never_empty(mean: float) -> None:
    random = Random(7)
    gaps = [draw_gap(mean, random.random()) for _ in range(20_000)]
    assert min(gaps) >= 1
    assert fmean(gaps) == pytest.approx(mean, rel=0.05)


def test_the_chance_that_a_gap_ends_is_the_same_after_every_answer() -> None:
    random = Random(11)
    gaps = [draw_gap(8.0, random.random()) for _ in range(40_000)]
    ended = [sum(gap == after for gap in gaps) for after in range(1, 13)]
    at_risk = [sum(gap >= after for gap in gaps) for after in range(1, 13)]
    expected = [count / 8.0 for count in at_risk]
    scale = sum(ended) / sum(expected)
    assert scale == pytest.approx(1.0, abs=0.03)
    assert chisquare(ended, [count * scale for count in expected]).pvalue > 0.001


def test_whoever_is_known_meets_known_items_more_rarely() -> None:
    new = mean_gap(SETTINGS, Standing())
    means = [mean_gap(SETTINGS, Standing(gold_count=count, gold_right=count)) for count in (0, 3, 10, 40, 400)]
    assert new == SETTINGS.gold_every
    assert means == sorted(means)
    assert SETTINGS.gold_rarest * 0.9 < means[-1] <= SETTINGS.gold_rarest


def test_a_share_about_which_less_is_known_is_asked_for_more_often() -> None:
    certain = mean_gap(SETTINGS, Standing(gold_count=20, gold_right=20))
    doubtful = mean_gap(SETTINGS, Standing(gold_count=20, gold_right=10))
    assert doubtful < certain


def test_whoever_is_watched_meets_them_twice_as_often() -> None:
    known = Standing(gold_count=40, gold_right=40)
    watched = Standing(gold_count=40, gold_right=40, restriction="watched")
    assert mean_gap(SETTINGS, watched) == pytest.approx(mean_gap(SETTINGS, known) / 2)


@pytest.mark.parametrize("settings", [QualitySettings(gold_use="measure"), QualitySettings(gold_every=0)])
def test_jobs_that_ask_none_have_no_gap(settings: QualitySettings) -> None:
    assert mean_gap(settings, Standing()) == 0.0


def test_nothing_is_due_before_a_gap_was_drawn_or_is_over() -> None:
    assert not is_due(Standing(since_gold=99))
    assert not is_due(Standing(since_gold=4, gold_due=5))
    assert is_due(Standing(since_gold=5, gold_due=5))
