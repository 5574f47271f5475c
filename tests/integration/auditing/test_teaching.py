"""What audits teach: it stays when the whole project is estimated anew, and it is worth more than one answer more."""

from __future__ import annotations

from core.audit_survey import survey
from core.auditing import accept, reject
from core.models import Project, Skill
from core.reestimation import read_snapshot, reestimate
from core.runtime import Runtime
from tests.integration.auditing.bench import Bench

ITEMS = 24


def accuracy(bench: Bench, worker: int) -> float:
    """The estimated accuracy of a worker."""
    with bench.runtime.reading() as session:
        found = session.get_one(Skill, (worker, bench.project_id)).accuracy
        assert found is not None
        return found


def crowd(runtime: Runtime) -> tuple[Bench, dict[int, list[str]]]:
    """Three people who have answered everything alike, and their answers by worker."""
    bench = Bench(runtime, items=ITEMS, error_cost=1e6)
    given: dict[int, list[str]] = {worker: [] for worker in bench.workers[:3]}
    for worker, answers in given.items():
        for number in range(ITEMS):
            answer = bench.answer(worker, "abc"[number % 3])
            assert answer is not None
            answers.append(answer)
    return bench, given


def test_rejected_answers_count_against_their_worker_also_after_a_re_estimation(runtime: Runtime) -> None:
    bench, given = crowd(runtime)
    bad, good, plain = bench.workers[:3]
    with bench.runtime.writing() as session:
        for number in range(12):
            right = "bca"[number % 3]
            reject(session, bench.workspace_id, bench.experts[0], given[bad][number], "wrong", bench.clock(), right)
            accept(session, bench.workspace_id, bench.experts[0], given[good][number], bench.clock())
    at_once = {worker: accuracy(bench, worker) for worker in (bad, good, plain)}
    assert at_once[bad] < at_once[plain] < at_once[good]
    with bench.runtime.writing() as session:
        session.get_one(Project, bench.project_id).estimated_annotations = 0
    reestimate(bench.runtime.engine, bench.project_id, bench.runtime.run_effects, bench.clock)
    later = {worker: accuracy(bench, worker) for worker in (bad, good, plain)}
    assert later[bad] < later[plain] - 0.1
    assert later[good] >= later[plain] - 0.01
    with bench.runtime.reading() as session:
        project = session.get_one(Project, bench.project_id)
        assert project.estimated_annotations == 3 * ITEMS - 12, "audits are no answers of their own"
        assert session.get_one(Skill, (bad, bench.project_id)).annotation_count == ITEMS - 12
        snapshot = read_snapshot(session, project)
        assert snapshot is not None
        assert len(snapshot.fixed) == len(snapshot.item_ids) + 24
    bench.check()


def test_after_a_rejection_the_workers_other_answers_are_riskier(runtime: Runtime) -> None:
    bench, given = crowd(runtime)
    with bench.runtime.reading() as session:
        before = {one.public_id: one.level for one in survey(session, bench.workspace_id).candidates}
    bench.reject(given[bench.workers[0]][0])
    with bench.runtime.reading() as session:
        found = survey(session, bench.workspace_id)
        after = {one.public_id: one.level for one in found.candidates}
        assert [(one.rejected, one.level) for one in found.audits] == [(True, before[given[bench.workers[0]][0]])], (
            "of the time when it was drawn"
        )
    assert all(after[one] > before[one] for one in given[bench.workers[0]][1:])
    assert all(after[one] == before[one] for one in given[bench.workers[1]][1:])
