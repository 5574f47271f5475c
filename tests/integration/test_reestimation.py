"""Background consensus: agrees with the rows, respects verdicts, and never writes over what changed meanwhile."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import Engine, func, select, update

from core.adjudication import adjudicate
from core.aggregation.estimate import estimate
from core.assignment import next_assignment
from core.clock import now
from core.db import reading, unit_of_work
from core.effects import Effect
from core.labeling import submit
from core.models import Annotation, Item, Project, Skill
from core.reestimation import read_snapshot, reestimate
from tests.factories import FakeClock, items_of, make_member, make_project

TRUTH = [number % 2 for number in range(30)]


def answer_all(engine: Engine, effects: list[Effect], accuracies: list[float], *, overlap: tuple[int, int]) -> int:
    """People of known accuracy answer thirty items; the project's id."""
    rng, clock = random.Random(5), FakeClock()
    with unit_of_work(engine, effects.extend) as session:
        project = make_project(
            session, [str(number) for number in range(30)], min_overlap=overlap[0], max_overlap=overlap[1]
        )
        workers = [make_member(session, f"w{number}").id for number in range(len(accuracies))]
        first = items_of(session, project.id)[0].id
    for worker_id, accuracy in zip(workers, accuracies, strict=True):
        for _ in range(30):
            with unit_of_work(engine, effects.extend) as session:
                lease = next_assignment(session, session.get_one(Project, project.id), worker_id, "web", clock())
                if lease is None:
                    break
                right = TRUTH[lease.item_id - first]
                answer = right if rng.random() < accuracy else 1 - right
                submit(
                    session,
                    worker_id=worker_id,
                    assignment_public_id=lease.public_id,
                    label_id="ab"[answer],
                    version=1,
                    now=clock.forward(3),
                )
    return project.id


def test_skills_are_learnt_and_good_people_outweigh_bad_ones(engine: Engine, effects: list[Effect]) -> None:
    project_id = answer_all(engine, effects, [0.95, 0.95, 0.95, 0.3, 0.5], overlap=(5, 5))
    assert reestimate(engine, project_id, effects.extend, now) > 0
    with reading(engine) as session:
        decided = [item for item in items_of(session, project_id) if item.state == "agreed"]
        right = sum(
            item.label_id == "ab"[TRUTH[position]] for position, item in enumerate(items_of(session, project_id))
        )
        skills = [row.accuracy or 0 for row in session.scalars(select(Skill).order_by(Skill.worker_id))]
    assert len(decided) >= 24
    assert right >= 24
    assert min(skills[:3]) > max(skills[3:])


def test_a_second_run_without_new_answers_does_nothing(engine: Engine, effects: list[Effect]) -> None:
    project_id = answer_all(engine, effects, [0.9, 0.9, 0.9], overlap=(3, 3))
    reestimate(engine, project_id, effects.extend, now)
    assert reestimate(engine, project_id, effects.extend, now) == 0


def test_an_item_that_changed_meanwhile_is_left_alone(
    engine: Engine, effects: list[Effect], monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id = answer_all(engine, effects, [0.9, 0.4, 0.9], overlap=(3, 5))
    original = estimate

    def slow(*args: object, **options: object) -> object:
        fitted = original(*args, **options)  # type: ignore[arg-type]  # passed through as they came
        with unit_of_work(engine, effects.extend) as session:
            session.execute(update(Item).values(revision=Item.revision + 1, posterior=[0.25, 0.75]))
        return fitted

    monkeypatch.setattr("core.reestimation.estimate", slow)
    assert reestimate(engine, project_id, effects.extend, now) == 0
    with reading(engine) as session:
        assert {tuple(item.posterior or ()) for item in items_of(session, project_id)} == {(0.25, 0.75)}


def test_a_verdict_stands_and_teaches(engine: Engine, effects: list[Effect]) -> None:
    project_id = answer_all(engine, effects, [0.9, 0.2], overlap=(2, 2))
    with unit_of_work(engine, effects.extend) as session:
        disputed = [item for item in items_of(session, project_id) if item.state == "disputed"]
        assert disputed
        project = session.get_one(Project, project_id)
        settled = disputed[0]
        adjudicate(
            session,
            workspace_id=project.workspace_id,
            worker_id=project.created_by_id,
            item_public_id=settled.public_id,
            label_id="b",
            now=now(),
        )
        session.execute(update(Project).values(estimated_annotations=0))
    reestimate(engine, project_id, effects.extend, now)
    with reading(engine) as session:
        item = session.get_one(Item, settled.id)
        assert (item.state, item.label_id, item.confidence) == ("adjudicated", "b", 1.0)


def test_an_answer_of_a_label_that_was_added_meanwhile_is_none_of_the_last_one(
    engine: Engine, effects: list[Effect]
) -> None:
    project_id = answer_all(engine, effects, [0.9, 0.8], overlap=(2, 2))
    with unit_of_work(engine, effects.extend) as session:
        one = select(func.min(Annotation.id)).scalar_subquery()
        session.execute(update(Annotation).where(Annotation.id == one).values(label_id="c"))
        all_answers = session.scalar(select(func.count()).select_from(Annotation)) or 0
    with reading(engine) as session:
        read = read_snapshot(session, session.get_one(Project, project_id))
    assert read is not None
    assert read.own == all_answers - 1
    assert set(read.answers.tolist()) == {0, 1}
