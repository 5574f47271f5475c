"""Which answers are drawn for an audit: at random, the doubtful ones first, each once."""

from __future__ import annotations

from sqlalchemy import select

from core.audit_survey import survey
from core.auditing import accept
from core.models import Annotation, Item, Skill
from core.runtime import Runtime
from tests.integration.auditing.bench import Bench, draw


def test_the_sample_is_random_by_ids_and_begins_with_what_is_doubtful(runtime: Runtime) -> None:
    bench = Bench(runtime, items=60)
    given = [bench.answer(bench.workers[0], "a") for _ in range(60)]
    doubtful = set(given[::6])
    with bench.runtime.writing() as session:
        session.get_one(Skill, (bench.workers[0], bench.project_id)).accuracy = 0.9
        for annotation in session.scalars(select(Annotation).where(Annotation.public_id.in_(doubtful))):
            item = session.get_one(Item, annotation.item_id)
            item.state, item.label_id = "agreed", "b"
    drawn: list[str] = []
    with bench.runtime.writing() as session:
        for _ in range(30):
            case = draw(session, bench.workspace_id, bench.experts[0])
            again = draw(session, bench.workspace_id, bench.experts[0])
            assert case is not None
            assert case == again, "the same draw until something is audited"
            drawn.append(case.annotation_public_id)
            accept(session, bench.workspace_id, bench.experts[0], case.annotation_public_id, bench.clock())
    positions = [given.index(public_id) for public_id in drawn]
    assert positions != sorted(positions), "not in the order of entry"
    assert len(doubtful & set(drawn)) >= 5, "eight times as likely, of 10 among 60"


def test_answers_of_the_weak_are_doubtful_before_anything_is_decided(bench: Bench) -> None:
    weak, fine = bench.workers[:2]
    given = {worker: [bench.answer(worker, "a") for _ in range(4)] for worker in (weak, fine)}
    with bench.runtime.writing() as session:
        session.get_one(Skill, (weak, bench.project_id)).accuracy = 0.4
        session.get_one(Skill, (fine, bench.project_id)).accuracy = 0.8
        for item in session.scalars(select(Item)):
            item.state, item.label_id = "open", None
        session.flush()
        levels = {one.public_id: one.level for one in survey(session, bench.workspace_id).candidates}
    assert [levels[str(one)] for one in given[weak]] == [3] * 4
    assert [levels[str(one)] for one in given[fine]] == [1] * 4, "only new"


def test_passing_over_goes_round_and_shows_everything(bench: Bench) -> None:
    given = {bench.answer(bench.workers[0], "a") for _ in range(5)}
    seen, after = set(), ""
    with bench.runtime.reading() as session:
        for _ in range(5):
            case = draw(session, bench.workspace_id, bench.experts[0], after=after)
            assert case is not None
            after = case.annotation_public_id
            seen.add(after)
    assert seen == given
