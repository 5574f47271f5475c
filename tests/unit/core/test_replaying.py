"""The engine on a real crowd: what it decides, what it costs, and that it is the one of production."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.attack import KINDS, play
from core.aggregation import engine as engines
from core.aggregation import value
from core.aggregation.annotations import Annotations
from core.aggregation.confusion import Counts, default_pooled, empty_counts
from core.aggregation.engine import discard, learn, start, take, wants
from core.aggregation.estimate import MIN_NEW, estimate
from core.aggregation.policy import information_of
from core.cli import main
from core.crowd_table import CrowdTable, read_gold, read_labels
from core.replaying import Aim, orders, replay

WEATHER = Path(__file__).parents[3] / "demo" / "weather_text"
LABELS, GOLD = str(WEATHER / "labels.csv"), str(WEATHER / "gold.csv")


@pytest.fixture(scope="module")
def weather() -> CrowdTable:
    """The crowd of the demo."""
    return read_labels(WEATHER / "labels.csv")


def small(table: CrowdTable, items: int) -> CrowdTable:
    """The first items of a crowd."""
    kept = table.item_index < items
    columns = table.item_index[kept], table.worker_index[kept], table.answer_index[kept]
    return CrowdTable(table.items[:items], table.workers, table.labels, *columns)


class TestWhatPays:
    """`value.pays` and `value.worth`."""

    def test_a_fresh_item_pays_for_anybody_new(self) -> None:
        assert value.pays([0.5, 0.5], [0.5, 0.5], empty_counts(2), default_pooled(2), 0.9)

    def test_a_sure_item_pays_for_nobody(self) -> None:
        expert = Counts(matrix=[[50.0, 1.0], [1.0, 50.0]])
        assert not value.pays([0.9999, 0.0001], [0.5, 0.5], expert, default_pooled(2), 0.05)

    def test_the_same_item_pays_for_a_good_worker_and_not_for_a_weak_one(self) -> None:
        good, weak = Counts(matrix=[[45.0, 5.0], [5.0, 45.0]]), Counts(matrix=[[30.0, 20.0], [20.0, 30.0]])
        posterior, prior, pooled = [0.85, 0.15], [0.5, 0.5], default_pooled(2)
        assert value.pays(posterior, prior, good, pooled, 0.2)
        assert not value.pays(posterior, prior, weak, pooled, 0.2)

    def test_one_label_always_tells_nothing(self) -> None:
        constant = Counts(matrix=[[60.0, 0.0], [60.0, 0.0]])
        assert not value.pays([0.5, 0.5], [0.5, 0.5], constant, default_pooled(2), 0.05)

    def test_nothing_is_worth_anything_where_a_fresh_answer_tells_nothing(self) -> None:
        assert value.worth(0.0, 0.0, 0.0) == 0.0

    @pytest.mark.parametrize("classes", [2, 5, 25])
    def test_many_items_at_once_as_one_by_one(self, classes: int) -> None:
        posteriors = np.random.default_rng(1).dirichlet(np.ones(classes), size=7)
        pooled = default_pooled(classes)
        single = [value.expected_information(row, empty_counts(classes), pooled) for row in posteriors.tolist()]
        assert value.average_information(posteriors, pooled) == pytest.approx(single)


class TestEngine:
    """State in memory, functions of production."""

    def test_it_decides_as_the_pure_function_does(self, weather: CrowdTable) -> None:
        crowd = small(weather, 40)
        engine, same = start(crowd.shape, 0.05), []
        columns = crowd.item_index.tolist(), crowd.worker_index.tolist(), crowd.answer_index.tolist()
        for item, worker, answer in zip(*columns, strict=True):
            belief = engine.posteriors[item] or engine.prior
            paid = value.pays(belief, engine.prior, engine.counts[worker], engine.pooled, 0.05)
            same.append(wants(engine, item, worker) == paid)
            if paid and take(engine, item, worker, answer):
                learn(engine)
        assert all(same)
        assert MIN_NEW < len(engine.items) < len(same), "some were passed over"

    def test_it_learns_as_re_estimation_does(self) -> None:
        engine = start((3, 2, 2), 0.05)
        rows = [(0, 0, 1), (0, 1, 1), (1, 0, 0), (1, 1, 0), (2, 0, 1)]
        for row in rows:
            take(engine, *row)
        learn(engine)
        items, workers, answers = (np.array(column) for column in zip(*rows, strict=True))
        fitted = estimate(Annotations(items, workers, answers, (3, 2, 2)))
        assert np.array(engine.posteriors) == pytest.approx(fitted.posteriors)
        assert np.array(engine.counts[0].matrix) == pytest.approx(fitted.counts[0])

    def test_known_items_are_not_asked_for_and_never_move(self) -> None:
        engine = start((1, 1, 2), 0.05, known={0: 1})
        assert not wants(engine, 0, 0)
        take(engine, 0, 0, 0)
        assert engine.posteriors[0] == [0.0, 1.0]
        assert engine.counts[0].matrix == [[0.0, 0.0], [1.0, 0.0]], "and check whoever answers"
        assert learn(engine).posteriors[0].tolist() == [0.0, 1.0]

    def test_what_somebody_alone_decided_is_asked_again(self) -> None:
        engine = start((2, 2, 2), 0.05)
        take(engine, 0, 0, 1)
        take(engine, 1, 1, 1)
        discard(engine, {0})
        learn(engine)
        assert engine.posteriors[0] is None
        assert engine.posteriors[1] is not None
        assert (engine.items, engine.workers) == ([1], [1])

    def test_two_sure_people_decide_an_item(self) -> None:
        engine = start((1, 3, 2), 0.1)
        for worker in (0, 1):
            engine.counts[worker] = Counts(matrix=[[90.0, 2.0], [2.0, 90.0]])
            take(engine, 0, worker, 1)
        assert not wants(engine, 0, 2)
        assert len(engines.decided(engine)) == 1


class TestReplay:
    """The protocol on the crowd of the demo."""

    def test_a_quarter_of_the_answers_label_as_well_as_all(self, weather: CrowdTable) -> None:
        gold = read_gold(WEATHER / "gold.csv", weather)
        order = next(orders(len(weather.item_index), 1)).tolist()
        found = replay(weather, gold, order, Aim())
        assert found.accuracy > 0.96
        assert found.annotations < 0.34 * len(order)

    def test_dearer_errors_take_more_answers(self, weather: CrowdTable) -> None:
        crowd = small(weather, 150)
        gold = read_gold(WEATHER / "gold.csv", crowd)
        order = next(orders(len(crowd.item_index), 1)).tolist()
        taken = [replay(crowd, gold, order, Aim(information_of(cost))).annotations for cost in (5, 20, 200)]
        assert taken == sorted(set(taken))

    def test_a_higher_target_takes_more_answers(self, weather: CrowdTable) -> None:
        crowd = small(weather, 300)
        gold = read_gold(WEATHER / "gold.csv", crowd)
        order = next(orders(len(crowd.item_index), 1)).tolist()
        low, high = (replay(crowd, gold, order, Aim(target=target)).annotations for target in (0.7, 0.95))
        assert low < high

    def test_the_label_is_not_seen_before_it_is_taken(self, weather: CrowdTable) -> None:
        crowd = small(weather, 60)
        gold = read_gold(WEATHER / "gold.csv", crowd)
        order = list(range(len(crowd.item_index)))
        found = replay(crowd, gold, order, Aim())
        last = crowd.answer_index.copy()
        last[-1] = (last[-1] + 1) % 5
        changed = CrowdTable(crowd.items, crowd.workers, crowd.labels, crowd.item_index, crowd.worker_index, last)
        assert replay(changed, gold, order, Aim()).annotations == found.annotations

    def test_a_target_within_reach_is_reached_and_not_by_far(self, weather: CrowdTable) -> None:
        gold = read_gold(WEATHER / "gold.csv", weather)
        order = next(orders(len(weather.item_index), 1)).tolist()
        modest, usual = (replay(weather, gold, order, aim) for aim in (Aim(target=0.8), Aim()))
        assert modest.accuracy >= 0.8
        assert modest.annotations < 0.8 * usual.annotations

    def test_fewer_decided_items_than_say_something_leave_the_constant_alone(self, weather: CrowdTable) -> None:
        crowd = small(weather, 15)
        gold = read_gold(WEATHER / "gold.csv", crowd)
        order = next(orders(len(crowd.item_index), 1)).tolist()
        low, high = (replay(crowd, gold, order, Aim(target=target)).annotations for target in (0.5, 0.99))
        assert low == high


class TestCommand:
    """`lightwork replay`."""

    def test_json_stands_on_the_last_line(self, tmp_path: Path) -> None:
        labels = self._some(tmp_path)
        ran = CliRunner().invoke(main, ["replay", labels, "--gold", GOLD, "--seeds", "2", "--json"])
        found = json.loads(ran.stdout.splitlines()[-1])
        assert list(found) == ["accuracy", "accuracy_sd", "annotations_per_item", "share_of_all", "seeds"]
        assert found["seeds"] == 2
        assert found["share_of_all"] == pytest.approx(found["annotations_per_item"] / 20, abs=1e-3)
        assert "Replay 2 of 2" in ran.stderr

    def test_the_order_of_the_file_is_one_replay(self, tmp_path: Path) -> None:
        ran = CliRunner().invoke(main, ["replay", self._some(tmp_path), "--gold", GOLD, "--file-order"])
        assert "over 1 replay)" in ran.stdout
        assert "Accuracy against the gold" in ran.stdout

    def test_two_aims_are_one_too_many(self, tmp_path: Path) -> None:
        arguments = ["replay", self._some(tmp_path), "--gold", GOLD, "--target", "0.9", "--error-cost", "5"]
        ran = CliRunner().invoke(main, arguments)
        assert ran.exit_code == 2
        assert "Give one of --information, --target and --error-cost" in ran.stderr

    def test_one_label_is_enough(self, tmp_path: Path) -> None:
        labels, gold = tmp_path / "labels.csv", tmp_path / "gold.csv"
        labels.write_text("task,worker,label\na,x,yes\na,y,yes\nb,x,yes\n", encoding="utf-8")
        gold.write_text("task,label\na,yes\n", encoding="utf-8")
        ran = CliRunner().invoke(main, ["replay", str(labels), "--gold", str(gold), "--seeds", "1", "--json"])
        assert json.loads(ran.stdout.splitlines()[-1])["accuracy"] == 1.0

    @staticmethod
    def _some(folder: Path) -> str:
        """The first fifty items of the crowd as a file."""
        lines = Path(LABELS).read_text(encoding="utf-8").splitlines()
        names = list(dict.fromkeys(line.split(",")[0] for line in lines[1:]))[:50]
        kept = [line for line in lines[1:] if line.split(",")[0] in names]
        path = folder / "labels.csv"
        path.write_text("\n".join([lines[0], *kept]) + "\n", encoding="utf-8")
        return str(path)


class TestAttack:
    """Three in ten workers are spammers; the whole form is `make attack`."""

    def test_spammers_cost_little_and_spoil_nothing(self, weather: CrowdTable) -> None:
        gold = read_gold(WEATHER / "gold.csv", weather)
        alone, attacked = (play(weather, gold, 0, share) for share in (0.0, 0.3))
        assert attacked.accuracy > alone.accuracy - 0.01
        assert attacked.per_item < 1.4 * alone.per_item
        assert attacked.honest_paused <= alone.honest_paused + 0.02 * len(weather.workers)
        assert attacked.spammers_paused > 0

    def test_there_are_five_kinds(self) -> None:
        assert len(KINDS) == 5
