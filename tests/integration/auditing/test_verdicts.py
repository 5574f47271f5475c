"""What an audit does: to the item, to the worker, to exports; that it is final, and what it refuses."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.assignment import next_assignment
from core.audit_sample import summary
from core.audit_survey import survey
from core.auditing import accept, find_annotation, reject, reject_annotation
from core.errors import Conflict, InvalidInput, NotFound, Refused
from core.exporting.rows import agreed, all_annotations
from core.items import lock_item
from core.models import LogEntry, Participation, Project, Skill, Workspace
from core.reestimation import read_snapshot
from tests.factories import items_of
from tests.integration.auditing.bench import SURFACE, Bench, draw, take_back
from tests.invariants import uncovered


def test_an_item_that_was_agreed_only_with_a_rejected_answer_is_asked_again(single: Bench) -> None:
    first, second, third = single.workers[:3]
    wrong = single.answer(first, "b")
    single.answer(second, "b")
    assert wrong is not None
    assert single.answer(third, "b") is None, "they are idle now"
    with single.runtime.reading() as session:
        [item] = items_of(session, single.project_id)
        assert (item.state, item.label_id) == ("agreed", "b")
        skilled = session.get_one(Skill, (first, single.project_id)).accuracy
    single.reject(wrong)
    single.check()
    with single.runtime.writing() as session:
        assert uncovered(session, single.runtime.redis, single.clock()) == [], "somebody is asked"
        [item] = items_of(session, single.project_id)
        assert (item.state, item.label_id, item.submitted, item.slots) == ("open", None, 1, 1)
        assert session.get_one(Participation, (first, single.project_id)).annotation_count == 0
        skill = session.get_one(Skill, (first, single.project_id))
        assert skill.annotation_count == 0
        assert skill.accuracy != skilled
        annotation, project = find_annotation(session, single.workspace_id, wrong)
        assert (annotation.state, annotation.audit_state, annotation.audit_reason) == (
            "rejected",
            "rejected",
            "careless",
        )
        assert (annotation.audited_by_id, annotation.audited_at) == (single.experts[0], single.clock())
        assert next_assignment(session, project, first, SURFACE, single.clock()) is None, "never the same person"
        assert next_assignment(session, project, third, SURFACE, single.clock()) is not None


def test_an_item_that_stands_without_the_rejected_answer_stays_agreed(single: Bench) -> None:
    odd = single.answer(single.workers[0], "c")
    for worker in single.workers[1:4]:
        single.answer(worker, "a")
    assert odd is not None
    single.reject(odd)
    with single.runtime.reading() as session:
        [item] = items_of(session, single.project_id)
        assert (item.state, item.label_id, item.slots) == ("agreed", "a", 0)
        assert item.submitted >= 2
    single.check()


def test_an_audit_is_final(bench: Bench) -> None:
    eve, sam = bench.experts
    public_id = bench.answer(bench.workers[0], "a")
    other = bench.answer(bench.workers[1], "a")
    assert public_id is not None
    assert other is not None
    workspace_id, now = bench.workspace_id, bench.clock()
    with bench.runtime.writing() as session:
        accept(session, workspace_id, eve, public_id, now)
        for expert in (eve, sam):
            with pytest.raises(Conflict, match="audit_accepted_before"):
                reject(session, workspace_id, expert, public_id, "wrong", now)
            with pytest.raises(Conflict, match="audit_accepted_before"):
                accept(session, workspace_id, expert, public_id, now)
        reject(session, workspace_id, eve, other, "wrong", now)
        with pytest.raises(Conflict, match="audit_rejected_before"):
            accept(session, workspace_id, sam, other, now)
        assert session.scalars(select(LogEntry.subject).where(LogEntry.act == "audit")).all() == [
            f"accepted {public_id} risk:1",
            f"rejected {other} risk:1",
        ], "somebody new, and nothing else against them"
        found = summary(session, workspace_id, bench.project_id)
        assert (found.audited, found.accepted) == (2, 1)
        assert found.estimate is None, "too few to say anything of all answers"
        known = survey(session, workspace_id, project_id=bench.project_id).estimate
        assert known is not None
        assert known.rate == 0.5
    for worker in bench.workers[:2]:
        with pytest.raises(Conflict, match="too_late_to_undo"):
            take_back(bench, worker)
    bench.check()


def test_what_cannot_be_audited(bench: Bench) -> None:
    public_id = bench.answer(bench.workers[0], "a")
    assert public_id is not None
    now = bench.clock()
    with bench.runtime.writing() as session:
        other = Workspace(name="Elsewhere", created_at=now)
        session.add(other)
        session.flush()
        for unknown in (public_id[::-1], "", "x" * 16, "'; drop table"):
            with pytest.raises(NotFound, match="audit_unknown"):
                accept(session, bench.workspace_id, bench.experts[0], unknown, now)
        with pytest.raises(NotFound, match="audit_unknown"):
            reject(session, other.id, bench.experts[0], public_id, "wrong", now)
        with pytest.raises(Refused, match="audit_own"):
            accept(session, bench.workspace_id, bench.workers[0], public_id, now)
        for reason, code in (("  ", "audit_reason_missing"), ("x" * 301, "audit_reason_long")):
            with pytest.raises(InvalidInput, match=code):
                reject(session, bench.workspace_id, bench.experts[0], public_id, reason, now)
        assert draw(session, other.id, bench.experts[0]) is None
        assert draw(session, bench.workspace_id, bench.workers[0]) is None, "nobody audits their own"
        find_annotation(session, bench.workspace_id, public_id)[0].state = "withdrawn"
        with pytest.raises(Conflict, match="audit_gone"):
            accept(session, bench.workspace_id, bench.experts[0], public_id, now)
        assert draw(session, bench.workspace_id, bench.experts[0]) is None


def test_rejected_answers_are_exported_as_such_and_teach_that_they_were_wrong(single: Bench) -> None:
    wrong = single.answer(single.workers[0], "b")
    single.answer(single.workers[1], "a")
    assert wrong is not None
    single.reject(wrong)
    single.answer(single.workers[2], "a")
    with single.runtime.reading() as session:
        project = session.get_one(Project, single.project_id)
        rows = [(row.label, row.state, row.audit) for row in all_annotations(session, project)]
        assert rows == [("B", "rejected", "rejected"), ("A", "counted", "unaudited"), ("A", "counted", "unaudited")]
        assert [(row.label, row.annotations) for row in agreed(session, project)] == [("A", 2)]
        snapshot = read_snapshot(session, project)
        assert snapshot is not None
        assert sorted(snapshot.worker_ids) == sorted(single.workers[:3])
        assert (snapshot.own, len(snapshot.answers)) == (2, 3)
        assert snapshot.worker_ids[snapshot.workers[-1]] == single.workers[0]
        assert snapshot.fixed[-1][1] == 0.0, "whatever it is, it is not what they said"
        assert snapshot.fixed[-1].sum() == pytest.approx(1.0)


def test_what_a_ban_rejected_is_not_counted_as_audited(bench: Bench) -> None:
    public_id = bench.answer(bench.workers[0], "a")
    assert public_id is not None
    with bench.runtime.writing() as session:
        annotation, project = find_annotation(session, bench.workspace_id, public_id)
        item = lock_item(session, annotation.item_id)
        reject_annotation(session, project, item, annotation, "ban", bench.clock())
    with bench.runtime.reading() as session:
        assert summary(session, bench.workspace_id).audited == 0
