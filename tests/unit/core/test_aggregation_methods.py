"""Every method on the same crowds: against hand calculations, against crowd-kit, and at the edges."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from core.aggregation.annotations import Annotations, count_votes
from core.aggregation.confusion import MATRIX_CLASSES
from core.aggregation.dawid_skene import fit
from core.aggregation.estimate import counts_of, estimate
from core.aggregation.methods import METHODS, auto, dawid_skene, one_coin
from core.aggregation.one_coin import fit_coins
from core.aggregation.result import accuracy, confusion_of, labels_of
from core.arrays import Floats
from core.cli import METHOD_NAMES
from tests.unit.core.tables import coins, simulated, weather


def table(rows: list[tuple[int, int, int]], shape: tuple[int, int, int]) -> Annotations:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Annotations(columns[:, 0], columns[:, 1], columns[:, 2], shape)


def answered(annotations: Annotations) -> Any:
    return np.bincount(annotations.items, minlength=annotations.shape[0])


def crowd_kit(name: str, annotations: Annotations, **settings: Any) -> Floats:
    """Posteriors of a method of crowd-kit, shape (items with answers, classes)."""
    pandas = pytest.importorskip("pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # crowd-kit's own imports warn
        import crowdkit.aggregation

        columns = {"task": annotations.items, "worker": annotations.workers, "label": annotations.answers}
        method = getattr(crowdkit.aggregation, name)(**settings)
        found = method.fit_predict_proba(pandas.DataFrame(columns)).sort_index()
    posteriors: Floats = found[sorted(found.columns)].to_numpy()
    return posteriors


def test_the_command_offers_what_there_is() -> None:
    assert list(METHODS) == METHOD_NAMES


def test_votes_by_hand() -> None:
    result = METHODS["majority"](table([(0, 0, 0), (0, 1, 0), (0, 2, 1), (1, 0, 0), (1, 1, 1), (2, 2, 1)], (3, 3, 2)))
    assert result.posteriors.tolist() == pytest.approx(np.array([[2 / 3, 1 / 3], [0.5, 0.5], [0, 1]]))
    assert result.skills == pytest.approx([(2 / 3 + 0.5) / 2, (2 / 3 + 0.5) / 2, (1 / 3 + 1) / 2])


def test_a_tie_is_right_by_its_part_and_gets_the_label_that_is_likelier_overall() -> None:
    result = METHODS["majority"](table([(0, 0, 0), (0, 1, 1), (1, 0, 1), (2, 0, 1)], (3, 2, 3)))
    assert labels_of(result)[0].tolist() == [1, 1, 1]
    assert labels_of(result)[1].tolist() == [0.5, 1, 1]
    given = np.array([2, 1, 1])
    assert accuracy(result, np.array([0, -1, -1]), given) == 0.5
    assert accuracy(result, np.array([2, 1, -1]), given) == 0.5, "gold that is not among the tied is missed"
    assert accuracy(result, np.array([0, -2, -1]), given) == 0.25, "gold that nobody gave is missed"
    assert accuracy(result, np.array([-1, -1, -1]), given) is None
    assert accuracy(result, np.array([0, 1, -1]), np.array([2, 0, 1])) == 0.5, "only items with answers count"


def test_wawa_trusts_those_who_agree() -> None:
    rows = [(item, worker, 0) for item in range(4) for worker in range(3)]
    rows += [(item, 3, 1) for item in range(4)] + [(4, 0, 0), (4, 3, 1)]
    result = METHODS["wawa"](table(rows, (5, 4, 2)))
    assert result.skills == pytest.approx([4.5 / 5, 1, 1, 0.5 / 5])
    assert result.posteriors[4] == pytest.approx([0.9, 0.1])


def test_plain_dawid_skene_stops_where_crowd_kit_stops() -> None:
    annotations, _ = weather()
    theirs = crowd_kit("DawidSkene", annotations)
    ours = dawid_skene(annotations).posteriors[answered(annotations) > 0]
    assert np.abs(ours - theirs).max() < 1e-6


def test_votes_and_glad_agree_with_crowd_kit() -> None:
    annotations, gold = weather(4000)
    asked = answered(annotations) > 0
    assert METHODS["majority"](annotations).posteriors[asked] == pytest.approx(crowd_kit("MajorityVote", annotations))
    theirs = crowd_kit("GLAD", annotations, n_iter=10)
    ours = METHODS["glad"](annotations)
    same = ours.posteriors[asked].argmax(axis=1) == theirs.argmax(axis=1)
    assert same.mean() > 0.97
    known = gold[asked] >= 0
    right = (theirs.argmax(axis=1) == gold[asked])[known].mean()
    assert (accuracy(ours, gold, answered(annotations)) or 0.0) > right - 0.01


def test_one_coin_agrees_with_crowd_kit() -> None:
    annotations, _ = weather()
    asked = answered(annotations) > 0
    theirs = crowd_kit("OneCoinDawidSkene", annotations)
    assert (one_coin(annotations).posteriors[asked].argmax(axis=1) == theirs.argmax(axis=1)).mean() > 0.98


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_yields_labels_posteriors_skills_and_confusion(method: str) -> None:
    matrices = coins([0.9, 0.85, 0.8, 0.75, 0.7, 0.34], 3)
    annotations, truth = simulated(1, matrices, 300, 5)
    result = METHODS[method](annotations)
    assert result.posteriors.shape == (300, 3)
    assert result.posteriors.sum(axis=1) == pytest.approx(np.ones(300))
    assert (accuracy(result, truth, answered(annotations)) or 0.0) > 0.9
    assert result.skills.argmin() == 5
    assert result.skills[0] > result.skills[4]
    for worker in range(6):
        matrix = confusion_of(result, worker)
        assert matrix.shape == (3, 3)
        assert matrix.sum(axis=1) == pytest.approx(np.ones(3))


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize(
    ("rows", "shape"),
    [
        ([(0, 0, 0)], (1, 1, 1)),
        ([(0, 0, 0), (1, 0, 0), (0, 1, 0)], (2, 2, 1)),
        ([(0, 0, 0), (1, 0, 1), (2, 1, 1)], (3, 2, 2)),
        ([(0, 0, 0), (0, 1, 0)], (2, 3, 2)),
        ([(0, worker, worker) for worker in range(25)], (1, 25, 25)),
    ],
    ids=["one answer", "one label", "one answer per item", "an item and a worker without answers", "many labels"],
)
def test_edges_give_distributions_and_no_warnings(
    method: str, rows: list[tuple[int, int, int]], shape: tuple[int, int, int]
) -> None:
    result = METHODS[method](table(rows, shape))
    assert result.posteriors.sum(axis=1) == pytest.approx(np.ones(shape[0]))
    assert np.isfinite(result.skills).all()
    assert confusion_of(result, 0).sum(axis=1) == pytest.approx(np.ones(shape[2]))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("answers", [2, 4])
@pytest.mark.parametrize("prior", [[0.25] * 4, [0.85, 0.05, 0.05, 0.05]])
def test_auto_is_never_much_worse_than_votes(seed: int, answers: int, prior: list[float]) -> None:
    rng = np.random.default_rng(seed)
    matrices = np.concatenate([coins(rng.beta(7, 3, 20).tolist(), 4), np.full((6, 4, 4), 0.25)])
    matrices[-2:] = np.eye(4)[1]  # two always say the same
    annotations, truth = simulated(seed, matrices, 200, answers, prior)
    votes = accuracy(METHODS["majority"](annotations), truth, answered(annotations)) or 0.0
    assert (accuracy(auto(annotations), truth, answered(annotations)) or 0.0) > votes - 0.02


def test_auto_learns_a_matrix_where_answers_allow_it() -> None:
    """Half of the crowd takes one label for another: no single accuracy can express it."""
    one_way = np.array([[0.95, 0.05], [0.55, 0.45]])
    annotations, truth = simulated(4, np.concatenate([[one_way] * 8, coins([0.8] * 8, 2)]), 600, 8)
    given = answered(annotations)
    assert (accuracy(auto(annotations), truth, given) or 0) > (
        accuracy(one_coin(annotations), truth, given) or 0
    ) + 0.01


def test_many_classes_stay_small_and_work() -> None:
    classes = MATRIX_CLASSES + 20
    annotations, truth = simulated(5, coins([0.9, 0.8, 0.7, 0.6, 0.3, 0.2], classes), 400, 4)
    result = auto(annotations)
    assert result.confusion is None
    assert (accuracy(result, truth, answered(annotations)) or 0.0) > (
        accuracy(METHODS["majority"](annotations), truth, answered(annotations)) or 0.0
    )


def test_the_coin_of_the_crowd_keeps_a_mistake_from_feeding_on_itself() -> None:
    annotations, gold = weather(20000)
    columns = annotations.items, annotations.workers, annotations.answers
    hits = {}
    for centre in ("pooled", "coin"):
        fitted = fit(*columns, annotations.shape, centre=centre)
        hits[centre] = (fitted.posteriors.argmax(axis=1) == gold)[gold >= 0].mean()
        assert fitted.pooled.sum(axis=1) == pytest.approx(np.ones(5))
    assert hits["coin"] > hits["pooled"]


@pytest.mark.parametrize("classes", [2, MATRIX_CLASSES + 1])
def test_known_labels_never_move_and_teach(classes: int) -> None:
    annotations = table([(item, worker, worker) for item in range(20) for worker in range(2)], (20, 2, classes))
    fixed: Floats = np.full((20, classes), np.nan)
    fixed[:10] = np.eye(classes)[1]
    estimated = estimate(annotations, fixed)
    assert estimated.posteriors[:10] == pytest.approx(fixed[:10])
    assert (estimated.posteriors[10:].argmax(axis=1) == 1).all()
    good, bad = counts_of(estimated, 1), counts_of(estimated, 0)
    if classes > MATRIX_CLASSES:
        assert good.matrix is None
        assert good.correct > bad.correct
        assert good.correct + good.wrong == pytest.approx(20)
    else:
        assert good.matrix is not None
        assert sum(map(sum, good.matrix)) == pytest.approx(20)


def test_an_only_answer_teaches_where_the_label_is_known() -> None:
    annotations = table([(0, 0, 0), (1, 1, 0), (2, 1, 1)], (3, 2, 2))
    known: Floats = np.full((3, 2), np.nan)
    known[0] = [0.0, 1.0]
    assert fit_coins(annotations, fixed=known).wrong.tolist() == [1, 0]
    assert fit_coins(annotations).wrong.tolist() == [0, 0]


def test_bigger_rows_take_another_way_to_the_same_posteriors() -> None:
    narrow, _ = simulated(7, coins([0.8] * 5, 4), 50, 4)
    wide = Annotations(narrow.items, narrow.workers, narrow.answers, (50, 5, 20))
    columns = narrow.items, narrow.workers, narrow.answers
    one = fit(*columns, narrow.shape, strength=0.0)
    other = fit(*columns, wide.shape, strength=0.0)
    assert other.posteriors[:, :4] == pytest.approx(one.posteriors, abs=1e-6)
    assert count_votes(wide)[:, 4:].sum() == 0
