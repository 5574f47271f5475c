"""Consensus algorithms against hand calculations and against crowd-kit on the same data."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.aggregation import confusion, online, value
from core.aggregation.dawid_skene import fit
from core.arrays import Floats
from tests.unit.core.tables import weather

POOLED = [[0.8, 0.2], [0.3, 0.7]]


def test_bayes_by_hand() -> None:
    assert online.update([0.5, 0.5], [0.8, 0.3]) == pytest.approx([8 / 11, 3 / 11])
    assert online.update([1.0, 0.0], [0.0, 0.5]) == [1.0, 0.0], "an impossible answer changes nothing"


@given(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), st.lists(st.floats(0.01, 1), min_size=3, max_size=3))
def test_a_posterior_stays_a_distribution(prior: list[float], likelihood: list[float]) -> None:
    posterior = online.update([p / sum(prior) for p in prior], likelihood)
    assert sum(posterior) == pytest.approx(1.0)
    assert all(0 <= p <= 1 for p in posterior)


@given(st.lists(st.integers(0, 1), max_size=12))
def test_the_order_of_answers_does_not_matter(answers: list[int]) -> None:
    counts = confusion.Counts(matrix=[[3.0, 1.0], [1.0, 5.0]])
    forth = online.replay([0.5, 0.5], [(counts, answer) for answer in answers], POOLED)
    back = online.replay([0.5, 0.5], [(counts, answer) for answer in reversed(answers)], POOLED)
    assert forth == pytest.approx(back)


def test_a_new_worker_answers_like_the_crowd() -> None:
    assert confusion.column(confusion.empty_counts(2), POOLED, 0) == pytest.approx([0.8, 0.3])
    assert confusion.rows(confusion.empty_counts(2), POOLED)[0] == pytest.approx(POOLED[0])


def test_taking_an_answer_back_restores_the_counts() -> None:
    counts = confusion.empty_counts(2)
    confusion.add_answer(counts, [0.9, 0.1], 0)
    assert counts.matrix == [[0.9, 0.0], [0.1, 0.0]]
    confusion.add_answer(counts, [0.9, 0.1], 0, weight=-1.0)
    assert counts.matrix == [[0.0, 0.0], [0.0, 0.0]]


def test_many_classes_use_one_coin() -> None:
    pooled = confusion.default_pooled(50)
    counts = confusion.empty_counts(50)
    assert counts.matrix is None
    confusion.add_answer(counts, [1.0] + [0.0] * 49, 0)
    assert (counts.correct, counts.wrong) == (1.0, 0.0)
    likelihood = confusion.column(counts, pooled, 3)
    assert likelihood[3] == pytest.approx((1 + 4 * 0.7) / 5)
    assert likelihood[0] == pytest.approx((1 - likelihood[3]) / 49)


def test_information_is_zero_where_nothing_can_be_learnt() -> None:
    blind = [[0.5, 0.5], [0.5, 0.5]]
    assert value.expected_information([0.5, 0.5], confusion.empty_counts(2), blind) == pytest.approx(0.0)
    assert value.expected_information([1.0, 0.0], confusion.empty_counts(2), POOLED) == pytest.approx(0.0)
    perfect = [[1.0, 0.0], [0.0, 1.0]]
    assert value.expected_information([0.5, 0.5], confusion.empty_counts(2), perfect) == pytest.approx(math.log(2))


def test_information_of_a_coin_equals_that_of_its_matrix() -> None:
    pooled = confusion.default_pooled(21)
    posterior = [0.5] + [0.5 / 20] * 20
    as_coin = value.expected_information(posterior, confusion.empty_counts(21), pooled)
    matrix = confusion.Counts(matrix=[[0.0] * 21 for _ in range(21)])
    assert as_coin == pytest.approx(value.expected_information(posterior, matrix, pooled))


@pytest.mark.parametrize("classes", [3, 25])
def test_what_is_computed_once_is_what_it_would_be_each_time(classes: int) -> None:
    pooled, prior = confusion.default_pooled(classes), [0.5, *[0.5 / (classes - 1)] * (classes - 1)]
    average = confusion.empty_counts(classes)
    anew = value.expected_information(prior, average, pooled)
    assert value.fresh_information(prior, pooled) == anew == value.told(prior, value.average_channel(pooled))
    better = [[cell + 0.01 * (label == answer) for answer, cell in enumerate(row)] for label, row in enumerate(pooled)]
    assert value.fresh_information(prior, better) > anew, "another estimate of the crowd is another channel"


def test_asking_on_ends_once_people_agree() -> None:
    prior, crowd = [0.5, 0.5], confusion.default_pooled(2)
    posterior, asked = list(prior), 0
    while value.worth_asking(posterior, prior, crowd, error_cost=10.0):
        posterior = online.update(posterior, confusion.column(confusion.empty_counts(2), crowd, 0))
        asked += 1
    assert 2 <= asked <= 6
    assert not value.worth_asking(posterior, prior, crowd, error_cost=1.0)
    assert value.worth_asking(posterior, prior, crowd, error_cost=100.0), "dearer errors are asked about for longer"


def test_plain_dawid_skene_equals_crowd_kit() -> None:
    pandas = pytest.importorskip("pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # crowd-kit's own imports warn
        from crowdkit.aggregation import DawidSkene

    annotations, _ = weather()
    items, workers, answers, shape = annotations.items, annotations.workers, annotations.answers, annotations.shape
    ours = fit(items, workers, answers, shape, iterations=20, strength=0.0, tolerance=0.0)
    columns = {"task": items, "worker": workers, "label": answers}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = DawidSkene(n_iter=20, tol=-1e9).fit_predict_proba(pandas.DataFrame(columns)).sort_index()
    answered = np.bincount(items, minlength=shape[0]) > 0
    assert np.abs(ours.posteriors[answered] - theirs[sorted(theirs.columns)].to_numpy()).max() < 1e-6


def test_verdicts_are_fixed_points() -> None:
    items = np.repeat(np.arange(10), 2)
    workers, answers = np.tile([0, 1], 10), np.repeat([0, 1] * 5, 2)
    fixed: Floats = np.full((10, 2), np.nan)
    fixed[0] = [0.0, 1.0]
    fitted = fit(items, workers, answers, (10, 2, 2), fixed=fixed)
    assert fitted.posteriors[0].tolist() == [0.0, 1.0], "the crowd says otherwise, the expert has spoken"
    assert fitted.posteriors[1:].argmax(axis=1).tolist() == [1, 0, 1, 0, 1, 0, 1, 0, 1]


def test_a_prior_keeps_people_with_one_answer_sane() -> None:
    annotations, _ = weather()
    items, workers, answers, shape = annotations.items, annotations.workers, annotations.answers, annotations.shape
    plain = fit(items, workers, answers, shape, strength=0.0).confusion
    guarded = fit(items, workers, answers, shape, strength=4.0).confusion
    assert guarded.min() > plain.min()
    assert guarded.sum(axis=2) == pytest.approx(np.ones(guarded.shape[:2]))


@pytest.mark.parametrize(
    ("columns", "shape"), [(([0], [0], [2]), (1, 1, 2)), (([0, 1], [0], [0]), (2, 1, 2)), (([-1], [0], [0]), (1, 1, 2))]
)
def test_a_table_that_cannot_be_is_refused(columns: tuple[list[int], ...], shape: tuple[int, int, int]) -> None:
    items, workers, answers = (np.array(column) for column in columns)
    with pytest.raises(ValueError, match=r"outside|differ"):
        fit(items, workers, answers, shape)


def test_lone_answers_do_not_run_away() -> None:
    rng = np.random.default_rng(3)
    items = np.concatenate([np.arange(60), np.arange(12)])
    workers = np.concatenate([rng.integers(0, 2, 60), np.full(12, 2)])
    first = rng.integers(0, 5, 60)
    second = np.where(rng.random(12) < 0.75, first[:12], rng.integers(0, 5, 12))
    answers = np.concatenate([first, second])
    fitted = fit(items, workers, answers, (60, 3, 5))
    lone = np.arange(12, 60)
    assert (fitted.posteriors[lone].argmax(axis=1) == answers[lone]).mean() > 0.9
    assert fitted.posteriors[lone].max(axis=1).mean() > 0.5
