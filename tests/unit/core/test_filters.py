"""Who does not do their work is found, with the numbers that show it; who does, is left in peace."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest

from core.aggregation import chance
from core.aggregation.answer_log import AnswerLog, Skills, answer_before, believe, earlier_leader
from core.aggregation.chance import tail
from core.aggregation.filters import find
from tests.unit.core.crowds import (
    Answerer,
    Crowd,
    alternating,
    constant,
    found_in,
    last_answer,
    majority,
    random_answers,
)

HONEST = 20


def crowd_with(spammer: Answerer, each: int = 100, seed: int = 1, accuracy: float = 0.75) -> Crowd:
    """Twenty honest people, and the spammer as the last worker."""
    crowd = Crowd(seed)
    crowd.work([crowd.honest(accuracy)] * HONEST + [spammer], each)
    return crowd


@pytest.mark.parametrize(
    ("spammer", "kind"),
    [
        (constant, "one_label"),
        (alternating, "pattern"),
        (last_answer, "copying"),
        (majority, "copying"),
        (random_answers, "gold"),
    ],
)
def test_each_kind_of_spammer_is_found_by_the_score_that_is_meant_for_it(spammer: Answerer, kind: str) -> None:
    found = found_in(crowd_with(spammer, each=200).log(known_share=0.1))
    assert kind in {one.kind for one in found.pop(HONEST, [])}
    assert found == {}, "nobody honest is"


def test_the_numbers_of_one_label_and_of_a_pattern_can_be_checked() -> None:
    (one,) = (one for one in found_in(crowd_with(constant).log())[HONEST] if one.kind == "one_label")
    assert (one.evidence["answers"], one.evidence["same"], one.evidence["label"]) == (100, 100, 2)
    assert 20 < one.evidence["expected"] < 50, "a third of the items have that label"
    (one,) = (one for one in found_in(crowd_with(alternating).log())[HONEST] if one.kind == "pattern")
    assert one.evidence["lag"] % 3 == 0
    assert one.evidence["matches"] == one.evidence["compared"] == 100 - one.evidence["lag"]


def test_who_copies_one_person_is_found_and_that_person_is_not() -> None:
    crowd = Crowd(3, items=150)
    crowd.work([crowd.honest(0.7)] * HONEST, each=120)
    crowd.rows += [(item, HONEST, answer) for item, worker, answer in crowd.rows if worker == 0]
    found = found_in(crowd.log())
    (one,) = found.pop(HONEST)
    assert (one.kind, one.evidence["other"]) == ("copying", 0)
    assert one.evidence["wrong"] >= 4
    assert found == {}


def test_a_person_who_sees_only_items_of_one_label_is_not_taken_for_a_constant_one() -> None:
    crowd = Crowd(4)
    crowd.truth[:60] = 1
    crowd.work([crowd.honest(0.8)] * HONEST, each=150)
    last, seen = HONEST, range(60)
    crowd.rows += [(item, last, 1) for item in seen]
    assert last not in found_in(crowd.log())


def test_documents_in_order_are_no_pattern() -> None:
    crowd = Crowd(5)
    crowd.truth = np.repeat(np.arange(crowd.items // 20) % 3, 20)
    crowd.work([crowd.honest(0.8)] * HONEST, each=150)
    careful = HONEST
    crowd.rows += [(item, careful, int(crowd.truth[item])) for item in range(200)]
    assert careful not in found_in(crowd.log())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("accuracy", [0.5, 0.9])
def test_weak_and_strong_people_who_work_honestly_are_left_in_peace(seed: int, accuracy: float) -> None:
    crowd = Crowd(seed)
    crowd.work([crowd.honest(accuracy)] * 30, each=100)
    assert found_in(crowd.log(known_share=0.1)) == {}


def test_nobody_is_judged_by_a_handful_of_answers() -> None:
    crowd = crowd_with(constant, each=200)
    few = [row for row in crowd.rows if row[1] == HONEST][:19]
    crowd.rows = [row for row in crowd.rows if row[1] != HONEST] + few
    assert found_in(crowd.log()) == {}


@pytest.mark.parametrize(("answers", "found"), [(29, False), (30, True)])
def test_nobody_is_said_to_guess_by_fewer_than_thirty_answers(answers: int, found: bool) -> None:
    crowd = Crowd(8)
    crowd.work([crowd.honest(0.9)] * HONEST, each=200)
    known = crowd.log(known_share=0.4).known
    assert known is not None
    wrong = [(int(item), HONEST, int(crowd.truth[item] + 1) % 3) for item in np.flatnonzero(known >= 0)]
    crowd.rows += wrong[:answers]
    kinds = {one.kind for one in found_in(crowd.log(known_share=0.4), least_accuracy=0.7).get(HONEST, [])}
    assert ("gold" in kinds) == found


def test_who_is_right_on_known_items_alone_is_judged_by_the_others() -> None:
    crowd = Crowd(6)
    known = set(np.flatnonzero(np.random.default_rng(6).random(crowd.items) < 0.1))

    def spots(made: Crowd, item: int, count: int) -> int:
        return int(made.truth[item]) if item in known else random_answers(made, item, count)

    crowd.work([crowd.honest(0.8)] * HONEST + [spots], each=200)
    (one,) = found_in(crowd.log(known_share=0.1))[HONEST]
    assert (one.kind, one.evidence["known"]) == ("gold", 0)


def test_a_job_may_ask_for_more_than_chance() -> None:
    crowd = Crowd(7)
    crowd.work([crowd.honest(0.9)] * HONEST + [crowd.honest(0.6)], each=200)
    log = crowd.log(known_share=0.4)
    assert found_in(log) == {}
    (one,) = found_in(log, least_accuracy=0.8)[HONEST]
    assert (one.kind, one.evidence["known"]) == ("gold", 2)
    assert one.evidence["right"] < one.evidence["chance"] == pytest.approx(0.8 * one.evidence["answers"])


def timed(crowd: Crowd, hasty: float) -> AnswerLog:
    """Long texts; everybody takes ten to thirty seconds, the last worker `hasty`."""
    slow = crowd.random.uniform(10, 30, size=len(crowd.rows))
    workers = np.array([row[1] for row in crowd.rows])
    seconds = np.where(workers == HONEST, hasty, slow)
    seconds[0] = np.nan
    return crowd.log(seconds=seconds, characters=np.full(crowd.items, 600.0))


def test_too_fast_is_who_cannot_have_read_the_text_and_is_far_faster_than_the_others() -> None:
    crowd = Crowd(8)
    crowd.work([crowd.honest(0.8)] * (HONEST + 1), each=60)
    found = found_in(timed(crowd, 1.0))
    (one,) = found.pop(HONEST)
    assert (one.kind, one.evidence["answers"], one.evidence["quick"]) == ("fast", 60, 60)
    assert one.evidence["seconds"] == 1.0
    assert 12 < one.evidence["usual"] < 28
    assert found == {}
    assert found_in(timed(crowd, 11.0)) == {}, "quick, but the text can be read in that time"


def test_where_everybody_is_fast_nobody_is_too_fast() -> None:
    crowd = Crowd(9)
    crowd.work([crowd.honest(0.8)] * HONEST, each=60)
    log = crowd.log(seconds=np.full(len(crowd.rows), 0.5), characters=np.full(crowd.items, 600.0))
    assert found_in(log) == {}


def test_of_few_people_nobody_is_unusual() -> None:
    crowd = Crowd(10)
    crowd.work([crowd.honest(0.8), crowd.honest(0.8), random_answers], each=200)
    assert [one for ones in found_in(crowd.log()).values() for one in ones if one.kind in ("fast", "gold")] == []


@pytest.mark.parametrize("classes", [2, 40])
def test_one_coin_is_enough_where_labels_are_many(classes: int) -> None:
    crowd = Crowd(11, classes=classes)
    crowd.work([crowd.honest(0.8)] * HONEST + [constant], each=150)
    accuracy = np.array([0.8] * HONEST + [1.0 / classes])
    skills = Skills(np.full(classes, 1.0 / classes), accuracy=accuracy)
    assert {one.worker for one in find(crowd.log(), skills)} == {HONEST}


def test_an_empty_project_has_no_findings() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert find(AnswerLog(nothing, nothing, nothing, (0, 0, 2)), Skills(np.array([0.5, 0.5]))) == []


def test_beliefs_leave_out_the_answers_they_are_asked_to() -> None:
    items, workers, answers = np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0, 1, 1])
    skills = Skills(np.array([0.5, 0.5]), accuracy=np.array([0.8, 0.6]))
    log = AnswerLog(items, workers, answers, (2, 2, 2), known=np.array([-1, 0]))
    others = believe(log, skills).without(items, believe(log, skills).own)
    assert others[0] == pytest.approx([0.4, 0.6]), "only the second worker's answer is left"
    assert others[1] == pytest.approx([0.8, 0.2])
    assert others[2] == pytest.approx([1.0, 0.0]), "what is known stands fast"


def test_what_came_before_an_answer() -> None:
    items = np.array([0, 0, 1, 0, 0])
    log = AnswerLog(items, np.arange(5), np.array([1, 0, 1, 0, 1]), (2, 5, 2))
    assert earlier_leader(log).tolist() == [-1, 1, -1, -1, 0], "nobody leads where two are level"
    assert answer_before(log).tolist() == [-1, 1, -1, 0, 0]


@pytest.mark.parametrize("chances", [0.1, 0.5, 0.9])
def test_the_bound_is_never_below_what_chance_does(chances: float) -> None:
    random = np.random.default_rng(12)
    drawn = random.binomial(50, chances, size=20_000).astype(float)
    scores = tail(drawn, np.full(len(drawn), 50.0), np.full(len(drawn), 50.0 * chances))
    for power in (1.0, 2.0, 3.0):
        assert (scores >= power).mean() <= 10.0**-power
    assert doctest.testmod(chance).failed == 0


def test_a_million_answers_take_seconds() -> None:
    random = np.random.default_rng(13)
    items = np.repeat(np.arange(40_000), 5)
    workers = random.integers(1000, size=len(items))
    truth = random.integers(5, size=40_000)
    answers = np.where(random.random(len(items)) < 0.8, truth[items], random.integers(5, size=len(items)))
    log = AnswerLog(items, workers, answers, (40_000, 1000, 5))
    assert find(log, Skills(np.full(5, 0.2), accuracy=np.full(1000, 0.84))) == []


def test_the_modules_stay_free_of_loops_over_answers() -> None:
    for name in ("habits", "usefulness", "answer_log"):
        source = Path("core/aggregation", f"{name}.py").read_text(encoding="utf-8")
        assert "for item" not in source
