"""A look at part of the answers stands for all of them, and is the same until something was audited."""

from __future__ import annotations

import pytest

from core import audit_survey
from core.audit_survey import survey
from core.auditing import accept
from core.models import Project
from core.runtime import Runtime
from tests.integration.auditing.bench import Bench


def test_of_many_answers_some_are_looked_at_for_all(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_survey, "WINDOW", 10)
    bench = Bench(runtime, items=25)
    given = [bench.answer(bench.workers[0], "a") for _ in range(25)]
    with bench.runtime.writing() as session:
        session.get_one(Project, bench.project_id).quality = {"audit_share": 0.4}
        found = survey(session, bench.workspace_id, auditor_id=bench.experts[0])
        again = survey(session, bench.workspace_id, auditor_id=bench.experts[0])
        assert len(found.candidates) == 10
        assert found == again
        assert sum(found.unaudited(bench.project_id).values()) == pytest.approx(25)
        assert found.owed >= 10, "forty per cent of all, not of those that were looked at"
        assert given[0] is not None
        accept(session, bench.workspace_id, bench.experts[0], given[0], bench.clock())
        assert survey(session, bench.workspace_id, auditor_id=bench.experts[0]).candidates != found.candidates


def test_a_closed_job_owes_nothing(bench: Bench) -> None:
    for _ in range(8):
        bench.answer(bench.workers[0], "a")
    with bench.runtime.writing() as session:
        project = session.get_one(Project, bench.project_id)
        project.quality = {"audit_share": 1.0}
        assert survey(session, bench.workspace_id).owed == 8
        project.state = "closed"
        assert survey(session, bench.workspace_id).owed == 0
        assert len(survey(session, bench.workspace_id).candidates) == 8, "who asks may look at them all the same"
