"""Which items teach most: their spread, the model's doubt, and the share that is left to chance."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from core import blind
from core.arrays import Floats, Ints
from trainer import linear, payoff, selection
from trainer.selection import BandPlan, Vectors


def groups(sizes: list[int], seed: int = 3, spread: float = 0.05) -> tuple[Vectors, Ints]:
    """Texts about as many things as there are sizes, the largest first, and what each is about."""
    random = np.random.default_rng(seed)
    centres = np.eye(len(sizes), 16)
    about = np.repeat(np.arange(len(sizes)), sizes)
    vectors = centres[about] + random.normal(0, spread, (len(about), 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), about


def test_doctests() -> None:
    assert doctest.testmod(selection).failed == 0
    assert doctest.testmod(blind).failed == 0


def test_a_start_covers_what_is_rare_and_begins_with_what_is_common() -> None:
    vectors, about = groups([400, 60, 20, 10])
    order = selection.diverse_order(vectors, 25)
    assert set(about[order]) == {0, 1, 2, 3}
    assert about[order[0]] == 0
    assert len(set(order.tolist())) == 25
    assert selection.diverse_order(vectors, 25).tolist() == order.tolist()


def test_any_beginning_of_a_start_covers_as_well_as_a_start_of_its_length() -> None:
    vectors, about = groups([400, 60, 20, 10])
    assert set(about[selection.diverse_order(vectors, 200)[:25]]) == {0, 1, 2, 3}


@pytest.mark.parametrize("count", [0, 1, 3, 10])
def test_fewer_texts_than_wanted_are_all_taken(count: int) -> None:
    vectors, _ = groups([count]) if count else (np.zeros((0, 16), np.float32), None)
    assert sorted(selection.diverse_order(vectors, 20).tolist()) == list(range(count))
    assert sorted(selection.doubtful_order(np.ones(count), vectors, 20).tolist()) == list(range(count))


def test_texts_that_are_all_alike() -> None:
    vectors = np.ones((100, 4), np.float32)
    assert len(set(selection.diverse_order(vectors, 40).tolist())) == 40


def test_doubtful_items_are_different_from_each_other() -> None:
    vectors, about = groups([300, 300])
    doubt = np.where(about == 0, 0.9, 0.8)
    doubt[::2] = 0.0  # half of each is clear
    order = selection.doubtful_order(doubt, vectors, 30)
    assert set(about[order]) == {0, 1}
    assert (doubt[order] > 0).all()


def test_of_few_items_the_clear_half_is_never_among_the_first() -> None:
    vectors, _ = groups([30, 30])
    doubt = np.linspace(0.0, 1.0, 60)
    assert doubt[selection.doubtful_order(doubt, vectors, 10)].min() > 0.49


def test_doubt_is_one_minus_the_margin() -> None:
    said = np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.6, 0.1, 0.3]])
    assert selection.margin_doubt(said) == pytest.approx([1.0, 0.0, 0.7])
    assert selection.margin_doubt(np.ones((2, 1))).tolist() == [0.0, 0.0]


def test_people_who_disagree_bring_an_item_forward_and_an_agreed_one_stays_by_its_doubt() -> None:
    worth = selection.priority(np.array([0.5, 0.5, 0.5, np.nan]), np.array([np.nan, 0.0, 1.0, 1.0]))
    assert worth[:3].tolist() == [0.5, 0.5, 1.0]
    assert np.isnan(worth[3])


def test_chance_goes_by_the_lot_alone() -> None:
    assert selection.by_chance(np.array([0.4, 0.1, 0.9, 0.05]), 0.3).tolist() == [3, 1]
    assert selection.by_chance(np.array([0.4, 0.1, 0.9]), 1.0).tolist() == [1, 0, 2]
    assert selection.by_chance(np.array([0.4, 0.1]), 0.0).tolist() == []


def test_chance_has_its_share_of_every_beginning() -> None:
    row = selection.interleave(range(1000), range(1000, 2000), 0.3)
    drawn = np.cumsum([one >= 1000 for one in row])
    places = np.arange(1, 1001)
    assert (np.abs(drawn[:1000] - 0.3 * places) <= 1).all()
    assert sorted(row) == list(range(2000))
    assert selection.interleave([1, 2], [], 0.5) == [1, 2]
    assert selection.interleave([], [1, 2], 0.1) == [1, 2]
    assert selection.interleave([1], [8, 9], 1.0) == [8, 9, 1]


def test_a_plan_sends_back_what_no_longer_goes_ahead() -> None:
    ids = np.array([11, 12, 13, 14])
    ahead = np.array([True, True, False, False])
    plan = selection.plan(ids, np.array([3, 1]), np.array([0]), ahead, 0.3, 2)
    assert plan == BandPlan((14, 12), (11,))


def test_an_order_by_chance_is_the_same_whatever_the_model_says() -> None:
    ids, lots = np.arange(100), np.random.default_rng(5).random(100)
    ahead, drawn = np.zeros(100, np.bool_), selection.by_chance(lots, 0.3)
    places = []
    for seed in (1, 2):
        others = np.flatnonzero(lots >= 0.3)
        chosen = others[np.argsort(np.random.default_rng(seed).random(len(others)))]
        plan = selection.plan(ids, chosen, drawn, ahead, 0.3, 60)
        places.append([(place, one) for place, one in enumerate(plan.promote) if lots[one] < 0.3])
    assert places[0] == places[1] != []


def labeled(noise: float) -> tuple[Vectors, Ints, Floats]:
    vectors, about = groups([300, 20, 20, 20], spread=0.2)
    random = np.random.default_rng(9)
    mixed = random.permutation(len(about))
    labels = np.where(random.random(len(about)) < noise, random.integers(0, 4, len(about)), about)
    return vectors[mixed], labels[mixed], random.random(len(about))


def test_choosing_pays_on_skewed_labels() -> None:
    vectors, labels, lots = labeled(0.0)
    found = payoff.measure(vectors, labels, lots < 0.3)
    assert found.gain > 0.0
    assert found.pays
    assert found.measured_on == (lots < 0.3).sum()


def test_a_loss_that_is_surely_one_switches_back_to_chance() -> None:
    assert not payoff.Payoff(-0.05, 0.02, 100).pays
    assert payoff.Payoff(-0.03, 0.02, 100).pays


@pytest.mark.parametrize(
    ("drawn", "others", "enough"), [(30, 60, True), (29, 60, False), (30, 59, False), (0, 0, False)]
)
def test_few_labels_say_nothing(drawn: int, others: int, enough: bool) -> None:
    assert payoff.enough(np.array([True] * drawn + [False] * others, dtype=np.bool_)) is enough


def test_one_label_only_is_learned() -> None:
    model = linear.fit(np.ones((3, 2), np.float32), np.array([4, 4, 4]))
    assert model.predict(np.zeros((1, 2), np.float32)).tolist() == [4]
